"""When each shard did what: its steps on the clock of the run, and what decided how long that took. Pure."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ...proof import outcomes as o
from ..record import RunRecord, ShardRecord
from .tests import Row
from .text import sensible

TESTS = "tests"
OUTCOMES = (*o.WORST_FIRST,)


class Step(NamedTuple):
    """A step of a shard: its name, when it began after the run did, and how long it took, in seconds."""

    name: str
    at_s: float
    seconds: float


class Lane(NamedTuple):
    """A shard on the clock of the run.

    Args:
        place: in `RunRecord.shards`; -1 where it left nothing. number: of the shard, or the repair.
        estimate_s: what its tests were expected to take; took_s: what they took; None where that is not known.
        first_at_s, last_at_s: when its first test began and its last one ended, after the run began.
        counts: of its tests by outcome.
        decides: it ended last.
        missing: why it has no result.
    """

    place: int
    number: int
    is_repair: bool
    steps: Sequence[Step] = ()
    estimate_s: Optional[float] = None
    took_s: Optional[float] = None
    first_at_s: float = 0.0
    last_at_s: float = 0.0
    counts: Mapping[str, int] = {}
    decides: bool = False
    missing: str = ""

    @property
    def ended_s(self) -> float:
        """Say when it ended, after the run began."""
        return max((step.at_s + step.seconds for step in self.steps), default=0.0)


class Timeline(NamedTuple):
    """All shards of a run: when it began, in seconds since 1970, and how long it took."""

    began_s: float
    seconds: float
    lanes: Sequence[Lane]

    @property
    def slowest_s(self) -> float:
        """Say how long the tests of the slowest shard took."""
        return max((lane.took_s or 0.0 for lane in self._planned), default=0.0)

    @property
    def even_s(self) -> float:
        """Say how long they would take if all shards took the same."""
        took = [lane.took_s or 0.0 for lane in self._planned]
        return sum(took) / len(took) if took else 0.0

    @property
    def _planned(self) -> List[Lane]:
        return [lane for lane in self.lanes if not lane.is_repair and lane.took_s is not None]


def timeline(record: RunRecord, rows: Sequence[Row]) -> Timeline:
    """Put the steps of all shards on one clock, those that left nothing too."""
    mine: Dict[int, List[Row]] = {}
    for row in rows:
        mine.setdefault(row.shard, []).append(row)
    steps = [_steps(shard) for shard in record.shards]
    began = [each[0].at_s for each in steps if each]
    start_s = min(began, default=0.0)
    lanes = [
        _lane(place, record, [step._replace(at_s=step.at_s - start_s) for step in each], mine.get(place, []), start_s)
        for place, each in enumerate(steps)
    ]
    there = {lane.number for lane in lanes if not lane.is_repair}
    planned = len(record.plan.shards) if record.plan else 0
    total = max(record.verdict.total, planned) if record.verdict else 0  # others may be on other machines
    lanes += [
        Lane(-1, index, False, estimate_s=_estimate_s(record, index)) for index in range(total) if index not in there
    ]
    lanes.sort(key=lambda lane: (lane.is_repair, lane.number))
    last_s = max((lane.ended_s for lane in lanes), default=0.0)
    several = sum(bool(lane.steps) for lane in lanes) > 1
    lanes = [lane._replace(decides=several and bool(lane.steps) and lane.ended_s == last_s) for lane in lanes]
    return Timeline(start_s, last_s, lanes)


def _lane(place: int, record: RunRecord, steps: List[Step], mine: Sequence[Row], start_s: float) -> Lane:
    shard = record.shards[place]
    counts = dict.fromkeys(OUTCOMES, 0)
    for row in mine:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    first_s = min((row.at_s for row in mine if row.at_s), default=0.0)
    last_s = max((row.at_s + row.seconds for row in mine if row.at_s), default=0.0)
    return Lane(
        place=place,
        number=shard.index,
        is_repair=shard.is_repair,
        steps=steps,
        estimate_s=None if shard.is_repair else _estimate_s(record, shard.index),
        took_s=sum(row.seconds for row in mine) if mine else None,
        first_at_s=first_s - start_s if first_s else 0.0,
        last_at_s=last_s - start_s if last_s else 0.0,
        counts={outcome: count for outcome, count in counts.items() if count},
        missing=shard.why_no_result,
    )


def _estimate_s(record: RunRecord, index: int) -> Optional[float]:
    shards = record.plan.shards if record.plan else ()
    return shards[index].estimate_ms / 1000 if index < len(shards) and shards[index].estimate_ms else None


def _steps(shard: ShardRecord) -> List[Step]:
    """List the steps of a shard, in seconds since 1970: those of its result, before and after its first pytest."""
    began_s = shard.result.began_s if shard.result else 0.0
    began_s = sensible(began_s) or min((sensible(told.started) for told in shard.rounds), default=0.0)
    if not began_s:
        return []
    seconds = shard.result.seconds if shard.result else {TESTS: _last_s(shard) - began_s}
    seconds = {name: sensible(took_s) for name, took_s in seconds.items()}
    before = list(seconds)[: list(seconds).index(TESTS)] if TESTS in seconds else list(seconds)
    at_s = began_s - sum(seconds[name] for name in before)
    found = []
    for name, took_s in seconds.items():
        found.append(Step(name, at_s, took_s))
        at_s += took_s
    return found


def _last_s(shard: ShardRecord) -> float:
    """Say when a shard without a result was seen last."""
    ends = [told.started + each.at_s + each.seconds for told in shard.rounds for each in told.attempts]
    return max((sensible(end) for end in [*ends, *(sample.t for sample in shard.samples[-1:])]), default=0.0)


def ticks(seconds: float) -> List[Tuple[float, float]]:
    """Choose four to eight round times on an axis: each as seconds, and as a share of the whole.

    >>> ticks(10.0)
    [(0, 0.0), (2, 0.2), (4, 0.4), (6, 0.6), (8, 0.8), (10, 1.0)]
    """
    if not 0 < seconds < 1e9:
        return []
    sizes = [size * unit for unit in (0.001, 0.01, 0.1, 1) for size in (1, 2, 5)]
    sizes += [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800]
    sizes += [86400.0 * 10**power for power in range(6)]
    size = next((each for each in sizes if seconds / each <= 7), seconds)
    return [(place * size, place * size / seconds) for place in range(int(seconds / size + 1e-9) + 1)]
