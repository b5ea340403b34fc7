from __future__ import annotations

import itertools
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof import findings as v
from scripts.proof import report_text
from scripts.proof.findings import Finding, Verdict
from scripts.proof.receipt import (
    ERROR,
    FAILED,
    FINISHED,
    GAVE_UP,
    INTERRUPTED,
    NOT_RUN,
    PASSED,
    SERVICE,
    SKIPPED,
    STOPPED,
    XFAILED,
    XPASSED,
    Attempt,
    ExtraError,
    Receipt,
    Selected,
    digest,
)
from scripts.proof.report_text import lines
from scripts.proof.verify import verify

AB = ["a", "b"]
BEST_FIRST = (PASSED, XPASSED, XFAILED, SKIPPED, FAILED, ERROR)


def ran(nodeid: str, outcome: str = PASSED, count: int = 1, message: str = "") -> Selected:
    attempts = () if outcome == NOT_RUN else (Attempt(outcome, 0.5, message),) * count
    return Selected(nodeid, outcome, attempts, count)


def shard(index: int, *tests: Selected, of: int = 2, collected: Sequence[str] = AB, **facts: Any) -> Receipt:
    own: Dict[str, Any] = {"run_id": "run", "plan_id": "plan", "timings_digest": "timings"}
    ids = {"collected_digest": digest(collected), "collected_count": len(collected)}
    return Receipt(**{**own, **ids, "index": index, "total": of, "tests": tests, **facts})


def repair(verdict: Verdict, *tests: Selected, collected: Sequence[str] = AB, **facts: Any) -> Receipt:
    """What a repair leaves that ran these tests."""
    own = {"repairs": verdict.repairs, "run_id": "repair", "plan_id": ""}
    return shard(verdict.repair_index, *tests, of=1, collected=collected, **{**own, **facts})


def red(verdict: Verdict) -> List[Tuple[str, str]]:
    """Kind and id, or text, of what makes it red."""
    return [(found.kind, found.nodeid or found.text) for found in verdict.findings if found.red]


def told(verdict: Verdict) -> List[str]:
    return lines(verdict)[1:-1]


# Green ---------------------------------------------------------------------------------------------


def test_shards_that_ran_each_test_once_are_green() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b", SKIPPED))], AB)

    assert (True, ()) == (verdict.green, verdict.findings)
    assert {"a": PASSED, "b": SKIPPED} == verdict.outcomes
    assert ["2 tests in 2 shards (indices 0-1): 1 skipped, 1 passed", "merge: green"] == lines(verdict)


def test_an_empty_shard_is_green() -> None:
    assert verify([shard(0, ran("a"), ran("b")), shard(1, collected_digest="", collected_count=0)], AB).green


def test_no_tests_in_one_shard_are_green() -> None:
    verdict = verify([shard(0, of=1, collected=[])], [])

    assert ["0 tests in 1 shard: none collected", "merge: green"] == lines(verdict)


def test_tests_that_share_an_id_are_one_id_and_counted() -> None:
    verdict = verify([shard(0, ran("a", count=2), of=1, collected=["a", "a"])], ["a", "a"])

    assert (True, {PASSED: 2}, {"a": PASSED}) == (verdict.green, verdict.counts, verdict.outcomes)


def test_other_timings_under_one_plan_are_harmless_and_told() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")], AB)

    assert (True, 1) == (verdict.green, len(verdict.of(v.OTHER_TIMINGS)))


def test_results_of_several_runs_are_told() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b"), run_id="again")], AB)

    assert (True, ["the results are of 2 runs"]) == (verdict.green, told(verdict))


# Shards --------------------------------------------------------------------------------------------


def test_a_shard_without_result_is_named_by_its_index() -> None:
    verdict = verify([shard(0, ran("a"))], AB)

    assert [(v.NO_RESULT, "shard index 1 of 2 left no result"), (v.LOST, "b")] == red(verdict)


def test_a_shard_without_result_is_red_even_if_no_test_is_lost() -> None:
    assert [(v.NO_RESULT, "shard index 1 of 2 left no result")] == red(verify([shard(0, ran("a"), ran("b"))], AB))


def test_no_result_at_all_is_red() -> None:
    assert "no shard left a result" in told(verify([], AB))
    assert [(v.NO_RESULT, "no shard left a result")] == red(verify([], []))
    assert 3 == len(verify([], [], expected_total=3).of(v.NO_RESULT))


