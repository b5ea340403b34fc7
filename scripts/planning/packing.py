"""Pack a workload into shards: whole files where they do as well, files cut only where that pays.

What is packed are units: a test, or tests that stay together (`together.py`); here all of them are called tests.
How ties are broken: tests are numbered longest first, and those of equal time by name (`plan.split` does it). So a
sorted list of numbers is a list of tests, longest first, and every tie that goes to the lower number goes by name
(`heaviest_first`); between shards of equal load the lower index wins (`Packing.emptiest`); between packings that do
equally well the one that cuts fewer files, and then the one tried first (`_best`).

Read from `pack` downwards; above it stand the workload and the shards being filled. Times are whole numbers in the
caller's unit.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from itertools import accumulate
from types import MappingProxyType
from typing import Collection, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

Tests = List[int]


class Block(NamedTuple):
    """Units of one file, and what they cost on a shard of their own: the set-ups of `files` are in `cost`."""

    cost: int
    tests: Tests
    files: FrozenSet[int]


class Workload:
    """Hold what is packed by number: units, each a test or tests that stay together, and the files they lie in.

    Args:
        costs: the time of each unit, longest first, at least 1.
        files: of each unit its file; where it has tests of several, the first.
        set_ups: the time of each file's set-up, paid once on each shard that has a unit that needs it.
        needs: by unit, the files whose set-up it needs where that is not just its own file's.
        by_name: the units in the order of their names; by default their own.
    """

    def __init__(
        self,
        costs: Sequence[int],
        files: Sequence[int],
        set_ups: Sequence[int],
        needs: Mapping[int, Collection[int]] = MappingProxyType({}),
        by_name: Sequence[int] = (),
    ) -> None:
        self.costs = costs
        self.by_name = by_name or range(len(costs))
        self.files = files
        self.set_ups = set_ups
        self._minus = [-cost for cost in costs]
        own = [frozenset((file,) if cost else ()) for file, cost in enumerate(set_ups)]
        self._needs = [own[file] for file in files]
        for unit, needed in needs.items():
            self._needs[unit] = frozenset(file for file in needed if set_ups[file])

    def file_of(self, block: Block) -> int:
        """Number the file of a block's units."""
        return self.files[block.tests[0]]

    def set_up(self, files: FrozenSet[int]) -> int:
        """Add up what the set-ups of these files cost."""
        return sum(map(self.set_ups.__getitem__, files)) if files else 0

    def time(self, tests: Tests) -> int:
        """Add up what the units take without set-ups."""
        return sum(map(self.costs.__getitem__, tests))

    def block(self, tests: Tests) -> Block:
        """Make the units a block."""
        files = frozenset().union(*set(map(self._needs.__getitem__, tests)))
        return Block(self.time(tests) + self.set_up(files), tests, files)

    def single(self, test: int) -> Block:
        """Make one unit a block."""
        files = self._needs[test]
        return Block(self.costs[test] + self.set_up(files), [test], files)

    def blocks(self, tests: Tests) -> List[Block]:
        """Group units by their file, heaviest first."""
        groups: Dict[int, Tests] = {}
        for test in tests:
            groups.setdefault(self.files[test], []).append(test)
        return sorted(map(self.block, groups.values()), key=heaviest_first)

    def apart(self, tests: Tests, file: int) -> Tuple[Tests, Tests]:
        """Tell those that need a file's set-up from those that do not."""
        if not self.set_ups[file]:
            return tests, []
        return (
            [test for test in tests if file in self._needs[test]],
            [test for test in tests if file not in self._needs[test]],
        )

    def longest_that_fit(self, tests: Tests, room: int) -> Tuple[Tests, Tests]:
        """Take, longest first, each test that still fits: (taken, left). Runs of tests at a time, not one by one."""
        taken: Tests = []
        left: Tests = []
        sums = [0, *accumulate(map(self.costs.__getitem__, tests))]
        start = 0
        while start < len(tests):
            first = bisect_left(tests, bisect_left(self._minus, -room), start)
            end = max(first, bisect_right(sums, sums[first] + room) - 1)
            left += tests[start:first]
            taken += tests[first:end]
            room -= sums[end] - sums[first]
            start = end
        return taken, left


def heaviest_first(block: Block) -> Tuple[int, int]:
    """Sort blocks by this key; ties go by the first test's name."""
    return -block.cost, block.tests[0]


