"""Which process is it: its pid and its start time, never its name. The system gives pids out again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Optional

if TYPE_CHECKING:
    import psutil

# Start times are reckoned from the boot time, which shifts by a second when the clock is set.
SAME_START_S = 2.0


class Identity(NamedTuple):
    """One process for all time: its pid, and its start in seconds since the epoch."""

    pid: int
    create_time: float


def where() -> str:
    """Name whose pids we see: those of this start of a machine, or of a container; empty where that is not told.

    On a disk that machines share, a pid of another one says nothing.
    """
    with suppress(OSError):
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    return ""


def identify(pid: int) -> Optional[Identity]:
    """Identify the process that has this pid now; None where there is none, or the system does not tell."""
    import psutil

    try:
        return Identity(pid, psutil.Process(pid).create_time())
    except (psutil.Error, OSError, ValueError, OverflowError):  # no /proc; no pid
        return None


def are_told() -> bool:
    """Tell whether the system tells of processes; Linux without /proc does not even of ours."""
    return identify(os.getpid()) is not None


def is_same(known: Identity, now: Optional[Identity]) -> bool:
    """Tell whether the process that has the pid now is the one we know.

    >>> is_same(Identity(7, 100.0), Identity(7, 101.0)), is_same(Identity(7, 100.0), Identity(7, 160.0))
    (True, False)
    """
    return now is not None and known.pid == now.pid and abs(known.create_time - now.create_time) <= SAME_START_S


def is_running(known: Identity) -> bool:
    """Tell whether the very process still runs; a zombie does not."""
    import psutil

    try:
        now = identify(known.pid)
        if now is None and not are_told():
            return _exists(known.pid)
        return is_same(known, now) and is_alive(psutil.Process(known.pid))
    except psutil.Error:
        return False


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process that was found before still runs; a zombie does not."""
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error as error:
        return isinstance(error, psutil.AccessDenied)


def child_runs(pid: int) -> Optional[bool]:
    """Tell whether a child of ours still runs; None for whoever is none, or was waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return None


def _exists(pid: int) -> bool:
    """Tell whether a process of that pid runs; without /proc, whose it is is known of our children only."""
    runs = child_runs(pid)
    if runs is not None:
        return runs
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True
