from __future__ import annotations

import itertools

import pytest

from scripts.proof import findings as v
from scripts.proof.findings import Finding
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, XFAILED, XPASSED, Attempt
from scripts.proof.receipt import GAVE_UP, INTERRUPTED, SERVICE, STOPPED, ExtraError, Selected
from scripts.proof.report_text import verdict_lines
from tests.unit.proof.results import AB, judged, lines, ran, red, red_kinds, shard

BEST_FIRST = (PASSED, XPASSED, XFAILED, SKIPPED, FAILED, ERROR)


# Green --------------------------------------------------------------------------------------------


def test_shards_that_ran_each_test_once_are_green() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b", SKIPPED))], AB)

    assert (True, ()) == (verdict.green, verdict.findings)
    assert {"a": PASSED, "b": SKIPPED} == verdict.outcomes
    assert ["2 tests in 2 shards (indices 0-1): 1 skipped, 1 passed"] == verdict_lines(verdict)


def test_an_empty_shard_is_green() -> None:
    assert judged([shard(0, ran("a"), ran("b")), shard(1, collected_digest="", collected_count=0)], AB).green


@pytest.mark.parametrize("total", [1, 2, 8])
def test_nothing_selected_is_no_tests_with_any_number_of_shards(total: int) -> None:
    verdict = judged([shard(index, of=total, collected=()) for index in range(total)], ())

    assert (v.NO_TESTS, [(v.NOTHING, "no test was selected")]) == (verdict.ended, red(verdict))
    assert (False, False) == (verdict.green, verdict.repairable)


def test_nothing_selected_does_not_hide_that_a_shard_is_missing() -> None:
    assert [v.NOTHING, v.NO_RESULT] == red_kinds(judged([shard(0, collected=())], ()))


def test_tests_that_share_an_id_are_one_id_and_counted() -> None:
    verdict = judged([shard(0, ran("a", count=2), of=1, collected=["a", "a"])], ["a", "a"])

    assert (True, {PASSED: 2}, {"a": PASSED}) == (verdict.green, verdict.counts, verdict.outcomes)


def test_other_timings_under_one_plan_are_harmless_and_told() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")], AB)

    assert (True, 1) == (verdict.green, len(verdict.of(v.OTHER_TIMINGS)))


def test_equal_shards_of_plans_with_other_timings_are_green_with_a_word() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")], AB, plan=[["a"], ["b"]])

    assert verdict.green
    assert ["shard index 1 of 2 had other timings, but the same plan"] == lines(verdict)


def test_results_of_several_runs_are_told() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"), run_id="again")], AB)

    assert (True, ["the results are of 2 runs"]) == (verdict.green, lines(verdict))


# Shards -------------------------------------------------------------------------------------------


def test_a_shard_without_result_is_named_by_its_index() -> None:
    verdict = judged([shard(0, ran("a"))], AB)

    assert [(v.NO_RESULT, "shard index 1 of 2 left no result"), (v.LOST, "b")] == red(verdict)


def test_a_shard_without_result_is_red_even_if_no_test_is_lost() -> None:
    assert [(v.NO_RESULT, "shard index 1 of 2 left no result")] == red(judged([shard(0, ran("a"), ran("b"))], AB))


def test_no_result_at_all_is_red() -> None:
    assert "no shard left a result" in lines(judged([], AB))
    assert [(v.NO_RESULT, "no shard left a result")] == red(judged([], []))
    assert 3 == len(judged([], [], [[], [], []]).of(v.NO_RESULT))


def test_two_results_of_one_shard_are_red() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b")), shard(1)], AB)

    assert [(v.TWO_RESULTS, "shard index 1 of 2 left 2 results")] == red(verdict)


def test_two_results_of_one_shard_are_told_the_same_in_either_order() -> None:
    one, other = (shard(0, ran("a", FAILED, message=message), of=1, collected=["a"]) for message in AB)

    assert judged([one, other], ["a"]) == judged([other, one], ["a"])


def test_a_shard_of_another_split_is_red_though_each_test_ran_once() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b")), shard(2, of=3)], AB)

    assert [(v.OTHER_TOTAL, "shard index 2 of 3 is not of this run of 2")] == red(verdict)


def test_the_number_of_shards_is_as_planned_or_as_most_say() -> None:
    shards = [shard(0, ran("a")), shard(1, ran("b"))]

    assert 1 == judged(shards, AB, plan=[["a", "b"]]).total
    assert 2 == judged([*shards, shard(0, of=9)], AB).total
    assert 9 == judged([shard(0, of=9), shard(0, of=8)], AB).total


def test_a_shard_of_another_split_does_not_stand_for_the_one_of_its_index() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"), of=3)], AB, [["a"], ["b"]])

    assert [v.NO_RESULT, v.OTHER_TOTAL] == [kind for kind, _ in red(verdict)]