def cut(workload: Workload, tests: Tests, room: int) -> Tuple[Tests, Tests]:
    """Divide the units of one file: (as much as fits into `room`, the rest).

    Units that do not need the file's set-up fill what room the others leave, or all of it where those do not fit.
    """
    file = workload.files[tests[0]]
    needing, free = workload.apart(tests, file)
    if not free:
        return workload.longest_that_fit(tests, room - workload.set_ups[file])
    cost = workload.block(needing).cost if needing else 0
    taken, left = ([], needing) if cost > room else (needing, [])
    more, rest = workload.longest_that_fit(free, room - (cost if taken else 0))
    if not taken and not more:
        taken, left = workload.longest_that_fit(needing, room - workload.set_ups[file])
    return sorted(taken + more), sorted(left + rest)


CLOSE = 1000  # a packing within 1/1000 of what cannot be beaten is good enough
SEARCH = 12  # limits tried between the lower bound and the first packing found
CUT_EVERYTHING = 50  # to have every file on every shard must gain 1/50 of the slowest shard's time
WORK = 400_000  # tests that `_improved` may touch: it bounds the planning time without a clock
SHARING = 40  # what it costs beside the tests to share two shards anew, in tests

# Of the files that a plan test by test cuts, how many to spread, in thousandths: half, or an eighth where
# set-ups are dear; `nox -s bench -- plan` shows it as a curve. On 72 pairs of runs of three recorded suites, at
# 4, 8 and 16 shards, the slowest shard took this much longer than in a plan test by test: spreading none 12 %,
# 1/8 4.5 %, 1/4 4 %, 1/3 1 %, 1/2 -1 %, all -1 %. The choice was made on the same suites; differences of 1 % say
# nothing.
SPREAD = (500, 125)
FEW = 3  # files of which half, rounded down, is one: such a suite may spread all of them


class Packing:
    """Hold the blocks of shards being filled. `loads` are the shards' times with the set-ups they pay."""

    def __init__(self, workload: Workload, total: int) -> None:
        self.workload = workload
        self.shards: List[List[Block]] = [[] for _ in range(total)]
        self.loads = [0] * total
        self._files: List[Set[int]] = [set() for _ in range(total)]
        self._by_load = [(0, shard) for shard in range(total)]

    @property
    def span(self) -> int:
        """Give the slowest shard's time."""
        return self._by_load[-1][0]

    def tests(self, shard: int) -> Tests:
        """List the tests of a shard, longest first."""
        return sorted(test for block in self.shards[shard] for test in block.tests)

    def emptiest(self, count: int = 1) -> List[int]:
        """Find the shards with the least load, the least first; ties go to the lower index."""
        return [shard for _, shard in self._by_load[:count]]

    def fullest_below(self, load: int) -> Optional[int]:
        """Find the fullest shard whose load is at most this."""
        place = bisect_right(self._by_load, (load, len(self.shards)))
        return self._by_load[place - 1][1] if place else None

    def load_with(self, shard: int, block: Block) -> int:
        """Tell a shard's time with this block: a set-up that it pays already is not paid again."""
        return self.loads[shard] + block.cost - self.workload.set_up(block.files & self._files[shard])

    def put(self, shard: int, block: Block) -> None:
        """Add a block to a shard."""
        load = self.loads[shard] + block.cost
        if block.files:
            load = self.load_with(shard, block)
            self._files[shard] |= block.files
        self.shards[shard].append(block)
        self._set_load(shard, load)

    def replace(self, shard: int, blocks: List[Block]) -> None:
        """Give a shard other blocks."""
        self.shards[shard] = []
        self._files[shard] = set()
        self._set_load(shard, 0)
        for block in blocks:
            self.put(shard, block)

    def _set_load(self, shard: int, load: int) -> None:
        del self._by_load[bisect_left(self._by_load, (self.loads[shard], shard))]
        self.loads[shard] = load
        insort(self._by_load, (load, shard))


class Strategy(NamedTuple):
    """How to fill shards: each file to the fullest shard that has room, or to the emptiest; and whether to cut any."""

    fullest: bool
    whole: bool = False


CUTTING = (Strategy(fullest=False), Strategy(fullest=True))
WHOLE = (Strategy(fullest=False, whole=True), Strategy(fullest=True, whole=True))