def test_two_results_of_one_shard_are_red() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b")), shard(1)], AB)

    assert [(v.TWO_RESULTS, "shard index 1 of 2 left 2 results")] == red(verdict)


def test_two_results_of_one_shard_are_told_the_same_in_either_order() -> None:
    one, other = (shard(0, ran("a", FAILED, message=message), of=1, collected=["a"]) for message in AB)

    assert verify([one, other], ["a"]) == verify([other, one], ["a"])


def test_a_shard_of_another_split_is_red_though_each_test_ran_once() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b")), shard(2, of=3)], AB)

    assert [(v.OTHER_TOTAL, "shard index 2 of 3 is not of this run of 2")] == red(verdict)


def test_the_number_of_shards_is_as_expected_or_as_planned_or_as_most_say() -> None:
    shards = [shard(0, ran("a")), shard(1, ran("b"))]

    assert 3 == verify(shards, AB, expected_total=3, plan=[["a"], ["b"]]).total
    assert 1 == verify(shards, AB, plan=[["a", "b"]]).total
    assert 2 == verify([*shards, shard(0, of=9)], AB).total
    assert 9 == verify([shard(0, of=9), shard(0, of=8)], AB).total


def test_a_shard_of_another_split_does_not_stand_for_the_one_of_its_index() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b"), of=3)], AB, expected_total=2)

    assert [v.NO_RESULT, v.OTHER_TOTAL] == [kind for kind, _ in red(verdict)]


def test_a_shard_with_another_plan_is_named_with_the_reason() -> None:
    shards = [shard(0, ran("a"), of=3), shard(1, ran("b"), of=3)]
    stale = shard(2, of=3, plan_id="0123456789", timings_digest="aged")

    assert [
        (v.OTHER_PLAN, "shard index 2 of 3 went by plan 01234567, others by plan, made from other timings"),
    ] == red(verify([*shards, stale], AB))


def test_a_shard_that_collected_other_tests_is_red() -> None:
    more = shard(0, ran("a"), collected=["a", "b", "c"])
    other = shard(1, ran("b"), collected=["a", "c"])

    assert [
        "shard index 0 of 2 collected 3 tests, here are 2",
        "shard index 1 of 2 collected as many tests, but others",
    ] == [text for _, text in red(verify([more, other], AB))]


@pytest.mark.parametrize("ended", [INTERRUPTED, STOPPED, GAVE_UP])
def test_a_shard_that_did_not_finish_is_red(ended: str) -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b"), ended=ended)], AB)

    assert ([v.CUT_SHORT], v.INCOMPLETE) == ([kind for kind, _ in red(verdict)], verdict.ended)


def test_what_yesterday_left_behind_is_no_proof() -> None:
    today, yesterday = shard(0, ran("a"), run_id="today"), shard(1, ran("b"), run_id="yesterday")

    verdict = verify([today, yesterday], AB, run_id="today")

    assert [
        (v.NO_RESULT, "shard index 1 of 2 left no result"),
        (v.OTHER_RUN, "shard index 1 of 2 left a result of another run: yesterday"),
        (v.LOST, "b"),
    ] == red(verdict)
    assert verify([today, yesterday, repair(verdict, ran("b"))], AB, run_id="today").green


# Tests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [FAILED, ERROR])
def test_a_red_test_is_red(outcome: str) -> None:
    verdict = verify([shard(0, ran("a", outcome, message="no\nyes")), shard(1, ran("b"))], AB)

    assert v.TESTS_FAILED == verdict.ended
    assert ["1 test red:", f"  a  ({outcome} in shard index 0 of 2: no)"] == told(verdict)[:2]


def test_an_error_outside_tests_is_red_and_told_once() -> None:
    error = ExtraError("test_c.py", "cannot be collected\nbecause")
    shards = [shard(0, ran("a"), errors=(error,)), shard(1, ran("b"), errors=(error,))]

    found = verify(shards, AB).of(v.SHARD_ERROR)

    assert ["test_c.py: cannot be collected  (shard index 0 of 2 and 1 more)"] == [each.text for each in found]
    assert [(0, 1)] == [each.shards for each in found]


def test_a_lost_test_is_named_with_the_shard_that_should_have_run_it() -> None:
    verdict = verify([shard(0, ran("a")), shard(1)], AB, plan=[["a"], ["b"]])

    assert (Finding(v.LOST, "planned for shard index 1", "b", (1,)),) == verdict.findings
    assert ({"a": PASSED, "b": NOT_RUN}, ("b",)) == (verdict.outcomes, verdict.to_run)


