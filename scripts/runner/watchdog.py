"""End what a shard started when its runner is gone, however that ended: also by SIGKILL, which nobody can catch.

A process of its own holds one end of a pipe; the runner holds the other and names whom to watch. When the pipe breaks,
the runner is dead, and all that carries a mark which it had not taken back is ended. Run as a script, this file needs
the standard library alone. What ends a round while the runner lives (silence, a signal, a dead service) is in
pytest_process.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import IO, Dict, Iterable, Iterator, List, Mapping, Tuple

GRACE_S = 2.0  # between SIGTERM and SIGKILL
POLL_S = 0.05
EMPTY_SEARCHES = 4  # a process that is just being started shows no environment, and one may start while we look
MARKER = "SHARDLINE_RUN_ID"  # as in system/process_tree

HAS_PROC = os.access("/proc/self/stat", os.R_OK)

Leader = Tuple[int, str]  # a pid, and when that process started
NO_LEADER = (0, "")


class Watchdog:
    """The runner's end of the pipe."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe

    def expect(self, mark: str) -> None:
        """End all that carries this mark when we are gone; said before it is started."""
        self._tell(f"? {mark}")

    def watch(self, mark: str, pid: int) -> None:
        """End also what runs in the session of this process, marked or not, as long as it is the same one."""
        self._tell(f"+ {mark} {pid}")

    def forget(self, mark: str) -> None:
        """Let it be: it ended, or we ended it ourselves."""
        self._tell(f"- {mark}")

    def _tell(self, line: str) -> None:
        with suppress(OSError, ValueError):  # a watchdog that somebody killed: the next start ends what we leave
            self._pipe.write(f"{line}\n")
            self._pipe.flush()


@contextmanager
def watchdog() -> Iterator[Watchdog]:
    """Keep a watchdog while the block runs. It is in a session of its own, so that what kills ours spares it."""
    process = subprocess.Popen(  # noqa: S603 - this file
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
        start_new_session=True,
    )
    assert process.stdin  # noqa: S101 - for mypy
    try:
        yield Watchdog(process.stdin)
    finally:
        with suppress(OSError):
            process.stdin.close()
        process.wait()


def main(lines: Iterable[str]) -> None:
    """Follow the runner's words to their end, then end what it did not take back."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched = follow(lines)
    left: Dict[int, str] = {}
    for number in (signal.SIGTERM, signal.SIGKILL) if watched else ():
        left = _signal_all(number, watched, left, time.monotonic() + GRACE_S)


def follow(lines: Iterable[str]) -> Dict[str, Leader]:
    """Read which marks are to be ended, each with the leader of its session; (0, "") where none was named.

    >>> follow(["? a", "? b", "- a", "? c"])
    {'b': (0, ''), 'c': (0, '')}
    """
    watched: Dict[str, Leader] = {}
    for line in lines:
        sign, mark, *pid = line.split()
        if sign == "-":
            watched.pop(mark, None)
        else:
            watched[mark] = (int(pid[0]), started(int(pid[0]))) if pid else NO_LEADER
    return watched


def _signal_all(number: int, watched: Dict[str, Leader], known: Dict[int, str], until: float) -> Dict[int, str]:
    """Signal each process once, also those that come meanwhile, until several searches in a row find none, or so long.

    Returns:
        all that were found, with their start times.
    """
    signalled: Dict[int, str] = {}
    empty = 0
    while empty < EMPTY_SEARCHES and time.monotonic() < until:
        known = {pid: start for pid, start in known.items() if _runs(pid, start)}
        found = known = {**known, **members(watched)}
        for pid, start in found.items():
            if start and signalled.get(pid) != start and started(pid) == start:
                with suppress(OSError):
                    os.kill(pid, number)
        signalled.update(found)
        empty = 0 if found else empty + 1
        time.sleep(POLL_S)
        while time.monotonic() < until and any(_runs(pid, start) for pid, start in found.items()):
            time.sleep(POLL_S)
    return known


def started(pid: int) -> str:
    """Tell when a process started, in a form of the system's own; empty where that cannot be known."""
    with suppress(OSError, IndexError):
        return _fields(pid)[19]
    if HAS_PROC:  # and it is not there
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.check_output(["ps", "-o", "lstart=", "-p", str(pid)]).decode().strip()  # noqa: S603, S607 - any ps
    return ""


def members(watched: Mapping[str, Leader]) -> Dict[int, str]:
    """Find what carries a mark, what is in a leader's session, and what these started; with start times.

    Neither is a session of which the number is another's by now, nor what has ended, nor ourselves.
    """
    sessions = {pid for pid, start in watched.values() if pid and started(pid) in (start, "")}
    marks = {f"{MARKER}={mark}".encode("ascii") for mark in watched}
    parents = _parents()
    found = [pid for pid in parents if _session(pid) in sessions or not marks.isdisjoint(_environment(pid))]
    for parent in found:  # grows as we go
        found += [pid for pid in parents if parents[pid] == parent and pid not in found]
    return {pid: started(pid) for pid in found if pid != os.getpid() and not _is_zombie(pid)}


def _parents() -> Dict[int, int]:
    """List all processes with their parents."""
    with suppress(OSError):
        pids = [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 (no pathlib with -S)
        return {pid: parent for pid, parent in zip(pids, map(_parent, pids)) if parent >= 0}
    with suppress(OSError, subprocess.SubprocessError):
        numbers = list(map(int, subprocess.check_output(["ps", "-axo", "pid=,ppid="]).split()))  # noqa: S607 - any ps
        return dict(zip(numbers[::2], numbers[1::2]))
    return {}


def _parent(pid: int) -> int:
    with suppress(OSError, IndexError):
        return int(_fields(pid)[1])
    return -1  # gone meanwhile


def _environment(pid: int) -> List[bytes]:
    """Read the variables of a process (Linux); none where that is not for us."""
    with suppress(OSError), open(f"/proc/{pid}/environ", "rb", buffering=0) as file:
        return file.read().split(b"\0")
    return []


def _runs(pid: int, start: str) -> bool:
    return started(pid) == start and not _is_zombie(pid)


def _session(pid: int) -> int:
    with suppress(OSError):
        return os.getsid(pid)
    return -1


def _is_zombie(pid: int) -> bool:
    with suppress(OSError, IndexError):
        return _fields(pid)[0] == "Z"
    return False


def _fields(pid: int) -> List[str]:
    """Read what /proc says of a process, from its state on (proc(5), field 3): its name may hold anything."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


if __name__ == "__main__":
    main(sys.stdin)
