"""The files of a service's output: one for each start, and none grows for ever.

The service writes straight to its file, for a pipe that nobody reads would stop it. It appends (O_APPEND), so what
the file holds may be cut while it writes: its next line goes to the new end.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List

from ..console import human_bytes
from ..system.processes import Process

SERVICE_LOG, PREPARE_LOG = "service.log", "prepare.log"
KEPT = 3  # files of earlier starts
LEAST_LIMIT_BYTES = 64 * 1024  # below that our own line about what is left out would count
PART_KEPT = 4  # head and tail keep at most a quarter of the limit each
TAIL_BYTES = 4_000_000  # it is copied, and the service writes meanwhile: so it is short
CATCH_UP = 5  # times to read what was written meanwhile; a service that writes faster than that loses a little more


def numbered(log: Path, number: int) -> Path:
    """Name the log of the start before (1), of the one before that (2), ...

    >>> str(numbered(Path("r/service.log"), 1))
    'r/service.1.log'
    """
    return log.with_name(f"{log.stem}.{number}{log.suffix}")


def all_of(log: Path) -> List[Path]:
    """List the logs that are there, newest first."""
    return [path for path in (log, *(numbered(log, n) for n in range(1, KEPT + 1))) if path.is_file()]


def of_shard(folder: Path) -> List[Path]:
    """List what services have printed in the folder of a shard, and what their preparation did."""
    return [*all_of(folder / SERVICE_LOG), *all_of(folder / PREPARE_LOG)]


def rotate(log: Path) -> None:
    """Make place for the log of a new start: service.log becomes service.1.log, and so on; the oldest goes.

    Raises:
        OSError: a file cannot be renamed.
    """
    if not log.exists() or not log.stat().st_size:
        return
    for number in range(KEPT, 0, -1):
        older = numbered(log, number - 1) if number > 1 else log
        if older.exists():
            older.replace(numbered(log, number))


@contextmanager
def limited(process: Process, limit_bytes: int) -> Iterator[None]:
    """Keep the log of a process within a limit, at each look at it while the block runs, and at the block's end."""
    log = LimitedLog(process.log, limit_bytes)
    process.at_each_look = log.cut
    try:
        yield
    finally:
        log.close()


class LimitedLog:
    """A log that is cut in its middle when it grows past `limit_bytes`: head and tail stay, a line says what is gone.

    What is written in the very moment of a cut may be lost too, or stand a line before it.
    """

    def __init__(self, log: Path, limit_bytes: int) -> None:
        self._limit_bytes = max(limit_bytes, LEAST_LIMIT_BYTES)
        self._file = os.open(str(log), os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._head_bytes = self._marker_bytes = self._left_out_bytes = 0
        self._busy = threading.Lock()

    def cut(self) -> None:
        """Cut the middle away where it is too long; cheap where it is not: every look at the service asks."""
        if self._busy.acquire(blocking=False):
            try:
                self._cut_if_long()
            finally:
                self._busy.release()

    def _cut_if_long(self) -> None:
        with suppress(OSError):  # the disk refuses, and the next look tries again
            size_bytes = os.fstat(self._file).st_size if self._file >= 0 else 0
            if size_bytes > self._limit_bytes:
                self._cut(size_bytes)

    def _cut(self, size_bytes: int) -> None:
        part_bytes = self._limit_bytes // PART_KEPT
        if not self._head_bytes:
            head = os.pread(self._file, part_bytes, 0)
            self._head_bytes = head.rfind(b"\n") + 1 or len(head)
        tail_bytes = min(part_bytes, TAIL_BYTES)
        tail = os.pread(self._file, tail_bytes, size_bytes - tail_bytes)
        for _ in range(CATCH_UP):
            more = os.pread(self._file, tail_bytes, size_bytes)
            if not more:
                break
            tail, size_bytes = tail + more, size_bytes + len(more)
        size_bytes = os.fstat(self._file).st_size
        tail = tail[tail.find(b"\n") + 1 :]
        self._left_out_bytes += size_bytes - self._head_bytes - self._marker_bytes - len(tail)
        gone, limit = human_bytes(self._left_out_bytes), human_bytes(self._limit_bytes)
        marker = (
            f"\n[shardline left out about {gone} here: the log had grown past service.log_limit, {limit}]\n".encode()
        )
        self._marker_bytes = len(marker)
        os.ftruncate(self._file, self._head_bytes)
        os.write(self._file, marker + tail)

    def close(self) -> None:
        """Cut what came last, and let the file go."""
        with self._busy:
            self._cut_if_long()
            file, self._file = self._file, -1  # its number may be another file's next
            if file >= 0:
                os.close(file)
