"""Files that are still coming: `DIGEST.part` holds the first bytes of the file with that sha256.

It lies in the folder of its file, so that the next run goes on where this one was ended, and only
who holds its lock writes to it. `DIGEST.part.json` beside it says where it came from.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

from ..console import Advance
from ..errors import PipelineError
from ..system import files, locks
from ..system.files import remove, scratch_name
from .verified import CHUNK_BYTES, HEAD_BYTES, Content

SCHEMA = 1


class Origin(NamedTuple):
    """Where the first bytes of a part came from: a source, and what tells its versions apart (ETag or date)."""

    source: str = ""
    validator: str = ""


class PartialFile:
    """The bytes of a file that have come so far, and their digest. `open_part` makes it."""

    def __init__(self, file: io.FileIO, path: Path, advance: Advance) -> None:
        self._file, self._path, self._advance = file, path, advance
        self._resumable = os.fstat(file.fileno()).st_size > 0
        self._is_read = self._is_published = False
        self._begin()

    def _begin(self) -> None:
        self.size_bytes, self._head, self._digest = 0, b"", hashlib.sha256()

    @property
    def origin(self) -> Origin:
        """Where the bytes came from, as far as it is known."""
        try:
            data = files.read_json(_side_car(self._path), SCHEMA, "")
            return Origin(str(data["source"]), str(data["validator"]))
        except (PipelineError, KeyError):
            return Origin()

    def resume(self) -> None:
        """Take the bytes of an earlier run for the beginning: they are hashed as if they came now."""
        if not self._is_read:
            self._is_read = True
            self._file.seek(0)
            for chunk in iter(partial(self._file.read, CHUNK_BYTES), b""):
                self._take(chunk)
                self._advance(len(chunk))

    def restart(self) -> None:
        """Forget all that came."""
        self._advance(-self.size_bytes)
        self._is_read, self._resumable = True, False
        self._file.seek(0)
        self._file.truncate()
        remove(_side_car(self._path))
        self._begin()

    def came_from(self, origin: Origin) -> None:
        """Keep what comes from now on for the next run, and remember from where it came."""
        self._resumable = True
        with suppress(OSError):
            data = {"schema": SCHEMA, **origin._asdict()}
            _side_car(self._path).write_text(json.dumps(data), encoding="utf-8")

    def write(self, chunk: bytes) -> None:
        """Append to what is there; the digest is taken in the same pass.

        Raises:
            OSError: the disk is full, say.
        """
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def content(self) -> Content:
        """Describe what has come."""
        return Content(self.size_bytes, self._digest.hexdigest(), self._head)

    def publish(self, path: Path) -> os.stat_result:
        """Give the file its name, when it lies on the disk itself; returns its status."""
        os.fsync(self._file.fileno())
        status = os.fstat(self._file.fileno())
        self._path.replace(path)
        self._is_published = True
        _sync_folder(path.parent)
        return status

    def close(self) -> None:
        """Keep what the next run can use; remove the rest."""
        if self._is_published:
            remove(_side_car(self._path))
        elif not self._resumable or os.fstat(self._file.fileno()).st_size == 0:
            remove(self._path)
            remove(_side_car(self._path))


@contextmanager
def open_part(folder: Path, sha256: str, waiting: Callable[[], None], advance: Advance) -> Iterator[PartialFile]:
    """Open the part of the file with that digest in `folder`, for us alone.

    Args:
        waiting: called now and then while another process (of another machine, say) writes to it.
        advance: hears of the bytes of earlier runs when they are taken, and of what is thrown away.
    """
    path = part_path(folder, sha256)
    try:
        file = locks.acquire(path, waiting)
    except locks.NoLocks as error:
        error.tell()
        path = folder / scratch_name(sha256, os.getpid())  # no locks here: no sharing either
        file = io.FileIO(str(path), "x+")
    with file:
        part = PartialFile(file, path, advance)
        try:
            yield part
        finally:
            part.close()


def part_path(folder: Path, sha256: str) -> Path:
    """Name the place where the part of a file of `folder` lies."""
    return folder / f"{sha256}.part"


def part_bytes(folder: Path, sha256: str) -> int:
    """Count the bytes of a file that have come in an earlier run."""
    try:
        return part_path(folder, sha256).stat().st_size
    except OSError:
        return 0


def _side_car(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _sync_folder(folder: Path) -> None:
    handle = os.open(str(folder), os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot
            os.fsync(handle)
    finally:
        os.close(handle)
