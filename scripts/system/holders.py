"""Who holds a lock, by what its file says: for people, and what counts where a disk has no locks.

A holder of this machine (or container) counts while its process runs. One of another machine on the same disk counts
while it beats: it sets the time of the file every few seconds.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Sequence

from . import files
from .identity import Identity, identify, is_running, where

RECORD_BYTES = 1_000_000
BEAT_S = 10.0
SILENT_S = 60.0  # without a beat for so long, it is taken for dead: several beats may be late on a slow network disk
GUARDED_S = 5.0  # nobody reads and writes a few lines for so long: who made the guard was killed
POLL_S = 0.02


class Holder(NamedTuple):
    """Who holds a lock: its pid and start, the command that a person knows it by, and `where` its pid is from."""

    pid: int
    since: str
    command: str
    create_time: float = 0.0  # with the pid, one process for all time
    shared: bool = False
    where: str = ""  # see identity.where
    token: str = ""  # tells two of one process apart

    @property
    def is_here(self) -> bool:
        """Tell whether its pid means a process of ours."""
        return self.where in ("", where())

    def __str__(self) -> str:
        place = "" if self.is_here else " of another machine or container"
        return f"pid {self.pid}{place} (since {self.since}): {self.command}"


class Held(Exception):
    """Another process holds the lock; `holder` is None where it does not say who it is."""

    def __init__(self, holder: Optional[Holder]) -> None:
        super().__init__(str(holder or "a process that does not say who it is"))
        self.holder = holder


def me(command: str) -> Holder:
    """Describe this process as the holder of a lock."""
    own = identify(os.getpid())
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return Holder(os.getpid(), since, command, own.create_time if own else 0.0, where=where())


def read(path: Path) -> List[Holder]:
    """Read who holds or held a lock; lines that say nothing are passed over."""
    holders = []
    with suppress(OSError):
        for line in files.read_bytes(path, RECORD_BYTES).splitlines():
            with suppress(ValueError, TypeError, KeyError):
                data = files.parse_json(line)
                since, command, born = str(data["since"]), str(data["command"]), float(data["create_time"])
                more = {name: str(data.get(name, "")) for name in ("where", "token")}
                holders.append(Holder(int(data["pid"]), since, command, born, data["shared"] is True, **more))
    return holders


def lines(holders: Sequence[Holder]) -> bytes:
    """Write down who holds a lock, a line each."""
    return "".join(f"{json.dumps(holder._asdict())}\n" for holder in holders).encode("ascii")


def runs(holder: Holder, silent_s: float) -> bool:
    """Tell whether a holder still runs; of one on another machine, whose file was last set so long ago, by its beat.

    >>> [runs(Holder(7, "", "nox", where="another boot"), silent_s) for silent_s in (5.0, 500.0)]
    [True, False]
    """
    return is_running(Identity(holder.pid, holder.create_time)) if holder.is_here else silent_s < SILENT_S


# Without locks ------------------------------------------------------------------------------------


@contextmanager
def recorded(path: Path, holder: Holder) -> Iterator[None]:
    """Hold a lock by what its file says alone, while the block runs.

    Raises:
        Held: another process has it, which still runs.
        OSError: the file cannot be written.
    """
    holder = holder._replace(token=os.urandom(8).hex())
    _enter(path, holder)
    ended = threading.Event()
    threading.Thread(target=_beat, args=(path, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        with suppress(OSError), _guarded(path):
            files.write_bytes(path, lines([other for other in read(path) if other != holder]))


def _enter(path: Path, holder: Holder) -> None:
    with _guarded(path):
        silent_s = _silent_s(path)
        others = [other for other in read(path) if other != holder and runs(other, silent_s)]
        for other in others:
            if not (holder.shared and other.shared):
                raise Held(other)
        files.write_bytes(path, lines([*others, holder]))


def _silent_s(path: Path) -> float:
    """Count the seconds since a file was last set, by the clock of its disk: that of another machine may be wrong."""
    try:
        with files.scratch(path) as now:
            now.touch()
            return now.stat().st_mtime - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _beat(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        try:
            os.utime(str(path))
        except OSError:  # some disks know no such thing
            with suppress(OSError), path.open("ab") as file:
                file.write(b"\n")


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Keep others from reading and writing the file meanwhile: on every disk, one alone can make a folder."""
    guard = path.with_name(f"{path.name}.guard")
    deadline = time.monotonic() + GUARDED_S
    while True:
        try:
            guard.mkdir()
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                files.remove(guard)
                deadline = time.monotonic() + GUARDED_S
            time.sleep(POLL_S)
    try:
        yield
    finally:
        files.remove(guard)
