"""What a plan goes by: how long each test takes, what set-ups cost and who needs them, and how sure that is."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, List, Mapping, Sequence, Tuple

from .nodeids import file_of, function_of

NOTHING_KNOWN_MS = 1000  # per test, where no test of the suite was ever timed
MOST_DOUBT_PERMILLE = 1000


@dataclass(frozen=True)
class SetUp:
    """Say what shared fixtures cost, in ms; paid again by every shard that needs them.

    `session_ms` once per shard that runs any test; `scopes_ms` by the node id of a file or class, once
    per shard with a test that needs it; `file_ms` for each file that `scopes_ms` does not name. `spared`
    has, by node id of a test, the files and classes around it whose set-up it does not need; all others need it.
    """

    session_ms: int = 0
    scopes_ms: Mapping[str, int] = field(default_factory=dict)
    file_ms: int = 0
    spared: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)


NO_SET_UP = SetUp()


@dataclass(frozen=True)
class Estimates:
    """Hold what the timings say: own time per test in ms by node id, and how far runs strayed from it.

    `stray_permille`: by how much the time of a whole file differs between runs, in thousandths.
    """

    tests_ms: Mapping[str, int] = field(default_factory=dict)
    stray_permille: int = 0

    @property
    def digest(self) -> str:
        """Digest all of it: two nodes with one digest plan from the same timings."""
        return digest({"tests_ms": dict(self.tests_ms), "stray_permille": self.stray_permille})


def digest(value: Any) -> str:
    """Digest a value: the sha-256 of its canonical JSON: sorted keys, ASCII, no white space."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def complete(nodeids: Sequence[str], known: Mapping[str, int]) -> Dict[str, int]:
    """Give a time to each test: its own, or the mean of its siblings, of its file, of the suite.

    Siblings are variants of one parametrised function. Tests that are no longer collected count among
    them: a renamed parameter changes the id and not the time. The mean, since it is sums that are planned.

    >>> complete(["a.py::t[3]", "a.py::new", "b.py::new"], {"a.py::t[1]": 40, "a.py::t[2]": 60, "a.py::u": 2})
    {'a.py::t[3]': 50, 'a.py::new': 34, 'b.py::new': 34}
    """
    new = [nodeid for nodeid in nodeids if nodeid not in known]
    suite = sum(known.values()) // len(known) if known else NOTHING_KNOWN_MS
    means = _means(known, {file_of(nodeid) for nodeid in new})
    guesses = {nodeid: means.get(function_of(nodeid), means.get(file_of(nodeid), suite)) for nodeid in new}
    return {nodeid: known[nodeid] if nodeid in known else guesses[nodeid] for nodeid in nodeids}


def _means(known: Mapping[str, int], files: Collection[str]) -> Dict[str, int]:
    """Take the mean of each of these files and of each function in them."""
    groups: Dict[str, List[int]] = defaultdict(list)
    for nodeid, cost in known.items() if files else ():
        file = file_of(nodeid)
        if file in files:
            groups[file].append(cost)
            groups[function_of(nodeid)].append(cost)
    return {group: sum(costs) // len(costs) for group, costs in groups.items()}


def doubt_permille(nodeids: Sequence[str], estimates: Estimates) -> int:
    """Tell by how much a file's estimate may be off, in thousandths: as measured, or by the age of the timings.

    Their age shows in the share of tests that are new or gone. New tests come in proportion to time;
    drift is a random walk, whose spread grows with the root of time, so with the root of that share. In
    72 pairs of recorded runs the log-ratio of files' times strayed by 1.2 times that root (quartiles 0.8
    and 2.2; a weak sign, rank correlation 0.3): 2 is on the cautious side. Where there are no timings at
    all there is nothing to doubt, and files stay whole.
    """
    if not estimates.tests_ms:
        return estimates.stray_permille
    here, known = set(nodeids), estimates.tests_ms.keys()
    both = len(here & known)
    either = len(here) + len(known) - both
    by_age = math.isqrt(4_000_000 * (either - both) // max(1, either))
    return min(MOST_DOUBT_PERMILLE, max(estimates.stray_permille, by_age))
