"""One process at a time: locks that the system frees when their holder dies, and that say who holds them.

A lock is a file with `flock` on it; its name may go, or come to mean another file, while we wait.
"""

from __future__ import annotations

import errno
import fcntl
import io
import json
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

from ..console import QUIET_S, human_bytes

POLL_S = 0.1
REPEAT_S = 30.0  # between two lines about the same wait
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # what `flock` says where it cannot work

Tell = Callable[[str], None]


class Holder(NamedTuple):
    """Who holds a lock and what for, as the others are told."""

    pid: int
    since: str
    what: str
    part: str = ""  # a file that grows meanwhile,
    size_bytes: int = 0  # up to this size

    def __str__(self) -> str:
        return f"pid {self.pid} (since {self.since}), which fetches {self.what}"


def me(what: str, part: str = "", size_bytes: int = 0) -> Holder:
    """This process as the holder of a lock."""
    return Holder(os.getpid(), time.strftime("%H:%M:%S"), what, part, size_bytes)


def progress_of(holder: Holder) -> str:
    """The holder, and how far it has come."""
    with suppress(OSError):
        if holder.part and holder.size_bytes:
            done = human_bytes(Path(holder.part).stat().st_size)
            return f"{holder}: {done} of {human_bytes(holder.size_bytes)}"
    return str(holder)


@contextmanager
def hold(folders: Sequence[Path], name: str, holder: Holder, tell: Tell) -> Iterator[None]:
    """Hold the lock `name` in the first of the folders where locks work; in none, go on without.

    Whoever has to wait is told for whom.
    """
    with ExitStack() as stack:
        for folder in folders:
            path = folder / f"{name}.lock"
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(exclusive(path, partial(_tell_who, path, tell)))
                file.truncate(0)
                file.write(json.dumps(holder).encode())
                break
        yield


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[io.FileIO]:
    """Hold a lock file, which is gone afterwards.

    Raises:
        OSError: as `acquire` does.
    """
    with acquire(path, waiting) as file:
        try:
            yield file
        finally:
            with suppress(OSError):
                path.unlink()


def acquire(path: Path, waiting: Callable[[], None]) -> io.FileIO:
    """Open a file that is made where it is not there, and lock it. Closing it frees the lock.

    Args:
        waiting: called when the wait begins to be felt, and now and then while it lasts.

    Raises:
        OSError: it cannot be opened or locked, or is a link.
    """
    while True:
        file = _open(path)
        try:
            _wait_for(file, waiting)
            if _is_still(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def _open(path: Path) -> io.FileIO:
    def opener(name: str, _: int) -> int:
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    return io.FileIO(str(path), "r+", opener=opener)


def _wait_for(file: io.FileIO, waiting: Callable[[], None]) -> None:
    next_word = time.monotonic() + QUIET_S
    while not _try_lock(file):
        if time.monotonic() >= next_word:
            waiting()
            next_word = time.monotonic() + REPEAT_S
        time.sleep(POLL_S)


def _try_lock(file: io.FileIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: io.FileIO, path: Path) -> bool:
    """Whether the name still means the file that we locked: its last holder may have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _tell_who(path: Path, tell: Tell) -> None:
    with suppress(OSError, ValueError, TypeError):  # it is about to write it, or is done
        tell(f"waiting for {progress_of(Holder(*json.loads(path.read_text(encoding='utf-8'))))}")
