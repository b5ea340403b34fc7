"""What a file holds, against what the manifest says it should: measured in one pass, compared, explained."""

from __future__ import annotations

import hashlib
import os
from functools import partial
from pathlib import Path
from typing import NamedTuple, Tuple

from ..console import Advance
from ..settings import ModelFile

CHUNK_BYTES = 1 << 20
HEAD_BYTES = 512


class Content(NamedTuple):
    """What came, or was found. It is not read where the size is enough to refuse it."""

    size_bytes: int
    sha256: str  # empty where it was not read
    head: bytes  # up to HEAD_BYTES


def measure(path: Path, expected_bytes: int, advance: Advance) -> Tuple[Content, os.stat_result]:
    """Measure a file that lies here; it is read through only if its size is the expected one.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        head = file.read(HEAD_BYTES)
        if status.st_size != expected_bytes:
            return Content(status.st_size, "", head), status
        digest = hashlib.sha256(head)
        for chunk in iter(partial(file.read, CHUNK_BYTES), b""):
            digest.update(chunk)
            advance(len(chunk))
        return Content(status.st_size, digest.hexdigest(), head), status


def difference(expected: ModelFile, got: Content) -> str:
    """What is wrong with a content, in one line; empty if it is the expected one."""
    if (got.size_bytes, got.sha256) == (expected.size_bytes, expected.sha256):
        return ""
    cause = likely_cause(got.size_bytes, got.head, expected.size_bytes)
    wanted = f"{expected.size_bytes} bytes with sha256 {expected.sha256}"
    return f"expected {wanted}, got {_in_words(got)}" + (f" ({cause})" if cause else "")


def _in_words(got: Content) -> str:
    return f"{got.size_bytes} bytes" + (f" with sha256 {got.sha256}" if got.sha256 else "")


def likely_cause(size_bytes: int, head: bytes, expected_bytes: int) -> str:
    """Why a content is wrong, as far as its size and first bytes tell; may be empty.

    >>> likely_cause(900, b"\\n<!DOCTYPE html><title>Log in", 16000)
    'an HTML page was saved instead of the file: a log-in or error page?'
    >>> likely_cause(8000, b"TFL3", 16000)
    'the transfer was cut off?'
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page was saved instead of the file: a log-in or error page?"
    if start.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file it points to"
    if size_bytes == 0:
        return "an empty file"
    return "the transfer was cut off?" if size_bytes < expected_bytes else "another version, or damaged?"
