"""The decisions after each round, on hand-made rounds."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any, Dict, List, Optional, Tuple

import pytest

from scripts.proof import outcomes
from scripts.proof.outcomes import Attempt, CollectionError, Ended, Fixture, Round, Running
from scripts.proof.receipt import ExtraError
from scripts.runner import decisions
from scripts.runner.decisions import Exit, FinishedRound, Outcome, going_on, next_step

DB = Fixture("session", "", "db", "")
KILLED = -signal.SIGKILL
FINE = Exit(0)


def attempts_of(*passed: str, unfinished: str = "") -> Tuple[Attempt, ...]:
    """Attempts that came to an end, and one that did not."""
    last = [Attempt(unfinished, 0, outcomes.UNFINISHED)] if unfinished else []
    return (*(Attempt(nodeid, 0, outcomes.PASSED) for nodeid in passed), *last)


def ran(
    kind: str,
    *ended: str,
    running: str = "",
    fixture: Optional[Fixture] = None,
    reason: str = "",
    exit: Exit = FINE,
    began: float = 0.0,
    **more: Any,
) -> FinishedRound:
    """A round that selected a, b, c; the tests `ended` passed, and `running` had begun."""
    at_work = Running(running, "call", fixture) if running or fixture else None
    facts = {"selected": ("a", "b", "c"), "attempts": attempts_of(*ended, unfinished=running), "status": 0, **more}
    return FinishedRound(exit, Round(0, 1, began, "9", "3", Ended(kind, reason, at_work), **facts))


def words(outcome: Outcome) -> Dict[str, str]:
    return {test.nodeid: test.outcome for test in outcome.tests}


ALL = ran(outcomes.FINISHED, "a", "b", "c")
assert ALL.journaled
TOLD = ALL.journaled


def test_when_all_have_reported_the_shard_is_finished() -> None:
    outcome = next_step([ALL])

    assert ("finished", (), ()) == (outcome.ended, outcome.remaining, outcome.errors)
    assert {"a": "passed", "b": "passed", "c": "passed"} == words(outcome)


def test_after_a_death_the_rest_runs_without_the_test_that_died() -> None:
    outcome = next_step([ran(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED))])

    assert ("", ("c",)) == (outcome.ended, outcome.remaining)
    assert {"a": "passed", "b": "failed", "c": "not-run"} == words(outcome)
    assert "ended the process with signal SIGKILL (9) in its call" == outcome.tests[1].why


def test_what_stays_together_with_the_rest_runs_again_with_it() -> None:
    steps = [outcomes.Wanted("T", "mark", ((0, 2),))]

    outcome = next_step([ran(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED), groups=steps)])

    assert (("c",), ("a", "c")) == (outcome.remaining, outcome.due)
    assert "2 tests to run" in decisions.progress(outcome)


def test_what_pipeline_yml_keeps_together_runs_again_too() -> None:
    died = ran(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED))

    assert (("c",), ("a", "c")) == tuple(next_step([died], wishes).due for wishes in ([], [["a", "c"]]))


SKIPPED = (*attempts_of("a", "b"), Attempt("c", 0, outcomes.SKIPPED))


def test_what_skips_in_a_worker_runs_again_as_plain_pytest_would() -> None:
    outcome = next_step([ran(outcomes.FINISHED, attempts=SKIPPED, as_worker=("c",))])

    assert ("", ("c",), True, ()) == (outcome.ended, outcome.remaining, outcome.as_plain, outcome.errors)
    assert "1 test to run again: skipped where it sees a worker" in decisions.progress(outcome)


@pytest.mark.parametrize("then", [outcomes.PASSED, outcomes.FAILED, outcomes.SKIPPED])
def test_what_comes_of_it_then_counts(then: str) -> None:
    first = ran(outcomes.FINISHED, attempts=SKIPPED, as_worker=("c",))
    again = ran(outcomes.FINISHED, attempts=(Attempt("c", 1, then),), selected=("c",), status=int(then == "failed"))

    outcome = next_step([first, replace(again, exit=Exit(int(then == outcomes.FAILED)))])

    assert ("finished", then, False) == (outcome.ended, words(outcome)["c"], outcome.as_plain)


def test_a_skip_that_no_worker_explains_is_one() -> None:
    assert "skipped" == words(next_step([ran(outcomes.FINISHED, attempts=SKIPPED)]))["c"]


def test_what_was_interrupted_before_it_had_its_tests_has_no_error_that_a_repair_could_not_settle() -> None:
    outcome = next_step([ran(outcomes.INTERRUPTED, selected=None, exit=Exit(2, interrupted=True))])

    assert ("interrupted", ()) == (outcome.ended, outcome.errors)


def test_a_hang_is_told_in_seconds() -> None:
    outcome = next_step([ran(outcomes.DIED_IN_TEST, running="a", exit=Exit(-signal.SIGABRT, hung_s=2.04))])

    assert "hung for 2.0 s in its call" == outcome.tests[0].why


def test_one_death_in_a_fixture_is_an_error_of_the_test_that_asked_for_it() -> None:
    outcome = next_step([ran(outcomes.DIED_IN_TEST, running="a", fixture=DB, exit=Exit(KILLED))])

    assert ("", ("b", "c")) == (outcome.ended, outcome.remaining)
    assert ("error", "the session fixture db ended the process with signal SIGKILL (9)") == (
        outcome.tests[0].outcome,
        outcome.tests[0].why,
    )


def test_two_deaths_in_a_fixture_are_errors_of_all_tests_that_need_it() -> None:
    needs = {("session", "", "db"): ((0, 1),)}
    first = ran(outcomes.DIED_IN_TEST, running="a", fixture=DB, exit=Exit(KILLED), needs=needs)
    other = ran(outcomes.DIED_IN_TEST, running="c", fixture=DB, exit=Exit(KILLED))

    outcome = next_step([first, other])

    assert ("finished", {"a": "error", "b": "error", "c": "error"}) == (outcome.ended, words(outcome))
    assert "the session fixture db ended the process with signal SIGKILL (9)" == outcome.tests[1].why


def test_deaths_in_two_modules_of_one_module_fixture_are_not_two_in_the_same() -> None:
    one, two = replace(DB, scope="module", node="one.py"), replace(DB, scope="module", node="two.py")
    history = [ran(outcomes.DIED_IN_TEST, running=test, fixture=where) for test, where in (("a", one), ("b", two))]

    assert ("", ("c",)) == (next_step(history).ended, next_step(history).remaining)


def between(*ended: str) -> FinishedRound:
    return ran(outcomes.DIED_BETWEEN_TESTS, *ended, exit=Exit(KILLED))


def test_five_deaths_without_a_finished_test_are_the_end() -> None:
    outcome = next_step([between()] * 5)

    assert ("gave up", ("a", "b", "c")) == (outcome.ended, outcome.remaining)
    assert (
        ExtraError("between two tests", "something ended the process with signal SIGKILL (9)"),
        ExtraError("pytest", "it died 5 times without a finished test, and is not started again"),
    ) == outcome.errors


@pytest.mark.parametrize(
    "history",
    [[between()] * 4, [*[between()] * 4, between("a")], [*[between()] * 4, between("a"), *[between()] * 3]],
    ids=["four deaths", "a test before the fifth", "a test among eight"],
)
def test_deaths_with_a_finished_test_between_them_go_on(history: List[FinishedRound]) -> None:
    assert "" == next_step(history).ended


def test_a_death_after_the_last_report_is_an_error_of_its_own() -> None:
    outcome = next_step([ran(outcomes.DIED_AFTER_LAST, "a", "b", "c", exit=Exit(3))])

    assert ("finished", {"a": "passed", "b": "passed", "c": "passed"}) == (outcome.ended, words(outcome))
    assert (ExtraError("after the last test", "something ended the process with exit code 3"),) == outcome.errors


def test_a_crash_after_pytest_has_said_goodbye_is_an_error_of_its_own() -> None:
    crashed = replace(ALL, exit=Exit(-signal.SIGSEGV))

    assert (ExtraError("after the last test", "something ended the process with signal SIGSEGV (11)"),) == next_step(
        [crashed]
    ).errors


def test_exit_status_1_without_a_failed_test_is_an_error() -> None:
    outcome = next_step([ran(outcomes.FINISHED, "a", "b", "c", status=1, exit=Exit(1))])

    assert ["pytest"] == [error.name for error in outcome.errors]


def test_pytest_that_ends_with_0_before_all_have_reported_is_not_green() -> None:
    outcome = next_step([ran(outcomes.FINISHED, "a")])

    assert ("gave up", ("b", "c")) == (outcome.ended, outcome.remaining)
    assert "ended with exit code 0 without running 2 tests" in outcome.errors[0].message


def test_a_round_that_told_nothing_is_an_error() -> None:
    outcome = next_step([FinishedRound(Exit(1))])

    assert ("finished", ()) == (outcome.ended, outcome.tests)
    assert ["pytest"] == [error.name for error in outcome.errors]


def test_pytest_that_selects_nothing_since_it_only_helps_is_an_error() -> None:
    helped = FinishedRound(Exit(0), replace(TOLD, selected=None, attempts=()))

    assert ["pytest"] == [error.name for error in next_step([helped]).errors]


def test_collection_errors_are_named_once_over_all_rounds() -> None:
    broken = (CollectionError("x.py", "ImportError: no", ""),)
    history = [
        ran(outcomes.DIED_IN_TEST, "a", running="b", collection_errors=broken),
        ran(outcomes.FINISHED, "c", collection_errors=broken, status=1, exit=Exit(1)),
    ]

    assert (ExtraError("x.py", "ImportError: no"),) == next_step(history).errors


@pytest.mark.parametrize(
    "last",
    [
        ran(outcomes.INTERRUPTED, "a", running="b", exit=Exit(2, interrupted=True)),
        ran(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED, interrupted=True)),
    ],
    ids=["pytest said so", "pytest had to be killed"],
)
def test_after_ctrl_c_the_rest_is_not_run_and_nobody_is_blamed(last: FinishedRound) -> None:
    outcome = next_step([last])

    assert ("interrupted", ()) == (outcome.ended, outcome.errors)
    assert {"a": "passed", "b": "not-run", "c": "not-run"} == words(outcome)


def test_a_keyboard_interrupt_that_nobody_sent_is_the_failure_of_its_test_and_the_rest_goes_on() -> None:
    outcome = next_step([ran(outcomes.INTERRUPTED, "a", running="b", exit=Exit(2))])

    assert ("", ("c",), "failed") == (outcome.ended, outcome.remaining, words(outcome)["b"])
    assert "raised KeyboardInterrupt in its call" == outcome.tests[1].why


def test_a_keyboard_interrupt_outside_tests_stops_and_is_an_error() -> None:
    outcome = next_step([ran(outcomes.INTERRUPTED, "a", exit=Exit(2))])

    assert ("gave up", ("b", "c")) == (outcome.ended, outcome.remaining)
    assert (ExtraError("pytest", "something raised KeyboardInterrupt"),) == outcome.errors


def test_ctrl_c_after_the_last_report_cuts_nothing_short() -> None:
    late = replace(ALL, exit=Exit(0, interrupted=True))

    assert ("finished", ()) == (next_step([late]).ended, next_step([late]).errors)


def test_ctrl_c_before_anything_was_selected_is_an_interruption() -> None:
    assert "interrupted" == next_step([FinishedRound(Exit(KILLED, interrupted=True))]).ended


@pytest.mark.parametrize("most, ended", [(0, ""), (2, ""), (1, "stopped")])
def test_a_death_counts_for_maxfail(most: int, ended: str) -> None:
    assert ended == next_step([ran(outcomes.DIED_IN_TEST, "a", running="b", maxfail=most)]).ended


SEGFAULT = "the service ended with signal SIGSEGV (11)\n  its last line"
DEAD = Exit(2, seconds=3.0, service=SEGFAULT, died_at=1002.0, ended_at=1003.0)


def test_a_test_in_which_the_service_died_is_named_and_the_rest_goes_on() -> None:
    outcome = next_step([ran(outcomes.INTERRUPTED, "a", running="b", exit=DEAD, began=1000.0)])

    assert ("", ("c",)) == (outcome.ended, outcome.remaining)
    assert {"a": "passed", "b": "failed", "c": "not-run"} == words(outcome)
    assert [("failed", 2.0, "the service ended with signal SIGSEGV (11)")] == [
        (attempt.outcome, attempt.seconds, attempt.message) for attempt in outcome.tests[1].attempts
    ]
    assert (ExtraError("service", "the service ended with signal SIGSEGV (11): b was running"),) == outcome.errors


SHARED_DEAD = replace(DEAD, shared=True)


def test_a_test_that_ran_when_the_shared_service_died_is_not_said_to_be_the_cause() -> None:
    outcome = next_step([ran(outcomes.INTERRUPTED, "a", running="b", exit=SHARED_DEAD, began=1000.0)])

    assert "ran when the service ended with signal SIGSEGV (11)" == outcome.tests[1].attempts[0].message


@pytest.mark.parametrize(
    "exit, deaths, ended", [(SHARED_DEAD, 1, ""), (SHARED_DEAD, 5, "finished"), (DEAD, 1, "finished")]
)
def test_a_shared_service_that_died_before_the_first_test_costs_none(exit: Exit, deaths: int, ended: str) -> None:
    outcome = next_step([FinishedRound(exit)] * deaths)

    assert ended == outcome.ended
    assert ExtraError("service", "the service ended with signal SIGSEGV (11): before the first test") in outcome.errors


def tried(*began: Tuple[str, float, str]) -> Tuple[Attempt, ...]:
    """Attempts by id, beginning and outcome, each half a second long."""
    return tuple(Attempt(nodeid, 0, outcome, at_s=at_s, call_s=0.5) for nodeid, at_s, outcome in began)


@pytest.mark.parametrize(
    "attempts, expected, remaining",
    [
        (tried(("a", 0.9, "passed"), ("b", 1.4, "failed"), ("c", 1.9, "failed")), "passed failed not-run", ("c",)),
        (
            tried(("a", 1.7, "passed"), ("b", 2.2, "failed"), ("c", 2.8, "skipped")),
            "passed not-run not-run",
            ("b", "c"),
        ),
        (tried(("a", 1.7, "passed"), ("b", 2.2, "unfinished")), "passed not-run not-run", ("b", "c")),
        (tried(("a", 0.1, "failed"), ("b", 0.6, "passed"), ("c", 1.9, "failed")), "failed passed failed", ()),
    ],
    ids=["failed by it", "swallowed by a", "swallowed, and the next was running", "long before"],
)
@pytest.mark.parametrize("kind", [outcomes.INTERRUPTED, outcomes.FINISHED])
def test_what_began_after_the_service_had_died_runs_again(
    kind: str, attempts: Tuple[Attempt, ...], expected: str, remaining: Tuple[str, ...]
) -> None:
    outcome = next_step([ran(kind, running="x", attempts=attempts, exit=DEAD, began=1000.0)])

    assert (expected, remaining) == (" ".join(words(outcome).values()), outcome.remaining)
    assert ("" if remaining else "finished") == outcome.ended
    assert ["service"] == [error.name for error in outcome.errors]


def test_both_attempts_of_a_test_that_the_dead_service_failed_are_kept() -> None:
    first = ran(
        outcomes.INTERRUPTED,
        attempts=tried(("a", 1.6, "failed"), ("b", 2.2, "failed")),
        exit=DEAD,
        began=1000.0,
        selected=("a", "b"),
    )
    outcome = next_step([first, ran(outcomes.FINISHED, "b")])

    assert (("finished", "passed")) == (outcome.ended, words(outcome)["b"])
    assert [("rerun", "tried when the service ended with signal SIGSEGV (11)"), ("passed", "")] == [
        (attempt.outcome, attempt.message) for attempt in outcome.tests[1].attempts
    ]
    assert (ExtraError("service", "the service ended with signal SIGSEGV (11): a was running"),) == outcome.errors


def test_a_service_that_dies_after_the_last_test_is_an_error() -> None:
    outcome = next_step([replace(ALL, exit=replace(DEAD, returncode=0))])

    assert "finished" == outcome.ended
    assert ["service"] == [error.name for error in outcome.errors]


def test_a_service_that_died_five_times_is_not_started_again() -> None:
    each = [ran(outcomes.INTERRUPTED, nodeid, exit=DEAD, began=1000.0) for nodeid in "abcd"]
    selected = tuple("abcdefg")
    history = [replace(one, journaled=replace(one.journaled, selected=selected)) for one in each]  # type: ignore[type-var]
    fifth = ran(outcomes.INTERRUPTED, running="e", exit=DEAD, selected=selected, began=1000.0)

    assert "" == next_step([*history[:3], fifth]).ended
    assert ("gave up", ("f", "g")) == (next_step([*history, fifth]).ended, next_step([*history, fifth]).remaining)
    assert ExtraError("service", "it died 5 times, and is not started again") in next_step([*history, fifth]).errors


def test_a_service_that_does_not_come_up_again_ends_the_shard() -> None:
    due = next_step([ran(outcomes.INTERRUPTED, "a", running="b", exit=DEAD)])
    outcome = decisions.without_service(due, "the port is taken")

    assert "gave up" == outcome.ended
    assert ExtraError("service", "it could not be started again: the port is taken") == outcome.errors[-1]


def test_what_a_killed_test_took_is_known_from_the_clock() -> None:
    killed = Exit(KILLED, seconds=9.0, ended_at=1007.5)
    outcome = next_step([ran(outcomes.DIED_IN_TEST, "a", running="b", exit=killed, began=1000.0)])

    assert [7.5] == [attempt.seconds for attempt in outcome.tests[1].attempts]


def test_pytest_exit_is_the_failure_of_the_test_that_called_it_and_the_rest_goes_on() -> None:
    outcome = next_step([ran(outcomes.EXIT, "a", running="b", reason="enough", exit=Exit(2))])

    assert ("", ("c",), "failed") == (outcome.ended, outcome.remaining, words(outcome)["b"])
    assert "called pytest.exit (enough) in its call" == outcome.tests[1].why


def test_an_internal_error_in_a_test_is_its_failure_and_the_rest_goes_on() -> None:
    outcome = next_step([ran(outcomes.INTERNAL_ERROR, "a", running="b", reason="KeyError", exit=Exit(3))])

    assert ("", ("c",), "failed") == (outcome.ended, outcome.remaining, words(outcome)["b"])


def test_an_internal_error_outside_tests_stops() -> None:
    outcome = next_step([ran(outcomes.INTERNAL_ERROR, "a", reason="KeyError", exit=Exit(3))])

    assert ("gave up", ["pytest"]) == (outcome.ended, [error.name for error in outcome.errors])


def test_a_test_that_began_and_was_forgotten_is_an_error() -> None:
    told = replace(TOLD, attempts=attempts_of("a", "c", unfinished="b"))

    assert "error" == words(next_step([FinishedRound(Exit(0), told)]))["b"]


def test_of_two_tests_with_one_id_both_must_run() -> None:
    told = replace(TOLD, selected=("a", "a"), attempts=attempts_of("a"))
    outcome = next_step([FinishedRound(Exit(KILLED), replace(told, ended=Ended(outcomes.DIED_BETWEEN_TESTS)))])

    assert ("", ("a",), {"a": "not-run"}, 2) == (
        outcome.ended,
        outcome.remaining,
        words(outcome),
        outcome.tests[0].count,
    )


def test_lines_that_are_missing_are_an_error_whatever_the_others_say() -> None:
    told = replace(TOLD, missing_lines=2)

    assert (ExtraError("journal", "2 lines of round 0 are missing: what they said is lost"),) == next_step(
        [FinishedRound(Exit(0), told)]
    ).errors


def test_results_go_by_the_planned_id_where_ids_change_from_run_to_run() -> None:
    names = {"names": {"b-9": "b"}, "plan": "p"}
    told = replace(TOLD, selected=("a", "b-9", "c"), attempts=attempts_of("a", "c", unfinished="b-9"), answer=names)
    died = replace(told, ended=Ended(outcomes.DIED_IN_TEST, running=Running("b-9", "call")))

    outcome = next_step([FinishedRound(Exit(KILLED), died)])

    assert {"a": "passed", "b": "failed", "c": "passed"} == words(outcome)
    assert ["", "b-9", ""] == [test.ran_as for test in outcome.tests]
    assert "p" == outcome.answer["plan"]


def test_a_test_of_another_id_in_each_round_runs_once() -> None:
    first = ran(
        outcomes.DIED_IN_TEST,
        selected=("x-1", "y-1"),
        attempts=attempts_of(unfinished="x-1"),
        running="x-1",
        exit=Exit(KILLED),
        answer={"names": {"x-1": "x", "y-1": "y"}},
    )
    second = ran(outcomes.FINISHED, selected=("y-2",), attempts=attempts_of("y-2"), answer={"names": {"y-2": "y"}})

    assert ("y",) == next_step([first]).remaining
    assert ("finished", {"x": "failed", "y": "passed"}) == (
        next_step([first, second]).ended,
        words(next_step([first, second])),
    )


def test_a_failure_that_is_of_none_of_the_tests_is_an_error() -> None:
    soft = Attempt("a::soft", 0, outcomes.FAILED, message="leak")
    attempts = (*attempts_of("a", "b", "c"), soft)

    outcome = next_step([ran(outcomes.FINISHED, attempts=attempts, status=1, exit=Exit(1))])

    assert ["a::soft"] == [error.name for error in outcome.errors]


def test_a_test_that_ran_twice_in_one_process_is_an_error() -> None:
    outcome = next_step([ran(outcomes.FINISHED, attempts=attempts_of("a", "a", "b", "c"))])

    assert ["a"] == [error.name for error in outcome.errors]


def test_a_pytest_that_was_stopped_after_its_last_test_is_not_known_to_be_green() -> None:
    stopped = Exit(130, interrupted=True)

    outcome = next_step([ran(outcomes.DIED_AFTER_LAST, "a", "b", "c", exit=stopped, status=None)])

    assert ["after the last test"] == [error.name for error in outcome.errors]


def test_a_session_that_stops_itself_after_the_last_test_says_why() -> None:
    outcome = next_step([ran(outcomes.STOPPED, "a", "b", "c", reason="time is up", exit=Exit(2), status=2)])

    assert ["stopped after the last test: time is up"] == [error.message for error in outcome.errors]


def test_a_replay_has_the_tests_of_all_processes_so_far_and_those_of_the_next_are_due() -> None:
    """Each recorded process selects its own; what shares an id is there as often as in any of them."""
    rounds = [
        ran(outcomes.FINISHED, "a", "a", selected=("a", "a")),
        ran(outcomes.DIED_IN_TEST, "a", running="b", selected=("a", "b"), exit=Exit(KILLED)),
    ]

    outcome = next_step(rounds, grows=True)

    assert ("finished", {"a": 2, "b": 1}) == (outcome.ended, {test.nodeid: test.count for test in outcome.tests})
    assert {"a": "passed", "b": "failed"} == words(outcome)
    assert ("", ("c",)) == (going_on(outcome, ["c"]).ended, going_on(outcome, ["c"]).due)


def test_a_fixture_that_ends_the_processes_of_a_replay_is_named_by_all_that_need_it_in_any_of_them() -> None:
    needs = {("session", "", "db"): ((0, 1),)}
    first = ran(outcomes.DIED_IN_TEST, running="a", fixture=DB, selected=("a",), needs=needs, exit=Exit(KILLED))
    second = ran(outcomes.DIED_IN_TEST, running="b", fixture=DB, selected=("b", "c"), needs=needs, exit=Exit(KILLED))

    outcome = next_step([first, second], grows=True)

    assert {"a": "error", "b": "error", "c": "error"} == words(outcome)
    assert "finished" == outcome.ended


# Piece by piece -------------------------------------------------------------------------------------


def piecewise(kind: str, *ended: str, cut_off: bool = True, **more: Any) -> FinishedRound:
    """A round that was offered a, b, c and given some of them."""
    return replace(ran(kind, *ended, **{"selected": ended, "offered": ("a", "b", "c"), **more}), cut_off=cut_off)


def test_a_shard_answers_for_what_was_claimed_also_where_no_process_heard_of_it() -> None:
    outcome = next_step(
        [piecewise(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED))], claimed=["a", "b", "c"]
    )

    assert ("", ("c",)) == (outcome.ended, outcome.due)
    assert {"a": "passed", "b": "failed", "c": "not-run"} == words(outcome)


def test_what_nobody_claimed_is_not_this_shards() -> None:
    outcome = next_step([piecewise(outcomes.FINISHED, "a", cut_off=False)], claimed=["a"])

    assert ("finished", (), {"a": "passed"}) == (outcome.ended, outcome.errors, words(outcome))


def test_a_process_that_dies_after_its_piece_is_followed_by_another_as_long_as_there_may_be_more() -> None:
    dead = piecewise(outcomes.DIED_AFTER_LAST, "a", exit=Exit(KILLED))
    vain = piecewise(outcomes.DIED_AFTER_LAST, exit=Exit(KILLED))

    assert ("", ()) == (next_step([dead], claimed=["a"]).ended, next_step([dead], claimed=["a"]).due)
    assert "finished" == next_step([replace(dead, cut_off=False)], claimed=["a"]).ended
    assert "gave up" == next_step([dead, *[vain] * 5], claimed=["a"]).ended


@pytest.mark.parametrize(
    "kind, exit, ended",
    [
        (outcomes.STOPPED, Exit(2), "stopped"),
        (outcomes.INTERRUPTED, Exit(2, interrupted=True), "interrupted"),
        (outcomes.FINISHED, FINE, "gave up"),
    ],
)
def test_a_shard_that_was_not_told_of_the_end_has_not_finished(kind: str, exit: Exit, ended: str) -> None:
    outcome = next_step([piecewise(kind, "a", exit=exit)], claimed=["a"])

    assert (ended, kind != outcomes.INTERRUPTED) == (outcome.ended, bool(outcome.errors))


def test_who_stops_without_a_failure_says_why_unless_it_is_that_of_another_shard() -> None:
    reasons = ["enough", "--fail-fast: t.py::x"]
    stopped = [ran(outcomes.STOPPED, "a", "b", reason=reason, exit=Exit(2), status=2) for reason in reasons]

    found = [[error.message for error in next_step([each]).errors] for each in stopped]

    assert [["stopped before all its tests had run: enough"], []] == found


def test_what_needs_a_fixture_counts_places_in_all_that_was_offered() -> None:
    needs = {("session", "", "db"): ((1, 2),)}
    told = piecewise(outcomes.DIED_BETWEEN_TESTS, fixture=DB, exit=Exit(KILLED), selected=("c", "a"), needs=needs)

    outcome = next_step([told, told], claimed=["c", "a"])

    assert {"c": "error", "a": "not-run"} == words(outcome)


def test_it_is_said_that_the_next_process_may_get_more() -> None:
    dead = piecewise(outcomes.DIED_IN_TEST, "a", running="b", exit=Exit(KILLED))

    assert "round 1: 0 tests to run, and what else is free" in decisions.progress(next_step([dead], claimed=["a", "b"]))
