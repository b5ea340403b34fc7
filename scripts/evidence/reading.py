"""Read a file for a bundle: what is bounded stays bounded, whatever happens to the file meanwhile."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .allowed import HEAD_BYTES, TAIL_BYTES, Rule


class Member(NamedTuple):
    """A file of the bundle. `cut_bytes` of the original are not in it."""

    name: str
    content: bytes
    mtime: float
    about: str = ""
    cut_bytes: int = 0


def read(path: Path, name: str, rule: Rule) -> Member:
    """The file, or head and tail of a long log.

    Raises:
        OSError: it cannot be read, or is no plain file any more.
    """
    # What was a file a moment ago may be a link now, or a pipe, which would be waited for.
    descriptor = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a plain file any more")
        if rule.log and status.st_size > rule.limit_bytes:
            cut_bytes = status.st_size - rule.limit_bytes
            content = _head_and_tail(file, cut_bytes)
        else:
            cut_bytes, content = 0, file.read(min(status.st_size, rule.limit_bytes))
    return Member(name, content, status.st_mtime, rule.about, cut_bytes)


def _head_and_tail(file: BinaryIO, cut_bytes: int) -> bytes:
    head = file.read(HEAD_BYTES)
    file.seek(HEAD_BYTES + cut_bytes)
    return head + f"\n[... {cut_bytes} bytes are cut here ...]\n".encode("ascii") + file.read(TAIL_BYTES)
