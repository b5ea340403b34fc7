"""GET over real connections: redirects, secrets, failures in words."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from scripts.models.answers import Patience
from scripts.models.failures import SourceError
from scripts.models.remote import Remote
from scripts.models.web import Interrupted, Web
from tests.unit.models.loopback import Answer, content, serve, then_wait

TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def web() -> Web:
    return Web(Patience(connect_s=5, stall_s=0.2))


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def asked(url: str, headers: Dict[str, str]) -> Remote:
    return Remote(url, headers, lambda *_: "")


def get(web: Web, url: str, headers: Dict[str, str], with_netrc: bool = True) -> bytes:
    with web.get(asked(url, headers), {"Accept-Encoding": "identity"}, with_netrc) as answer:
        return b"".join(iter(lambda: web.read(answer, 100), b""))


def log_in_of(requests: List[str]) -> Answer:
    """Answers abc, and notes the Authorization of each request."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        requests.append(handler.headers.get("Authorization", ""))
        content(b"abc")(handler)

    return answer


def redirect(to: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_the_body_comes_as_it_is_sent(web: Web) -> None:
    with serve({"/a": content(b"abc")}) as server:
        assert b"abc" == get(web, f"{server.url}/a", {})


@pytest.mark.parametrize("to", ["/b", "b"])
def test_a_redirect_on_one_host_takes_the_log_in_along(web: Web, to: str) -> None:
    seen: List[str] = []
    with serve({"/a": redirect(to), "/b": log_in_of(seen)}) as server:
        get(web, f"{server.url}/a", TOKEN)

    assert ["Bearer secret"] == seen


def test_a_redirect_to_another_host_does_not_nor_back(web: Web) -> None:
    seen: List[str] = []
    first: Dict[str, Answer] = {"/back": log_in_of(seen)}
    second: Dict[str, Answer] = {"/b": log_in_of(seen)}
    with serve(first) as one, serve(second) as other:
        first.update({"/a": redirect(f"{other.url}/b"), "/c": redirect(f"{other.url}/d")})
        second["/d"] = redirect(f"{one.url}/back")
        get(web, f"{one.url}/a", TOKEN)
        get(web, f"{one.url}/c", TOKEN)

    assert ["", ""] == seen


def test_a_log_in_of_netrc_is_sent_where_there_is_no_other(web: Web, netrc: None) -> None:
    seen: List[str] = []
    with serve({"/a": log_in_of(seen)}) as server:
        get(web, f"{server.url}/a", {})
        get(web, f"{server.url}/a", TOKEN)
        get(web, f"{server.url}/a", {}, with_netrc=False)

    assert (True, "Bearer secret", "") == (seen[0].startswith("Basic "), *seen[1:])


def test_a_loop_of_redirects_ends(web: Web) -> None:
    with serve({"/a": redirect("/a")}) as server, pytest.raises(SourceError, match="more than 10 times"):
        get(web, f"{server.url}/a", {})

    assert 10 == len(server.asked)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://[::1/a", "https://:x/"])
def test_a_redirect_that_leads_nowhere_is_refused(web: Web, to: str) -> None:
    with serve({"/a": redirect(to)}) as server, pytest.raises(SourceError):
        get(web, f"{server.url}/a", {})


@pytest.mark.parametrize("url", ["http://[::1/a.bin", "http://", "https://:x/", "http://a:b:c/"])
def test_a_url_that_is_none_is_refused(web: Web, url: str) -> None:
    with pytest.raises(SourceError):
        get(web, url, {})


def test_no_server_is_said_in_a_few_words(web: Web) -> None:
    with serve({}) as server:
        url = server.url

    with pytest.raises(Interrupted) as failure:
        get(web, f"{url}/a.bin?token=secret", {})

    assert "Connection refused" == str(failure.value)


def test_silence_is_said_before_and_after_the_head(web: Web) -> None:
    released = threading.Event()
    with serve({"/a": then_wait(b"abc", released), "/b": lambda _: released.wait(30)}) as server:
        for path in "ab":
            with pytest.raises(Interrupted, match=r"no byte came for 0\.2 s"):
                get(web, f"{server.url}/{path}", {})
        released.set()


@pytest.fixture
def self_signed(tmp_path: Path) -> Tuple[str, str]:
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl here to make a certificate")
    names = (str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem"))
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*make, "-keyout", names[0], "-out", names[1]], check=True, stderr=subprocess.DEVNULL)
    return names


def test_a_certificate_that_is_not_trusted_is_final_and_names_the_remedy(
    web: Web, self_signed: Tuple[str, str]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed[1], self_signed[0])
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()

    with pytest.raises(SourceError, match=r"not trusted: self.signed certificate; REQUESTS_CA_BUNDLE"):
        get(web, f"https://127.0.0.1:{server.server_port}/a", {})

    thread.join()
    server.server_close()
