"""Which tests stay in one shard: what a suite wishes, what pipeline.yml says, and classes.

A suite's wishes are heard by the pytest plugin (`shardline_pytest/wishes.py`); those of pipeline.yml are `wished`.
`units` makes of them what a plan shares out: it never divides a unit. Within a shard tests keep their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Set, Tuple, Union

from .nodeids import classes_of, file_of

FILE, CLASS, MARK = "file", "class", "mark "
Entry = Union[str, Sequence[str]]  # of suite.together


class Group(NamedTuple):
    """Tests that must stay together: what they have in common, and who says so, for people."""

    name: str
    why: str
    nodeids: Tuple[str, ...]


class Kept(NamedTuple):
    """What a plan kept whole, or had to divide: a group, how many tests it has, and what they take."""

    name: str
    why: str
    tests: int
    ms: int


class Units(NamedTuple):
    """The tests in units, each by name; the groups that were kept whole, and classes that were not."""

    units: List[List[str]]
    kept: List[Kept]
    divided: List[Kept]


def heard(nodeids: Sequence[str], told: Iterable[Tuple[str, str, Iterable[Tuple[int, int]]]]) -> Iterator[Group]:
    """Name the groups that the pytest plugin tells of, by name, reason, and ranges [first, last] of places."""
    for name, why, ranges in told:
        yield Group(name, why, tuple(nodeid for first, last in ranges for nodeid in nodeids[first : last + 1]))


def marks_of(entries: Iterable[Entry]) -> List[str]:
    """Name the marks that suite.together speaks of: only pytest sees which tests have them.

    >>> marks_of(["file", "mark serial", ["a.py", "b.py"]])
    ['serial']
    """
    return [entry[len(MARK) :].strip() for entry in entries if isinstance(entry, str) and entry.startswith(MARK)]


def wished(entries: Iterable[Entry], nodeids: Iterable[str]) -> List[Group]:
    """Group the tests as suite.together says, marks apart. A pattern that names no test makes no group.

    >>> wished(["tests/test_*.py::test_a"], ["tests/test_1.py::test_a[x]", "tests/test_1.py::test_ab"])
    [Group(name='tests/test_*.py::test_a', why='suite.together', nodeids=('tests/test_1.py::test_a[x]',))]
    """
    names = list(dict.fromkeys(nodeids))
    groups: Dict[str, List[str]] = defaultdict(list)
    for entry in entries:
        if entry == FILE:
            for nodeid in names:
                groups[file_of(nodeid)].append(nodeid)
        elif entry == CLASS:
            for nodeid in names:
                for outermost in classes_of(nodeid)[:1]:
                    groups[outermost].append(nodeid)
        elif not isinstance(entry, str) or not entry.startswith(MARK):
            groups[_name(entry)] += matching(entry, names)
    return [Group(name, "suite.together", tuple(tests)) for name, tests in groups.items() if tests]


def unmatched(entries: Iterable[Entry], nodeids: Iterable[str]) -> List[str]:
    """List the patterns of suite.together that name no test."""
    names = list(nodeids)
    words = [entry for entry in entries if entry not in (FILE, CLASS)]
    patterns = [each for entry in words for each in ([entry] if isinstance(entry, str) else entry)]
    return [each for each in patterns if not each.startswith(MARK) and not matching(each, names)]


def matching(entry: Entry, nodeids: Iterable[str]) -> List[str]:
    """Choose the ids that a pattern, or one of several, names: a test, function, class, file or folder.

    `*` and `?` are wild; all else means itself, brackets too.
    """
    patterns = [_regular(pattern) for pattern in ([entry] if isinstance(entry, str) else entry)]
    one = re.compile(f"(?:{'|'.join(patterns)})(?:(?:::|/|\\[).*)?", re.DOTALL)
    return [nodeid for nodeid in nodeids if one.fullmatch(nodeid)]


def _regular(pattern: str) -> str:
    plain = pattern[2:] if pattern.startswith("./") else pattern
    return re.escape(plain.rstrip("/")).replace(r"\*", ".*").replace(r"\?", ".")


def _name(entry: Entry) -> str:
    if isinstance(entry, str):
        return entry
    more = f" and {len(entry) - 2} more" if len(entry) > 2 else ""
    return " + ".join(entry[:2]) + more


def units(costs: Mapping[str, int], groups: Iterable[Group], total: int, set_ups: Mapping[str, int]) -> Units:
    """Join the tests that stay together; every other test is a unit of its own.

    A class stays whole, unless it takes longer than a fair share of all and has no set-up: cutting it then lowers the
    slowest shard, and it shows no sign of carrying state.

    Args:
        costs: what each test takes, in ms.
        groups: what must stay together; tests that are not there do not matter.
        set_ups: by the node id of a file or class, what its shared fixtures cost.
    """
    times: Dict[str, int] = defaultdict(int)
    for nodeid, cost in costs.items():
        for scope in classes_of(nodeid):
            times[scope] += cost
    wanted = [group._replace(nodeids=tuple(nodeid for nodeid in group.nodeids if nodeid in costs)) for group in groups]
    wanted = [group for group in wanted if len(group.nodeids) > 1]
    if not times and not wanted:
        return Units([[nodeid] for nodeid in costs], [], [])
    fair = -(-sum(costs.values()) // total)
    divided = {scope for scope, cost in times.items() if cost > fair and not set_ups.get(scope)}
    members = _joined(costs, divided, wanted)
    return Units(list(members.values()), list(_kept(wanted, members, costs)), list(_divided(divided, members, costs)))


def _joined(costs: Iterable[str], divided: Set[str], wanted: Iterable[Group]) -> Dict[str, List[str]]:
    """Join tests of one class, unless it is to be divided, and those of each group; by one of each unit's tests."""
    joined = _Sets()
    for nodeid in costs:
        whole = [scope for scope in classes_of(nodeid) if scope not in divided]
        if whole:
            joined.join(whole[0], nodeid)  # the class is no test, and stands for its own
    for group in wanted:
        for nodeid in group.nodeids[1:]:
            joined.join(group.nodeids[0], nodeid)
    members: Dict[str, List[str]] = defaultdict(list)
    for nodeid in costs:
        members[joined.root(nodeid)].append(nodeid)
    return {tests[0]: tests for tests in members.values()}


