"""Which test runs in which shard: tests + timings + number of shards -> plan.

A pure function in integer milliseconds, ties by name: the same plan, byte for byte, on every machine
and Python. How tests are packed stands in packing.py, what the times are in estimates.py.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ..errors import PipelineError, SettingsError
from ..system.files import read_json, write_text
from .estimates import NO_SET_UP, Estimates, SetUp, complete, digest, doubt_permille
from .nodeids import classes_of, file_of
from .packing import SPREAD, Suite, pack

SCHEMA = 1
FILE_NAME = "plan.json"
_HINT, _ANEW = "Make it anew: {command}", ("nox", "-s", "plan")
ALGORITHM = 1  # of `split`; raise it with every change that may change a plan


@dataclass(frozen=True)
class Shard:
    """The tests of one shard, by name, and the time they are expected to take, set-ups included."""

    nodeids: Tuple[str, ...]
    estimate_ms: int


@dataclass(frozen=True)
class Plan:
    """All shards, and what they were planned from.

    `id` is the sha-256 of the inputs: equal ids are equal plans. `timings` is the digest of the
    estimates; `unknown` are the tests that have no timing of their own.
    """

    id: str
    shards: Tuple[Shard, ...]
    timings: str
    set_up: SetUp
    unknown: Tuple[str, ...]
    algorithm: int = ALGORITHM


def make(tests: Iterable[str], estimates: Estimates, total: int, set_up: SetUp = NO_SET_UP) -> Plan:
    """Plan the tests for `total` shards. Order and origin of `tests` do not matter; equal ids stay together.

    Raises:
        SettingsError: fewer than one shard.
    """
    nodeids = sorted(tests)
    times = complete(nodeids, estimates.tests_ms)
    shards = split(nodeids, estimates, total, set_up)
    timings = estimates.digest
    return Plan(
        id=digest([ALGORITHM, nodeids, timings, total, asdict(set_up)]),
        shards=tuple(Shard(tuple(names), duration_ms(names, times, set_up)) for names in shards),
        timings=timings,
        set_up=set_up,
        unknown=tuple(sorted(set(nodeids) - set(estimates.tests_ms))),
    )


def split(
    tests: Iterable[str],
    estimates: Estimates,
    total: int,
    set_up: SetUp = NO_SET_UP,
    spread_permille: Sequence[int] = SPREAD,
) -> List[List[str]]:
    """The node ids of each of `total` shards, by name; `spread_permille` as in `pack`.

    >>> split(["a.py::x", "a.py::y", "b.py::z"], Estimates({"a.py::x": 2, "a.py::y": 2, "b.py::z": 3}), 2)
    [['a.py::x', 'a.py::y'], ['b.py::z']]

    Raises:
        SettingsError: fewer than one shard.
    """
    if total < 1:
        raise SettingsError(f"expected one shard or more, got {total}")
    counts = Counter(iter(tests))  # of a mapping the keys, not the values as counts
    names = sorted(counts)
    times = complete(names, estimates.tests_ms)
    costs = {name: max(1, times[name]) * counts[name] for name in names}
    numbered = sorted(names, key=lambda name: -costs[name])
    suite = _suite(numbered, [costs[name] for name in numbered], set_up)
    shards = pack(suite, total, doubt_permille(names, estimates), spread_permille)
    return [sorted(Counter({numbered[test]: counts[numbered[test]] for test in part}).elements()) for part in shards]


def _suite(numbered: Sequence[str], costs: Sequence[int], set_up: SetUp) -> Suite:
    """The tests as packing sees them: numbers for tests, and for the files and classes they need."""
    numbers: Dict[str, int] = {}
    known: Dict[Tuple[str, ...], Tuple[int, ...]] = {}
    chains = []
    for scopes in (scopes_of(name, set_up) for name in numbered):
        if scopes not in known:
            known[scopes] = tuple(numbers.setdefault(scope, len(numbers)) for scope in scopes)
        chains.append(known[scopes])
    by_name = sorted(range(len(numbered)), key=numbered.__getitem__)
    return Suite(costs, chains, [_scope_ms(scope, set_up) for scope in numbers], by_name)


def scopes_of(nodeid: str, set_up: SetUp) -> Tuple[str, ...]:
    """The file of a test, and those of its classes that have a set-up."""
    if not set_up.scopes_ms:
        return (file_of(nodeid),)
    return (file_of(nodeid), *(scope for scope in classes_of(nodeid) if set_up.scopes_ms.get(scope)))


def _scope_ms(scope: str, set_up: SetUp) -> int:
    return set_up.scopes_ms.get(scope, set_up.file_ms)


def duration_ms(nodeids: Sequence[str], times: Mapping[str, int], set_up: SetUp) -> int:
    """What a shard with these tests takes, in ms: own times, and each set-up once. Nothing takes nothing."""
    if not nodeids:
        return 0
    scopes = {scope for nodeid in nodeids for scope in scopes_of(nodeid, set_up)}
    own = sum(times[nodeid] for nodeid in nodeids)
    return set_up.session_ms + own + sum(_scope_ms(scope, set_up) for scope in scopes)


def dump(plan: Plan) -> str:
    """plan.json: one node id a line, so that two plans can be compared with diff."""
    return json.dumps({"schema": SCHEMA, **asdict(plan)}, indent=1, sort_keys=True) + "\n"


def save(plan: Plan, file: Path) -> None:
    """Write plan.json, under a temporary name and renamed.

    Raises:
        PipelineError: the file cannot be written.
    """
    write_text(file, dump(plan))


def load(file: Path) -> Plan:
    """Read plan.json.

    Raises:
        PipelineError: there is none, it is no plan, or one of another schema.
    """
    data = read_json(file, SCHEMA, _HINT, _ANEW)
    try:
        shards = tuple(Shard(tuple(map(str, s["nodeids"])), int(s["estimate_ms"])) for s in data["shards"])
        set_up = SetUp(**data["set_up"])
        unknown = tuple(map(str, data["unknown"]))
        return Plan(str(data["id"]), shards, str(data["timings"]), set_up, unknown, int(data["algorithm"]))
    except (KeyError, TypeError, ValueError) as error:
        raise PipelineError(f"{file} is no plan: {error!r}", _HINT, _ANEW) from error


def from_json(text: str) -> str:
    """Plan what stands in a JSON text, as benches ask for it.

    Args:
        text: {"durations": {nodeid: s}, "tests": [nodeid, ...], "total": N, "setup_s": s per file and shard};
            `setup_s` may be missing.

    Returns:
        [[node ids of shard 0], ...] as JSON.

    Raises:
        PipelineError: the text is not of this form.
    """
    try:
        asked = json.loads(text)
        # Whole microseconds: packing asks only for integers, and a bench may have tests below a millisecond.
        known = {str(nodeid): _whole(seconds) for nodeid, seconds in asked["durations"].items()}
        tests = _texts(asked["tests"])
        set_up = SetUp(file_ms=_whole(asked.get("setup_s", 0)))
        return json.dumps(split(tests, Estimates(known), int(asked["total"]), set_up))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        form = '{"durations": {NODEID: SECONDS}, "tests": [NODEID, ...], "total": N, "setup_s": SECONDS}'
        raise PipelineError(f"expected {form}: {error!r}") from error


def _whole(seconds: Any) -> int:
    return max(0, round(float(seconds) * 1_000_000))


def _texts(value: Any) -> List[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("tests: expected a list of node ids")
    return value
