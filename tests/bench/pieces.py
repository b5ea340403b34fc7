"""Part `pieces`: what it gains that shards share out at run time what they have left; a simulation on recorded suites.

The pieces are those of the plan, and who takes which one when is decided by the code that decides it in a run. Only
time is simulated: each claim costs `LATENCY_MS`, and a shard pays the set-up of a file whenever it turns to it. The
figure of merit is the end of the last test as a multiple of a bound that knows how fast each node is and when it
starts: 1.000 cannot be beaten.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from scripts.distribution import policy
from scripts.distribution.policy import CLOSED, IDLE, RUNS, Peer, Take, View, Wait
from scripts.errors import PipelineError
from scripts.planning.estimates import Estimates, SetUp
from scripts.planning.forecast import UNMEASURED_PERMILLE
from scripts.planning.nodeids import file_of
from scripts.planning.pieces import Piece
from scripts.planning.plan import make
from scripts.proof.claimed import TAKEN_OVER

from .measuring import Table, pairs
from .planning import recorded

TOTALS = (4, 8, 16)
LATENCY_MS = 50
TAKE_OVER_MS = 60_000
SET_UP_MS = 20_000
NOISE = 0.3  # sigma of the factor by which each test differs from its estimate
SEED = 13
PAIRS = 3  # of recordings, the newest of each suite

Times = Mapping[str, int]  # ms by node id
Suites = Mapping[str, Sequence[Times]]


@dataclass(frozen=True)
class Nodes:
    """What the nodes of a run are like.

    Args:
        speeds: of each, 1 where tests take what they take.
        late_ms: after what time each begins.
        dies_ms: when the last one dies, if it does: then nothing that it ran counts.
    """

    speeds: Sequence[float]
    late_ms: Sequence[int]
    dies_ms: Optional[int] = None


class Outcome(NamedTuple):
    """How a simulated run went."""

    span_ms: float
    pieces: int
    moved: int  # pieces that were not run where the plan has them


class Run:
    """One simulated run."""

    def __init__(self, pieces: Sequence[Piece], real: Times, set_up_ms: int, nodes: Nodes) -> None:
        self._pieces, self._real, self._set_up_ms, self._nodes = pieces, real, set_up_ms, nodes
        self._claims: Dict[str, int] = {}
        self._ended_ms: Dict[str, float] = {}  # by piece, where it was run last
        self._running: Dict[int, Tuple[str, float]] = {}
        self._states: Dict[int, str] = {}
        self._files: Dict[int, str] = {}
        self._asked = self._moved = 0
        self._took: Dict[int, Dict[str, int]] = {index: {} for index in range(len(nodes.speeds))}
        self._events: List[Tuple[float, int, int, Optional[Take]]] = []

    def outcome(self) -> Outcome:
        """Run until all nodes have closed."""
        for index, late_ms in enumerate(self._nodes.late_ms):
            self._then(late_ms, index)
        while self._events:
            now, _, index, take = heapq.heappop(self._events)
            if not self._is_dead(index, now):
                self._claimed(now, index, take) if take else self._ask(now, index)
        lost = {index for index, state in self._states.items() if state != CLOSED}
        if lost.intersection(self._claims.values()) or len(self._ended_ms) < len(self._pieces):
            raise ValueError("a piece did not run, or its result is lost")
        return Outcome(max(self._ended_ms.values()), len(self._pieces), self._moved)

    def _then(self, at_ms: float, index: int, take: Optional[Take] = None) -> None:
        self._asked += 1
        heapq.heappush(self._events, (at_ms, self._asked, index, take))

    def _is_dead(self, index: int, now: float) -> bool:
        dies_ms = self._nodes.dies_ms
        return dies_ms is not None and index == len(self._nodes.speeds) - 1 and now >= dies_ms

    def _ask(self, now: float, index: int) -> None:
        if index in self._running:
            name, since = self._running.pop(index)
            self._took[index][name] = round(now - since)
        self._states[index] = RUNS
        decided = policy.decide(
            View(index, self._pieces, self._claims, self._peers(now, index), LATENCY_MS, self._pace(index))
        )
        if isinstance(decided, Take):
            self._then(now + LATENCY_MS, index, decided)
        elif isinstance(decided, Wait):
            self._states[index] = IDLE
            self._then(now + decided.pause_ms, index)
        else:
            self._states[index] = CLOSED

    def _claimed(self, now: float, index: int, take: Take) -> None:
        name = take.piece.name
        expected = take.whose if take.how == TAKEN_OVER else None
        if self._claims.get(name) != expected:
            return self._then(now, index)
        self._claims[name] = index
        self._moved += index != take.piece.shard
        self._running[index] = name, now
        ends_ms = now + self._duration_ms(index, take.piece)
        if not self._is_dead(index, ends_ms):
            self._ended_ms[name] = ends_ms
        return self._then(ends_ms, index)

    def _duration_ms(self, index: int, piece: Piece) -> float:
        took = 0
        for nodeid in piece.nodeids:
            file = file_of(nodeid)
            took += self._real[nodeid] + (0 if file == self._files.get(index) else self._set_up_ms)
            self._files[index] = file
        return took / self._nodes.speeds[index]

    def _pace(self, index: int) -> int:
        return policy.pace_permille(self._pieces, index, self._took[index])

    def _peers(self, now: float, index: int) -> Dict[int, Peer]:
        found = {}
        for other, state in self._states.items():
            name, since = self._running.get(other, ("", now))
            silent = self._is_dead(other, now - TAKE_OVER_MS) and state != CLOSED
            if other != index:
                found[other] = Peer(state, name, round(now - since), silent, self._pace(other))
        return found


def bound_ms(real: Times, set_up_ms: int, nodes: Nodes) -> float:
    """Bound what nobody beats: nodes that are busy from their start to one end, or the longest test on the fastest."""
    work = sum(real.values()) + set_up_ms * len(set(map(file_of, real)))
    alive = list(zip(nodes.late_ms, nodes.speeds))[: len(nodes.speeds) - (nodes.dies_ms is not None)]
    ends = []
    for count in range(1, len(alive) + 1):
        there = sorted(alive)[:count]
        ends.append((work + sum(late * speed for late, speed in there)) / sum(speed for _, speed in there))
    return max(min(ends), (max(real.values()) + set_up_ms) / max(nodes.speeds))


def static_ms(shards: Sequence[Sequence[str]], real: Times, set_up_ms: int, nodes: Nodes) -> float:
    """Tell when the last shard ends where each runs what the plan gives it."""
    return max(
        late + (sum(real[each] for each in shard) + set_up_ms * len(set(map(file_of, shard)))) / speed
        for shard, late, speed in zip(shards, nodes.late_ms, nodes.speeds)
    )


class Case(NamedTuple):
    """A run: what was known, what tests take, and from what seed the rest is drawn."""

    known: Times
    real: Times
    seed: int = SEED


Fleet = Callable[[int, float, random.Random], Nodes]  # of so many nodes, for a run of about so many ms


def steady(total: int, fair_ms: float, draw: random.Random) -> Nodes:
    """All are alike."""
    return Nodes([1.0] * total, [0] * total)


def uneven(total: int, fair_ms: float, draw: random.Random) -> Nodes:
    """Each has a speed of its own."""
    return Nodes([draw.uniform(0.7, 1.3) for _ in range(total)], [0] * total)


def half_speed(total: int, fair_ms: float, draw: random.Random) -> Nodes:
    """One takes twice as long."""
    return Nodes([0.5, *[1.0] * (total - 1)], [0] * total)


def one_late(total: int, fair_ms: float, draw: random.Random) -> Nodes:
    """One starts late by a fifth of the run."""
    return Nodes([1.0] * total, [round(fair_ms / 5), *[0] * (total - 1)])


def one_killed(total: int, fair_ms: float, draw: random.Random) -> Nodes:
    """One dies in the middle of the run."""
    return Nodes([1.0] * total, [0] * total, round(fair_ms / 2))


def noisy(times: Times, seed: int) -> Dict[str, int]:
    """Let each test take something else."""
    draw = random.Random(seed)
    return {
        nodeid: max(1, round(time * draw.lognormvariate(-NOISE * NOISE / 2, NOISE))) for nodeid, time in times.items()
    }


def regimes(suites: Suites) -> Dict[str, Tuple[List[Case], Fleet]]:
    """List what is simulated."""
    newest = [times[-1] for times in suites.values()]
    right = [Case(times, times) for times in newest]
    drift = [Case(known, real) for suite in suites.values() for known, real in pairs(suite[-1 - PAIRS :])]
    spread = [Case(times, times, seed) for times in newest for seed in range(3)]
    return {
        "right estimates": (right, steady),
        "drift": (drift, steady),
        "noise": ([Case(times, noisy(times, seed)) for times in newest for seed in range(3)], steady),
        "speeds .7 to 1.3": (spread, uneven),
        "one at half speed": (right, half_speed),
        "one late by a fifth": (right, one_late),
        "one killed in the middle": (right, one_killed),
        "drift and half speed": (drift, half_speed),
    }


def tables(folder: Optional[Path]) -> Iterator[Table]:
    """Simulate recorded suites without set-ups, and with 20 s for each file.

    Raises:
        PipelineError: there are no recorded suites.
    """
    if not folder:
        raise PipelineError("pieces are judged on recorded suites", "Name the folder that holds some: --suites FOLDER")
    suites = {
        name: [{nodeid: max(1, time_us // 1000) for nodeid, time_us in times.items()} for times in suite]
        for name, suite in recorded(folder).items()
    }
    for set_up_ms in (0, SET_UP_MS):
        rows = [
            (name, str(total), *_figures([simulated(case, total, set_up_ms, fleet) for case in cases]))
            for name, (cases, fleet) in regimes(suites).items()
            for total in TOTALS
        ]
        notes = [
            "The bound knows how fast each node is and when it starts; of a node that dies nothing counts.",
            "One test that is longer than a fair share and lies on the slow or late node bounds some of the worst.",
        ]
        header = ("nodes are", "N", "plan alone", "shared out", "nine of ten", "worst", "pieces", "moved")
        yield Table(f"Shared out at run time: end/bound, set-up {set_up_ms // 1000} s a file", header, rows, notes)


def _figures(found: Sequence[Tuple[float, float, Outcome]]) -> Iterator[str]:
    static, shared, outcomes = zip(*found)
    ordered = sorted(shared)
    for ratio in (median(static), median(ordered), ordered[9 * (len(ordered) - 1) // 10], ordered[-1]):
        yield f"{ratio:.3f}"
    yield f"{median(each.pieces for each in outcomes):g}"
    yield f"{median(each.moved for each in outcomes):g}"


def simulated(case: Case, total: int, set_up_ms: int, fleet: Fleet) -> Tuple[float, float, Outcome]:
    """Run one case: (the static plan over the bound, shared out over the bound, how that went)."""
    fair_ms = (sum(case.real.values()) + set_up_ms * len(set(map(file_of, case.real)))) / total
    nodes = fleet(total, fair_ms, random.Random(case.seed))
    set_up, known = SetUp(file_ms=set_up_ms), Estimates(case.known, UNMEASURED_PERMILLE)
    bound = bound_ms(case.real, set_up_ms, nodes)
    shards = [shard.nodeids for shard in make(case.real, known, total, set_up).shards]
    made = make(case.real, known, total, set_up, distributed=True)
    pieces = [piece for shard in made.shards for piece in shard.pieces]
    outcome = Run(pieces, case.real, set_up_ms, nodes).outcome()
    return static_ms(shards, case.real, set_up_ms, nodes) / bound, outcome.span_ms / bound, outcome