def pack(
    workload: Workload, total: int, doubt_permille: int = 0, spread_permille: Sequence[int] = SPREAD
) -> List[Tests]:
    """Pack the tests into `total` shards, and list those of each, longest first.

    Args:
        doubt_permille: by how much the times of a file may all be wrong together, in thousandths. With
            doubt the tests of heavy files are spread over the shards, so that no shard depends on few.
        spread_permille: how many files that may be, of those that a plan test by test cuts; the best choice counts.
    """
    everything = list(range(len(workload.costs)))
    if total == 1 or not everything:
        return [everything, *([] for _ in range(total - 1))]
    files = workload.blocks(everything)
    bound = lower_bound(workload, files, total)
    candidates = _even(workload, files, total, bound, WHOLE)
    if doubt_permille:
        candidates += _even(workload, files, total, bound, CUTTING)
        all_of_few = [1000] if len(files) <= FEW else []
        candidates += [_spread(workload, files, total, share) for share in [*spread_permille, *all_of_few]]
    elif not any(_is_close(packing, bound) for packing in candidates):
        candidates += _even(workload, files, total, bound, CUTTING)
        if not any(_is_close(packing, bound) for packing in candidates):
            candidates += [_longest_first(workload, total), _round_robin(workload, total)]
    best = _best(candidates, len(files), doubt_permille)
    return [best.tests(shard) for shard in range(total)]


