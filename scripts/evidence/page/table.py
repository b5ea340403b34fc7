"""All tests of a run as data for the page: columns, names in dictionaries, so that 30,000 take little room. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from .tests import CHANGES, Row
from .text import clean, short_id

WIDTHS = (300, 160, 100, 64, 40)  # characters of an id; the first with which all fit is taken
ROOM = 900_000  # bytes of the names of all tests
MESSAGES = 300  # of red tests
MESSAGE_CHARACTERS = 400


def table(rows: Sequence[Row], began_s: float, shards: Sequence[str], failures: Mapping[str, str]) -> Dict[str, Any]:
    """Write the tests as columns.

    Args:
        began_s: of the run; when a test began is told from there, in tenths of seconds.
        shards: what each of `RunRecord.shards` is called in short.
        failures: by id, the key of the element that tells of a red test.
    """
    width, ids = _ids(rows)
    scopes: Dict[str, int] = {}
    functions: Dict[str, int] = {}
    outcomes: Dict[str, int] = {}
    parts = [_parts(nodeid) for nodeid in ids]
    red = [place for place, row in enumerate(rows) if row.is_red and row.message][:MESSAGES]
    return {
        "scope": [scopes.setdefault(scope, len(scopes)) for scope, _, _ in parts],
        "name": [functions.setdefault(name, len(functions)) for _, name, _ in parts],
        "parameters": [parameters for _, _, parameters in parts],
        "outcome": [outcomes.setdefault(row.outcome, len(outcomes)) for row in rows],
        "shard": [row.shard for row in rows],
        "ms": [_three_digits(1000 * row.seconds) for row in rows],
        "at": [round(10 * (row.at_s - began_s)) if row.at_s else -1 for row in rows],
        "change": {place: CHANGES.index(row.change) for place, row in enumerate(rows) if row.change},
        "message": {place: clean(rows[place].message, MESSAGE_CHARACTERS) for place in red},
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


def _three_digits(milliseconds: float) -> float:
    """Round a duration to what a person reads of it.

    >>> _three_digits(12345.678), _three_digits(1.2345)
    (12300, 1)
    """
    whole = round(milliseconds)
    return int(float(f"{whole:.3g}"))
