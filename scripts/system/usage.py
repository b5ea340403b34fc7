"""What do processes take now: memory, processor, threads, open files; cheap looks often, dear ones seldom."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Callable, Generic, Iterable, List, NamedTuple, Optional, TypeVar

if TYPE_CHECKING:
    import psutil

# To add up the pages of a process costs some 6 ms for each GB, to look through 1,000 processes 20 ms and more. With a
# pause of 400 times what a look took of the processor, it never takes more than 0.25 % of one core.
PAUSES = 400
T = TypeVar("T")


class Sample(NamedTuple):
    """What a service took at a moment, with all that it started. None where that is not known.

    Args:
        t: when, in seconds since 1970.
        name: of the service.
        start: how often the service had been started before.
        test: the one that ran then, as far as its process had told.
        rss: the resident memory of all its processes, in bytes; what they share counts once for each.
        memory: what they take together, in bytes: what they share counts once, what is swapped out, too.
        uss: what would be freed by their end, in bytes, when it was looked at last.
        cpu: seconds of the processor since its start.
        threads, files: how many it has, and has open.
        gpu: memory of GPUs, in bytes.
        latency_ms: how long the last answer to the probe took, or how long it is waited for.
    """

    t: float
    name: str
    start: int
    test: str
    rss: int
    memory: int
    uss: Optional[int]
    cpu: float
    threads: int
    files: Optional[int]
    gpu: Optional[int]
    latency_ms: Optional[float]


class Taken(NamedTuple):
    """What is cheap to learn, added up over processes: see `Sample`."""

    rss: int
    cpu: float
    threads: int
    files: Optional[int]


class Pages(NamedTuple):
    """What is dear to learn, added up over processes: bytes that they take together, and that their end would free."""

    memory: int
    uss: int


class Paced(Generic[T]):
    """A dear look that is not repeated before a pause of PAUSES times what it took; until then its last answer.

    Args:
        most_s: the longest pause, where nothing else would show what comes meanwhile.
    """

    def __init__(
        self, look: Callable[[], T], clock: Callable[[], float] = time.monotonic, most_s: float = math.inf
    ) -> None:
        self._look, self._clock, self._most_s = look, clock, most_s
        self._answer: List[T] = []
        self._due = clock()

    def is_due(self) -> bool:
        """Tell whether the pause is over."""
        return self._clock() >= self._due

    def __call__(self, now: bool = False) -> T:
        """Look, if the pause is over or it must be `now`; return the answer, else the last one."""
        if not self._answer or now or self.is_due():
            began_s = time.thread_time()
            self._answer = [self._look()]
            self._due = self._clock() + min(self._most_s, PAUSES * (time.thread_time() - began_s))
        return self._answer[0]


def taken(processes: Iterable[psutil.Process]) -> Optional[Taken]:
    """Add up what processes take; None where none of them runs any more."""
    found = [one for one in map(_taken, processes) if one]
    if not found:
        return None
    files = [one.files for one in found]
    return Taken(
        rss=sum(one.rss for one in found),
        cpu=sum(one.cpu for one in found),
        threads=sum(one.threads for one in found),
        files=None if None in files else sum(count or 0 for count in files),
    )


def pages(processes: Iterable[psutil.Process]) -> Optional[Pages]:
    """Add up the pages of processes; None where the system tells it of none, or not of all of them."""
    import psutil

    found = []
    for process in processes:
        try:
            full = process.memory_full_info()
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
        except (psutil.Error, OSError):  # another user's
            return None
        if not full.rss:  # a zombie
            continue
        memory = full.pss + full.swap if hasattr(full, "pss") else full.rss  # macOS
        found.append(Pages(int(memory), int(full.uss)))
    return Pages(sum(one.memory for one in found), sum(one.uss for one in found)) if found else None


def _taken(process: psutil.Process) -> Optional[Taken]:
    """Look at one process; None where it is gone, or does not tell."""
    import psutil

    files = None
    with suppress(psutil.Error, OSError), process.oneshot():
        times = process.cpu_times()
        memory, threads = process.memory_info().rss, process.num_threads()
        if not memory:  # a zombie
            return None
        with suppress(psutil.Error, OSError):  # another user's
            files = process.num_fds()
        cpu = sum(getattr(times, name, 0.0) for name in ("user", "system", "children_user", "children_system"))
        return Taken(int(memory), cpu, threads, files)
    return None
