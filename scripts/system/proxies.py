"""Let what runs on this machine be reached past the proxies of an environment, and say which proxy a URL goes by."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, Iterable, Mapping
from urllib.parse import urlsplit

PROXIES, NO_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("NO_PROXY", "no_proxy")
LOOPBACK = ("127.0.0.1", "localhost")


def is_loopback(url: str) -> bool:
    """Tell whether a url is this machine's own: one of 127.0.0.0/8, ::1, or a name below localhost (RFC 6761).

    >>> [is_loopback(f"http://{host}:80") for host in ("127.0.0.2", "[::1]", "minio.localhost", "LocalHost.")]
    [True, True, True, True]
    >>> is_loopback("http://10.0.0.7"), is_loopback("http://localhost.corp.test"), is_loopback("http://[::")
    (False, False, False)
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:  # no URL
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def past_proxies(environ: Mapping[str, str], urls: Iterable[str] = ()) -> Dict[str, str]:
    """Let what is on this machine be reached past the proxies of an environment; nothing to add where it has none.

    Programs read NO_PROXY, no_proxy or both. Each keeps what it says; one that is not there says what the other does.

    Args:
        urls: what will be asked; those of this machine by other names than the usual ones are added, too. Not
            otherwise: an old httpx breaks at a ::1 in the list.

    >>> past_proxies({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".corp"})
    {'NO_PROXY': '.corp,127.0.0.1,localhost', 'no_proxy': '.corp,127.0.0.1,localhost'}
    """
    if not any(environ.get(name) or environ.get(name.lower()) for name in PROXIES):
        return {}
    said = {name: environ[name] for name in NO_PROXY if name in environ}
    others = [urlsplit(url).hostname or "" for url in urls if is_loopback(url)]
    names = list(dict.fromkeys([*LOOPBACK, *others]))
    return {name: _with(names, said.get(name, next(iter(said.values()), ""))) for name in NO_PROXY}


def _with(names: Iterable[str], hosts: str) -> str:
    """Add names to a list of hosts, unless it has them or is all hosts: a * that is not alone means nothing to some."""
    there = [host.strip() for host in hosts.split(",")]
    missing = [] if there == ["*"] else [name for name in names if name not in there]
    return ",".join([*([hosts] if hosts else []), *missing])


def of_request(url: str, environ: Mapping[str, str]) -> Dict[str, str]:
    """Make what `requests` is to be told of proxies for a URL: nothing, or to use none.

    None where the URL is this machine's own, or a * stands in NO_PROXY, which `requests` knows only alone.
    """
    hosts = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    spared = "*" in (host.strip() for host in hosts.split(","))
    return {"no_proxy": "*"} if spared or is_loopback(url) else {}


def which(url: str, environ: Mapping[str, str]) -> str:
    """Say which proxy a program would reach a URL by, without its password, and the variable that names it; or "".

    >>> which("https://pypi.org/", {"https_proxy": "http://me:secret@proxy:3128", "HTTP_PROXY": "http://other"})
    'http://proxy:3128 (from https_proxy)'
    >>> which("http://index.corp/", {"HTTP_PROXY": "http://other", "NO_PROXY": ".corp"})
    ''
    """
    names = [f"{url.partition(':')[0].lower()}_proxy", "all_proxy"]
    found = next((name for low in names for name in (low, low.upper()) if environ.get(name)), "")
    if not found or of_request(url, environ) or _is_spared(url, environ):
        return ""
    return f"{shown(environ[found])} (from {found})"


def _is_spared(url: str, environ: Mapping[str, str]) -> bool:
    from urllib import request  # slow to import, and most environments name no proxy

    hosts = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    known: Any = request
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]  # of what is no URL, too
    return bool(known.proxy_bypass_environment(host, {"no": hosts}))


def shown(proxy: str) -> str:
    """Show a proxy without user and password.

    >>> shown("me:secret@proxy:3128"), shown("socks5h://me:secret@proxy:1080")
    ('proxy:3128', 'socks5h://proxy:1080')
    """
    return re.sub(r"^(\w[\w+.-]*://)?.*@", lambda found: found[1] or "", proxy)
