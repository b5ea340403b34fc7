"""One request at a time, the first first, and no more waiting than a client has patience for.

Engines keep caches without a lock: two calls at once mix the answers of two clients. So all calls come from one thread,
which also keeps what a runtime allocates for each thread down to one.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Callable, Deque, Dict, TypeVar

Answer = TypeVar("Answer")
IsGone = Callable[[], bool]
REMEMBERED = 8  # requests of late, by which it is guessed how long the next ones take


class Busy(Exception):
    """Too many wait already; ask again after so many seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Gone(Exception):
    """Who asked has hung up while others had their turn."""


class Turns:
    """A queue in front of one thread."""

    def __init__(self, most_waiting: int) -> None:
        self.most_waiting = most_waiting
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._lock = threading.Lock()
        self._inside: Dict[Future[Any], IsGone] = {}  # the one that has its turn, and those that wait
        self._took_s: Deque[float] = deque([1.0], maxlen=REMEMBERED)

    @property
    def waiting(self) -> int:
        """How many wait for their turn now."""
        with self._lock:
            self._let_go()
            return max(0, len(self._inside) - 1)

    def first(self, work: Callable[[], Answer]) -> Answer:
        """Do what comes before all requests, in the same thread; how long it takes says nothing of these."""
        return self._thread.submit(work).result()

    def take(self, work: Callable[[], Answer], is_gone: IsGone = lambda: False) -> Answer:
        """Do the work when it is its turn.

        Raises:
            Busy: too many wait.
            Gone: nobody waits for the answer any more; nothing was done.
        """
        with self._lock:
            self._let_go()
            if len(self._inside) > self.most_waiting:
                raise Busy(max(1, math.ceil(len(self._inside) * sum(self._took_s) / len(self._took_s))))
            turn = self._thread.submit(self._timed, work, is_gone)
            self._inside[turn] = is_gone
        try:
            return turn.result()
        except CancelledError:
            raise Gone from None
        finally:
            with self._lock:
                self._inside.pop(turn, None)

    def _let_go(self) -> None:
        """Give the places of those who have hung up to others; who has its turn keeps it."""
        for turn, is_gone in list(self._inside.items()):
            if is_gone() and turn.cancel():
                del self._inside[turn]

    def _timed(self, work: Callable[[], Answer], is_gone: IsGone) -> Answer:
        if is_gone():
            raise Gone
        began = time.monotonic()
        answer = work()
        self._took_s.append(time.monotonic() - began)  # what failed says nothing of what is spoken
        return answer
