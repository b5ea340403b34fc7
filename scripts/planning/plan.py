"""Which test runs in which shard: tests + timings + number of shards -> plan.

A pure function in integer milliseconds: the same plan, byte for byte, on every machine and Python. How tests are
packed and how ties are broken stands in packing.py, what the times are in estimates.py.
How a shard gets its tests, from this plan or one of its own, is answered in runner/selection.py.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Callable, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..errors import PipelineError, SettingsError
from ..system.files import read_json, write_text
from . import pieces as cutting
from . import together
from .estimates import NO_SET_UP, Estimates, SetUp, complete, digest, doubt_permille
from .nodeids import classes_of, file_of
from .packing import SPREAD, Tests, Workload, pack
from .params import Params
from .pieces import Piece
from .together import Group, Kept, Units

SCHEMA = 1
FILE_NAME = "plan.json"
ALGORITHM = 3  # of `split`; raise it with every change that may change a plan
MOST_SHARDS = 1000  # ten times what CI providers give one job: a plan for more is a slip of the finger

_HINT, _ANEW = "Make it anew: {command}", ("nox", "-s", "plan")
_MOST_MS = 10**12  # thirty years


@dataclass(frozen=True)
class Shard:
    """List the tests of one shard, by name, and how long they are expected to take.

    `estimate_ms` is what people read as "about": the tests' own times and each set-up that this shard pays, once. It
    compares with the time from the shard's first test to its last ("took"); pytest's start and its collection are in
    neither. It is 0 where no test of the suite was ever timed: then there is nothing to say. `pieces` are the tests as
    they are claimed where shards share them out while they run.
    """

    nodeids: Tuple[str, ...]
    estimate_ms: int
    pieces: Tuple[Piece, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Hold all shards, and what they were planned from.

    `id` is the digest of the shards' node ids and of the algorithm (`identity`): who has equal ids has equal shards,
    whatever the timings were. `timings` is the digest of the estimates; `unknown` are the tests that have no timing of
    their own. `kept` is what was kept whole since somebody wants it, `divided` the classes that were not; both are for
    people.
    """

    id: str
    shards: Tuple[Shard, ...]
    timings: str
    set_up: SetUp
    unknown: Tuple[str, ...]
    algorithm: int = ALGORITHM
    arguments: Tuple[str, ...] = ()
    kept: Tuple[Kept, ...] = ()
    divided: Tuple[Kept, ...] = ()


def make(
    tests: Iterable[str],
    estimates: Estimates,
    total: int,
    set_up: SetUp = NO_SET_UP,
    groups: Iterable[Group] = (),
    distributed: bool = False,
    urgent: Collection[str] = (),
    params: Mapping[str, Params] = MappingProxyType({}),
) -> Plan:
    """Plan the tests for `total` shards. Order and origin of `tests` do not matter; equal ids stay together.

    Args:
        groups: what else must stay together.
        distributed: shards will share out what they have left, so that doubt need not be spread over them.
        urgent: tests that come first in their shard, as far as nothing that belongs together is torn, where pieces
            are run; so do those that have no timing of their own.
        params: by id, the parameters of shared fixtures: tests of one value come side by side in the pieces.

    Raises:
        SettingsError: fewer than one shard, or more than MOST_SHARDS.
    """
    nodeids = sorted(tests)
    times = complete(nodeids, estimates.tests_ms)
    costs = _costs(nodeids, times)
    kept = _units(costs, total, set_up, groups)
    numbered, workload = _numbered(costs, kept.units, set_up)
    packed = pack(workload, total, 0 if distributed else doubt_permille(nodeids, estimates))
    parts = _named(packed, numbered, nodeids)
    unknown = sorted(set(nodeids) - estimates.tests_ms.keys())
    known = bool(estimates.tests_ms)
    hurry = {*urgent, *unknown} if known else set(urgent)
    pieces = cutting.of_units(workload, packed, numbered, hurry, params)
    shards = tuple(
        Shard(tuple(names), duration_ms(names, times, set_up) if known else 0, each)
        for names, each in zip(parts, pieces)
    )
    return Plan(
        id=identity(shards, ALGORITHM),
        shards=shards,
        timings=estimates.digest,
        set_up=set_up,
        unknown=tuple(unknown),
        kept=tuple(kept.kept),
        divided=tuple(kept.divided),
    )


