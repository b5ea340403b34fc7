"""What the tests of a round did when their service had died: it says nothing of them, so they run again."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import takewhile
from typing import Optional, Sequence

from ..proof import outcomes as o
from ..proof.outcomes import Attempt, Round, Running

DEATH_SHOWS_S = 1.0  # a dying process closes its connections before it can be seen dead
LATE_S = 0.1  # between a death and when it is seen; and a test takes a little longer than its phases together


def left_out(told: Round, died_at: float, death: str) -> Round:
    """Drop attempts that ran after the service died: they are reruns, and the test in which it died was running.

    Where that had ended, it has no phase.

    Args:
        died_at: when it died, or that was seen, in seconds since the epoch.
        death: how it died, in a line.
    """
    died_s = died_at - told.started
    culprit = culprit_of(told.attempts, died_s)
    attempts = tuple(
        replace(attempt, outcome=o.RERUN, message=attempt.message or f"tried when {death}")
        if _in_vain(attempt, culprit, died_s)
        else attempt
        for attempt in told.attempts
    )
    running = told.ended.running
    if culprit is None:
        running = None
    elif running is None or running.nodeid != culprit.nodeid:
        late_s = 0.0 if culprit.service_ended else LATE_S
        running = Running(culprit.nodeid, "call" if _end_s(culprit) > died_s - late_s else "")
    return replace(told, attempts=attempts, ended=replace(told.ended, running=running))


def culprit_of(attempts: Sequence[Attempt], died_s: float) -> Optional[Attempt]:
    """Find the test in which the service died: the one that ran then, or the first of the red ones right before it.

    It is none after the first at whose end the service was seen to end: that one may have passed at once, and its
    innocent successor fail. A test fails as soon as its connection breaks, and the next may begin before the death can
    be seen. Where a red test before the culprit had a reason of its own, that costs a second death: the culprit then
    runs first.

    Args:
        died_s: when it died, or that was seen, in seconds since the round started.
    """
    seen = next((place for place, test in enumerate(attempts) if test.service_ended), None)
    may_be = attempts if seen is None else attempts[: seen + 1]
    # However long ago that one saw the end of it: a large process takes seconds to end.
    near = [
        test for test in may_be if test.at_s <= died_s and (test.service_ended or _end_s(test) > died_s - DEATH_SHOWS_S)
    ]
    last_red = list(takewhile(_is_red, reversed(near)))
    running = [test for test in near if _end_s(test) > died_s - LATE_S] if seen is None else near[-1:]
    return next(iter([*last_red[-1:], *running]), None)


def _in_vain(attempt: Attempt, culprit: Optional[Attempt], died_s: float) -> bool:
    """Tell whether it ran without a service, for all that is known."""
    return attempt.at_s > (culprit.at_s if culprit else died_s)


def _is_red(attempt: Attempt) -> bool:
    return attempt.outcome in (o.FAILED, o.ERROR, o.UNFINISHED)


def _end_s(attempt: Attempt) -> float:
    """Tell when it ended, in seconds since its round started; inf where it did not."""
    if attempt.outcome == o.UNFINISHED:
        return math.inf
    return attempt.at_s + attempt.setup_s + attempt.call_s + attempt.teardown_s
