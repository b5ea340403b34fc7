"""Did the kernel kill for want of memory: what it counts of control groups and machine, and what its log says.

https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.events), .../cgroup-v1/memory.html (memory.oom_control)
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterator, Mapping, NamedTuple, Optional

from .machine import ROOT, groups_of

COUNTERS = ("memory.events", "memory.oom_control")
MACHINE = "proc/vmstat"
KERNEL_LOG = Path("/dev/kmsg")
RECORD_BYTES = 8192  # the most that one record of the kernel's log has
LATE_S = 1.0  # the clock of the kernel's log may differ a little from ours


class Killed(NamedTuple):
    """What the kernel's log says of a kill for memory: of whom, what that had of its own, and the limit of its group.

    `limit_bytes` is 0 where the machine itself had no memory left, and no control group's limit was met.
    """

    pid: int
    resident_bytes: int
    limit_bytes: int = 0


def kills(root: Path = ROOT) -> Dict[str, int]:
    """Read how many processes were killed for memory so far, by the file that counts them."""
    files = [folder / name for folder in groups_of("memory", root) for name in COUNTERS]
    counted = {str(file): _count(file) for file in [*files, root / MACHINE]}
    return {file: count for file, count in counted.items() if count is not None}


def new_kills(before: Mapping[str, int], after: Mapping[str, int]) -> Optional[bool]:
    """Tell whether a process of our control groups was killed meanwhile; None where only the machine counts that.

    >>> new_kills({"/g/memory.events": 1}, {"/g/memory.events": 2}), new_kills({"/proc/vmstat": 1}, {"/proc/vmstat": 2})
    (True, None)
    """
    grown = [file for file, count in after.items() if count > before.get(file, count)]
    if any(not file.endswith(MACHINE) for file in grown):
        return True
    return None if grown else False


def log_of(pid: int, since_s: float, log: Path = KERNEL_LOG) -> Optional[Killed]:
    """Find in the kernel's log that it killed a process for memory; None where it did not, or may not be read.

    Args:
        since_s: on the monotonic clock.
    """
    with suppress(OSError):
        found = [killed for killed in _killed(log, since_s) if killed.pid == pid]
        return found[-1] if found else None
    return None


def _killed(log: Path, since_s: float) -> Iterator[Killed]:
    r"""Read the log: records as `6,1234,5678901234,-;Out of memory: Killed process 42 (python) ... anon-rss:8kB`."""
    descriptor = os.open(str(log), os.O_RDONLY | os.O_NONBLOCK)
    until, limit = time.monotonic() + 1.0, 0
    try:
        while time.monotonic() < until:
            try:
                record = os.read(descriptor, RECORD_BYTES)
            except BrokenPipeError:  # it was overwritten while we read: the next read goes on behind
                continue
            except BlockingIOError:
                return
            if not record:
                return
            text = record.decode("utf-8", "replace")
            met = re.search(r"memory: usage \d+kB, limit (\d+)kB", text)  # stands above the line of the kill
            limit = int(met[1]) * 1024 if met else limit
            for killed in _read(text, since_s):
                yield killed._replace(limit_bytes=limit if "Memory cgroup" in text else 0)
                limit = 0
    finally:
        os.close(descriptor)


def _read(text: str, since_s: float) -> Iterator[Killed]:
    for line in text.splitlines():
        head, _, message = line.partition(";")
        killed = re.search(r"Killed process (\d+) .*?anon-rss:(\d+)kB", message)
        fields = head.split(",")
        if killed and len(fields) > 2 and fields[2].isdecimal() and int(fields[2]) / 1e6 >= since_s - LATE_S:
            yield Killed(int(killed.group(1)), int(killed.group(2)) * 1024)


def _count(file: Path) -> Optional[int]:
    with suppress(OSError, ValueError, UnicodeDecodeError):
        found = re.search(r"^oom_kill (\d+)$", file.read_text(encoding="ascii"), re.MULTILINE)
        return int(found.group(1)) if found else None
    return None
