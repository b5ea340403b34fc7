"""How far a shard has come while it runs: what its journal gained since the last look, and what that leaves."""

from __future__ import annotations

import heapq
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence, Set, Tuple

from ..proof.receipt import ERROR, FAILED, NOT_RUN, Receipt

TELLING = 0.1  # the share of a shard that must be done before its pace says more than the estimate

Failures = List[Tuple[str, str]]


class Progress:
    """What a shard's journal told so far.

    `done` are the ids of the tests that ended, `failed` the outcome of those that failed, `share` is how much
    of the shard's time the ended ones stand for, 0 to 1. `now` is the id of the test that runs, or the file
    that is collected; empty before and after.

    Args:
        times: what each test of the shard is expected to take, in any unit.
    """

    def __init__(self, journal: Path, times: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self.done: Set[str] = set()
        self.failed: Dict[str, str] = {}
        self.now = ""
        self._journal, self._read_bytes = journal, 0
        self._times, self._all_time, self._done_time = times, sum(times.values()), 0
        self._clock = clock
        self._began = self._advanced = 0.0  # when the first test began, and the last one ended

    @property
    def share(self) -> float:
        """See the class."""
        return self._done_time / max(1, self._all_time)

    def read(self) -> Failures:
        """Take the lines that were added, but one that is still being written; the tests that failed, by outcome."""
        known = len(self.failed)
        with suppress(FileNotFoundError), self._journal.open("rb") as journal:
            journal.seek(self._read_bytes)
            whole, newline, _ = journal.read().rpartition(b"\n")
            self._read_bytes += len(whole) + len(newline)
            for line in whole.splitlines():
                with suppress(ValueError, TypeError, KeyError):  # torn by a kill; `journal.py` judges it
                    self._take(json.loads(line))
        return list(self.failed.items())[known:]

    def settle(self, result: Receipt) -> Failures:
        """Take what the shard says at its end: that knows also of tests that killed their process."""
        told, self.now = self.failed, ""
        self.failed = {test.nodeid: test.outcome for test in result.tests if test.outcome in (FAILED, ERROR)}
        self.done = {test.nodeid for test in result.tests if test.outcome != NOT_RUN}
        return [(nodeid, outcome) for nodeid, outcome in self.failed.items() if nodeid not in told]

    def left_s(self, estimate_s: float) -> float:
        """How long it still takes, inf for not known; `estimate_s` is what all of it was expected to take."""
        if not self._began:
            return estimate_s
        return left_s(self.share, self._advanced - self._began, self._clock() - self._advanced, estimate_s)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind in ("start", "collect"):
            self.now = str(event["id"])
            if kind == "start" and not self._began:
                self._began = self._advanced = self._clock()
        elif kind in ("load", "finishing"):
            self.now = ""
        elif kind == "end":
            self._take_end(str(event["id"]), event["phase"], event["outcome"])

    def _take_end(self, nodeid: str, phase: str, outcome: str) -> None:
        if outcome == "failed":
            self.failed.setdefault(nodeid, FAILED if phase == "call" else ERROR)
        if phase == "teardown" and nodeid not in self.done:
            self.done.add(nodeid)
            self._done_time += self._times.get(nodeid, 0)
            self._advanced = self._clock()


def left_s(share: float, worked_s: float, since_s: float, estimate_s: float) -> float:
    """How long a shard still takes: by its own pace, and before that tells, by the estimate; inf for not known.

    Args:
        worked_s: how long that share took, up to the end of its last test.
        since_s: how long the next one runs already.

    >>> left_s(0.75, 30.0, 4.0, 100.0), left_s(0.05, 30.0, 4.0, 100.0), left_s(0.0, 0.0, 4.0, float("inf"))
    (6.0, 66.0, inf)
    """
    whole_s = worked_s / share if share >= TELLING else estimate_s
    return max(0.0, whole_s - worked_s - since_s)


def all_left_s(running: Sequence[float], waiting: Sequence[float], most: int) -> float:
    """How long all shards still take, `most` at once: one that waits starts as soon as another has ended.

    >>> all_left_s([10.0, 30.0], [15.0], 2), all_left_s([10.0], [float("inf")], 2)
    (30.0, inf)
    """
    lanes = [*running, *[0.0] * (most - len(running))]
    heapq.heapify(lanes)
    for seconds in waiting:
        heapq.heapreplace(lanes, lanes[0] + seconds)
    return max(lanes)
