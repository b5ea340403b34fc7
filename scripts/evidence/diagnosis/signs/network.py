"""Signs of the network: names, proxies, certificates, hubs and indexes that do not answer."""

from __future__ import annotations

from .. import kinds as k
from .sign import sign

REACHABLE = "Is it reachable from here (curl -I URL), by the proxy too? Else put files there by hand, or name a mirror."
HUB = (
    "Let it load from a folder: fetch its files as `models:` in pipeline.yml (`shardline models add "
    "hf://ORG/REPO`), and set "
    "HF_HUB_OFFLINE=1; or name a mirror as HF_ENDPOINT."
)

SIGNS = (
    sign(
        k.PROXY,
        r"When localhost is not accessible, a shareable link must be created",
        "Gradio cannot reach itself on localhost: a proxy is in the way",
        "Gradio 无法访问 localhost：被代理拦截",
        "Leave loopback out of the proxy: NO_PROXY=localhost,127.0.0.1,::1 in service.environment.",
    ),
    sign(
        k.PROXY,
        r"407 Proxy|proxy authentication required|proxy authorization required|proxy (?P<proxy>\S+) wants a user",
        "the proxy wants a user and a password⟦ ({proxy})⟧",
        "代理要求用户名和密码⟦（{proxy}）⟧",
        "Name them: http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY.",
    ),
    sign(
        k.PROXY,
        r"Missing dependencies for SOCKS|ProxyError|Cannot connect to proxy|Tunnel connection failed|tunnel error"
        r"|socks proxy|SOCKS error|Unknown scheme for proxy URL"
        r"|(refused|reset|unreachable|timed out|no answer|HTTP 50[234])[^\n]*, asked by the proxy (?P<proxy>\S+)",
        "the proxy⟦ {proxy}⟧ does not let it through",
        "代理⟦ {proxy}⟧ 不可用",
        "Is HTTPS_PROXY right? NO_PROXY has exceptions.",
    ),
    sign(
        k.NETWORK,
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|invalid peer certificate|certificate is not trusted"
        r"|self[- ]signed certificate",
        "a certificate on the way is not trusted here",
        "TLS 证书不受信任",
        "Add the root that signed it to this machine's store (update-ca-certificates), or name it: SSL_CERT_FILE, "
        "REQUESTS_CA_BUNDLE, PIP_CERT.",
    ),
    sign(
        k.NETWORK,
        r"couldn't connect to 'https?://(?P<host>[^/']+)[^']*' to load"
        r"|LocalEntryNotFoundError|An error happened while trying to locate the file on the Hub"
        r"|Cannot find (the requested files|an appropriate cached snapshot folder)|outgoing traffic has been disabled"
        r"|Can't load (the )?(configuration|model|tokenizer|feature extractor|image processor) (of|for) "
        r"'(?P<name>[^']+)'"
        r"|is not a local folder and is not a valid model identifier",
        "it cannot get its files from the model hub⟦ {host}⟧⟦ ({name})⟧",
        "无法从模型仓库下载文件⟦ {host}⟧⟦（{name}）⟧",
        HUB,
    ),
    sign(
        k.NETWORK,
        r"(429 Client Error|Too Many Requests)[^\n]*(huggingface\.co|hf-mirror\.com|modelscope\.cn|/resolve/)"
        r"|(hf|modelscope|https?)://\S+: HTTP 429|(hub|registry|index)\b[^\n]*\brate limit",
        "it is asked for files too often, and refuses for a while (429)",
        "下载请求过于频繁，被暂时拒绝（429）",
        "Wait some minutes, log in there (HF_TOKEN), or keep the files: as `models:` of pipeline.yml they are fetched "
        "once for all shards.",
    ),
    sign(
        k.NETWORK,
        r"(40[13] Client Error|(hf|modelscope)://\S+: HTTP 40[13]\b|Invalid credentials in Authorization"
        r"|GatedRepoError|gated repo)[^\n]*?(?P<host>huggingface\.co"
        r"|hf-mirror\.com|modelscope\.cn)?",
        "the model hub refuses to give the files (401/403)",
        "模型仓库拒绝访问（401/403）",
        "Log in there (HF_TOKEN in service.environment), and accept the model's terms.",
    ),
    sign(
        k.NETWORK,
        r"host='(?P<host>[\w.-]+\.[a-z]{2,})'.*(Max retries|timed out|NewConnectionError|NameResolution|ConnectTimeout)"
        r"|Failed to resolve '(?P<host2>[^']+)'",
        "⟦{host}⟧⟦{host2}⟧ cannot be reached",
        "无法连接 ⟦{host}⟧⟦{host2}⟧",
        REACHABLE,
    ),
    sign(
        k.NETWORK,
        r"(Failed to fetch|NewConnectionError|error sending request|ConnectTimeoutError)[^\n]*?https?://(?P<host>[^/\s:]+)"
        r"|https?://(?P<host2>[^/\s:]+)\S* (NewConnectionError|ConnectTimeoutError)",
        "⟦{host}⟧⟦{host2}⟧ cannot be reached",
        "无法连接 ⟦{host}⟧⟦{host2}⟧",
        REACHABLE,
    ),
    sign(
        k.NETWORK,
        r"Could not resolve host:? ?(?P<host>[\w.-]+)?|Temporary failure in name resolution|Name or service not known"
        r"|getaddrinfo failed|NameResolutionError|dns error|nodename nor servname",
        "a host name cannot be resolved⟦ ({host})⟧",
        "域名无法解析⟦（{host}）⟧",
        REACHABLE,
    ),
    sign(
        k.NETWORK,
        r"Network is unreachable|No route to host|\[Errno 101\]|\[Errno 113\]|Is the package index reachable"
        r"|ConnectTimeout(Error)?\b|no connection within (?P<time>[\d.]+ s)",
        "the network cannot be reached",
        "网络不可达",
        REACHABLE,
    ),
)