def test_a_test_added_since_the_plan_is_lost_and_said_to_be_new() -> None:
    verdict = verify([shard(0, ran("a"), of=1)], AB, plan=[["a"]])

    assert (Finding(v.LOST, "not in the plan: added since?", "b"),) == verdict.findings


def test_a_test_removed_since_the_plan_is_told_and_harmless_unless_a_shard_has_it() -> None:
    gone = ran("c", NOT_RUN)
    shards = [shard(0, ran("a")), shard(1, ran("b"))]
    plan = [["a"], ["b", "c"]]

    assert (Finding(v.REMOVED, "planned for shard index 1", "c", (1,)),) == verify(shards, AB, plan=plan).findings
    assert [v.UNKNOWN] == [f.kind for f in verify([shards[0], shard(1, ran("b"), gone)], AB, plan=plan).findings]


def test_a_red_test_that_is_not_collected_is_still_red() -> None:
    verdict = verify([shard(0, ran("a"), ran("c", FAILED)), shard(1, ran("b"))], AB)

    assert [(v.RED_TEST, "c"), (v.UNKNOWN, "c")] == red(verdict)
    assert {"a": PASSED, "b": PASSED} == verdict.outcomes


def test_a_test_that_its_shard_did_not_come_to_has_to_run() -> None:
    verdict = verify([shard(0, ran("a")), shard(1, ran("b", NOT_RUN), ended=GAVE_UP)], AB)

    assert [(v.CUT_SHORT, "shard index 1 of 2 " + "gave up before all its tests had run")] == red(verdict)[:1]
    assert ([(v.NOT_RUN, "b")], ("b",)) == (red(verdict)[1:], verdict.to_run)


def test_a_test_that_claims_to_have_passed_without_an_attempt_did_not_run() -> None:
    assert [(v.NOT_RUN, "b")] == red(verify([shard(0, ran("a")), shard(1, Selected("b", PASSED))], AB))


@pytest.mark.parametrize("better, worse", list(itertools.combinations(BEST_FIRST, 2)))
def test_a_doubled_test_counts_once_with_its_worst_outcome(better: str, worse: str) -> None:
    verdict = verify([shard(0, ran("a", better), ran("b")), shard(1, ran("a", worse))], AB)

    assert (Finding(v.DOUBLED, f"{better} in shard index 0, {worse} in shard index 1", "a", (0, 1))) in verdict.findings
    assert (worse, 2) == (verdict.outcomes["a"], sum(verdict.counts.values()))
    assert () == verdict.to_run


def test_a_doubled_test_that_ran_in_one_shard_ran() -> None:
    verdict = verify([shard(0, ran("a"), ran("b")), shard(1, ran("a", NOT_RUN))], AB)

    assert (PASSED, [(v.DOUBLED, "a")]) == (verdict.outcomes["a"], red(verdict))


def test_a_test_that_ran_more_often_than_it_is_there_is_doubled() -> None:
    found = verify([shard(0, ran("a", count=3), of=1, collected=["a", "a"])], ["a", "a"]).findings

    assert (Finding(v.DOUBLED, "passed in shard index 0, 3 times instead of 2", "a", (0,)),) == found


def test_tests_of_one_id_in_two_shards_may_be_one_test_twice() -> None:
    twice = ["a", "a"]
    verdict = verify([shard(0, ran("a"), collected=twice), shard(1, ran("a"), collected=twice)], twice)

    assert [(v.LOST, "a"), (v.DOUBLED, "a")] == red(verdict)
    assert ("a",) == verdict.to_run
    assert "2 tests have this id, at most 1 ran together" == verdict.of(v.LOST)[0].text


def test_of_tests_with_one_id_a_red_one_is_red_though_another_did_not_run() -> None:
    twice = ["a", "a"]

    assert {"a": FAILED} == verify([shard(0, ran("a", FAILED), of=1, collected=twice)], twice).outcomes


# Unstable ids --------------------------------------------------------------------------------------


def unstable(old: Sequence[str], new: Sequence[str], **facts: Any) -> Dict[str, str]:
    """What a run planned on the old ids takes the new ones for."""
    verdict = verify([shard(0, *map(ran, old), of=1, collected=old)], new, **facts)

    assert sorted(set(new) - set(old)) == sorted(found.nodeid for found in verdict.of(v.LOST))
    return {found.nodeid: found.text[len("was ") :] for found in verdict.of(v.UNSTABLE)}


