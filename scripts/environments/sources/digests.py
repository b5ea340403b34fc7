"""The sha-256 of files; that of a large one is remembered with the stamp of the file."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Optional

from ...errors import PipelineError
from ...system import files

SCHEMA = 1
LARGE_BYTES = 1 << 20  # to read less costs as little as to look up what it was
SETTLED_S = 2.0  # file systems note times so roughly: what changed just now may change again under the same stamp


class Memory:
    """The digests of large files by their stamps, kept between runs; one that cannot be read holds none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known = self._load()
        self._new: Dict[str, List[object]] = {}

    def _load(self) -> Dict[str, List[object]]:
        with suppress(PipelineError, AttributeError, KeyError):
            return dict(files.read_json(self._file, SCHEMA, "")["files"].items())
        return {}

    def digest(self, path: str, status: os.stat_result, read: Callable[[], str]) -> str:
        """Give the digest of a file: what is known of it, else what `read` finds."""
        stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        known = self._known.get(path)
        if isinstance(known, list) and known[:-1] == stamp and isinstance(known[-1], str):
            return known[-1]
        began = time.time()
        found = read()
        if status.st_size >= LARGE_BYTES and max(status.st_mtime, status.st_ctime) < began - SETTLED_S:
            self._new[path] = [*stamp, found]
        return found

    def save(self) -> None:
        """Keep what is new; where that is not possible the files are read again next time."""
        if self._new:
            with suppress(OSError):
                merged = {**self._load(), **self._new}
                there = {path: known for path, known in merged.items() if Path(path).exists()}
                files.write_bytes(self._file, json.dumps({"schema": SCHEMA, "files": there}).encode("ascii"))
            self._new = {}


def sha256(file: io.RawIOBase) -> str:
    """Take the digest of an open file, from where it stands."""
    digest = hashlib.sha256()
    for chunk in iter(lambda: file.read(1 << 20), b""):
        digest.update(chunk or b"")
    return digest.hexdigest()


def of_file(path: Path, memory: Optional[Memory] = None) -> str:
    """Take the digest of a file, as it is remembered or as it is.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        read = partial(sha256, file)
        return memory.digest(str(path), os.fstat(file.fileno()), read) if memory else read()