def price_permille(tests: Iterable[str], estimates: Estimates, made: Plan, distributed: bool = False) -> int:
    """Tell how much faster the slowest shard would be if nothing had to stay together, in thousandths."""
    nodeids, total = sorted(tests), len(made.shards)
    times = complete(nodeids, estimates.tests_ms)
    alone = [[nodeid] for nodeid in dict.fromkeys(nodeids)]
    doubt = 0 if distributed else doubt_permille(nodeids, estimates)
    apart = _packed(nodeids, _costs(nodeids, times), alone, total, made.set_up, doubt)
    ours, theirs = (
        max(duration_ms(names, times, made.set_up) for names in shards)
        for shards in ([shard.nodeids for shard in made.shards], apart)
    )
    return 1000 * (ours - theirs) // max(1, ours)


def identity(shards: Iterable[Shard], algorithm: int) -> str:
    """Digest what makes a plan the plan it is: which tests run in which shard, and who shared them out."""
    return digest([algorithm, [shard.nodeids for shard in shards]])


def split(
    tests: Iterable[str],
    estimates: Estimates,
    total: int,
    set_up: SetUp = NO_SET_UP,
    spread_permille: Sequence[int] = SPREAD,
    groups: Iterable[Group] = (),
) -> List[List[str]]:
    """Share the tests out over `total` shards, and list those of each by name; arguments as in `make` and `pack`.

    >>> split(["a.py::x", "a.py::y", "b.py::z"], Estimates({"a.py::x": 2, "a.py::y": 2, "b.py::z": 3}), 2)
    [['a.py::x', 'a.py::y'], ['b.py::z']]

    Raises:
        SettingsError: fewer than one shard, or more than MOST_SHARDS.
    """
    nodeids = sorted(tests)  # of a mapping the keys
    costs = _costs(nodeids, complete(nodeids, estimates.tests_ms))
    units = _units(costs, total, set_up, groups).units
    return _packed(nodeids, costs, units, total, set_up, doubt_permille(nodeids, estimates), spread_permille)


def _costs(nodeids: Sequence[str], times: Mapping[str, int]) -> Dict[str, int]:
    """Say what each test takes, in ms and at least 1: one that is there twice takes twice as long."""
    return {name: max(1, times[name]) * count for name, count in Counter(nodeids).items()}


def _units(costs: Mapping[str, int], total: int, set_up: SetUp, groups: Iterable[Group]) -> Units:
    if not 1 <= total <= MOST_SHARDS:
        raise SettingsError(f"expected 1 to {MOST_SHARDS} shards, got {total}")
    return together.units(costs, groups, total, set_up.scopes_ms)


def _packed(
    nodeids: Sequence[str],
    costs: Mapping[str, int],
    units: Sequence[Sequence[str]],
    total: int,
    set_up: SetUp,
    doubt_permille: int,
    spread_permille: Sequence[int] = SPREAD,
) -> List[List[str]]:
    """Pack the units, and list the tests of each shard by name, as often as they are there."""
    numbered, workload = _numbered(costs, units, set_up)
    return _named(pack(workload, total, doubt_permille, spread_permille), numbered, nodeids)


def _numbered(
    costs: Mapping[str, int], units: Sequence[Sequence[str]], set_up: SetUp
) -> Tuple[List[Sequence[str]], Workload]:
    """Number the units as packing sees them: (the tests of each, the workload).

    Args:
        units: each by name, and they themselves by their first name, as `together.units` makes them of sorted ids.
    """
    units_ms = [sum(map(costs.__getitem__, unit)) + _classes_ms(unit, set_up) for unit in units]
    order = sorted(range(len(units)), key=lambda unit: -units_ms[unit])  # of equal times by name: that order is kept
    numbered = [units[unit] for unit in order]
    by_name = sorted(range(len(order)), key=order.__getitem__)
    return numbered, _workload(numbered, [units_ms[unit] for unit in order], set_up, by_name)


def _named(packed: Iterable[Tests], numbered: Sequence[Sequence[str]], nodeids: Sequence[str]) -> List[List[str]]:
    """List the tests of each shard by name, as often as they are there."""
    names = ([name for unit in part for name in numbered[unit]] for part in packed)
    if sum(map(len, numbered)) == len(nodeids):
        return [sorted(part) for part in names]
    counts = Counter(nodeids)
    return [sorted(name for name in part for _ in range(counts[name])) for part in names]


