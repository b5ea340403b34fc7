"""End what a shard started when its runner is gone, however that ended: also by SIGKILL, which nobody can catch.

A process of its own holds one end of a pipe; the runner holds the other and names whom to watch. When the pipe breaks,
the runner is dead, and what it had not taken back is ended with its session. Run as a script, this file needs the
standard library alone. What ends a round while the runner lives (silence, a signal, a dead service) is in
pytest_process.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import IO, Dict, Iterable, Iterator, List

GRACE_S = 2.0  # between SIGTERM and SIGKILL
POLL_S = 0.05
MARKER = "SHARDLINE_RUN_ID"  # as in system/processes


class Watchdog:
    """The runner's end of the pipe."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe

    def expect(self, mark: str) -> None:
        """End the process that carries this mark, should we be gone before we can say its number."""
        self._tell("?", mark)

    def watch(self, pid: int) -> None:
        """End this process, and the session that it leads, when we are gone."""
        self._tell("+", str(pid))

    def forget(self, pid: int) -> None:
        """Let it be: we ended it ourselves."""
        self._tell("-", str(pid))

    def _tell(self, sign: str, word: str) -> None:
        with suppress(OSError, ValueError):  # a watchdog that somebody killed: the next start ends what we leave
            self._pipe.write(f"{sign}{word}\n")
            self._pipe.flush()


@contextmanager
def watchdog() -> Iterator[Watchdog]:
    """Keep a watchdog while the block runs. It is in a session of its own, so that what kills ours spares it."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        encoding="ascii",
        start_new_session=True,
    )
    assert process.stdin
    try:
        yield Watchdog(process.stdin)
    finally:
        with suppress(OSError):
            process.stdin.close()
        process.wait()


def main(lines: Iterable[str]) -> None:
    """Follow the runner's words to their end, then end whom it did not take back."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: Dict[int, str] = {}
    expected = ""
    for line in lines:
        sign, word = line[0], line[1:].strip()
        if sign == "?":
            expected = word
        elif sign == "+":
            watched[int(word)], expected = started(int(word)), ""
        else:
            watched.pop(int(word), None)
    watched.update((pid, started(pid)) for pid in (_marked(expected) if expected else ()))
    for number in (signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + GRACE_S
        left = [pid for pid, start in watched.items() if members(pid, start)]
        for pid in left:
            for member in members(pid, watched[pid]):
                with suppress(OSError):
                    os.kill(member, number)
        while any(members(pid, watched[pid]) for pid in left) and time.monotonic() < until:
            time.sleep(POLL_S)


def started(pid: int) -> str:
    """Tell when a process started, in a form of the system's own; empty where that cannot be known."""
    with suppress(OSError, IndexError):
        return _fields(pid)[19]
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.check_output(["ps", "-o", "lstart=", "-p", str(pid)]).decode().strip()
    return ""


def members(leader: int, start: str) -> List[int]:
    """Find the processes of a session that run; none where its leader's number is another's by now."""
    if started(leader) not in (start, ""):
        return []
    return [pid for pid in _pids() if _session(pid) == leader and not _is_zombie(pid)]


def _pids() -> List[int]:
    with suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 (no pathlib with -S)
    with suppress(OSError, subprocess.SubprocessError):
        return list(map(int, subprocess.check_output(["ps", "-axo", "pid="]).split()))
    return []


def _marked(mark: str) -> List[int]:
    """Find the processes that carry a mark in their environment (Linux)."""
    found = []
    for pid in _pids():
        with suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            if f"{MARKER}={mark}".encode("ascii") in file.read().split(b"\0"):
                found.append(pid)
    return found


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
