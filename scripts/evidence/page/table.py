"""All tests of a run as data for the page: columns, names in dictionaries, so that 30,000 take little room. Pure."""

from __future__ import annotations

import itertools
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .tests import CHANGES, FLAKY, Row
from .text import clean, short_id

WIDTHS = (300, 160, 100, 64, 40)  # characters of an id; the first with which all fit is taken
ROOM = 700_000  # bytes of the names of all tests
MESSAGES = 300  # of red and flaky tests
MESSAGE_CHARACTERS = 300


def table(rows: Sequence[Row], began_s: float, shards: Sequence[str], failures: Mapping[str, str]) -> Dict[str, Any]:
    """Write the tests as columns.

    Args:
        began_s: of the run; when a test began is told in tenths of seconds after the one before in its shard.
        shards: what each of `RunRecord.shards` is called in short.
        failures: by id, the key of the element that tells of a red test.
    """
    width, ids = _ids(rows)
    scopes: Dict[str, int] = {}
    functions: Dict[str, int] = {}
    outcomes: Dict[str, int] = {}
    parts = [_parts(nodeid) for nodeid in ids]
    told = [place for place, row in enumerate(rows) if row.message and (row.is_red or row.change == FLAKY)][:MESSAGES]
    return {
        "scope": _short([scopes.setdefault(scope, len(scopes)) for scope, _, _ in parts]),
        "name": _short([functions.setdefault(name, len(functions)) for _, name, _ in parts]),
        "parameters": [parameters for _, _, parameters in parts],
        "outcome": _short([outcomes.setdefault(row.outcome, len(outcomes)) for row in rows]),
        "shard": _short([row.shard for row in rows]),
        "ms": [_three_digits(1000 * row.seconds) for row in rows],
        "after": _after(rows, began_s),
        "change": {place: CHANGES.index(row.change) for place, row in enumerate(rows) if row.change},
        "message": {place: clean(rows[place].message, MESSAGE_CHARACTERS) for place in told},
        "failure": {place: failures[row.nodeid] for place, row in enumerate(rows) if row.nodeid in failures},
        "scopes": list(scopes),
        "names": list(functions),
        "outcomes": list(outcomes),
        "shards": list(shards),
        "width": width if any(len(row.nodeid) > width for row in rows) else 0,
    }


def _ids(rows: Sequence[Row]) -> Tuple[int, List[str]]:
    """Choose how long an id may be, and write them."""
    for width in WIDTHS:
        ids = [short_id(row.nodeid, width) for row in rows]
        if sum(len(parameters.encode("utf-8", "replace")) for _, _, parameters in map(_parts, ids)) <= ROOM:
            break
    return width, ids


def _parts(nodeid: str) -> Tuple[str, str, str]:
    """Divide an id into file and class, function, and parameters.

    >>> _parts("a.py::TestB::test_c[x::y]"), _parts("README.md")
    (('a.py::TestB', 'test_c', '[x::y]'), ('', 'README.md', ''))
    """
    path, bracket, parameters = nodeid.partition("[")
    scope, _, name = path.rpartition("::")
    return scope, name, bracket + parameters


def _after(rows: Sequence[Row], began_s: float) -> List[Optional[int]]:
    """Say how long after the one before of its shard each test began, the first after the run; None if not known."""
    last: Dict[int, int] = {}
    found: List[Optional[int]] = []
    for row in rows:
        at = round(10 * (row.at_s - began_s)) if row.at_s else None
        found.append(None if at is None else at - last.get(row.shard, 0))
        last[row.shard] = last.get(row.shard, 0) if at is None else at
    return found


def _short(values: Sequence[int]) -> Any:
    """Write a column as runs of equal values, where that is shorter: value, how often, value, how often.

    >>> _short([5, 5, 5, 5, 7]), _short([1, 2])
    ({'runs': [5, 4, 7, 1]}, [1, 2])
    """
    runs = [number for value, same in itertools.groupby(values) for number in (value, sum(1 for _ in same))]
    return {"runs": runs} if len(runs) < len(values) else list(values)


def _three_digits(milliseconds: float) -> float:
    """Round a duration to what a person reads of it.

    >>> _three_digits(12345.678), _three_digits(1.2345)
    (12300, 1)
    """
    whole = round(milliseconds)
    return int(float(f"{whole:.3g}"))
