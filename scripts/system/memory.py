"""How much memory do we take at most, with all that we started: a thread looks while a block runs.

A process counts by its proportional set size (Linux): pages that forked workers share, weights that several
processes map, count once over all of them. The resident set size would count them once for each, the unique set
size for none. Where the system does not tell the first (macOS), the resident set size errs to the safe side.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Iterator

if TYPE_CHECKING:
    import psutil

SAMPLE_S = 0.5
# To add up the pages of a process costs some 6 ms for each GB. With pauses of a hundred times what the look
# before took of the processor, measuring never takes more than 1 % of one core from what is measured.
PAUSES = 100


class Peak:
    """The most that was seen so far, in bytes; 0 before the first look."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def peak(sample_s: float = SAMPLE_S) -> Iterator[Peak]:
    """Measure this process and what it started while the block runs; what left the family (a daemon) is not seen."""
    import psutil

    seen, over, root = Peak(), threading.Event(), psutil.Process()

    def watch() -> None:
        pause_s = 0.0
        while not over.wait(pause_s):
            began_s = time.thread_time()
            seen.bytes = max(seen.bytes, used_bytes(root))
            pause_s = max(sample_s, PAUSES * (time.thread_time() - began_s))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def used_bytes(root: psutil.Process) -> int:
    """Add up what a process and all that it started take now, what is swapped out included."""
    import psutil

    with suppress(psutil.Error, OSError):
        return sum(map(_bytes, [root, *root.children(recursive=True)]))
    return 0


def _bytes(process: psutil.Process) -> int:
    """Measure what one process takes; nothing where it is gone."""
    import psutil

    with suppress(psutil.Error, OSError):  # a process that changed its user tells only the second
        full = process.memory_full_info()
        if getattr(full, "pss", 0):
            return int(full.pss + full.swap)
    with suppress(psutil.Error, OSError):
        return int(process.memory_info().rss)
    return 0
