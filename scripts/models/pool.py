"""Several downloads at a time: threads that share one list of jobs, and all end when one fails or somebody interrupts.

Not an executor of the standard library: at the end of the program those wait for threads that sit in a silent
connection. Ours are left behind; a part on the disk is as good then as after a kill.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, Generic, List, Sequence, Tuple, TypeVar

from ..console import Advance

Job = TypeVar("Job")
Result = TypeVar("Result")
Do = Callable[[Job], Result]

LOOK_S = 0.1  # between two looks whether a thread failed
GRACE_S = 0.5  # for threads to keep what came: all do at once, but those to which nothing comes


class Ended(BaseException):
    """The work was given up, in a thread that is at it; not an Exception, so that nobody takes it for a failure."""


class Pool(Generic[Job, Result]):
    """Does jobs in threads, and some in the caller's own.

    `advance` and `sleep` are for what the jobs call: they may be called from any thread, and end it when the
    others have ended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._own: Deque[Tuple[int, Job]] = deque()
        self._queue: Deque[Tuple[int, Job]] = deque()
        self._results: Dict[int, Result] = {}
        self._failures: List[BaseException] = []
        self._in_hand: Dict[int, Job] = {}

    def advance(self, advance: Advance, count: int) -> None:
        """Pass on that bytes came."""
        if self._ended.is_set():
            raise Ended
        with self._lock:
            advance(count)

    def sleep(self, seconds: float) -> None:
        """Wait, unless the work is given up meanwhile."""
        if self._ended.wait(seconds):
            raise Ended

    @property
    def left(self) -> int:
        """How many jobs are not begun."""
        return len(self._own) + len(self._queue)

    @property
    def in_hand(self) -> List[Job]:
        """What is being done, in the order of the jobs. Takes no lock: who shows it may hold one of its own."""
        return [job for _, job in sorted(self._in_hand.copy().items(), key=lambda item: item[0])]

    def run(
        self,
        jobs: Sequence[Job],
        make: Callable[[], Do[Job, Result]],
        at_once: int,
        alone: Callable[[Job], bool],
        size: Callable[[Job], int],
    ) -> List[Result]:
        """Do all jobs, and return their results in their order.

        Args:
            make: makes what does a job, once for each thread.
            at_once: how many threads do jobs, at most.
            alone: which jobs the caller's thread does itself, one after the other: those that start programs.
            size: threads begin with the largest jobs, or the last one would keep one of them at work for long.

        Raises:
            Whatever a job raises, and what interrupts the caller; the others have ended by then.
        """
        numbered = list(enumerate(jobs))
        shared = sorted([item for item in numbered if not alone(item[1])], key=lambda item: -size(item[1]))
        threads: List[threading.Thread] = []
        try:
            if len(shared) > 1:
                self._queue.extend(shared)
                self._start(threads, min(at_once, len(shared)), make)
            self._own.extend([item for item in numbered if alone(item[1])] if threads else numbered)
            self._work(self._own, make())
            for thread in threads:
                while thread.is_alive() and not self._ended.is_set():
                    thread.join(LOOK_S)
        except Ended:  # our own job, because of a thread's failure
            pass
        finally:
            self._end(threads)
        if self._failures:
            raise self._failures[0]
        return [self._results[place] for place, _ in numbered]

    def _start(self, threads: List[threading.Thread], count: int, make: Callable[[], Do[Job, Result]]) -> None:
        for _ in range(count):
            thread = threading.Thread(target=self._work_in_thread, args=(make,), daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more can be started (`ulimit -u`): fewer do it, too
                return
            threads.append(thread)

    def _work_in_thread(self, make: Callable[[], Do[Job, Result]]) -> None:
        try:
            self._work(self._queue, make())
        except Ended:
            pass
        except BaseException as error:
            self._failures.append(error)
            self._ended.set()

    def _work(self, queue: Deque[Tuple[int, Job]], do: Do[Job, Result]) -> None:
        while not self._ended.is_set():
            try:
                place, job = queue.popleft()
            except IndexError:
                return
            self._in_hand[place] = job
            self._results[place] = do(job)
            del self._in_hand[place]

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        self._ended.set()
        deadline = time.monotonic() + GRACE_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