@pytest.mark.parametrize(
    "old, new",
    [
        ("<object at 0x7f12>", "<object at 0x7e40>"),
        ("0b7f1d5e-6f0c-4f4e-9f5b-1c2d3e4f5a6b", "9a8b7c6d-0f0c-4f4e-8f5b-aaaaaaaaaaaa"),
        ("2024-05-01 12:30:01.5", "2024-05-01 12:30:02.25"),
        ("{'x', 'y'}", "{'y', 'x'}"),
        ("cfcd208495d565ef", "c4ca4238a0b923820"),
        ("tmpkq_x1", "tmpab_zz"),
    ],
)
def test_an_id_that_changes_from_process_to_process_is_paired(old: str, new: str) -> None:
    same = "t.py::test_a[same]"

    assert {f"t.py::test_a[{new}]": f"t.py::test_a[{old}]"} == unstable(
        [f"t.py::test_a[{old}]", same], [same, f"t.py::test_a[{new}]"]
    )


def test_ids_of_one_form_are_paired_before_those_of_one_function() -> None:
    old = ["t.py::test_a[0x1-x]", "t.py::test_a[0x2-y]"]
    new = ["t.py::test_a[0x4-x]", "t.py::test_a[0x3-y]"]

    assert dict(zip(new, old)) == unstable(old, new)


def test_ids_are_not_paired_where_the_count_differs() -> None:
    assert {} == unstable(["t.py::test_a[0x1]"], ["t.py::test_a[0x2]", "t.py::test_a[0x3]"])


def test_a_renamed_function_is_no_unstable_id() -> None:
    assert {} == unstable(["t.py::test_1"], ["t.py::test_2"])
    assert {} == unstable(["t.py::test_1[x]"], ["t.py::test_2[x]"])
    assert {} == unstable(["t.py::test_1"], ["t.py::test_1[x]"])


def test_nobody_can_tell_unstable_ids_where_a_shard_is_missing_and_no_plan_is_known() -> None:
    old, new = "t.py::test_a[1]", "t.py::test_a[2]"

    assert {} == unstable([old], [new], expected_total=2)
    assert {new: old} == unstable([old], [new], expected_total=2, plan=[[old], []])


# Repair --------------------------------------------------------------------------------------------


def test_a_repair_settles_what_was_lost() -> None:
    shards = [shard(0, ran("a"))]
    verdict = verify(shards, AB)

    repaired = verify([*shards, repair(verdict, ran("b"))], AB)

    assert (True, (), {"a": PASSED, "b": PASSED}) == (repaired.green, repaired.to_run, repaired.outcomes)
    assert [
        "repaired: shard index 1 of 2 left no result",
        "repaired: 1 test ran nowhere",
    ] == told(repaired)


def test_a_repair_with_nothing_to_run_settles_what_needs_no_run() -> None:
    shards = [shard(0, ran("a"), ran("b")), shard(1, ran("b"), plan_id="other")]
    verdict = verify(shards, AB)

    assert ({v.OTHER_PLAN, v.DOUBLED}, ()) == ({kind for kind, _ in red(verdict)}, verdict.to_run)
    assert verify([*shards, repair(verdict)], AB).green


def test_red_tests_and_errors_stay_red_through_a_repair() -> None:
    error = ExtraError("after the last report", "killed by SIGSEGV")
    shards = [shard(0, ran("a", FAILED), errors=(error,)), shard(1, ran("b", NOT_RUN), ended=INTERRUPTED)]

    repaired = verify([*shards, repair(verify(shards, AB), ran("b"), ran("a"))], AB)

    assert [v.SHARD_ERROR, v.RED_TEST] == [kind for kind, _ in red(repaired)]
    assert ({"a": FAILED, "b": PASSED}, v.TESTS_FAILED) == (repaired.outcomes, repaired.ended)


def test_what_a_repair_finds_red_is_red() -> None:
    shards = [shard(0, ran("a"))]
    failed = repair(verify(shards, AB), ran("b", FAILED), errors=(ExtraError("conftest.py", "broken"),))

    repaired = verify([*shards, failed], AB)

    assert [(v.SHARD_ERROR, "conftest.py: broken  (repair 0)"), (v.RED_TEST, "b")] == red(repaired)
    assert ["  b  (failed in repair 0)"] == [line for line in told(repaired) if line.startswith("  b")]


