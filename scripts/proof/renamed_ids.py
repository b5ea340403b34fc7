"""Ids that change from run to run: which collected test is which planned one under another id.

A uuid, an address, the time or the order of a set in a parameter gives a test another id in every process. Its function
and its place among the tests of that function stay, and by these it is known.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Callable, Dict, Iterable, List, Sequence

CURE = "if ids change from run to run, pytest.param(..., id=...) makes them stay"

_CHANGING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # a uuid
    r"|0x[0-9a-f]+"  # an address
    r"|(?=[a-f]*[0-9])[0-9a-f]{8,}"  # a digest
    r"|\d+",
    re.IGNORECASE,
)


def known_as(collected: Sequence[str], known: Iterable[str]) -> Dict[str, str]:
    """Find the known id of each collected one that is not known: as many of the same form, else of the same function.

    Args:
        collected: in collection order: the n-th new one is the n-th that is gone, by name, in every process.

    >>> known_as(["t.py::a[7f-9]", "t.py::b"], ["t.py::a[2c-9]", "t.py::b"])
    {'t.py::a[7f-9]': 't.py::a[2c-9]'}
    """
    planned, here = set(known), set(collected)
    new = [nodeid for nodeid in dict.fromkeys(collected) if nodeid not in planned]
    gone = sorted(planned - here) if new else []
    pairs: Dict[str, str] = {}
    for form in (form_of, _function):
        taken = set(pairs.values())
        old_ones = _groups((nodeid for nodeid in gone if nodeid not in taken), form)
        new_ones = _groups((nodeid for nodeid in new if nodeid not in pairs), form)
        for key in new_ones.keys() & old_ones.keys():
            if len(new_ones[key]) == len(old_ones[key]):
                pairs.update(zip(new_ones[key], old_ones[key]))
    return pairs


def form_of(nodeid: str) -> str:
    """Give what two ids of one test have in common, whatever changes from process to process.

    >>> form_of("test_a.py::test_b[{'x', 'y'}-0x7f12]") == form_of("test_a.py::test_b[{'y', 'x'}-0x7e40]")
    True
    """
    function, bracket, parameters = nodeid.partition("[")
    if not bracket:
        return function
    return " ".join([function, *sorted(re.findall(r"\w+", _CHANGING.sub("_", parameters)))])


def _groups(nodeids: Iterable[str], key: Callable[[str], str]) -> Dict[str, List[str]]:
    groups: Dict[str, List[str]] = defaultdict(list)
    for nodeid in nodeids:
        groups[key(nodeid)].append(nodeid)
    return groups


def _function(nodeid: str) -> str:
    """Name the function of a test with parameters; one without is itself alone."""
    function, bracket, _ = nodeid.partition("[")
    return function + bracket
