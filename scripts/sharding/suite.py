"""A suite as packing sees it: numbered tests, their times, and the set-ups they share.

Tests are numbered longest first, ties by name; so a sorted list of numbers is a list of tests, longest
first, and every tie that goes to the lower number goes by name. The unit of time is the caller's.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

Tests = List[int]


class Block(NamedTuple):
    """Tests of one file, and what they cost on a shard of their own: the set-ups of `scopes` are in `cost`."""

    cost: int
    tests: Tests
    scopes: FrozenSet[int]


class Suite:
    """Tests by number, with their times and the scopes (file, classes) whose set-up they need.

    Args:
        costs: the time of each test, longest first, at least 1.
        scopes: of each test its scopes, outermost first: its file, then each class with a set-up.
        set_ups: the time of each scope's set-up, paid once on each shard that has a test of it.
        by_name: the tests in the order of their names; by default their own.
    """

    def __init__(
        self,
        costs: Sequence[int],
        scopes: Sequence[Tuple[int, ...]],
        set_ups: Sequence[int],
        by_name: Sequence[int] = (),
    ) -> None:
        self.costs = costs
        self.by_name = by_name or range(len(costs))
        self.scopes = scopes
        self.set_ups = set_ups
        self.depth = max(map(len, scopes), default=0)
        self._minus = [-cost for cost in costs]
        self._costly = {chain: frozenset(scope for scope in chain if set_ups[scope]) for chain in set(scopes)}

    def file_of(self, block: Block) -> int:
        """The file of a block's tests."""
        return self.scopes[block.tests[0]][0]

    def set_up(self, scopes: FrozenSet[int]) -> int:
        """What the set-ups of these scopes cost together."""
        return sum(map(self.set_ups.__getitem__, scopes)) if scopes else 0

    def time(self, tests: Tests) -> int:
        """What the tests take without set-ups."""
        return sum(map(self.costs.__getitem__, tests))

    def block(self, tests: Tests) -> Block:
        """The tests as a block."""
        scopes = frozenset().union(*map(self._costly.__getitem__, set(map(self.scopes.__getitem__, tests))))
        return Block(self.time(tests) + self.set_up(scopes), tests, scopes)

    def single(self, test: int) -> Block:
        """One test as a block."""
        scopes = self._costly[self.scopes[test]]
        return Block(self.costs[test] + self.set_up(scopes), [test], scopes)

    def blocks(self, tests: Tests, level: int = 0) -> List[Block]:
        """The tests by their scope at a level, heaviest first; one that has no such scope stands alone."""
        groups: Dict[int, Tests] = {}
        for test in tests:
            scopes = self.scopes[test]
            groups.setdefault(scopes[level] if level < len(scopes) else -1 - test, []).append(test)
        return sorted(map(self.block, groups.values()), key=heaviest_first)

    def longest_that_fit(self, tests: Tests, room: int) -> Tuple[Tests, Tests]:
        """(taken, left): longest first, each test that still fits. Runs of tests at a time, not one by one."""
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
    """The key by which blocks are sorted; ties go by the first test's name."""
    return -block.cost, block.tests[0]


def cut(suite: Suite, tests: Tests, room: int, level: int = 0) -> Tuple[Tests, Tests]:
    """Divide the tests of one scope: (as much as fits into `room`, the rest).

    A class with a set-up of its own stays whole, but for one that fills what room remains.
    """
    room -= suite.set_ups[suite.scopes[tests[0]][level]]
    if level + 1 == suite.depth or all(len(suite.scopes[test]) <= level + 1 for test in tests):
        return suite.longest_that_fit(tests, room)
    taken: Tests = []
    left: List[Tests] = []
    for block in suite.blocks(tests, level + 1):
        if block.cost <= room:
            taken += block.tests
            room -= block.cost
        else:
            left.append(block.tests)
    for place, group in enumerate(left):
        part, rest = cut(suite, group, room, level + 1) if len(group) > 1 else ([], group)
        if part:
            taken += part
            left[place] = rest
            break
    return sorted(taken), sorted(test for group in left for test in group)
