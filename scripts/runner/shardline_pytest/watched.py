"""Does the service still run at the end of a test: one that kills it may pass before anybody can see it dead.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

# Linux, include/linux/sched.h: it exits, dumps core, or took a signal that ends it. One that dies of a signal has
# SIGKILL pending until then.
EXITING, DUMPING_CORE, SIGNALED, SIGKILL_PENDING = 0x4, 0x200, 0x400, 1 << 8
STATE, FLAGS, PENDING = 0, 6, 28  # in /proc/PID/stat behind the name: proc(5) counts from 3


# Signals that end nobody who does not catch them: they are ignored (CHLD, CONT, URG, WINCH) or stop it.
HARMLESS = sum(1 << (number - 1) for number in (17, 18, 19, 20, 21, 22, 23, 28))
SIGNALS = re.compile(rb"^(ShdPnd|SigBlk|SigIgn|SigCgt):\s*([0-9a-f]+)$", re.MULTILINE)


class Watched:
    """A process that is looked at, some 40 us a look; where the system does not tell of it, it never ends."""

    def __init__(self, pid: str) -> None:
        self._folder = f"/proc/{pid}"
        self._open, self._read, self._close = os.open, os.read, os.close
        self._flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
        self._is_known = False
        with suppress(OSError):
            self._is_known = pid.isdecimal() and bool(self._content("stat"))

    def is_ending(self) -> bool:
        """Tell whether it has ended, or cannot but end."""
        if not self._is_known:
            return False
        try:
            if _is_sent_a_deadly_signal(self._content("status")):
                return True
            # Second: a signal that was taken between the two is seen in the flags.
            fields = self._content("stat").rpartition(b")")[2].split()
            return _exits(fields[STATE], int(fields[FLAGS]), int(fields[PENDING]))
        except (FileNotFoundError, ProcessLookupError):
            return True
        except (OSError, IndexError, ValueError):  # no descriptor left, say: nothing is known
            return False

    def _content(self, name: str) -> bytes:
        descriptor = self._open(f"{self._folder}/{name}", self._flags)
        try:
            return self._read(descriptor, 4096)
        finally:
            self._close(descriptor)


def _exits(state: bytes, flags: int, pending: int) -> bool:
    return state in (b"Z", b"X") or bool(flags & (EXITING | DUMPING_CORE | SIGNALED)) or bool(pending & SIGKILL_PENDING)


def _is_sent_a_deadly_signal(status: bytes) -> bool:
    """Tell whether a signal waits for it that it does not catch: one that dumps core does, until it is scheduled."""
    masks = {name: int(mask, 16) for name, mask in SIGNALS.findall(status)}
    spared = masks.get(b"SigBlk", 0) | masks.get(b"SigIgn", 0) | masks.get(b"SigCgt", 0) | HARMLESS
    return bool(masks.get(b"ShdPnd", 0) & ~spared)