def test_a_shard_with_another_plan_is_named_with_the_reason() -> None:
    shards = [shard(0, ran("a"), of=3), shard(1, ran("b"), of=3)]
    stale = shard(2, of=3, plan_id="0123456789", timings_digest="aged")

    assert [
        (v.OTHER_PLAN, "shard index 2 of 3 went by plan 01234567, others by plan, made from other timings"),
    ] == red(judged([*shards, stale], AB))


def test_a_shard_that_collected_other_tests_is_red() -> None:
    more = shard(0, ran("a"), collected=["a", "b", "c"])
    other = shard(1, ran("b"), collected=["a", "c"])

    assert [
        "shard index 0 of 2 collected 3 tests, here are 2",
        "shard index 1 of 2 collected as many tests, but others",
    ] == [text for _, text in red(judged([more, other], AB))]


@pytest.mark.parametrize("ended, kind", [(INTERRUPTED, v.CUT_SHORT), (STOPPED, v.STOPPED), (GAVE_UP, v.CUT_SHORT)])
def test_a_shard_that_did_not_finish_is_red(ended: str, kind: str) -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"), ended=ended)], AB)

    assert ([kind], v.INCOMPLETE) == ([kind for kind, _ in red(verdict)], verdict.ended)


# Tests --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [FAILED, ERROR])
def test_a_red_test_is_red(outcome: str) -> None:
    verdict = judged([shard(0, ran("a", outcome, message="no\nyes")), shard(1, ran("b"))], AB)

    assert v.TESTS_FAILED == verdict.ended
    assert ["1 test red:", f"  a  ({outcome} in shard index 0 of 2: no)"] == lines(verdict)[:2]


def test_an_error_outside_tests_is_red_and_told_once() -> None:
    error = ExtraError("test_c.py", "cannot be collected\nbecause")
    shards = [shard(0, ran("a"), errors=(error,)), shard(1, ran("b"), errors=(error,))]

    found = judged(shards, AB).of(v.SHARD_ERROR)

    assert ["test_c.py: cannot be collected  (shard index 0 of 2 and 1 more)"] == [each.text for each in found]
    assert [(0, 1)] == [each.shards for each in found]


def test_a_lost_test_is_named_with_the_shard_that_should_have_run_it() -> None:
    verdict = judged([shard(0, ran("a")), shard(1)], AB, plan=[["a"], ["b"]])

    assert (Finding(v.LOST, "planned for shard index 1", "b", (1,)),) == verdict.findings
    assert ({"a": PASSED, "b": NOT_RUN}, ("b",)) == (verdict.outcomes, verdict.to_run)


def test_a_test_added_since_the_plan_is_lost_and_said_to_be_new() -> None:
    verdict = judged([shard(0, ran("a"), of=1)], AB, plan=[["a"]])

    assert (Finding(v.LOST, "not in the plan: added since?", "b"),) == verdict.findings


def test_a_test_removed_since_the_plan_is_told_and_harmless_unless_a_shard_has_it() -> None:
    gone = ran("c", NOT_RUN)
    shards = [shard(0, ran("a")), shard(1, ran("b"))]
    plan = [["a"], ["b", "c"]]

    assert (Finding(v.REMOVED, "planned for shard index 1", "c", (1,)),) == judged(shards, AB, plan=plan).findings
    assert [v.UNKNOWN] == [f.kind for f in judged([shards[0], shard(1, ran("b"), gone)], AB, plan=plan).findings]


def test_a_red_test_that_is_not_collected_is_still_red() -> None:
    verdict = judged([shard(0, ran("a"), ran("c", FAILED)), shard(1, ran("b"))], AB)

    assert [(v.RED_TEST, "c"), (v.UNKNOWN, "c")] == red(verdict)
    assert {"a": PASSED, "b": PASSED} == verdict.outcomes


def test_a_test_that_its_shard_did_not_come_to_has_to_run() -> None:
    verdict = judged([shard(0, ran("a")), shard(1, ran("b", NOT_RUN), ended=GAVE_UP)], AB)

    assert [(v.CUT_SHORT, "shard index 1 of 2 " + "gave up before all its tests had run")] == red(verdict)[:1]
    assert ([(v.NOT_RUN, "b")], ("b",)) == (red(verdict)[1:], verdict.to_run)


def test_a_test_that_claims_to_have_passed_without_an_attempt_did_not_run() -> None:
    assert [(v.NOT_RUN, "b")] == red(judged([shard(0, ran("a")), shard(1, Selected("b", PASSED))], AB))


@pytest.mark.parametrize("better, worse", list(itertools.combinations(BEST_FIRST, 2)))
def test_a_doubled_test_counts_once_with_its_worst_outcome(better: str, worse: str) -> None:
    verdict = judged([shard(0, ran("a", better), ran("b")), shard(1, ran("a", worse))], AB)

    assert (Finding(v.DOUBLED, f"{better} in shard index 0, {worse} in shard index 1", "a", (0, 1))) in verdict.findings
    assert (worse, 2) == (verdict.outcomes["a"], sum(verdict.counts.values()))
    assert () == verdict.to_run


