"""Keeps the bodies of what failed tests asked: a folder for each test, within what a shard may keep.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Iterable, Iterator

from .exchange import BODY_BYTES, Body, Exchange, Real, bytes_of

SHARD_BYTES = 20_000_000  # of all bodies of a shard
ENDINGS = {"application/json": ".json", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/mpeg": ".mp3"}


class Evidence:
    """Keeps the bodies of failed tests: a folder for each, within what a shard may keep.

    Args:
        folder: may hold what earlier rounds kept.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._left_bytes = SHARD_BYTES - sum(_sizes(folder))

    def keep(self, nodeid: str, exchanges: Iterable[Exchange]) -> str:
        """Write the bodies of a test's requests, and `requests.txt` which lists them; "" where none was kept."""
        folder, lines = self._fresh(nodeid), []
        for number, exchange in enumerate(exchanges, 1):
            name = f"{number:03}-{exchange.request.method}{_plain(exchange.request.path, 40)}"
            came = exchange.came.content or bytes_of(exchange.late()) or b""
            bodies = {"sent": exchange.sent, "got": Body(came[:BODY_BYTES], exchange.came.kind)}
            written = [self._write(folder, f"{name}.{word}", body) for word, body in bodies.items()]
            lines.append("  ".join([str(exchange.request), *filter(None, written)]))
        text = "".join(f"{line}\n" for line in lines)
        return folder if self._write(folder, "requests", Body(text.encode("utf-8", "replace"), "text/plain")) else ""

    def _fresh(self, nodeid: str) -> str:
        """Make a folder for a test; an earlier attempt of it keeps its own."""
        name = os.path.join(self._folder, _plain(nodeid, 80))
        for number in range(1, 1000):
            folder = name if number == 1 else f"{name}.{number}"
            with suppress(FileExistsError):
                Real.makedirs(folder)
                return folder
        return name

    def _write(self, folder: str, name: str, body: Body) -> str:
        """Write a body, unless it is empty or too much is kept already; returns the file's name."""
        if not body.content or len(body.content) > self._left_bytes:
            return ""
        self._left_bytes -= len(body.content)
        file = name + _ending(body)
        descriptor = Real.open(os.path.join(folder, file), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            content = memoryview(body.content)
            while content:
                content = content[Real.write(descriptor, content) :]
        finally:
            Real.close(descriptor)
        return file


def _ending(body: Body) -> str:
    """Choose the ending of a file's name by the content type, else by the content.

    >>> _ending(Body(b"{}", "application/json; charset=x")), _ending(Body(b"a", ""))
    ('.json', '.txt')
    """
    kind = body.kind.partition(";")[0].strip().lower()
    known = ENDINGS.get(kind) or mimetypes.guess_extension(kind)
    if known and kind != "application/octet-stream":
        return known
    try:
        body.content.decode("utf-8")
        return ".txt"
    except UnicodeDecodeError:
        return ".dat"


def _plain(text: str, most: int) -> str:
    """Make a text a part of a file's name; what was cut, or changed, stays apart by a digest.

    >>> _plain("/tts", 40), _plain("a.py::test_b", 80)
    ('-tts', 'a.py-test_b')
    """
    plain = re.sub(r"[^\w.-]+", "-", re.sub(r"::", "-", text), flags=re.ASCII)
    if len(plain) <= most and re.fullmatch(r"[\w./:-]+", text, re.ASCII):
        return plain
    return f"{plain[:most]}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _sizes(folder: str) -> Iterator[int]:
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                yield Path(parent, name).stat().st_size
