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
from typing import Callable, Iterator, List, NamedTuple, Optional, Sequence

from ..console import QUIET_S, human_bytes
from . import files
from .identity import Identity, identify, is_running

POLL_S = 0.1
REPEAT_S = 30.0  # between two lines about the same wait
NAMED_IN_S = 0.5  # who has just taken a lock is about to write who it is
RECORD_BYTES = 1_000_000
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # what `flock` says where it cannot work

Tell = Callable[[str], None]


# Without waiting: who comes second is refused -----------------------------------------------------


class Holder(NamedTuple):
    """Who holds a lock that others are refused for: its pid and start, and the command that a person knows it by."""

    pid: int
    since: str
    command: str
    create_time: float = 0.0  # with the pid, one process for all time
    shared: bool = False

    def __str__(self) -> str:
        return f"pid {self.pid} (since {self.since}): {self.command}"


class Held(Exception):
    """Another process holds the lock; `holder` is None where it does not say who it is."""

    def __init__(self, holder: Optional[Holder]) -> None:
        super().__init__(str(holder or "a process that does not say who it is"))
        self.holder = holder


def me(command: str) -> Holder:
    """Describe this process as the holder of a lock."""
    own = identify(os.getpid())
    return Holder(os.getpid(), time.strftime("%Y-%m-%d %H:%M:%S"), command, own.create_time if own else 0.0)