def test_a_doubled_test_that_ran_in_one_shard_ran() -> None:
    verdict = judged([shard(0, ran("a"), ran("b")), shard(1, ran("a", NOT_RUN))], AB)

    assert (PASSED, [(v.DOUBLED, "a")]) == (verdict.outcomes["a"], red(verdict))


def test_a_test_that_ran_more_often_than_it_is_there_is_doubled() -> None:
    found = judged([shard(0, ran("a", count=3), of=1, collected=["a", "a"])], ["a", "a"]).findings

    assert (Finding(v.DOUBLED, "passed in shard index 0, 3 times instead of 2", "a", (0,)),) == found


def test_tests_of_one_id_in_two_shards_may_be_one_test_twice() -> None:
    twice = ["a", "a"]
    verdict = judged([shard(0, ran("a"), collected=twice), shard(1, ran("a"), collected=twice)], twice)

    assert [(v.LOST, "a"), (v.DOUBLED, "a")] == red(verdict)
    assert ("a",) == verdict.to_run
    assert "2 tests have this id, at most 1 ran together" == verdict.of(v.LOST)[0].text


def test_of_tests_with_one_id_a_red_one_is_red_though_another_did_not_run() -> None:
    twice = ["a", "a"]

    assert {"a": FAILED} == judged([shard(0, ran("a", FAILED), of=1, collected=twice)], twice).outcomes


def test_the_death_of_a_service_is_told_apart_from_failed_tests() -> None:
    death = (ExtraError(SERVICE, "the service ended with signal SIGSEGV (11): b was running"),)
    verdict = judged([shard(0, ran("a"), errors=death), shard(1, ran("b", FAILED))])

    assert ("service died", False) == (verdict.ended, verdict.green)
    assert "incomplete" == judged([shard(0, errors=death), shard(1, ran("b"))]).ended


def test_no_test_could_be_run_where_an_error_left_all_of_them() -> None:
    broken = (ExtraError("pytest", "ended with exit code 4 before it collected a test"),)
    shards = [shard(index, errors=broken, collected_digest="", collected_count=0) for index in (0, 1)]

    assert v.NO_TESTS == judged(shards, ()).ended
    assert v.INCOMPLETE == judged(shards).ended


def test_an_attempt_that_a_plugin_repeated_is_no_test() -> None:
    attempts = (Attempt("a", 0, "rerun"), Attempt("a", 0, PASSED))
    result = shard(0, Selected("a", PASSED, attempts, count=2), of=1, collected=["a", "a"])

    assert [(v.NOT_RUN, "a")] == red(judged([result], ["a", "a"]))


def test_a_test_that_began_and_did_not_end_is_red() -> None:
    assert [(v.RED_TEST, "a")] == red(judged([shard(0, ran("a", "unfinished"), of=1, collected=["a"])], ["a"]))


# Stopped by -x ------------------------------------------------------------------------------------


def test_after_a_failure_x_leaves_the_rest_unrun_and_the_run_has_failed_tests() -> None:
    stopped = shard(0, ran("a", FAILED), ran("b", NOT_RUN), of=1, ended=STOPPED)

    verdict = judged([stopped])

    assert (v.TESTS_FAILED, {FAILED: 1, NOT_RUN: 1}) == (verdict.ended, verdict.counts)
    assert [v.STOPPED, v.RED_TEST, v.LEFT] == red_kinds(verdict)
    assert "1 test left unrun after a failure, as you asked (-x, --maxfail, --fail-fast):" in lines(verdict)
    assert "nowhere" not in " ".join(lines(verdict))


def test_x_ends_two_shards_as_it_does_one() -> None:
    tests = ["a", "b", "c"]
    stopped = shard(0, ran("a", FAILED), ran("b", NOT_RUN), collected=tests, ended=STOPPED)

    assert v.TESTS_FAILED == judged([stopped, shard(1, ran("c"), collected=tests)], tests).ended


def test_x_does_not_excuse_what_another_shard_lost() -> None:
    stopped = shard(0, ran("a", FAILED), ended=STOPPED)

    assert v.INCOMPLETE == judged([stopped, shard(1)]).ended
    assert v.INCOMPLETE == judged([stopped, shard(1, ran("b", NOT_RUN), ended=INTERRUPTED)]).ended
    assert v.INCOMPLETE == judged([stopped]).ended


def test_a_stop_without_a_failure_proves_nothing() -> None:
    assert v.INCOMPLETE == judged([shard(0, ran("a"), ran("b", NOT_RUN), of=1, ended=STOPPED)]).ended