def test_a_repair_that_stopped_is_completed_by_the_next() -> None:
    shards = [shard(0)]
    first = repair(verify(shards, AB), ran("a"), ran("b", NOT_RUN), ended=INTERRUPTED)
    second_verdict = verify([*shards, first], AB)

    assert [
        (v.NO_RESULT, "shard index 1 of 2 left no result"),
        (v.REPAIR_CUT_SHORT, "repair 0 was interrupted"),
        (v.LOST, "b"),
    ] == red(second_verdict)
    assert (("b",), 1) == (second_verdict.to_run, second_verdict.repair_index)
    assert verify([*shards, first, repair(second_verdict, ran("b"))], AB).green


def test_a_repair_that_stopped_is_red_though_each_test_ran() -> None:
    shards = [shard(0, ran("a"))]
    stopped = repair(verify(shards, AB), ran("b"), ended=INTERRUPTED)

    assert [v.REPAIR_CUT_SHORT] == [kind for kind, _ in red(verify([*shards, stopped], AB))]


def test_what_is_harmless_needs_no_repair() -> None:
    shards = [shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")]

    assert [False] == [found.repaired for found in verify([*shards, repair(verify(shards, AB))], AB).findings]


def test_a_red_test_that_only_a_repair_has_is_red() -> None:
    shards = [shard(0, ran("a"), ran("b"), of=1)]

    verdict = verify([*shards, repair(verify(shards, AB), ran("c", FAILED))], AB)

    assert (Finding(v.RED_TEST, "failed in repair 0", "c"),) == verdict.findings


def test_a_repair_of_other_results_does_not_count() -> None:
    before = [shard(0, ran("a"))]
    stale = repair(verify(before, AB), ran("b"))
    after = [shard(0, ran("a", message="again"))]

    verdict = verify([*after, stale], AB)

    assert [v.NO_RESULT, v.UNFIT_REPAIR, v.LOST] == [kind for kind, _ in red(verdict)]
    assert ("b",) == verdict.to_run


def test_a_repair_of_other_tests_does_not_count() -> None:
    shards = [shard(0, ran("a"))]
    stale = repair(verify(shards, AB), ran("b"), collected=["a", "b", "c"])

    assert [(v.UNFIT_REPAIR, (0,))] == [(f.kind, f.shards) for f in verify([*shards, stale], AB).of(v.UNFIT_REPAIR)]


def test_an_unfit_repair_stays_red_beside_a_fit_one() -> None:
    shards = [shard(0, ran("a"))]
    verdict = verify(shards, AB)
    stale = repair(verdict, ran("b", FAILED), repairs="something else")

    assert [v.UNFIT_REPAIR] == [kind for kind, _ in red(verify([*shards, stale, repair(verdict, ran("b"))], AB))]


# Lines and file ------------------------------------------------------------------------------------


def test_at_most_twenty_of_a_kind_are_named() -> None:
    many = [f"t.py::test_{number:02d}" for number in range(23)]
    found = told(verify([shard(0, of=1, collected=many)], many))

    assert ["23 tests ran nowhere:", "  t.py::test_00"] == found[:2]
    assert ["  t.py::test_19", "  and 3 more"] == found[20:22]


def test_twenty_one_missing_shards_are_told_in_as_many_lines() -> None:
    found = told(verify([], [], expected_total=21))

    assert ["shard index 19 of 21 left no result", "and 1 more"] == found[19:21]


def test_the_lines_say_what_to_do_next() -> None:
    a, b = shard(0, ran("a")), shard(1, ran("b"))
    error = (ExtraError("test_c.py", "broken"),)
    some_lost = "next: nox -s merge -- --run-missing    (runs 1 test without a result)"

    def steps(*receipts: Receipt) -> List[str]:
        said = lines(verify(receipts, AB), command=lambda *words: " ".join(words))
        return [line for line in said if line.startswith("next: ")]

    assert [] == steps(a, b)
    assert [some_lost] == steps(a)
    assert ["next: nox -s merge -- --run-missing    (every test has a result; this settles the rest)"] == steps(a, b, b)
    assert ["next: nox -s integration -- b    (only what failed)"] == steps(a, shard(1, ran("b", FAILED)))
    assert ["next: nox -s shard -- 1 2    (that shard again)", some_lost] == steps(a, shard(1, errors=error))
    assert ["next: nox -s integration    (all shards again)"] == steps(
        replace(a, errors=error), replace(b, errors=error)
    )


def test_few_tests_are_named_by_the_command_that_runs_them_again_and_many_are_not() -> None:
    def what(*nodeids: str) -> str:
        return report_text.again(nodeids).partition(" -- ")[2]

    assert "'t.py::a[x y]' t.py::b" == what("t.py::a[x y]", "t.py::b")
    assert "--last-failed" == what("t.py::a[\n]") == what(*(f"t.py::a[{number}]" for number in range(4)))


def test_the_death_of_a_service_is_told_apart_from_failed_tests() -> None:
    death = (ExtraError(SERVICE, "the service ended with signal SIGSEGV (11): b was running"),)
    verdict = verify([shard(0, ran("a"), errors=death), shard(1, ran("b", FAILED))], AB)

    assert ("service died", False) == (verdict.ended, verdict.green)
    assert "incomplete" == verify([shard(0, errors=death), shard(1, ran("b"))], AB).ended


def test_unstable_ids_come_with_the_cure() -> None:
    old, new = ["t.py::test_a[0x1]"], ["t.py::test_a[0x2]"]
    found = told(verify([shard(0, *map(ran, old), of=1, collected=old)], new))

    assert "  t.py::test_a[0x2]  (was t.py::test_a[0x1])" in found
    assert any("pytest.param(..., id=...)" in line for line in found)


def test_ids_are_shown_readable_and_in_one_line() -> None:
    odd = ["t.py::test[\\u4f60]", "t.py::\n\ud800"]

    assert ["  t.py::test[你]", "  t.py::\\n\\ud800"] == told(verify([shard(0, of=1, collected=odd)], odd))[1:3]


def test_the_verdict_is_written_for_programs(tmp_path: Path) -> None:
    shards = [shard(0, ran("a"))]

    report_text.write(tmp_path / "reports" / "merge.json", verify(shards, ["a", "\ud800"]))

    data = json.loads((tmp_path / "reports" / "merge.json").read_bytes())
    mark = data.pop("repairs")
    lost = {"kind": "lost", "text": "", "nodeid": "\ud800", "shards": [], "repaired": False, "red": True}
    assert lost in data.pop("findings")
    assert 64 == len(mark)
    assert {
        "schema": 1,
        "ended": "incomplete",
        "total": 2,
        "counts": {"not-run": 1, "passed": 1},
        "to_run": ["\ud800"],
        "repair_index": 0,
        "outcomes": {"a": "passed", "\ud800": "not-run"},
    } == data


# Random divergences --------------------------------------------------------------------------------


class Run(NamedTuple):
    """Shards that may have diverged, and what an independent collection finds."""

    total: int
    collection: List[str]
    shards: List[Receipt]


IDS = st.sampled_from(["t.py::a[0x1]", "t.py::a[0x2]", "t.py::b", "c", "d"])
COLLECTIONS = st.lists(IDS, max_size=6)
MOSTLY = st.integers(0, 9).map(bool)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Each node may have its own plan (other timings), tests (added, removed, doubled) and end, or none at all."""
    total = draw(st.integers(1, 4))
    tests = draw(COLLECTIONS)
    plans = [{nodeid: draw(st.integers(0, total - 1)) for nodeid in sorted(set(tests))} for _ in range(2)]
    nodes = [index for index in range(total) if draw(MOSTLY)]
    nodes += [] if draw(MOSTLY) else [draw(st.integers(0, total - 1))]
    shards = [draw(node(index, total, tests, plans)) for index in nodes]
    return Run(total, draw(st.permutations(tests if draw(MOSTLY) else draw(COLLECTIONS))), shards)


@st.composite
def node(draw: st.DrawFn, index: int, total: int, tests: List[str], plans: List[Dict[str, int]]) -> Receipt:
    number = 0 if draw(MOSTLY) else 1
    there = draw(st.permutations(tests if draw(MOSTLY) else draw(COLLECTIONS)))
    own = Counter(nodeid for nodeid in there if plans[number].get(nodeid) == index)
    outcomes = {nodeid: PASSED if draw(MOSTLY) else draw(st.sampled_from((*BEST_FIRST, NOT_RUN))) for nodeid in own}
    return shard(
        index,
        *(ran(nodeid, outcomes[nodeid], count) for nodeid, count in own.items()),
        of=total if draw(MOSTLY) else draw(st.integers(total, 5)),
        collected=there,
        plan_id=f"plan {number}",
        timings_digest=draw(st.sampled_from(["new", "aged"])),
        ended=FINISHED if draw(MOSTLY) else INTERRUPTED,
    )


def counts_of(run: Run, nodeid: str) -> List[int]:
    """How many tests of an id each shard had that had any."""
    return [test.count for each in run.shards for test in each.tests if test.nodeid == nodeid]


def results(run: Run) -> List[Selected]:
    return [test for each in run.shards for test in each.tests]


def flawless(run: Run) -> bool:
    """Said once more, in other words: a partition of the collection under one plan, complete and without red."""
    union: Counter[str] = Counter()
    for test in results(run):
        union[test.nodeid] += test.count
    return (
        union == Counter(run.collection)
        and len(results(run)) == len(union)
        and [(index, run.total) for index in range(run.total)] == sorted((s.index, s.total) for s in run.shards)
        and len({each.plan_id for each in run.shards}) == 1
        and all(each.collected_digest == digest(run.collection) for each in run.shards)
        and all(each.ended == FINISHED for each in run.shards)
        and not {FAILED, ERROR, NOT_RUN} & {test.outcome for test in results(run)}
    )


divergences = settings(max_examples=300, deadline=None)


@settings(max_examples=1000, deadline=None)
@given(runs())
def test_a_run_is_red_exactly_when_it_diverged_or_a_result_is_red(run: Run) -> None:
    assert flawless(run) == verify(run.shards, run.collection, run.total).green


@divergences
@given(runs())
def test_exactly_the_lost_and_doubled_ids_are_named(run: Run) -> None:
    verdict = verify(run.shards, run.collection, run.total)

    wanted = Counter(run.collection)
    lost = [nodeid for nodeid in wanted if max(counts_of(run, nodeid), default=0) < wanted[nodeid]]
    doubled = [n for n in wanted if len(counts_of(run, n)) > 1 or sum(counts_of(run, n)) > wanted[n]]
    strange = sorted({test.nodeid for test in results(run)} - set(wanted))
    assert lost == [found.nodeid for found in verdict.of(v.LOST)]
    assert doubled == [found.nodeid for found in verdict.of(v.DOUBLED)]
    assert strange == [found.nodeid for found in verdict.of(v.UNKNOWN)]


@divergences
@given(runs())
def test_each_collected_test_has_one_outcome_or_has_to_run(run: Run) -> None:
    verdict = verify(run.shards, run.collection, run.total)

    assert Counter(run.collection) == Counter({n: run.collection.count(n) for n in verdict.outcomes})
    assert len(run.collection) == sum(verdict.counts.values())
    assert {n for n, outcome in verdict.outcomes.items() if outcome == NOT_RUN} <= set(verdict.to_run)
    for nodeid in set(verdict.outcomes) - set(verdict.to_run):
        assert verdict.outcomes[nodeid] in {test.outcome for test in results(run) if test.nodeid == nodeid}


@divergences
@given(runs(), st.data())
def test_the_order_of_receipts_does_not_matter(run: Run, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(run.shards))

    assert verify(run.shards, run.collection) == verify(shuffled, run.collection)


@divergences
@given(runs())
def test_a_repair_that_ran_what_it_had_to_leaves_only_red_tests_red(run: Run) -> None:
    verdict = verify(run.shards, run.collection, run.total)
    tests = [ran(nodeid, count=run.collection.count(nodeid)) for nodeid in verdict.to_run]

    done = repair(verdict, *tests, collected=run.collection)
    repaired = verify([done, *run.shards], run.collection, run.total)

    failed = {test.nodeid for test in results(run) if test.outcome in (FAILED, ERROR)}
    assert {(v.RED_TEST, nodeid) for nodeid in failed} == set(red(repaired))
    assert () == repaired.to_run
    assert NOT_RUN not in repaired.counts
    assert len(run.collection) == sum(repaired.counts.values())


@divergences
@given(runs())
def test_whatever_is_found_can_be_told_and_written(run: Run) -> None:
    verdict = verify(run.shards, run.collection, run.total, plan=[run.collection])

    assert f"merge: {verdict.ended}" == lines(verdict)[-1]
    assert verdict.ended == json.loads(json.dumps(report_text.to_json(verdict)))["ended"]
