from __future__ import annotations

import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Iterator

import pytest

from scripts.models import store
from scripts.models.addresses import SourceError
from scripts.models.remote import remote
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Fault, Weights

HUB = "hf://org/voice@main/a.bin"


@pytest.mark.parametrize("source", ["https://me:p@a.test/b?token=1", "http://a.test/b c"])
def test_a_url_is_asked_for_as_it_stands(source: str) -> None:
    request = remote(source, {"HF_TOKEN": "hf_secret"})

    assert (source, {}) == (request.url, request.headers)


def test_a_web_server_that_wants_a_log_in_looks_into_netrc() -> None:
    request = remote("https://a.test/b", {})

    assert ("~/.netrc" in request.explain(401, b""), "") == (True, request.explain(403, b"<html>"))


def test_the_hub_s_token_travels_in_a_header_not_in_the_url() -> None:
    request = remote(HUB, {"HF_TOKEN": "hf_secret"})

    assert ("https://huggingface.co/org/voice/resolve/main/a.bin", {"Authorization": "Bearer hf_secret"}) == (
        request.url, request.headers,
    )  # fmt: skip


def test_without_a_token_the_hub_is_asked_all_the_same() -> None:
    request = remote(HUB, {"HF_TOKEN_PATH": "/none"})

    assert {} == request.headers
    assert "set HF_TOKEN" in request.explain(401, b"Access to model org/voice is restricted.")


@pytest.mark.parametrize("source", ["wheel:a==1#b", "ftp://a.test/b", ""])
def test_what_lies_on_no_server_is_refused(source: str) -> None:
    with pytest.raises(SourceError, match="no server has a source of the kind"):
        remote(source, {})


# https with a certificate of one's own -----------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for localhost, and its key beside it."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("no openssl here to make a certificate")
    (tmp_path / "openssl.conf").write_text("[req]\ndistinguished_name=n\n[n]\n[x]\nsubjectAltName=DNS:localhost\n")
    make = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    make += ["-config", "openssl.conf", "-extensions", "x", "-keyout", "key.pem", "-out", "authority.pem"]
    subprocess.run(make, cwd=str(tmp_path), check=True, stderr=subprocess.DEVNULL)
    return tmp_path / "authority.pem"


@contextmanager
def serve_safely(weights: Weights, certificate: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            weights(self)

        def log_message(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(certificate), str(certificate.with_name("key.pem")))
    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])  # the second is the system's store, too
def test_a_transfer_trusts_the_authority_that_the_machine_names_and_is_resumed(
    tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(authority))
    monkeypatch.setenv("NO_PROXY", "localhost")
    weights = Weights(bytes(range(100)), Fault("drop"))
    with serve_safely(weights, authority) as url:
        fetched = store.fetch(project(tmp_path, entry(weights.data, f"{url}/m.bin")))

    assert (1, ["", "bytes=50-"]) == (fetched.files, weights.ranges)