def _classes_ms(unit: Sequence[str], set_up: SetUp) -> int:
    """Add up what the set-ups of a unit's classes cost: they are whole where they have one."""
    if not set_up.scopes_ms:
        return 0
    classes = {scope for name in unit for scope in scopes_of(name, set_up) if scope != file_of(name)}
    return sum(_scope_ms(scope, set_up) for scope in classes)


def _workload(
    numbered: Sequence[Sequence[str]], costs: Sequence[int], set_up: SetUp, by_name: Sequence[int]
) -> Workload:
    """Number the files that the units lie in, as packing sees them."""
    numbers: Dict[str, int] = {}
    files = [numbers.setdefault(file_of(unit[0]), len(numbers)) for unit in numbered]
    needs = {
        number: {
            numbers.setdefault(file, len(numbers))
            for file, name in ((file_of(name), name) for name in unit)
            if file not in set_up.spared.get(name, ())
        }
        for number, unit in enumerate(numbered)
        if len(unit) > 1 or unit[0] in set_up.spared
    }
    return Workload(costs, files, [_scope_ms(file, set_up) for file in numbers], needs, by_name)


def _around(nodeid: str, set_up: SetUp) -> Tuple[str, ...]:
    """Name the file of a test, and those of its classes that have a set-up."""
    if not set_up.scopes_ms:
        return (file_of(nodeid),)
    return (file_of(nodeid), *(scope for scope in classes_of(nodeid) if set_up.scopes_ms.get(scope)))


def scopes_of(nodeid: str, set_up: SetUp) -> Tuple[str, ...]:
    """Name the file and the classes whose set-up a test needs."""
    around, spared = _around(nodeid, set_up), set_up.spared.get(nodeid)
    return tuple(scope for scope in around if scope not in spared) if spared else around


def _scope_ms(scope: str, set_up: SetUp) -> int:
    return set_up.scopes_ms.get(scope, set_up.file_ms)


def duration_ms(nodeids: Sequence[str], times: Mapping[str, int], set_up: SetUp) -> int:
    """Add up what a shard with these tests takes, in ms: own times, and each set-up once. Nothing takes nothing."""
    if not nodeids:
        return 0
    own = set_up.session_ms + sum(map(times.__getitem__, nodeids))
    if not set_up.scopes_ms and not set_up.file_ms:
        return own
    scopes = {scope for nodeid in nodeids for scope in scopes_of(nodeid, set_up)}
    return own + sum(_scope_ms(scope, set_up) for scope in scopes)


def dump(plan: Plan) -> str:
    """Make the text of plan.json: one node id a line, so that two plans can be compared with diff."""
    told = {
        **asdict(replace(plan, shards=())),
        **{key: [each._asdict() for each in getattr(plan, key)] for key in ("kept", "divided")},
        "shards": [_told(shard) for shard in plan.shards],
    }
    return json.dumps({"schema": SCHEMA, **told}, indent=1, sort_keys=True) + "\n"


def _told(shard: Shard) -> Dict[str, Any]:
    """Write a shard; its pieces name ids by their places among its distinct ids."""
    told = {"nodeids": shard.nodeids, "estimate_ms": shard.estimate_ms}
    if not shard.pieces:
        return told
    places = {nodeid: place for place, nodeid in enumerate(dict.fromkeys(shard.nodeids))}
    return {**told, "pieces": [cutting.told(piece, places) for piece in shard.pieces]}


def save(plan: Plan, file: Path) -> None:
    """Write plan.json, under a temporary name and renamed.

    Raises:
        PipelineError: the file cannot be written.
    """
    write_text(file, dump(plan))


def load_if_usable(file: Path, tell: Callable[[str], None], who: str) -> Optional[Plan]:
    """Read a plan.json that was handed out; none where there is none, or, with a line, none that can be read.

    Args:
        who: goes on without it, for the line.
    """
    if not os.path.lexists(str(file)):
        return None
    try:
        return load(file)
    except PipelineError as error:
        tell(f"{error.message}: {who} goes on without it")
        return None


def load(file: Path) -> Plan:
    """Read plan.json.

    Raises:
        PipelineError: there is none, it is no plan or one of another schema, or it was changed since it was made.
    """
    return parse(read_json(file, SCHEMA, _HINT, command=_ANEW), str(file))


def parse(data: Mapping[str, Any], name: str) -> Plan:
    """Read a plan out of what a plan.json holds, of this schema; `name` is the file's, for messages.

    Raises:
        PipelineError: it is no plan, or it was changed since it was made.
    """
    with _no_plan(name):
        plan = _parsed(data)
    if plan.id != identity(plan.shards, plan.algorithm):
        raise PipelineError(
            f"{name}: its id does not fit its shards: it was changed, or another version made it", _HINT, _ANEW
        )
    with _no_plan(name):
        return replace(plan, shards=_with_pieces(plan.shards, data["shards"]))


