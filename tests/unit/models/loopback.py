"""A tiny HTTP server on loopback whose answers the test writes, and a package index that pip and uv can use."""

from __future__ import annotations

import ssl
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Where it listens, and the paths it was asked for by GET."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: List[str] = []


class Listener(ThreadingHTTPServer):
    """Takes it for granted that clients hang up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def serve(answers: Dict[str, Answer], certificate: Optional[Path] = None) -> Iterator[Server]:
    """Serve `answers` by path; other paths are 404. With a certificate (and its key, in one file) over https."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            answers.get(self.path, status(404))(self)

        def do_HEAD(self) -> None:
            status(405)(self)

        def log_message(self, *_: object) -> None:
            pass

    http = Listener(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.block_on_close = False  # an answer that never ends must not hold the test
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    server = Server(f"{'https' if certificate else 'http'}://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def content(body: bytes, kind: str = "application/octet-stream", says_bytes: int = -1) -> Answer:
    """200 and the body, with a Content-Length that may lie."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body) if says_bytes < 0 else says_bytes))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def then_wait(body: bytes, released: threading.Event) -> Answer:
    """The beginning of a long body, then nothing until the test releases it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        content(body, says_bytes=10**6)(handler)
        handler.wfile.flush()
        released.wait(30)

    return answer


def links(*names: str) -> Answer:
    """A page of links for PIP_FIND_LINKS."""
    return content("".join(f'<a href="{name}">{name}</a>' for name in names).encode(), "text/html")


def use_packages(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Let pip and uv find packages at `where`, a folder or a URL, and nowhere else."""
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", where)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def files_below(folder: Path) -> Dict[str, bytes]:
    """Every file below a folder with its content, hidden and temporary ones too."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
