"""One process at a time: locks that the system frees when their holder dies, and that say who holds them.

A lock is a file with `flock` on it; its name may go, or come to mean another file, while we wait.
Some disks have none (NFS without its lock daemon, Lustre without `-o flock`): what has to exclude others goes by what
its file says there (holders.py), the rest goes on without. Here is the one place that decides which disk that is.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Optional, Sequence

from ..console import QUIET_S, human_bytes, say
from . import files, holders
from .holders import RECORD_BYTES, Held, Holder

POLL_S = 0.1
REPEAT_S = 30.0  # between two lines about the same wait
NAMED_IN_S = 0.5  # who has just taken a lock is about to write who it is

Tell = Callable[[str], None]


class NoLocks(OSError):
    """The disk has no locks: `flock` answered ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL (OrangeFS) or what else it has."""

    def __init__(self, error: OSError, path: Path) -> None:
        super().__init__(error.errno, error.strerror, str(path))

    def tell(self) -> None:
        """Say so, once."""
        _tell_of_disk(str(self.strerror))


@lru_cache(maxsize=None)
def _tell_of_disk(why: str) -> None:
    say(f"the disk has no locks ({why}): going on without, by what files say of who uses them")


# Without waiting: who comes second is refused -----------------------------------------------------


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
    except NoLocks as error:
        error.tell()
        held = holders.recorded(path, holder)
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


def _who(path: Path) -> Optional[Holder]:
    """Find out who holds a lock: the last that runs of those that say so; one may be about to."""
    deadline = time.monotonic() + NAMED_IN_S
    while True:
        named = holders.read(path)
        running = [holder for holder in named if holders.runs(holder, 0.0)]
        if running or time.monotonic() > deadline:
            named = running or named
            return named[-1] if named else None
        time.sleep(POLL_S / 2)


def _write(file: io.FileIO, holder: Holder) -> None:
    """Write who holds the lock: alone, or below the others that share it, in one piece."""
    with suppress(OSError):  # on a full disk the lock holds all the same
        if not holder.shared:
            file.truncate(0)
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
        file.write(holders.lines([holder]))


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
def alone(path: Path, waiting: Callable[[], None], what: str) -> Iterator[int]:
    """Hold a lock file for a longer work, which no other process does at the same time, and let it lie when done.

    Args:
        waiting: called when the wait for another begins to be felt, and now and then while it lasts.
        what: how a person knows the work.

    Yields:
        a descriptor that holds it, for processes that shall hold it too; on a disk without locks it holds nothing, and
        the file says who is at it.

    Raises:
        OSError: the file cannot be written.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(acquire(path, waiting))
        except NoLocks as error:
            error.tell()
            holder = holders.me(what)
            _until(lambda: _is_recorded(stack, path, holder), waiting)
            file = stack.enter_context(_open(path, read_only=True, create=True))
        yield file.fileno()


def _is_recorded(stack: ExitStack, path: Path, holder: Holder) -> bool:
    """Try to hold a lock by what its file says, as long as the stack is open."""
    try:
        stack.enter_context(holders.recorded(path, holder))
    except Held:
        return False
    return True


@contextmanager
def briefly(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a lock file for a small change; where that cannot be had, go on: of two changes at once, one may be lost."""
    with ExitStack() as stack:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(path, waiting))
        yield


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[io.FileIO]:
    """Hold a lock file, which is gone afterwards.

    Raises:
        OSError: as `acquire` does.
    """
    with tidy(path):
        lock = acquire(path, waiting)
    with lock as file:
        try:
            yield file
        finally:
            with suppress(OSError):
                path.unlink()


@contextmanager
def tidy(path: Path) -> Iterator[None]:
    """Remove the lock file that the block has made, where it turns out to be on a disk without locks."""
    is_new = not os.path.lexists(str(path))
    try:
        yield
    except NoLocks:
        if is_new:
            files.remove(path)
        raise


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
        NoLocks: the disk has none.
        OSError: it cannot be opened, or is a link.
    """
    file = _locked(path, shared, create, lambda file: _until(lambda: _try_lock(file, shared), waiting))
    assert file is not None  # noqa: S101 - for mypy; it waited until it had it
    return file


def try_acquire(path: Path, shared: bool = False, create: bool = True) -> Optional[io.FileIO]:
    """Open a file and lock it without waiting; None where another has it. Closing it frees the lock.

    Raises:
        NoLocks: the disk has none.
        OSError: it cannot be opened, or is a link.
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


def _until(succeeds: Callable[[], bool], waiting: Callable[[], None]) -> bool:
    next_word = time.monotonic() + QUIET_S
    while not succeeds():
        if time.monotonic() >= next_word:
            waiting()
            next_word = time.monotonic() + REPEAT_S
        time.sleep(POLL_S)
    return True


def _try_lock(file: io.FileIO, shared: bool) -> bool:
    """Try once; whatever else the system answers than that another has the lock, says that it has none to give.

    Raises:
        NoLocks: it has none.
    """
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # CIFS makes EACCES of it
        return False
    except OSError as error:
        raise NoLocks(error, Path(str(file.name))) from error
    return True


def _is_still(file: io.FileIO, path: Path) -> bool:
    """Tell whether the name still means the file that we locked: its last holder may have moved or removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
