"""Is a file what the manifest says: measured in one pass, compared, explained, and remembered by its stamp."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Tuple

from ..console import Advance
from ..errors import PipelineError
from ..settings import ModelFile
from ..system import files, locks

SCHEMA = 1  # of a file of stamps
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
    with files.open_regular(path) as file:
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
    """Say what is wrong with a content, in one line; empty if it is the expected one."""
    if (got.size_bytes, got.sha256) == (expected.size_bytes, expected.sha256):
        return ""
    cause = likely_cause(got.size_bytes, got.head, expected.size_bytes)
    wanted = f"{expected.size_bytes} bytes with sha256 {expected.sha256}"
    return f"expected {wanted}, got {_content_words(got)}" + (f" ({cause})" if cause else "")


def _content_words(got: Content) -> str:
    return f"{got.size_bytes} bytes" + (f" with sha256 {got.sha256}" if got.sha256 else "")


def likely_cause(size_bytes: int, head: bytes, expected_bytes: int) -> str:
    """Guess why a content is wrong, as far as its size and first bytes tell; may be empty.

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


# Stamps -------------------------------------------------------------------------------------------


class Stamp(NamedTuple):
    """A file as it was when its content had this digest.

    Reproducible archives give all versions of a file one time (1980, say), and an inode that is free is taken again:
    the ctime nobody can set.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    sha256: str


def stamp(status: os.stat_result, sha256: str) -> Stamp:
    """Make the stamp of a file from its `os.stat` and its digest."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, sha256)


class Stamps:
    """The stamps in one JSON file; one that cannot be read holds none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamps = _load(file)
        self._new: Dict[str, Stamp] = {}

    def hold(self, name: str, path: Path, sha256: str) -> bool:
        """Tell whether `path` is a file that was seen to have this digest, and has not changed since."""
        known = self._stamps.get(name)
        try:
            return known is not None and known == stamp(path.stat(), sha256)
        except OSError:
            return False

    def places(self, sha256: str) -> List[Path]:
        """List where, by stamps under absolute paths, a file with this digest lies."""
        names = [name for name, known in self._stamps.items() if known.sha256 == sha256]
        return [Path(name) for name in names if self.hold(name, Path(name), sha256)]

    def unchanged(self, folder: Path) -> List[str]:
        """List the files below `folder` that are still as they were when they were verified."""
        return [name for name, known in self._stamps.items() if self.hold(name, folder / name, known.sha256)]

    def put(self, name: str, new: Stamp) -> None:
        """Remember a stamp under a name, for `save`."""
        if self._stamps.get(name) != new:
            self._stamps[name] = self._new[name] = new

    def save(self, forget_gone: bool = False) -> None:
        """Add the new ones to the file. Where that is not possible, files are hashed again next time.

        Args:
            forget_gone: names are absolute paths; leave out those where no file is any more.
        """
        if not self._new:
            return
        with suppress(OSError), locks.briefly(self._file.with_suffix(".lock")):
            merged = {**_load(self._file), **self._new}
            if forget_gone:
                merged = {name: known for name, known in merged.items() if not _is_gone(Path(name))}
            files.write_bytes(self._file, _dump(merged).encode("ascii"))
            self._new = {}


def _is_gone(path: Path) -> bool:
    """Tell whether nothing is there; a disk that does not answer may have it still."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, (FileNotFoundError, NotADirectoryError))
    return False


def _dump(stamps: Dict[str, Stamp]) -> str:
    return json.dumps({"schema": SCHEMA, "files": stamps}, indent=1, sort_keys=True)


def _load(file: Path) -> Dict[str, Stamp]:
    try:
        status = file.stat()
    except OSError:
        return {}
    return dict(_parsed(file, status.st_mtime_ns, status.st_size, status.st_ino))


@lru_cache(maxsize=4)
def _parsed(file: Path, mtime_ns: int, size_bytes: int, inode: int) -> Mapping[str, Stamp]:
    """Read the stamps once for each state of their file, which is never written in place."""
    try:
        stamps = files.read_json(file, SCHEMA, "")["files"].items()
        return {str(name): Stamp(*values) for name, values in stamps}
    except (PipelineError, TypeError, KeyError, AttributeError):
        return {}
