"""What shards claim pieces in: a few small values under keys, and one word that only the first may say.

Every store of a run has a place of its own there (run, attempt), so that no key of another run is ever met. Keys are
`claims/PIECE.N` (never change), `beats/INDEX`, and a few more; see `queue.py`. Values are short texts.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Callable, Dict, Mapping, Optional, TypeVar

from ..errors import PipelineError
from ..system.beside import Beside

DEADLINE_S = 8.0  # of one call, with all that is tried again in it
PAUSE_S, LONGEST_PAUSE_S = 0.05, 1.0  # between two tries; twice as long each time
CLAIMS = "claims"
BEGAN = ".began"  # claimed first: where it is gone, all else is, too
LOST = (
    "Is it full, was it restarted or emptied? What this shard has claimed it finishes; the merge says what is missing."
)

T = TypeVar("T")


class StoreError(PipelineError):
    """The store cannot be reached, refuses, or does not keep what it says."""


class Unreached(StoreError):
    """It did not answer, or not so that one can tell what it means: it may the next time."""


class Store(ABC):
    """A place that all shards of a run reach. Each call either did what it says, or raises StoreError.

    What is asked in vain is asked again until the deadline, which also holds where the system itself hangs (a name
    that is not resolved, a network disk). A call that ran out of time may have been carried out.

    `where` is what people call it, without credentials; `latency_s` what a claim took at the start. Threads may share
    it. A kind of store has the methods with a line before their name.
    """

    where = ""
    latency_s = 0.0
    deadline_s = DEADLINE_S

    def __init__(self) -> None:
        self._claims: Dict[str, str] = {}  # of the folder `claims`, which never change

    def claim(self, key: str, value: str) -> str:
        """Make a key that never changes, unless it is there; its value then: ours where we were first.

        Also where the answer to our first try was lost: the value says whose it is. So it must be unlike any other's.

        Raises:
            StoreError: the store cannot be asked, or says neither.
        """
        folder, _, name = key.partition("/")
        if folder != CLAIMS:
            return self._in_time(lambda: self._claim(key, value))
        if name not in self._claims:
            self._claims[name] = self._in_time(lambda: self._claim(key, value))
        return self._claims[name]

    def put(self, key: str, value: str) -> None:
        """Write a key, whatever was there.

        Raises:
            StoreError: it cannot be written.
        """
        self._in_time(lambda: self._put(key, value))

    def get(self, key: str) -> Optional[str]:
        """Read a key; None where it is not there.

        Raises:
            StoreError: the store cannot be asked.
        """
        return self._in_time(lambda: self._get(key))

    def look(self, folder: str) -> Dict[str, str]:
        """Read all keys below `folder/`, by what follows that. Keys of `claims` are asked for their value once.

        Raises:
            StoreError: the store cannot be asked, or no longer has a claim that it had.
        """
        return self._in_time(lambda: self._looked(folder))

    def _looked(self, folder: str) -> Dict[str, str]:
        known = dict(self._claims) if folder == CLAIMS else {}
        there = self._look(folder, known)
        # A list may be late (network disks keep theirs for a minute): each that it lacks is asked for, and always the
        # first: who comes to an emptied store claims it anew.
        for name in [name for name, value in known.items() if name == BEGAN or there.get(name) != value]:
            if self._get(f"{folder}/{name}") != known[name]:
                raise StoreError(f"{self.where} no longer has what was claimed there ({name})", LOST)
            there[name] = known[name]
        if folder == CLAIMS:
            self._claims.update(there)
        return {name: there[name] for name in sorted(there) if not name.startswith(".")}

    def _in_time(self, act: Callable[[], T]) -> T:
        """Act in a thread, so that nothing holds the caller longer than the deadline; else the server's hold still."""
        began = time.monotonic()
        work = Beside(lambda: _until(began + self.deadline_s, act))
        # A little longer, so that its own words, which know more, come first.
        work.wait(lambda: time.monotonic() - began < 1.1 * self.deadline_s)
        if not work.is_over:
            raise Unreached(f"{self.where}: no answer within {self.deadline_s:g} s")
        return work.result()

    @abstractmethod
    def _claim(self, key: str, value: str) -> str:
        """Try once; see `claim`."""

    @abstractmethod
    def _put(self, key: str, value: str) -> None:
        """Try once; see `put`."""

    @abstractmethod
    def _get(self, key: str) -> Optional[str]:
        """Try once; see `get`."""

    @abstractmethod
    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        """Try once; see `look`. Of what is `known` the value need not be read again."""


def _until(end: float, act: Callable[[], T]) -> T:
    """Act, and again where the store was not reached, until a time of the monotonic clock in seconds."""
    pause = PAUSE_S
    while True:
        try:
            return act()
        except Unreached:
            if time.monotonic() + pause > end:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_S)