@contextmanager
def hold_or_refuse(path: Path, holder: Holder, shared: bool = False) -> Iterator[None]:
    """Hold a lock file, alone or with others that share it, and let it lie when done: to remove it would race.

    Where the file system has no locks, what the file says of its holders counts as far as they still run.

    Raises:
        Held: another process has it.
        OSError: it cannot be opened, or is a link.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = holder._replace(shared=shared)
    try:
        held = _locked_by(try_acquire(path, shared), path, holder)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        held = _recorded(path, holder)
    with held:
        yield


@contextmanager
def _locked_by(file: Optional[io.FileIO], path: Path, holder: Holder) -> Iterator[None]:
    """Hold a lock that we got, if we did, and let its file say so."""
    if file is None:
        raise Held(_who(path))
    with file:
        _write(file, holder)
        try:
            yield
        finally:
            if not holder.shared:
                with suppress(OSError):
                    file.truncate(0)


WRITES = 10  # before we go on though somebody writes over us, or the file cannot be read


@contextmanager
def _recorded(path: Path, holder: Holder) -> Iterator[None]:
    """Hold a lock by what its file says alone. Of two that look at the same moment, the later writer has it."""
    _refuse(path, holder)
    try:
        for _ in range(WRITES):  # another that shares it may have written over us
            if holder in _holders(path):
                break
            others = [other for other in _holders(path) if holder.shared and other.shared and _runs(other)]
            files.write_bytes(path, _lines([*others, holder]))
            time.sleep(POLL_S)  # another that looked when we did has written by now
            _refuse(path, holder)
        yield
    finally:
        with suppress(OSError):
            files.write_bytes(path, _lines([other for other in _holders(path) if other != holder]))


def _refuse(path: Path, holder: Holder) -> None:
    """Raise Held where somebody else who still runs has the lock in a way that excludes us."""
    for other in _holders(path):
        if other != holder and not (holder.shared and other.shared) and _runs(other):
            raise Held(other)


def _who(path: Path) -> Optional[Holder]:
    """Find out who holds a lock: the last that runs of those that say so; one may be about to."""
    deadline = time.monotonic() + NAMED_IN_S
    while True:
        holders = _holders(path)
        running = [holder for holder in holders if _runs(holder)]
        if running or time.monotonic() > deadline:
            named = running or holders
            return named[-1] if named else None
        time.sleep(POLL_S / 2)


def _runs(holder: Holder) -> bool:
    return is_running(Identity(holder.pid, holder.create_time))


def _holders(path: Path) -> List[Holder]:
    """Read who holds or held a lock; lines that say nothing are passed over."""
    holders = []
    with suppress(OSError):
        for line in files.read_bytes(path, RECORD_BYTES).splitlines():
            with suppress(ValueError, TypeError, KeyError):
                data = files.parse_json(line)
                words = str(data["since"]), str(data["command"])
                holders.append(Holder(int(data["pid"]), *words, float(data["create_time"]), data["shared"] is True))
    return holders


def _write(file: io.FileIO, holder: Holder) -> None:
    """Write who holds the lock: alone, or below the others that share it, in one piece."""
    with suppress(OSError):  # on a full disk the lock holds all the same
        if not holder.shared:
            file.truncate(0)
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
        file.write(_lines([holder]))


def _lines(holders: Sequence[Holder]) -> bytes:
    return "".join(f"{json.dumps(holder._asdict())}\n" for holder in holders).encode("ascii")


# With waiting: who comes second goes on where the first one ends ----------------------------------


class Worker(NamedTuple):
    """Who fetches what, and by which file those who wait for it see how far it is."""

    pid: int
    since: str
    what: str
    part: str = ""  # a file that grows meanwhile,
    size_bytes: int = 0  # up to this size

    def __str__(self) -> str:
        return f"pid {self.pid} (since {self.since}), which fetches {self.what}"


def worker(what: str, part: str = "", size_bytes: int = 0) -> Worker:
    """Describe this process as the one that fetches something."""
    return Worker(os.getpid(), time.strftime("%H:%M:%S"), what, part, size_bytes)


def progress_of(worker: Worker) -> str:
    """Say who it is, and how far it has come."""
    with suppress(OSError):
        if worker.part and worker.size_bytes:
            done = human_bytes(Path(worker.part).stat().st_size)
            return f"{worker}: {done} of {human_bytes(worker.size_bytes)}"
    return str(worker)


@contextmanager
def hold(folders: Sequence[Path], name: str, worker: Worker, tell: Tell) -> Iterator[None]:
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
                file.write(json.dumps(worker).encode())
                break
        yield


def _tell_who(path: Path, tell: Tell) -> None:
    with suppress(OSError, ValueError, TypeError):  # it is about to write it, or is done
        tell(f"waiting for {progress_of(Worker(*files.parse_json(files.read_bytes(path, RECORD_BYTES))))}")


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


# The lock itself ----------------------------------------------------------------------------------


def acquire(
    path: Path, waiting: Callable[[], None] = lambda: None, shared: bool = False, create: bool = True
) -> io.FileIO:
    """Open a file and lock it, as soon as the others let go. Closing it frees the lock.

    Args:
        waiting: called when the wait begins to be felt, and now and then while it lasts.
        shared: with others that share it, to read only; else alone.
        create: make the file where it is not there.

    Raises:
        OSError: it cannot be opened or locked, or is a link.
    """
    file = _locked(path, shared, create, lambda file: _wait_for(file, shared, waiting))
    assert file is not None  # it waited until it had it
    return file


def try_acquire(path: Path, shared: bool = False, create: bool = True) -> Optional[io.FileIO]:
    """Open a file and lock it without waiting; None where another has it. Closing it frees the lock.

    Raises:
        OSError: it cannot be opened or locked, or is a link.
    """
    return _locked(path, False, create, lambda file: _try_lock(file, shared))


def _locked(path: Path, read_only: bool, create: bool, lock: Callable[[io.FileIO], bool]) -> Optional[io.FileIO]:
    while True:
        file = _open(path, read_only, create)
        try:
            is_ours = lock(file)
            if is_ours and _is_still(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()
        if not is_ours:
            return None


def _open(path: Path, read_only: bool, create: bool) -> io.FileIO:
    access = os.O_RDONLY if read_only else os.O_RDWR
    flags = access | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | (os.O_CREAT if create else 0)

    def opener(name: str, _: int) -> int:
        return os.open(name, flags, 0o666)

    return io.FileIO(str(path), "r" if read_only else "r+", opener=opener)


def _wait_for(file: io.FileIO, shared: bool, waiting: Callable[[], None]) -> bool:
    next_word = time.monotonic() + QUIET_S
    while not _try_lock(file, shared):
        if time.monotonic() >= next_word:
            waiting()
            next_word = time.monotonic() + REPEAT_S
        time.sleep(POLL_S)
    return True


def _try_lock(file: io.FileIO, shared: bool) -> bool:
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(file: io.FileIO, path: Path) -> bool:
    """Tell whether the name still means the file that we locked: its last holder may have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
