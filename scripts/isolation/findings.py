"""What a study found: which test depends on which, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Mapping, Sequence, Tuple

from .trials import Ids, in_order

ALL_OF_A_FILE = 3  # tests from which on a file that is kept whole is named instead of its tests


@dataclass(frozen=True)
class Need:
    """A test that ends otherwise unless others ran before it in the same process.

    Args:
        before: those that must run before it; all of them.
        instead: others that do as well.
        outcome: how it ends without them; `serial`, how it ends serially.
        after: where it ends otherwise only if these ran before it; then `before` are those that set it right again.
        hint: what they leave that it may need.
    """

    nodeid: str
    before: Ids
    outcome: str
    serial: str
    instead: Tuple[Ids, ...] = ()
    after: Ids = ()
    hint: str = ""

    @property
    def is_red_anyway(self) -> bool:
        """Whether it is red in the serial run, because of those before it."""
        return self.serial == "failed"


@dataclass(frozen=True)
class Clash:
    """Tests that end as ever alone, and some of them otherwise when they run at the same time.

    Args:
        tests: all of them; `failing`: those that were seen to fail.
        contested: the paths and ports that they share; empty where that is not known. `why` says what they do with it.
    """

    tests: Ids
    failing: Ids
    contested: Ids = ()
    why: str = ""


@dataclass(frozen=True)
class Untraced:
    """A test that ends otherwise in a shard, and what it needs was not found: one of so many before it."""

    nodeid: str
    outcome: str
    serial: str
    among: Ids


@dataclass(frozen=True)
class Findings:
    """What a study comes to.

    Args:
        red: the tests that fail already in the serial run.
        unstable: tests whose outcome changed and did not change again: not deterministic.
        reordered: tests that end otherwise only behind tests that come later, which no shard has.
        settled: tests that need others with which they are kept in one shard already.
        left: what there was no time for, in words.
    """

    needs: Tuple[Need, ...] = ()
    clashes: Tuple[Clash, ...] = ()
    untraced: Tuple[Untraced, ...] = ()
    unstable: Ids = ()
    reordered: Ids = ()
    settled: Ids = ()
    red: Ids = ()
    left: Tuple[str, ...] = ()
    tests: int = 0
    runs: float = 0.0  # how many times the serial run's time all trials took
    trials: int = 0

    @property
    def is_fit(self) -> bool:
        """Whether the suite can be sharded as it is."""
        return not (self.needs or self.clashes or self.untraced)


def groups(needs: Sequence[Need], clashes: Sequence[Clash], place: Mapping[str, int]) -> List[Ids]:
    """Join the tests that have to stay in one shard, in collection order."""
    links = [(need.nodeid, *need.before) for need in needs if not need.is_red_anyway]
    return join([*links, *(clash.tests for clash in clashes)], place)


def join(links: Sequence[Ids], place: Mapping[str, int]) -> List[Ids]:
    """Join what has a test in common.

    >>> join([("a", "b"), ("c", "d"), ("b", "e")], {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4})
    [('a', 'b', 'e'), ('c', 'd')]
    """
    group_of: Dict[str, FrozenSet[str]] = {}
    for link in links:
        joined = frozenset(link).union(*(group_of.get(nodeid, frozenset()) for nodeid in link))
        group_of.update(dict.fromkeys(joined, joined))
    found = {in_order(group, place) for group in group_of.values() if len(group) > 1}
    return sorted(found, key=lambda group: place[group[0]])


def together(groups: Sequence[Ids], collected: Sequence[str]) -> List[Tuple[str, ...]]:
    """Propose an item of `suite.together` for each group: patterns, of which one may name several of its tests."""
    return [_patterns(group, collected) for group in groups]


def _patterns(group: Ids, collected: Sequence[str]) -> Tuple[str, ...]:
    """Name all tests of a function, a class or a file by that, where the group has them all."""
    left = dict.fromkeys(group)
    found: List[str] = []
    while left:
        nodeid = next(iter(left))
        whole = next(name for name in _names(nodeid) if name == nodeid or _is_whole(name, group, collected))
        found.append(whole)
        for other in [other for other in left if other == nodeid or _begins(other, whole)]:
            del left[other]
    return tuple(found)


def _names(nodeid: str) -> List[str]:
    """List what names a test, the widest first.

    >>> _names("t/a.py::C::x[1]")
    ['t/a.py', 't/a.py::C', 't/a.py::C::x', 't/a.py::C::x[1]']
    """
    head, bracket, _ = nodeid.partition("[")
    parts = head.split("::")
    names = ["::".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return [*names, nodeid] if bracket else names


def _is_whole(name: str, group: Ids, collected: Sequence[str]) -> bool:
    named = [nodeid for nodeid in collected if _begins(nodeid, name)]
    return len(named) >= ALL_OF_A_FILE and set(named) <= set(group)


def _begins(nodeid: str, name: str) -> bool:
    return nodeid.startswith((f"{name}::", f"{name}["))
