"""What more nodes would gain: the advice of planning, from the durations of this very run. Pure."""

from __future__ import annotations

from typing import Optional, Sequence

from ...planning.advice import Advice, advise
from ...planning.estimates import NO_SET_UP, Estimates
from ...proof import outcomes as o
from ..record import RunRecord
from .tests import Row
from .timeline import TESTS

MOST_NODES = 16


def advice(record: RunRecord, rows: Sequence[Row]) -> Optional[Advice]:
    """Predict the run on 1, 2, ... nodes; None where no test took a time that says something."""
    own_ms = {
        row.nodeid: round(1000 * sum(each.own_s or each.seconds for each in row.attempts))
        for row in rows
        if row.attempts and row.outcome not in (o.UNFINISHED, o.NOT_RUN)
    }
    if not sum(own_ms.values()):
        return None
    return advise(
        own_ms,
        Estimates(own_ms),
        record.plan.set_up if record.plan else NO_SET_UP,
        fixed_s=fixed_s(record),
        most=min(MOST_NODES, max(4, 2 * len(record.results))),
    )


def fixed_s(record: RunRecord) -> float:
    """Average what a node paid beside its tests, in seconds."""
    fixed = [sum(took for step, took in each.seconds.items() if step != TESTS) for each in record.results]
    return sum(fixed) / len(fixed) if fixed else 0.0
