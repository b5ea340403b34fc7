"""What the history of durations says about the next run: robust against one that was contended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Dict, List, Mapping, Sequence, Tuple

from .estimates import Estimates, SetUp
from .nodeids import file_of
from .timings import Samples, Source, Timings, scopes_around

OUTLIER = 3  # a sample counts for at most this many times the greatest of the test's others ...
OUTLIER_MS = 500  # ... and this, so that short tests may vary
JUMP = 2  # a test jumped when its newest sample is this many times, or this part of, the others' median ...
JUMP_MS = 1000  # ... and differs from it by this
# How far files stray where only one run is known, in thousandths: that is unknown, and not nothing. Against 0, this
# made the slowest shard .03, .06 and .01 of an even share faster on suites it was not chosen on, at 4, 8, 16 nodes.
UNMEASURED_PERMILLE = 150


@dataclass(frozen=True)
class Jump:
    """Name a test whose newest sample is far from the others: their median, the newest, what is planned with."""

    nodeid: str
    before_ms: int
    now_ms: int
    estimate_ms: int


def estimates(timings: Timings, machine: str = "") -> Estimates:
    """Estimate what each test will take, and how far whole files stray between runs.

    Per test the weighted median of its samples, the newest weighing most, each as it would have been on
    a run of usual speed, and an outlier cut. With `machine`, times are those of that class of machine.
    """
    speeds = run_speeds(timings)
    usual = _usual_speed(speeds, machine)
    tests = {nodeid: _at_usual_speed(samples, speeds) for nodeid, samples in timings.tests.items()}
    return Estimates(
        {nodeid: _estimate(costs) * usual // 1000 for nodeid, costs in tests.items()},
        _stray_permille(tests),
    )


def set_up(timings: Timings, machine: str = "") -> SetUp:
    """Estimate what set-ups will cost, the median of their samples, and which tests are spared them.

    A file or class that never had a set-up has none.
    """
    speeds = run_speeds(timings)
    usual = _usual_speed(speeds, machine)

    def cost(samples: Samples) -> int:
        return _median(_at_usual_speed(samples, speeds)) * usual // 1000 if samples else 0

    return SetUp(
        cost(timings.session),
        {scope: cost(samples) for scope, samples in timings.set_ups.items()},
        spared=_spared(timings),
    )


def _spared(timings: Timings) -> Dict[str, Tuple[str, ...]]:
    """Name the scopes whose set-up a test did not need when it last ran in a shard that paid it."""
    found = {}
    for nodeid, masks in timings.spared.items():
        free = []
        for place, scope in enumerate(scopes_around(nodeid)):
            without = {source for source, mask in masks.items() if mask >> place & 1}
            paying = set(timings.set_ups.get(scope, ())).intersection(timings.tests.get(nodeid, ()))
            if without and max(without) >= max(paying, default=max(without)):
                free.append(scope)
        if free:
            found[nodeid] = tuple(free)
    return found


def run_speeds(timings: Timings) -> Dict[Source, int]:
    """Measure how slow each shard's run was, in thousandths of the usual: 2000 took twice as long for everything.

    The median over its tests, weighted by time, of the sample by the median of the test's samples. Only
    tests with other samples can tell.
    """
    ratios: Dict[Source, List[Tuple[int, int]]] = defaultdict(list)
    for samples in timings.tests.values():
        usual = _median(list(samples.values())) if samples else 0
        for source, cost in samples.items():
            if usual and len(samples) > 1:
                ratios[source].append((max(1, 1000 * cost // usual), usual))
    return {source: weighted_median(pairs) for source, pairs in ratios.items()}


def _usual_speed(speeds: Mapping[Source, int], machine: str) -> int:
    """Take the median speed of a class of machines; 1000 where none is asked for, or it never ran."""
    here = [speed for source, speed in speeds.items() if machine and source.machine == machine]
    return _median(here) if here else 1000


def weighted_median(pairs: Sequence[Tuple[int, int]]) -> int:
    """Find, of (value, weight), the least value with half the weight at or below it.

    >>> weighted_median([(10, 1), (20, 1), (627, 1)]), weighted_median([(10, 1), (20, 5)])
    (20, 20)
    """
    half = sum(weight for _, weight in pairs)
    for value, weight in sorted(pairs):
        half -= 2 * weight
        if half <= 0:
            return value
    raise ValueError("no values")


def _median(values: Sequence[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def _at_usual_speed(samples: Samples, speeds: Mapping[Source, int]) -> List[int]:
    """List a test's samples, newest first, as on a run of usual speed."""
    return [cost * 1000 // speeds.get(source, 1000) for source, cost in sorted(samples.items(), reverse=True)]


def _estimate(costs: List[int]) -> int:
    """Take the weighted median of samples, newest first, each cut to what the others make believable.

    >>> _estimate([627000, 13000]), _estimate([627000, 13000, 13000]), _estimate([627000, 620000, 13000])
    (39500, 13000, 620000)
    """
    cut = [min(cost, _most(costs[:place] + costs[place + 1 :])) for place, cost in enumerate(costs)]
    return weighted_median([(cost, len(costs) - age) for age, cost in enumerate(cut)])


def _most(others: Sequence[int]) -> int:
    return OUTLIER * max(others) + OUTLIER_MS if others else 10**15


def _stray_permille(tests: Mapping[str, Sequence[int]]) -> int:
    """Measure how far the newest time of a file lies from what its tests took before, in thousandths: the median."""
    if not tests:
        return 0
    files: Dict[str, Tuple[int, int]] = defaultdict(lambda: (0, 0))
    for nodeid, costs in tests.items():
        if len(costs) > 1:
            now, before = files[file_of(nodeid)]
            files[file_of(nodeid)] = now + costs[0], before + _median(costs[1:])
    strays = [(1000 * abs(now - before) // before, before) for now, before in files.values() if before]
    return weighted_median(strays) if strays else UNMEASURED_PERMILLE


def jumped(timings: Timings) -> List[Jump]:
    """Find the tests whose newest sample is far from the others, the greatest difference first.

    The machine's speed is taken out. An estimate follows a jump only when a second run confirms it.
    """
    speeds = run_speeds(timings)
    found = []
    for nodeid, samples in timings.tests.items():
        now, *others = _at_usual_speed(samples, speeds) or [0]
        before = _median(others) if others else now
        if abs(now - before) >= JUMP_MS and max(now, before) >= JUMP * min(now, before):
            found.append(Jump(nodeid, before, now, _estimate([now, *others])))
    return sorted(found, key=lambda jump: (-abs(jump.now_ms - jump.before_ms), jump.nodeid))