class _Sets:
    """Sets that grow together: each has a root, by which it is known (union-find, with halved paths)."""

    def __init__(self) -> None:
        self._above: Dict[str, str] = {}

    def root(self, name: str) -> str:
        above = self._above
        while above.get(name, name) != name:
            above[name] = above.get(above[name], above[name])
            name = above[name]
        return name

    def join(self, one: str, other: str) -> None:
        self._above[self.root(other)] = self.root(one)


def _kept(wanted: Iterable[Group], members: Mapping[str, Sequence[str]], costs: Mapping[str, int]) -> Iterator[Kept]:
    """Name each unit that somebody wants by the first who does."""
    unit_of = {nodeid: first for first, tests in members.items() for nodeid in tests}
    wishes: Dict[str, Group] = {}
    for group in wanted:
        wishes.setdefault(unit_of[group.nodeids[0]], group)
    for first, group in wishes.items():
        yield Kept(group.name, group.why, len(members[first]), sum(map(costs.__getitem__, members[first])))


def _divided(dividable: Set[str], members: Mapping[str, Sequence[str]], costs: Mapping[str, int]) -> Iterator[Kept]:
    """Name the outermost classes whose tests lie in more than one unit."""
    tests_of: Dict[str, List[str]] = defaultdict(list)
    units_of: Dict[str, Set[str]] = defaultdict(set)
    for first, tests in members.items() if dividable else ():
        for nodeid in tests:
            for outermost in dividable.intersection(classes_of(nodeid)[:1]):
                tests_of[outermost].append(nodeid)
                units_of[outermost].add(first)
    for name, tests in tests_of.items():
        if len(units_of[name]) > 1:
            yield Kept(name, "longer than a fair share", len(tests), sum(map(costs.__getitem__, tests)))
