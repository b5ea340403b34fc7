"""Did each test run with those before it that it stays together with, in one process? Pure.

Tests that are steps, or depend on one another, say nothing when they run alone: they fail, or skip, and look green.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Collection, Dict, Iterable, List, Mapping, Sequence, Set, Tuple

from . import outcomes as o
from .receipt import Receipt, Selected

Entries = Mapping[str, Sequence[Tuple[Receipt, Selected]]]
Process = Tuple[str, int]  # the receipt's name, and the round


def apart(groups: Iterable[Sequence[str]], entries: Entries, by_round: bool = True) -> Dict[str, str]:
    """Find the tests that ran without one before them in their group, and which that is.

    One that is red itself need not have been there again: nobody runs it a second time.

    Args:
        groups: tests that stay together, each in the order of the collection.
        entries: by id, who ran a test and what became of it.
        by_round: in one process; else it is enough that one shard, or one repair, ran them.
    """
    found: Dict[str, str] = {}
    for group in groups:
        there = [nodeid for nodeid in dict.fromkeys(group) if nodeid in entries]
        red = {nodeid for nodeid in there if any(_is_red(test) for _, test in entries[nodeid])}
        with_all: Set[str] = set(red)
        lacked: Dict[str, str] = {}
        for ran in _by_process(there, entries, by_round).values():
            missing = ""
            for nodeid in there:
                if nodeid not in ran:
                    missing = missing or ("" if nodeid in red else nodeid)
                elif missing:
                    lacked.setdefault(nodeid, missing)
                else:
                    with_all.add(nodeid)
        found.update((nodeid, before) for nodeid, before in lacked.items() if nodeid not in with_all)
    return found


def _is_red(test: Selected) -> bool:
    """Tell whether a test ran, and is red: one that its shard did not come to is not, and runs elsewhere."""
    return test.proven in o.RED and test.proven != o.NOT_RUN


def _by_process(nodeids: Iterable[str], entries: Entries, by_round: bool) -> Dict[Process, Set[str]]:
    """Sort tests by the processes in which they came to an end."""
    found: Dict[Process, Set[str]] = defaultdict(set)
    for nodeid in nodeids:
        for receipt, test in entries[nodeid]:
            for attempt in test.attempts:
                if attempt.outcome not in (o.RERUN, o.UNFINISHED):
                    found[receipt.name, attempt.round if by_round else 0].add(nodeid)
    return found


def undivided(groups: Iterable[Sequence[str]], part_of: Mapping[str, Collection[str]]) -> List[Sequence[str]]:
    """Choose the groups whose tests all had to run in one part: a shard, or a piece of one.

    Args:
        part_of: by id, the parts that it belongs to; tests that are not there count for none.

    >>> undivided([["a", "b"], ["b", "c"]], {"a": ["0"], "b": ["0"], "c": ["1"]})
    [['a', 'b']]
    """
    return [group for group in groups if len({part for each in group for part in part_of.get(each, ())}) < 2]


def joined(nodeids: Iterable[str], groups: Iterable[Sequence[str]]) -> List[str]:
    """List the tests of every group that has one of these, and these: what must run together with them.

    >>> joined(["b"], [["a", "b"], ["c", "d"]])
    ['b', 'a']
    """
    wanted = dict.fromkeys(nodeids)
    left = [list(group) for group in groups]
    while True:  # groups may overlap
        hit = [group for group in left if not wanted.keys().isdisjoint(group)]
        if not hit:
            return list(wanted)
        left = [group for group in left if wanted.keys().isdisjoint(group)]
        wanted.update(dict.fromkeys(nodeid for group in hit for nodeid in group))
