"""The end of the kernel's log, as far as it may be read and tells of what ends programs: memory, disks, GPUs."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Iterable, Iterator, List

from ..system.oom import KERNEL_LOG, RECORD_BYTES
from ..system.programs import ProgramFailed, output

PROGRAM_S = 3.0
MOST_LINES = 200
MOST_RECORDS = 100_000
PROGRAMS = (["dmesg", "--time-format", "iso"], ["dmesg"], ["journalctl", "--dmesg", "--no-pager", "--lines", "5000"])

_TELLING = re.compile(
    r"(?i)out of memory|oom|killed process|memory cgroup|segfault|general protection|traps:|nvrm|nvidia|\bxid\b|amdgpu"
    r"|i/o error|no space|quota|read-only|blocked for more than|soft lockup|hung task|mce:|hardware error|thermal"
)


def tail() -> str:
    """Read the last lines that tell of such things.

    Raises:
        ProgramFailed: nobody lets us read it.
    """
    with suppress(OSError):
        return "\n".join([*telling(_records()), ""])
    for place, words in enumerate(PROGRAMS):
        try:
            return "\n".join([*telling(output(words, PROGRAM_S).splitlines()), ""])
        except ProgramFailed:
            if place == len(PROGRAMS) - 1:
                raise
    return ""


def telling(lines: Iterable[str]) -> List[str]:
    """Choose the last lines that tell of what ends programs.

    >>> telling(["usb 1-1: new device", "Out of memory: Killed process 42 (python)"])
    ['Out of memory: Killed process 42 (python)']
    """
    return [line for line in lines if _TELLING.search(line)][-MOST_LINES:]


def _records() -> Iterator[str]:
    """Read the records of the log from its beginning, each "[seconds since the start] text".

    Raises:
        OSError: it may not be read.
    """
    log = os.open(KERNEL_LOG, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        for _ in range(MOST_RECORDS):
            try:
                record = os.read(log, RECORD_BYTES).decode("utf-8", "replace")
            except BlockingIOError:  # no more
                return
            except BrokenPipeError:  # what we were to read was overwritten meanwhile
                continue
            head, _, text = record.partition(";")
            facts = head.split(",")
            yield f"[{int(facts[2]) / 1e6:.6f}] {text.splitlines()[0]}" if len(facts) > 2 and text else record
    finally:
        os.close(log)
