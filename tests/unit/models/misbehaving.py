"""A file on a loopback server that does wrong as the test orders."""

from __future__ import annotations

import socket
import struct
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType
from typing import List, Mapping, NamedTuple, Optional

from tests.unit.models.loopback import content, status


class Fault(NamedTuple):
    """What goes wrong with one answer, where `at` is a fraction of its body."""

    kind: str
    at: float = 0.5
    code: int = 503
    headers: Mapping[str, str] = MappingProxyType({})


class Weights:
    """A file on a server that knows Range and If-Range, and does wrong once for each of `faults`, in their order.

    drop and reset end the connection at a fraction of the body, stall falls silent there until
    `released`; truncate announces less than the file; corrupt turns one byte; status and html answer
    something else; norange ignores Range; quiet honours it with status 200; shifted begins a byte late;
    unsaid announces no length. With `repeat` the first fault never ends.
    """

    def __init__(
        self, data: bytes, *faults: Fault, etag: str = '"v1"', ranges: bool = True, repeat: bool = False
    ) -> None:
        self.data, self.etag, self.knows_ranges, self.repeat = data, etag, ranges, repeat
        self.faults = list(faults)
        self.requests: List[Mapping[str, str]] = []  # the headers of each
        self.sent_bytes = 0
        self.released = threading.Event()

    @property
    def ranges(self) -> List[str]:
        """What was asked for by Range, "" for all, in the order of the requests."""
        return [headers.get("Range", "") for headers in self.requests]

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(dict(handler.headers))
        fault = self.faults[0] if self.faults else Fault("none")
        self.faults = self.faults if self.repeat else self.faults[1:]
        if fault.kind == "html":
            content(b"<!DOCTYPE html><title>Log in</title>", "text/html")(handler)
        elif fault.kind == "status":
            handler.send_response(fault.code)
            for name, value in {"Content-Length": "0", **fault.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
        else:
            self._send(handler, fault)

    def _send(self, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
        start = self._start(handler.headers, fault)
        if start is not None and start >= len(self.data):
            return status(416)(handler)
        self._send_head(handler, start, fault)
        body = bytearray(self.data[start or 0 :])
        stop = int(len(body) * fault.at)
        if fault.kind == "corrupt":
            body[stop] ^= 1
        cut = fault.kind in ("drop", "reset", "stall", "truncate")
        handler.wfile.write(body[:stop] if cut else body)
        self.sent_bytes += stop if cut else len(body)
        if fault.kind == "stall":
            self.released.wait(30)
        if fault.kind == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()

    def _start(self, headers: Message, fault: Fault) -> Optional[int]:
        """Where the answer begins, None for the whole file."""
        if "Range" not in headers or fault.kind == "norange" or not self.knows_ranges:
            return None
        if headers.get("If-Range", self.etag) != self.etag:
            return None
        return int(headers["Range"][len("bytes=") : -1]) + (fault.kind == "shifted")

    def _send_head(self, handler: BaseHTTPRequestHandler, start: Optional[int], fault: Fault) -> None:
        size = len(self.data)
        left = size - (start or 0)
        handler.send_response(200 if start is None or fault.kind == "quiet" else 206)
        handler.send_header("ETag", self.etag)
        if start is not None:
            handler.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if fault.kind != "unsaid":
            handler.send_header("Content-Length", str(int(left * fault.at) if fault.kind == "truncate" else left))
        handler.end_headers()
