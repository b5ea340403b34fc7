"""Which tests there are and what became of each: from what is known of a run to one row a test. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple

from ...planning.nodeids import file_of
from ...proof import outcomes as o
from ...proof.outcomes import Attempt
from ..record import RunRecord, ShardRecord
from .text import sensible

NEW, BROKE, FIXED, FLAKY = "new", "broke", "fixed", "flaky"
CHANGES = (NEW, BROKE, FIXED, FLAKY)
RUNNING = "running"  # of a run that goes on


@dataclass(frozen=True)
class Row:
    """A test of the run.

    Args:
        shard: the place in `RunRecord.shards` of the one that ran it; -1 where none did.
        at_s: when it began, in seconds since 1970; 0 where that is not known.
        change: one of CHANGES against the last run, or empty.
        attempts: all that are known, in order, with their text where the journal was read.
    """

    nodeid: str
    outcome: str
    shard: int = -1
    seconds: float = 0.0
    at_s: float = 0.0
    change: str = ""
    message: str = ""
    attempts: Tuple[Attempt, ...] = ()

    @property
    def is_red(self) -> bool:
        """Tell whether it makes a run red."""
        return self.outcome in o.RED

    @property
    def file(self) -> str:
        """Name the file that it stands in."""
        return file_of(self.nodeid)


@dataclass(frozen=True)
class _Ran:
    """What a shard knows of a test."""

    shard: int
    outcome: str
    attempts: Tuple[Attempt, ...]
    at_s: float
    message: str


def rows(record: RunRecord, live: bool = False) -> List[Row]:
    """List the tests of a run, as the verdict has them, else as the shards do.

    Args:
        live: the run goes on, so that what has begun is running; else it was left unfinished.
    """
    ran: Dict[str, List[_Ran]] = {}
    for place, shard in enumerate(record.shards):
        for nodeid, known in _of_shard(place, shard, live):
            ran.setdefault(nodeid, []).append(known)
    final = record.verdict.outcomes if record.verdict else {nodeid: _outcome(known) for nodeid, known in ran.items()}
    return [_row(nodeid, outcome, ran.get(nodeid, []), record.changes) for nodeid, outcome in final.items()]


def _row(nodeid: str, outcome: str, known: Sequence[_Ran], changes: Mapping[str, str]) -> Row:
    if not known:
        return Row(nodeid, outcome, change=_change(nodeid, outcome, (), changes))
    chosen = min(known, key=lambda each: (each.outcome != outcome, -each.shard))
    attempts = chosen.attempts
    return Row(
        nodeid=nodeid,
        outcome=outcome,
        shard=chosen.shard,
        seconds=sensible(sum(attempt.seconds for attempt in attempts)),
        at_s=chosen.at_s,
        change=_change(nodeid, outcome, attempts, changes),
        message=chosen.message,
        attempts=attempts,
    )


def _outcome(known: Sequence[_Ran]) -> str:
    outcomes = [each.outcome for each in known]
    return RUNNING if RUNNING in outcomes else o.worst({*outcomes} - {o.NOT_RUN} or {o.NOT_RUN})


def _change(nodeid: str, outcome: str, attempts: Sequence[Attempt], changes: Mapping[str, str]) -> str:
    """Say what changed against the runs before; what failed and passed in one run is flaky, whatever was before."""
    if outcome not in o.RED and any(each.outcome in (o.RERUN, *o.RED) for each in attempts):
        return FLAKY
    return changes.get(nodeid, "")


def _of_shard(place: int, shard: ShardRecord, live: bool) -> Iterator[Tuple[str, _Ran]]:
    """List what a shard knows of its tests: by its result, else by its journal."""
    started = {told.number: told.started for told in shard.rounds}
    told: Dict[str, List[Attempt]] = {}
    for attempt in (attempt for each in shard.rounds for attempt in each.attempts):
        told.setdefault(attempt.nodeid, []).append(attempt)
    if shard.result:
        for test in shard.result.tests:
            attempts = tuple(told.get(test.ran_as or test.nodeid, ())) or test.attempts
            began_s = started or {0: shard.result.began_s}
            yield test.nodeid, _Ran(place, test.proven, attempts, _began(attempts, began_s), test.why)
        return
    running = {each.ended.running.nodeid for each in shard.rounds[-1:] if live and each.ended.running}
    selected = dict.fromkeys(nodeid for each in shard.rounds for nodeid in (each.selected or ()))
    for nodeid in {**selected, **told}:
        attempts = tuple(told.get(nodeid, ()))
        outcome = RUNNING if nodeid in running else o.of_attempts(attempts)
        message = next((each.message for each in reversed(attempts) if each.message), "")
        yield nodeid, _Ran(place, outcome, attempts, _began(attempts, started), message)


def _began(attempts: Sequence[Attempt], started: Mapping[int, float]) -> float:
    """Find when the first of these attempts began; 0 where that is not known."""
    return next((sensible(started[each.round] + each.at_s) for each in attempts if each.round in started), 0.0)