@contextmanager
def _no_plan(name: str) -> Iterator[None]:
    """Say that a file is no plan where what was expected is not there."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise PipelineError(f"{name} is no plan: {reason}", _HINT, _ANEW) from error


def _parsed(data: Mapping[str, Any]) -> Plan:
    """Check a plan, so that whoever gets it may rely on it.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    if not isinstance(data["shards"], list) or not 1 <= len(data["shards"]) <= MOST_SHARDS:
        raise ValueError(f"shards: expected a list of 1 to {MOST_SHARDS}")
    shards = tuple(_shard(shard) for shard in data["shards"])
    planned: Dict[str, int] = {}
    for index, shard in enumerate(shards):
        for nodeid in shard.nodeids:
            if planned.setdefault(nodeid, index) != index:
                raise ValueError(f"{nodeid!a} is in shard {planned[nodeid]} and in shard {index}")
    return Plan(
        id=_text(data["id"], "id"),
        shards=shards,
        timings=_text(data["timings"], "timings"),
        set_up=_set_up(data["set_up"]),
        unknown=_texts(data["unknown"], "unknown"),
        algorithm=_whole(data["algorithm"], "algorithm"),
        arguments=_texts(data.get("arguments", []), "arguments"),
        kept=_kept(data.get("kept", []), "kept"),
        divided=_kept(data.get("divided", []), "divided"),
    )


def _shard(data: Any) -> Shard:
    if not isinstance(data, dict):
        raise ValueError("shards: expected objects")
    return Shard(_texts(data["nodeids"], "nodeids"), _whole(data["estimate_ms"], "estimate_ms"))


def _with_pieces(shards: Sequence[Shard], data: Sequence[Mapping[str, Any]]) -> Tuple[Shard, ...]:
    """Add the pieces: all shards have them, or none, as in plans of older versions."""
    made = tuple(
        replace(shard, pieces=_pieces(index, shard.nodeids, each.get("pieces", [])))
        for index, (shard, each) in enumerate(zip(shards, data))
    )
    if len({bool(shard.pieces) for shard in made if shard.nodeids}) > 1:
        raise ValueError("pieces: expected those of all shards, or none")
    return made


def _pieces(index: int, nodeids: Sequence[str], data: Any) -> Tuple[Piece, ...]:
    """Read the pieces of a shard, which must have each of its ids once."""
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise ValueError("pieces: expected a list of objects")
    distinct = list(dict.fromkeys(nodeids))
    pieces = []
    for number, each in enumerate(data):
        ids = [distinct[place] for place in cutting.places_in(_text(each["places"], "places"), len(distinct))]
        piece = cutting.named(index, number, ids, *(_whole(each[key], key) for key in ("estimate_ms", "alone_ms")))
        if piece.name != each["name"] or not ids:
            raise ValueError(f"pieces: expected one with tests and the name {piece.name}, got {each['name']!r:.40}")
        pieces.append(piece)
    if data and sorted(distinct) != sorted(nodeid for piece in pieces for nodeid in piece.nodeids):
        raise ValueError(f"pieces: those of shard {index} do not have each of its tests once")
    return tuple(pieces)


def _kept(data: Any, key: str) -> Tuple[Kept, ...]:
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise ValueError(f"{key}: expected a list of objects")
    return tuple(
        Kept(_text(each["name"], key), _text(each["why"], key), _whole(each["tests"], key), _whole(each["ms"], key))
        for each in data
    )


def _set_up(data: Any) -> SetUp:
    if not isinstance(data, dict):
        raise ValueError("set_up: expected an object")
    return SetUp(
        _whole(data["session_ms"], "session_ms"),
        {scope: _whole(cost, "scopes_ms") for scope, cost in data["scopes_ms"].items()},
        _whole(data["file_ms"], "file_ms"),
        {nodeid: _texts(scopes, "spared") for nodeid, scopes in data.get("spared", {}).items()},
    )


def _texts(value: Any, name: str) -> Tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name}: expected a list of texts")
    return tuple(value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected a text, got {value!r:.40}")
    return value


def _whole(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_MS:
        raise ValueError(f"{name}: expected a whole number, got {value!r:.40}")
    return value
