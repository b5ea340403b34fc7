"""What more nodes would gain: the advice of planning, from the durations of this very run. Pure."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence

from ...planning.advice import Advice, advise
from ...planning.estimates import NO_SET_UP, Estimates
from ...planning.nodeids import file_of
from ...proof import outcomes as o
from ..record import RunRecord
from .tests import Row
from .text import sensible
from .timeline import TESTS

MOST_NODES = 16
EXACT = 200  # tests; of more, those of a file are joined: to plan for each is a matter of seconds
GRAINS = 150  # as many pieces as that, each a small part of any node's time


def advice(record: RunRecord, rows: Sequence[Row]) -> Optional[Advice]:
    """Predict the run on 1, 2, ... nodes; None where no test took a time that says something."""
    own_ms = {
        row.nodeid: round(1000 * sensible(sum(each.own_s or each.seconds for each in row.attempts)))
        for row in rows
        if row.attempts and row.outcome not in (o.UNFINISHED, o.NOT_RUN)
    }
    if not sum(own_ms.values()):
        return None
    pieces = own_ms if len(own_ms) <= EXACT else joined(own_ms, sum(own_ms.values()) // GRAINS)
    return advise(
        pieces,
        Estimates(pieces),
        record.plan.set_up if record.plan and pieces is own_ms else NO_SET_UP,
        fixed_s=fixed_s(record),
        most=min(MOST_NODES, max(4, 2 * len(record.results))),
    )


def joined(own_ms: Mapping[str, int], most_ms: int) -> Dict[str, int]:
    """Join tests of a file, in order, to pieces of at most so much; each is named as its longest test.

    >>> joined({"a.py::x": 3, "a.py::y": 4, "b.py::z": 5, "b.py::v": 9}, 8)
    {'a.py::y': 7, 'b.py::z': 5, 'b.py::v': 9}
    """
    found: Dict[str, int] = {}
    file, name, longest_ms, total_ms = "", "", 0, 0
    for nodeid, took_ms in own_ms.items():
        if name and (file_of(nodeid) != file or total_ms + took_ms > most_ms):
            found[name] = total_ms
            name, longest_ms, total_ms = "", 0, 0
        if not name or took_ms > longest_ms:
            name, longest_ms = nodeid, took_ms
        file, total_ms = file_of(nodeid), total_ms + took_ms
    return {**found, name: total_ms} if name else found


def fixed_s(record: RunRecord) -> float:
    """Average what a node paid beside its tests, in seconds."""
    fixed = [sum(sensible(took) for step, took in each.seconds.items() if step != TESTS) for each in record.results]
    return sum(fixed) / len(fixed) if fixed else 0.0
