"""Cut the tests of each shard into pieces: what is claimed, and moves from shard to shard, as a whole.

Pure and deterministic, as the plan is. Files whose longest test is longest come first, and pieces get smaller as the
shard nears its end. The parts of a file stand side by side; where it has a set-up, a piece holds whole files, or a part
of one. So do tests with one value of a shared fixture's parameter (`params.py`). Units (tests that stay together) are
never cut. What is urgent comes first. Read from `cut` downwards.
"""

from __future__ import annotations

import hashlib
import json
from types import MappingProxyType
from typing import (
    AbstractSet,
    Any,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Sequence,
    Tuple,
)

from .packing import Block, Tests, Workload
from .params import Params, Path, side_by_side

NO_PARAMS = Params()
# Measured on recorded suites by `nox -s bench -- pieces`.
PART = 5  # a piece is a fifth of what the shard has left,
SMALLEST = 48  # unless that is less than this part of a shard's share,
SHORTEST_MS = 1000  # or than twenty claims of 50 ms


class Piece(NamedTuple):
    """Tests that are claimed together, in the order in which their shard would come to them.

    Args:
        name: "2-07-1a2b3c4d": the shard of the plan, its place there, and the digest of its ids: who has other tests
            in mind never claims by the same name.
        shard: the index of the shard that the plan gives it to.
        nodeids: by name.
        estimate_ms: what it takes in its place: own times, and the set-ups that no piece before it has paid.
        alone_ms: what it takes on a shard that has run nothing of these files: all its set-ups.
    """

    name: str
    shard: int
    nodeids: Tuple[str, ...]
    estimate_ms: int
    alone_ms: int


class Part(NamedTuple):
    """Units that become a piece, and its times: see `Piece`."""

    units: Tests
    estimate_ms: int
    alone_ms: int


def named(shard: int, number: int, nodeids: Sequence[str], estimate_ms: int, alone_ms: int) -> Piece:
    """Make a piece, with its name."""
    ids = tuple(sorted(nodeids))
    digest = hashlib.sha256(json.dumps(ids).encode("ascii")).hexdigest()
    return Piece(f"{shard}-{number:02}-{digest[:8]}", shard, ids, estimate_ms, alone_ms)


def told(piece: Piece, places: Mapping[str, int]) -> Dict[str, Any]:
    """Say a piece as plan.json has it: its ids by their places, "0-19 23".

    >>> told(named(0, 0, ["a", "b", "d"], 3, 3), {"a": 0, "b": 1, "c": 2, "d": 3})["places"]
    '0-1 3'
    """
    runs: List[List[int]] = []
    for place in sorted(places[nodeid] for nodeid in piece.nodeids):
        if runs and runs[-1][1] == place - 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    text = " ".join(f"{first}-{last}" if first < last else f"{first}" for first, last in runs)
    return {"name": piece.name, "estimate_ms": piece.estimate_ms, "alone_ms": piece.alone_ms, "places": text}


def places_in(text: str, count: int) -> List[int]:
    """Read places as `told` has them, all below a count.

    >>> places_in("0-1 3", 4)
    [0, 1, 3]

    Raises:
        ValueError: they are none.
    """
    places: List[int] = []
    for word in text.split():
        first, _, last = word.partition("-")
        if not (first + last).isdecimal() or not int(first) <= int(last or first) < count:
            raise ValueError(f"places: expected some like 0-19 23, all below {count}, got {word!r:.40}")
        places += range(int(first), int(last or first) + 1)
    return places


def of_units(
    workload: Workload,
    shards: Sequence[Tests],
    names: Sequence[Sequence[str]],
    urgent: AbstractSet[str] = frozenset(),
    params: Mapping[str, Params] = MappingProxyType({}),
) -> List[Tuple[Piece, ...]]:
    """Make the pieces of each shard.

    Args:
        shards: the units of each, longest first.
        names: of each unit, the ids of its tests.
        urgent: ids that come first in their shard, as far as nothing that belongs together is torn.
        params: by id, the parameters of shared fixtures.
    """
    paths = [_path(workload.files[unit], params.get(ids[0], NO_PARAMS)) for unit, ids in enumerate(names)]
    hurry = {unit for unit, ids in enumerate(names) if not urgent.isdisjoint(ids)} if urgent else set()
    return [
        tuple(
            named(shard, number, [nodeid for unit in part.units for nodeid in names[unit]], *part[1:])
            for number, part in enumerate(parts)
        )
        for shard, parts in enumerate(cut(workload, shards, hurry, paths))
    ]


def _path(file: int, params: Params) -> Path:
    """Say where a unit stands: beside those of one value of a fixture that outlives files, then those of its file."""
    return (*params.wide, file, *params.narrow)


