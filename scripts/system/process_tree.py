"""Find and end all that came of one start: what carries its mark, what is in its session, and what these started.

The mark is a variable of the environment, which all inherit: also what daemonised by a double fork, what changed its
session, and what outlived its parent. An environment that cannot be read is a stranger's. Each process that was found
is known by pid and start time from then on, and that is checked before every signal; names say nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Set, Tuple

from .identity import Identity, are_told, child_runs, identify, is_alive, is_same

if TYPE_CHECKING:
    import psutil

MARKER = "SHARDLINE_RUN_ID"  # in the environment of all that we start
POLL_S = 0.05
KILL_TIMEOUT_S = 5.0  # what SIGKILL does not end by then hangs in the kernel (a driver, a network disk)
# A process that is just being started shows no environment for a moment: one empty search proves nothing.
EMPTY_SEARCHES = 2
SEARCHES = 20  # at most, for what ends whenever it is found
SUBREAPER = 36
READ_BYTES = 64 * 1024  # at once: what /proc has less of comes whole


class Stop(NamedTuple):
    """How a process ended: its exit code (negative: a signal; None: not known), and what that took.

    `forced`: SIGKILL was needed, `waited_s` after SIGTERM. `left`: the pids that even it did not end, `ended`: those of
    all that was signalled.
    """

    returncode: Optional[int] = None
    by_itself: bool = False
    forced: bool = False
    waited_s: float = 0.0
    left: Tuple[int, ...] = ()
    ended: Tuple[int, ...] = ()


def tree(root: Identity, mark: str) -> List[psutil.Process]:
    """Find what runs of one start: `root`, its session, what carries the mark, and what any of these started.

    We ourselves and those that we run in are never among them.

    Args:
        mark: the value of MARKER that this start was given; empty where only what hangs together with `root` counts.

    Returns:
        none where the system does not tell of processes; `end` then ends the group of a child of ours.
    """
    now = identify(root.pid)
    if now is None and not are_told():
        return []
    spared = _lineage()
    for _ in range(SEARCHES):
        seen, marked = _search(mark)
        found = {*marked, *_with_session(root, seen)} if is_same(root, now) else marked
        ours = with_descendants(found, _parents(seen), spared) if found else set()
        processes = [process for process in _pinned(ours, marked, mark) if is_alive(process)]
        if processes or not marked.difference(spared):
            return processes  # else it ended between two looks, and may have left another in its place
    return []


def end(
    root: Identity,
    mark: str,
    timeout_s: float,
    hurry: Callable[[], bool] = lambda: False,
    reap: Callable[[], object] = lambda: None,
    known: Sequence[psutil.Process] = (),
) -> Stop:
    """End all that came of one start, also what starts meanwhile.

    Args:
        mark: as for `tree`.
        timeout_s: how long to wait between SIGTERM and SIGKILL; no longer once `hurry()` is true.
        reap: called while waiting, to collect the exit code of a child of ours.
        known: what was found of it before; it may have no mark, and have lost the parent by which it was found.

    Returns:
        what it took; an exit code only a parent can know.
    """
    if not are_told():
        return _end_group(root.pid, timeout_s, hurry)
    try:
        return _end_all(root, mark, timeout_s, hurry, reap, known)
    except OSError:  # no file can be opened any more to look: nothing may live on for that
        return _end_group(root.pid, timeout_s, hurry)


def _end_all(
    root: Identity,
    mark: str,
    timeout_s: float,
    hurry: Callable[[], bool],
    reap: Callable[[], object],
    known: Sequence[psutil.Process],
) -> Stop:
    began = time.monotonic()

    def over() -> bool:
        return time.monotonic() - began >= timeout_s or hurry()

    signalled: Set[psutil.Process] = set()
    left = _signal_all(signal.SIGTERM, root, mark, known, over, reap, signalled)
    ending = Stop(forced=bool(left), waited_s=time.monotonic() - began)
    if left:
        deadline = time.monotonic() + KILL_TIMEOUT_S
        left = _signal_all(signal.SIGKILL, root, mark, left, lambda: time.monotonic() >= deadline, reap, signalled)
    ended = tuple(process.pid for process in signalled.difference(left))
    return ending._replace(left=tuple(process.pid for process in left), ended=ended)


def marked_with(pid: int, mark: str) -> bool:
    """Tell whether a process carries this mark; one whose environment cannot be read does not."""
    import psutil

    if not sys.platform.startswith("linux"):
        with suppress(psutil.Error, OSError):
            return bool(psutil.Process(pid).environ().get(MARKER) == mark)
        return False
    try:
        return f"{MARKER}={mark}".encode() in _read(pid, "environ").split(b"\0")
    except OSError:
        return False


def is_anothers(pid: int, mark: str) -> bool:
    """Tell whether the environment of a process says that we did not start it: it is whole, and has not this mark.

    That of ours may be gone: a command cleared it, or a server wrote its title over it.
    """
    import psutil

    with suppress(psutil.Error, OSError):
        environ = psutil.Process(pid).environ()
        return "PATH" in environ and environ.get(MARKER) != mark
    return False


def with_descendants(roots: Iterable[int], parents: Dict[int, int], spared: Sequence[int] = ()) -> Set[int]:
    """Add what the roots started, and what that started, but for the spared and what hangs on these alone.

    >>> sorted(with_descendants([2], {2: 1, 3: 2, 4: 3, 5: 1, 6: 2, 7: 6}, spared=[6]))
    [2, 3, 4]
    """
    children: Dict[int, List[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found: Set[int] = set()
    ahead = list(roots)
    while ahead:
        pid = ahead.pop()
        if pid not in found and pid not in spared:
            found.add(pid)
            ahead += children.get(pid, [])
    return found


def _signal_all(
    number: signal.Signals,
    root: Identity,
    mark: str,
    known: Sequence[psutil.Process],
    over: Callable[[], bool],
    reap: Callable[[], object],
    all_signalled: Set[psutil.Process],
) -> List[psutil.Process]:
    """Signal each process once, also those that come meanwhile, until nothing runs or it is over.

    Only those that were found are looked at while waiting; a search goes through all processes of the machine.

    Args:
        all_signalled: gets what was signalled.

    Returns:
        what still runs.
    """
    signalled: Set[psutil.Process] = set()
    empty = 0
    while empty < EMPTY_SEARCHES:
        found = {*tree(root, mark), *filter(is_alive, known)}
        _send(number, root, found - signalled, as_group=not signalled)
        signalled |= found
        all_signalled |= found
        known = _wait(found, over, reap)
        if over():
            return sorted({*known, *tree(root, mark)}, key=lambda process: process.pid)
        empty = 0 if found else empty + 1
        time.sleep(POLL_S if empty == 1 else 0)
    return []


def _wait(
    processes: Iterable[psutil.Process], over: Callable[[], bool], reap: Callable[[], object]
) -> List[psutil.Process]:
    """Wait until none of them runs, or it is over; returns those that still do."""
    pause_s = POLL_S / 32  # most end within milliseconds
    alive = list(filter(is_alive, processes))
    while alive and not over():
        time.sleep(pause_s)
        pause_s = min(POLL_S, pause_s * 2)
        reap()
        alive = list(filter(is_alive, alive))
    return alive


def take_orphans() -> None:
    """Become the parent of what loses its own below us (Linux): prctl(2), PR_SET_CHILD_SUBREAPER.

    The first process of a container often waits for nobody: what we ended would be shown as there for ever.
    """
    import ctypes

    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # a libc without it: then as before
            ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def _send(number: signal.Signals, root: Identity, processes: Iterable[psutil.Process], as_group: bool) -> None:
    """Signal each of the processes once; those in the group of `root` as one, so that none slips through by a fork."""
    import psutil

    grouped = {process for process in processes if as_group and _group(process.pid) == root.pid}
    if grouped and _is_ours_alone(root):
        _send_group(root.pid, number)
        processes = set(processes) - grouped
    for process in processes:
        with suppress(psutil.Error, OSError):
            process.send_signal(number)  # looks at the start time first


def _is_ours_alone(root: Identity) -> bool:
    """Tell whether the group is of `root`, not of a stranger with its number, and has nobody in it whom we run in."""
    now = identify(root.pid)
    return (now is None or is_same(root, now)) and root.pid not in map(_group, _lineage())


def _search(mark: str) -> Tuple[Set[int], Set[int]]:
    """Look at all processes, also those that start while we look: (what there was, what of it carries the mark)."""
    import psutil

    seen: Set[int] = set()
    marked: Set[int] = set()
    for _ in range(SEARCHES):  # where others start processes all the time, there is always one more
        fresh = set(psutil.pids()) - seen
        if not fresh:
            break
        seen |= fresh
        marked |= {pid for pid in fresh if mark and marked_with(pid, mark)}
    return seen, marked


def _with_session(root: Identity, pids: Iterable[int]) -> Set[int]:
    """Find what is in the session of a process that is known to be the same, and that process."""
    return {root.pid, *(pid for pid in pids if _session(pid) == root.pid)}


def _parents(pids: Iterable[int]) -> Dict[int, int]:
    """List the parents of processes."""
    import psutil

    if not sys.platform.startswith("linux"):
        return {process.pid: process.info["ppid"] or 0 for process in psutil.process_iter(["ppid"])}
    parents = {}
    for pid in pids:
        with suppress(OSError, IndexError, ValueError):  # gone meanwhile
            parents[pid] = int(_read(pid, "stat").rpartition(b")")[2].split(None, 2)[1])  # proc(5): a name may hold all
    return parents


def _read(pid: int, name: str) -> bytes:
    """Read a file of /proc: three times as fast as psutil or a file object, and done for every process there is.

    Raises:
        OSError: the process is gone, or a stranger's.
    """
    import psutil

    descriptor = os.open(f"{psutil.PROCFS_PATH}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        content = part = os.read(descriptor, READ_BYTES)
        while len(part) == READ_BYTES:
            part = os.read(descriptor, READ_BYTES)
            content += part
        return content
    finally:
        os.close(descriptor)


def _pinned(pids: Iterable[int], marked: Set[int], mark: str) -> List[psutil.Process]:
    """Note the start times of processes, then look at their marks again: a number may have been given out anew."""
    import psutil

    processes = []
    for pid in sorted(pids):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if pid not in marked or marked_with(pid, mark):
                processes.append(process)
    return processes


def _lineage() -> List[int]:
    """List our own pid and those of the processes that we run in."""
    import psutil

    own = os.getpid()
    with suppress(psutil.Error):
        return [own, *(process.pid for process in psutil.Process(own).parents())]
    return [own, os.getppid()]


def _end_group(pid: int, timeout_s: float, hurry: Callable[[], bool]) -> Stop:
    """End a child of ours and its process group: all that can be done where the system tells nothing of processes."""
    if child_runs(pid) is None:  # the number may be a stranger's by now
        return Stop()
    began = time.monotonic()
    _send_group(pid, signal.SIGTERM)
    while child_runs(pid) and time.monotonic() - began < timeout_s and not hurry():
        time.sleep(POLL_S)
    ending = Stop(forced=bool(child_runs(pid)), waited_s=time.monotonic() - began)
    _send_group(pid, signal.SIGKILL)  # its children, too: whether any are left is not told
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while child_runs(pid) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return ending._replace(left=(pid,) if child_runs(pid) else ())


def _send_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone; only zombies left (macOS)
        os.killpg(pid, number)


def _session(pid: int) -> Optional[int]:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _group(pid: int) -> Optional[int]:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
