from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof import outcomes
from scripts.proof.outcomes import Attempt, Ended, Round, Running
from scripts.runner import service_death

DIED_S = 2.0
BEGAN = 1000.0


def tried(*began: Tuple[str, float, str]) -> Tuple[Attempt, ...]:
    """Attempts by id, beginning and outcome, each half a second long."""
    return tuple(Attempt(nodeid, 0, outcome, at_s=at_s, call_s=0.5) for nodeid, at_s, outcome in began)


def culprit(*began: Tuple[str, float, str]) -> Optional[str]:
    found = service_death.culprit_of(tried(*began), DIED_S)
    return found.nodeid if found else None


@pytest.mark.parametrize(
    "began, named",
    [
        ([("a", 1.4, "passed"), ("b", 1.95, "unfinished")], "b"),
        ([("a", 0.9, "passed"), ("b", 1.4, "failed"), ("c", 1.95, "unfinished")], "b"),
        ([("a", 1.1, "failed"), ("b", 1.4, "passed"), ("c", 1.95, "unfinished")], "c"),
        ([("a", 1.8, "passed"), ("b", 2.4, "failed")], "a"),
        ([("a", 0.2, "failed"), ("b", 0.8, "passed")], None),
    ],
    ids=[
        "it runs",
        "it failed, and the next runs",
        "a red one before a green one",
        "it swallowed the death",
        "none ran",
    ],
)
def test_the_service_died_in_the_test_that_ran_or_the_red_ones_right_before_it(
    began: List[Tuple[str, float, str]], named: Optional[str]
) -> None:
    assert named == culprit(*began)


def round_of(attempts: Tuple[Attempt, ...]) -> Round:
    unfinished = [each.nodeid for each in attempts if each.outcome == outcomes.UNFINISHED]
    ended = Ended(outcomes.INTERRUPTED, "", Running(unfinished[0], "call") if unfinished else None)
    return Round(0, 1, BEGAN, "9", "3", ended, attempts=attempts)


def test_the_culprit_is_said_to_have_run_and_its_followers_are_reruns_that_say_why() -> None:
    told = service_death.left_out(
        round_of(tried(("a", 1.4, "failed"), ("b", 1.95, "unfinished"))), BEGAN + DIED_S, "it died"
    )

    assert Running("a", "") == told.ended.running
    assert [("failed", ""), ("rerun", "tried when it died")] == [(each.outcome, each.message) for each in told.attempts]


@pytest.mark.parametrize(
    "began, named",
    [
        ([("a", 1.4, "passed"), ("b", 1.95, "unfinished")], "a"),
        ([("x", 0.9, "failed"), ("a", 1.4, "failed"), ("b", 1.95, "unfinished")], "x"),
        ([("a", 0.1, "passed"), ("b", 0.65, "unfinished")], "a"),
    ],
    ids=["it passed, and the next fails", "what was red before it", "it took long to end"],
)
def test_who_saw_the_service_end_is_the_last_that_may_have_ended_it(
    began: List[Tuple[str, float, str]], named: str
) -> None:
    attempts = [replace(test, service_ended=test.nodeid == "a") for test in tried(*began)]
    found = service_death.culprit_of(attempts, DIED_S)

    assert found is not None
    assert named == found.nodeid


def test_a_test_that_began_after_the_death_did_not_cause_it() -> None:
    late = replace(Attempt("a", 0, "failed", at_s=DIED_S + 0.5, call_s=0.1), service_ended=True)

    assert service_death.culprit_of([late], DIED_S) is None


OUTCOMES = st.sampled_from(["passed", "failed", "error", "skipped", "xfailed"])


@given(st.lists(st.tuples(st.floats(0.001, 0.7), OUTCOMES), max_size=12), st.floats(0.0, 6.0))
def test_what_ended_long_before_stands_and_what_began_after_does_not(
    tests: List[Tuple[float, str]], died_s: float
) -> None:
    attempts, at_s = [], 0.0
    for number, (call_s, outcome) in enumerate(tests):
        attempts.append(replace(Attempt(str(number), 0, outcome), at_s=at_s, call_s=call_s))
        at_s += call_s

    told = service_death.left_out(round_of(tuple(attempts)), BEGAN + died_s, "it died")

    for before, after in zip(attempts, told.attempts):
        if before.at_s + before.call_s < died_s - service_death.DEATH_SHOWS_S - 0.001:
            assert before == after
        if before.at_s > died_s + 0.001:
            assert "rerun" == after.outcome