def cut(
    workload: Workload, shards: Sequence[Tests], urgent: Collection[int], paths: Sequence[Path]
) -> List[List[Part]]:
    """Cut the units of each shard, longest first, into parts.

    Args:
        urgent: units that come first in their shard, as far as nothing that belongs together is torn.
        paths: of each unit; those with equal beginnings stand side by side.
    """
    sections = [list(_sections(workload, units, urgent, paths)) for units in shards]
    loads = [_load(workload, [block for section in each for block in section]) for each in sections]
    least = max(SHORTEST_MS, sum(loads) // len(shards) // SMALLEST)
    return [list(_Cutter(workload, load, least).parts(each)) for each, load in zip(sections, loads)]


def _load(workload: Workload, blocks: Sequence[Block]) -> int:
    """Add up what blocks take on one shard: each set-up once."""
    files: FrozenSet[int] = frozenset().union(*{block.files for block in blocks})
    return sum(block.cost - workload.set_up(block.files) for block in blocks) + workload.set_up(files)


def _sections(
    workload: Workload, units: Tests, urgent: Collection[int], paths: Sequence[Path]
) -> Iterator[List[Block]]:
    """List the blocks of a shard in their order, in sections: a part ends where a section does.

    Urgent units that need no set-up come first; then the files of urgent ones that do, these first in each, so that
    no set-up is paid twice; then all others.
    """
    hurry = [unit for unit in units if unit in urgent] if urgent else []
    dear = [unit for unit in hurry if workload.single(unit).files]
    files = {workload.files[unit] for unit in dear}
    yield _blocks(workload, [unit for unit in hurry if workload.files[unit] not in files], paths)
    beside = [unit for unit in units if workload.files[unit] in files] if files else []
    for block in _blocks(workload, beside, paths):
        yield [workload.block([unit for unit in block.tests if unit in urgent])]
        yield [workload.block([unit for unit in block.tests if unit not in urgent])]
    done = {*hurry, *beside}
    yield _blocks(workload, [unit for unit in units if unit not in done], paths)


def _blocks(workload: Workload, units: Tests, paths: Sequence[Path]) -> List[Block]:
    """Group units by file, and by parameters: that with the longest unit first."""
    groups: Dict[Path, Tests] = {}
    for unit in units:
        groups.setdefault(paths[unit], []).append(unit)
    return [workload.block(groups[path]) for path in side_by_side(groups)]


class _Cutter:
    """Cuts the blocks of one shard.

    Args:
        rest: what the shard has left, in ms.
        least: no part need be smaller.
    """

    def __init__(self, workload: Workload, rest: int, least: int) -> None:
        self._workload, self._rest, self._least = workload, rest, least
        self._paid: FrozenSet[int] = frozenset()
        self._open: List[Block] = []
        self._cost = 0  # of the open part, in its place

    def parts(self, sections: Iterable[List[Block]]) -> Iterator[Part]:
        """Cut each section."""
        for section in sections:
            for block in section:
                yield from self._add(block)
            yield from self._close()

    def _add(self, block: Block) -> Iterator[Part]:
        if 4 * (self._cost + self._in_place(block)) > 5 * self._goal(block):
            yield from self._close()
        rest = block
        while self._is_too_long(rest):
            taken, rest = self._divided(rest)
            self._put(taken)
            yield from self._close()
        self._put(rest)
        is_part = len(rest.tests) < len(block.tests) and rest.files  # its set-up lives on only beside the other parts
        if is_part or 4 * self._cost >= 3 * self._goal(rest):
            yield from self._close()

    def _put(self, block: Block) -> None:
        self._cost += self._in_place(block)
        self._open += [block] if block.tests else []
        self._paid |= block.files

    def _close(self) -> Iterator[Part]:
        """Make what was put a part, if there is any."""
        if self._open:
            units = [unit for block in self._open for unit in block.tests]
            yield Part(units, self._cost, _load(self._workload, self._open))
            self._rest -= self._cost
            self._open, self._cost = [], 0

    def _goal(self, block: Block) -> int:
        return max(self._rest // PART, self._least, self._workload.set_up(block.files))

    def _in_place(self, block: Block) -> int:
        return block.cost - self._workload.set_up(block.files & self._paid)

    def _is_too_long(self, block: Block) -> bool:
        """Tell whether a part is to be cut off: what is left must be worth a part, and its set-up elsewhere."""
        goal = self._goal(block)
        left = self._in_place(block) - goal
        return len(block.tests) > 1 and 4 * left > goal and left >= goal + 2 * self._workload.set_up(block.files)

    def _divided(self, block: Block) -> Tuple[Block, Block]:
        """Take the longest unit, and the longest that still fit: (taken, left)."""
        first, *others = block.tests
        room = self._goal(block) - self._in_place(block) + self._workload.time(others)
        taken, left = self._workload.longest_that_fit(others, room)
        return self._workload.block([first, *taken]), self._workload.block(left)