def lower_bound(workload: Workload, files: List[Block], total: int) -> int:
    """Bound what no packing beats: an even share of all, or the longest test of a file with the set-ups it needs."""
    share = -(-sum(block.cost for block in files) // total)
    longest = max(workload.costs[block.tests[0]] for block in files)
    return max(share, longest, max((workload.single(block.tests[0]).cost for block in files if block.files), default=0))


def _is_close(packing: Packing, bound: int) -> bool:
    return (packing.span - bound) * CLOSE <= bound


def _best(candidates: Sequence[Packing], files: int, doubt_permille: int) -> Packing:
    """Choose the fastest at a small price on the files it cuts; of those as fast as it, the one that cuts fewest."""
    judged = [(packing, *_judged(packing, doubt_permille)) for packing in candidates]
    everything = CUT_EVERYTHING * files * (len(candidates[0].shards) - 1)
    _, fastest, _ = min(judged, key=lambda judgement: judgement[1] * (everything + judgement[2] - files))
    as_fast = [judgement for judgement in judged if (judgement[1] - fastest) * CLOSE <= fastest]
    return min(as_fast, key=lambda judgement: (judgement[2], judgement[1]))[0]


def _judged(packing: Packing, doubt_permille: int) -> Tuple[int, int]:
    """Tell the slowest shard's time as it may turn out, and the pairs of a file and a shard that has tests of it.

    One standard deviation above the plan, where the tests of a file stray together: a shard's is the
    root of the sum of its files' squared; taken over all shards, since one long test hides the others.
    """
    workload = packing.workload
    pairs = squares = 0
    for blocks in packing.shards:
        times: Dict[int, int] = {}
        for block in blocks:
            file = workload.file_of(block)
            times[file] = times.get(file, 0) + block.cost - workload.set_up(block.files)
        pairs += len(times)
        squares += sum(time * time for time in times.values())
    stray = math.isqrt(squares // len(packing.shards)) * doubt_permille // 1000
    return packing.span + stray, pairs


def _even(workload: Workload, files: List[Block], total: int, bound: int, ways: Sequence[Strategy]) -> List[Packing]:
    """Pack so that the shards' times are as even as can be, in each of the ways."""
    found: List[Packing] = []
    for way in ways:
        packing = _tightest(workload, files, total, bound, way)
        found.append(packing if _is_close(packing, bound) else _improved(packing, bound, way.whole))
        if _is_close(packing, bound) and sum(map(len, packing.shards)) == len(files):
            break  # even and without a cut: there is nothing to win
    return found


def _tightest(
    workload: Workload, files: List[Block], total: int, bound: int, way: Strategy, tries: int = SEARCH
) -> Packing:
    """Fill again and again, the limit halved in between what cannot be and what was found, and keep the best."""
    best = _filled(workload, files, total, bound, way)
    low, high = max(bound, files[0].cost if way.whole else 0), best.span
    while (high - low) * CLOSE > low and tries:
        limit = (low + high) // 2
        packing = _filled(workload, files, total, limit, way)
        best = min(best, packing, key=lambda packing: packing.span)
        low, high = (low, limit) if packing.span <= limit else (limit, high)
        tries -= 1
    return best


def _filled(workload: Workload, files: List[Block], total: int, limit: int, way: Strategy) -> Packing:
    """Fill shards up to a limit, heaviest file first; one that fits nowhere whole is cut to fill shards up.

    A file goes to the fullest shard that has room (fewer cuts later), or to the emptiest (evener).
    """
    packing = Packing(workload, total)
    for block in files:
        shard = packing.fullest_below(limit - block.cost) if way.fullest else packing.emptiest()[0]
        if shard is not None and packing.loads[shard] + block.cost <= limit:
            packing.put(shard, block)
        elif way.whole:
            packing.put(packing.emptiest()[0], block)
        else:
            _divide(packing, block.tests, limit)
    return packing


def _divide(packing: Packing, tests: Tests, limit: int) -> None:
    """Fill the emptiest shards with parts of a file; what fits nowhere goes where it costs least."""
    workload = packing.workload
    for shard in packing.emptiest(len(packing.shards)):
        part, tests = cut(workload, tests, limit - packing.loads[shard])
        if not part:
            break
        packing.put(shard, workload.block(part))
        if not tests:
            return
    for block in map(workload.single, tests):
        loads = [packing.load_with(shard, block) for shard in range(len(packing.shards))]
        packing.put(loads.index(min(loads)), block)


def _improved(packing: Packing, bound: int, whole: bool) -> Packing:
    """Share the slowest shard's tests anew with another shard, again and again while that helps."""
    work = WORK
    helped = True
    while helped and work > 0 and not _is_close(packing, bound):
        *others, slowest = packing.emptiest(len(packing.shards))
        helped = False
        for other in others:
            tests = sorted(packing.tests(slowest) + packing.tests(other))
            work -= 10 * (len(tests) + SHARING)
            helped = _share(packing, slowest, other, tests, WHOLE if whole else CUTTING)
            if helped or work <= 0:
                break
    return packing


def _share(packing: Packing, slowest: int, other: int, tests: Tests, ways: Sequence[Strategy]) -> bool:
    """Pack the tests of two shards anew; say whether that made the slowest shard faster."""
    workload = packing.workload
    files = workload.blocks(tests)
    bound = lower_bound(workload, files, 2)
    tries = [_tightest(workload, files, 2, bound, way, 6) for way in ways]
    best = min(tries, key=lambda two: two.span)
    if best.span >= packing.loads[slowest]:
        return False
    for shard, blocks in zip((slowest, other), best.shards):
        packing.replace(shard, blocks)
    return True


def _spread(workload: Workload, files: List[Block], total: int, share_permille: int) -> Packing:
    """Pack some files test by test and the others whole, longest first.

    Which: those too heavy for any shard, then those whose time beside their longest test is greatest,
    since spreading them gains most; how many: that share of what a plan test by test would cut. A test
    goes to that of the two emptiest shards that has less of its file, unless they differ by as much as
    the test takes.
    """
    bound = lower_bound(workload, files, total)
    many = [block for block in files if len(block.tests) > 1]
    many.sort(key=lambda block: (block.cost <= bound, workload.costs[block.tests[0]] - block.cost, block.tests[0]))
    chosen = many[: _cut_by_chance(many, total) * share_permille // 1000]
    spread = {workload.file_of(block) for block in chosen}
    whole = [block for block in files if workload.file_of(block) not in spread]
    packing = Packing(workload, total)
    times: Dict[Tuple[int, int], int] = {}
    for block in sorted([*whole, *_singles(workload, chosen)], key=heaviest_first):
        file = workload.file_of(block)
        shard, *second = packing.emptiest(2 if file in spread else 1)
        for other in second:
            near = packing.loads[other] - packing.loads[shard] < block.cost
            if near and times.get((other, file), 0) < times.get((shard, file), 0):
                shard = other
        times[shard, file] = times.get((shard, file), 0) + block.cost
        packing.put(shard, block)
    return packing


def _singles(workload: Workload, files: List[Block]) -> Iterator[Block]:
    return (workload.single(test) for block in files for test in block.tests)


def _cut_by_chance(files: List[Block], total: int) -> int:
    """Expect how many files a plan test by test cuts: one of m tests stays whole once in total ** (m - 1) times."""
    whole: int = sum(1000 // total ** min(10, len(block.tests) - 1) for block in files)
    return len(files) - -(-whole // 1000)


def _longest_first(workload: Workload, total: int) -> Packing:
    """Pack test by test, longest first, each to the emptiest shard.

    Graham, "Bounds on multiprocessing timing anomalies" (1969): at most 4/3 of the best, without set-ups.
    """
    packing = Packing(workload, total)
    for test in range(len(workload.costs)):
        packing.put(packing.emptiest()[0], workload.single(test))
    return packing


def _round_robin(workload: Workload, total: int) -> Packing:
    packing = Packing(workload, total)
    for place, test in enumerate(workload.by_name):
        packing.put(place % total, workload.single(test))
    return packing
