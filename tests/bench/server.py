"""A file server on loopback that is no bottleneck: one process for each connection, and the kernel sends the bytes.

    python -m tests.bench.server FOLDER     prints its port, and serves until it is ended

It answers GET and HEAD, with Range, for the last part of any path; with the headers that clients of S3 and of the
Hugging Face Hub ask for.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ForkingMixIn, TCPServer
from typing import Iterator, Tuple

from scripts.console import say

from .measuring import ROOT

COMMIT = "0" * 40  # of the repository that a client of the Hub sees


class Server(ForkingMixIn, TCPServer):
    """Serves the files of a folder on a free port of this machine."""

    request_queue_size = 128
    max_children = 128

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_HEAD(self) -> None:
        """Say what GET would."""
        self._answer(with_body=False)

    def do_GET(self) -> None:
        """Send a file, or the range of it that was asked for."""
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        path = self.server.folder / Path(self.path.partition("?")[0]).name
        try:
            file = path.open("rb")
        except OSError:
            return self.send_error(HTTPStatus.NOT_FOUND)
        with file:
            status = os.fstat(file.fileno())
            first, last = wanted(self.headers.get("Range", ""), status.st_size)
            self._head(status, first, last)
            if with_body:
                with suppress(ConnectionError):  # the client has enough
                    self.connection.sendfile(file, first, last - first + 1)

    def _head(self, status: os.stat_result, first: int, last: int) -> None:
        is_part = "Range" in self.headers
        self.send_response(HTTPStatus.PARTIAL_CONTENT if is_part else HTTPStatus.OK)
        if is_part:
            self.send_header("Content-Range", f"bytes {first}-{last}/{status.st_size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", formatdate(status.st_mtime, usegmt=True))
        self.send_header("ETag", f'"{status.st_mtime_ns:x}-{status.st_size:x}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what fails is told by the client."""


def wanted(header: str, size: int) -> Tuple[int, int]:
    """The first and last byte that a Range asks for; everything where it asks for nothing we know.

    >>> wanted("bytes=2-5", 10), wanted("bytes=2-", 10), wanted("bytes=-3", 10), wanted("", 10)
    ((2, 5), (2, 9), (7, 9), (0, 9))
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header)
    if not match or match[0] == "bytes=-":
        return 0, size - 1
    if not match[1]:
        return max(0, size - int(match[2])), size - 1
    return int(match[1]), min(int(match[2] or size), size - 1)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The base URL of a folder while the block runs; the server is a process of its own."""
    words = [sys.executable, "-m", "tests.bench.server", str(folder)]
    process = subprocess.Popen(words, cwd=str(ROOT), stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert process.stdout
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the processes of its connections
        process.communicate()


if __name__ == "__main__":
    with Server(Path(sys.argv[1])) as server:
        say(str(server.server_address[1]))
        server.serve_forever()
