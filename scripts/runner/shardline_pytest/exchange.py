"""A request that a suite made, and what is kept of it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import time
from typing import Any, Callable, NamedTuple, Optional

BODY_BYTES = 1_000_000  # of one body are kept


class Real:
    """What tests patch, as it was when this was loaded: freezegun and pyfakefs search modules, not classes."""

    time, clock = staticmethod(time.time), staticmethod(time.perf_counter)
    open, write = staticmethod(os.open), staticmethod(os.write)
    close, makedirs = staticmethod(os.close), staticmethod(os.makedirs)


class Request(NamedTuple):
    """A request to the service and what came of it. What is not known is None; no status: there was no answer.

    Args:
        path: without the query, which may hold secrets.
        ms: from sending it to the end of its answer; of a stream, to its beginning.
        sent, received: bytes of the bodies.
    """

    method: str
    path: str
    status: Optional[int]
    ms: Optional[float]
    sent: Optional[int] = None
    received: Optional[int] = None
    error: str = ""

    def __str__(self) -> str:
        came = f"{self.status}" if self.status is not None else f"no answer ({self.error or 'not known why'})"
        took = "" if self.ms is None else f" in {self.ms:.0f} ms"
        sizes = [f"{word} {size} bytes" for word, size in (("sent", self.sent), ("got", self.received)) if size]
        return ", ".join([f"{self.method} {self.path} -> {came}{took}", *sizes])


class Body(NamedTuple):
    """What was sent or came, cut, and its content type."""

    content: bytes
    kind: str


class Exchange(NamedTuple):
    """A request with what is kept of it; `late` finds the body of a stream that was read after its beginning."""

    request: Request
    sent: Body
    came: Body
    late: Callable[[], Any]

    @property
    def held_bytes(self) -> int:
        """Count what it holds in memory."""
        return len(self.sent.content) + len(self.came.content)


def bytes_of(body: Any) -> Optional[bytes]:
    """Return a body as bytes, where it lies in memory: of a response that was a stream, what was read later."""
    body = getattr(body, "_content", body)
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return bytes(body) if isinstance(body, (bytes, bytearray)) else None


def length(body: Optional[bytes]) -> Optional[int]:
    """Count the bytes of a body; None where it is not known."""
    return None if body is None else len(body)


def body_of(content: Optional[bytes], kind: str) -> Body:
    """Keep of a body what may be kept."""
    return Body((content or b"")[:BODY_BYTES], kind)
