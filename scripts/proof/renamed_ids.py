"""Ids that differ between two collections: which new id is likely which old one under another name."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Callable, Dict, Iterable, Iterator, List, Tuple

from .case import Case
from .findings import UNSTABLE, Finding
from .receipt import shown

_CHANGING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # a uuid
    r"|0x[0-9a-f]+"  # an address
    r"|(?=[a-f]*[0-9])[0-9a-f]{8,}"  # a digest
    r"|\d+",
    re.IGNORECASE,
)


def unstable(case: Case) -> Iterator[Finding]:
    """Tests that are there under another id; where a shard is missing and no plan is known, nobody can tell."""
    if not case.planned and len({shard.index for shard in case.shards}) < case.total:
        return
    known = case.planned.keys() | case.ran.keys()
    pairs = _renamed(known - case.wanted.keys(), case.wanted.keys() - known)
    for new, old in sorted(pairs.items()):
        yield Finding(UNSTABLE, f"was {shown(old)}", new)


def _renamed(gone: Iterable[str], new: Iterable[str]) -> Dict[str, str]:
    """The new ids that are likely old ones, each with its old one: as many of the same form, or function."""
    pairs: Dict[str, str] = {}
    left_gone, left_new = set(gone), set(new)
    for form in (_form, _function):
        old_ones, new_ones = _groups(left_gone, form), _groups(left_new, form)
        for key in new_ones.keys() & old_ones.keys():
            if len(new_ones[key]) == len(old_ones[key]):
                pairs.update(zip(new_ones[key], old_ones[key]))
        left_gone, left_new = left_gone.difference(pairs.values()), left_new.difference(pairs)
    return pairs


def _groups(nodeids: Iterable[str], key: Callable[[str], Tuple[str, ...]]) -> Dict[Tuple[str, ...], List[str]]:
    groups: Dict[Tuple[str, ...], List[str]] = defaultdict(list)
    for nodeid in sorted(nodeids):
        groups[key(nodeid)].append(nodeid)
    return groups


def _function(nodeid: str) -> Tuple[str, ...]:
    function, bracket, _ = nodeid.partition("[")
    return (function,) if bracket else (nodeid, "")


def _form(nodeid: str) -> Tuple[str, ...]:
    """The function, and the words of the parameters in no order, without what changes from process to process.

    >>> _form("test_a.py::test_b[{'x', 'y'}-0x7f12]") == _form("test_a.py::test_b[{'y', 'x'}-0x7e40]")
    True
    """
    function, _, parameters = nodeid.partition("[")
    return (function, *sorted(re.findall(r"\w+", _CHANGING.sub("_", parameters))))
