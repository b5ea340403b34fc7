"""Repairs: what they settle, what they do not, and which of them count."""

from __future__ import annotations

from scripts.proof import findings as v
from scripts.proof.findings import Finding
from scripts.proof.outcomes import FAILED, NOT_RUN, PASSED
from scripts.proof.receipt import INTERRUPTED, Damaged, ExtraError
from tests.unit.proof.results import AB, judged, lines, ran, red, red_kinds, repair, shard


def test_a_repair_settles_what_was_lost() -> None:
    shards = [shard(0, ran("a"))]
    verdict = judged(shards, AB)

    repaired = judged([*shards, repair(verdict, ran("b"))], AB)

    assert (True, (), {"a": PASSED, "b": PASSED}) == (repaired.green, repaired.to_run, repaired.outcomes)
    assert [
        "repaired: shard index 1 of 2 left no result",
        "repaired: 1 test ran nowhere",
    ] == lines(repaired)


def test_a_repair_with_nothing_to_run_settles_what_needs_no_run() -> None:
    shards = [shard(0, ran("a"), ran("b")), shard(1, ran("b"), plan_id="other")]
    verdict = judged(shards, AB)

    assert ({v.OTHER_PLAN, v.DOUBLED}, ()) == ({kind for kind, _ in red(verdict)}, verdict.to_run)
    assert judged([*shards, repair(verdict)], AB).green


def test_red_tests_and_errors_stay_red_through_a_repair() -> None:
    error = ExtraError("after the last report", "killed by SIGSEGV")
    shards = [shard(0, ran("a", FAILED), errors=(error,)), shard(1, ran("b", NOT_RUN), ended=INTERRUPTED)]

    repaired = judged([*shards, repair(judged(shards, AB), ran("b"), ran("a"))], AB)

    assert [v.SHARD_ERROR, v.RED_TEST] == [kind for kind, _ in red(repaired)]
    assert ({"a": FAILED, "b": PASSED}, v.TESTS_FAILED) == (repaired.outcomes, repaired.ended)


def test_what_a_repair_finds_red_is_red() -> None:
    shards = [shard(0, ran("a"))]
    failed = repair(judged(shards, AB), ran("b", FAILED), errors=(ExtraError("conftest.py", "broken"),))

    repaired = judged([*shards, failed], AB)

    assert [(v.SHARD_ERROR, "conftest.py: broken  (repair 0)"), (v.RED_TEST, "b")] == red(repaired)
    assert ["  b  (failed in repair 0)"] == [line for line in lines(repaired) if line.startswith("  b")]


def test_a_repair_that_stopped_is_completed_by_the_next() -> None:
    shards = [shard(0)]
    first = repair(judged(shards, AB), ran("a"), ran("b", NOT_RUN), ended=INTERRUPTED)
    second_verdict = judged([*shards, first], AB)

    assert [
        (v.NO_RESULT, "shard index 1 of 2 left no result"),
        (v.REPAIR_CUT_SHORT, "repair 0 was interrupted"),
        (v.LOST, "b"),
    ] == red(second_verdict)
    assert (("b",), 1) == (second_verdict.to_run, second_verdict.repair_index)
    assert judged([*shards, first, repair(second_verdict, ran("b"))], AB).green


def test_a_repair_that_stopped_is_red_though_each_test_ran() -> None:
    shards = [shard(0, ran("a"))]
    stopped = repair(judged(shards, AB), ran("b"), ended=INTERRUPTED)

    assert [v.REPAIR_CUT_SHORT] == [kind for kind, _ in red(judged([*shards, stopped], AB))]


def test_what_is_harmless_needs_no_repair() -> None:
    shards = [shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")]

    assert [False] == [found.repaired for found in judged([*shards, repair(judged(shards, AB))], AB).findings]


def test_a_red_test_that_only_a_repair_has_is_red() -> None:
    shards = [shard(0, ran("a"), ran("b"), of=1)]

    verdict = judged([*shards, repair(judged(shards, AB), ran("c", FAILED))], AB)

    assert (Finding(v.RED_TEST, "failed in repair 0", "c"),) == verdict.findings


def test_a_repair_of_other_results_does_not_count() -> None:
    before = [shard(0, ran("a"))]
    stale = repair(judged(before, AB), ran("b"))
    after = [shard(0, ran("a", message="again"))]

    verdict = judged([*after, stale], AB)

    assert [v.NO_RESULT, v.UNFIT_REPAIR, v.LOST] == [kind for kind, _ in red(verdict)]
    assert ("b",) == verdict.to_run


def test_a_repair_of_other_tests_does_not_count() -> None:
    shards = [shard(0, ran("a"))]
    stale = repair(judged(shards, AB), ran("b"), collected=["a", "b", "c"])

    assert [(v.UNFIT_REPAIR, (0,))] == [(f.kind, f.shards) for f in judged([*shards, stale], AB).of(v.UNFIT_REPAIR)]


def test_an_unfit_repair_stays_red_beside_a_fit_one() -> None:
    shards = [shard(0, ran("a"))]
    verdict = judged(shards, AB)
    stale = repair(verdict, ran("b", FAILED), repairs="something else")

    assert [v.UNFIT_REPAIR] == [kind for kind, _ in red(judged([*shards, stale, repair(verdict, ran("b"))], AB))]


def test_a_repair_that_ran_on_other_files_is_red() -> None:
    shards = [shard(0, ran("a"), files_digest="files")]
    verdict = judged(shards, files="files")

    assert [v.OTHER_FILES] == red_kinds(
        judged([*shards, repair(verdict, ran("b"), files_digest="edited")], files="files")
    )
    assert judged([*shards, repair(verdict, ran("b"), files_digest="files")], files="files").green


def test_a_repair_of_another_commit_is_red() -> None:
    shards = [shard(0, ran("a"), commit="a" * 40)]

    assert [v.OTHER_FILES] == red_kinds(judged([*shards, repair(judged(shards), ran("b"), commit="b" * 40)]))


def test_what_an_earlier_repair_found_cannot_be_taken_away() -> None:
    error = ExtraError("conftest.py", "broken")
    shards = [shard(0, ran("a"))]
    first = repair(judged(shards), ran("b", NOT_RUN), errors=(error,), ended=INTERRUPTED)
    second = repair(judged([*shards, first]), ran("b"))

    assert v.TESTS_FAILED == judged([*shards, first, second]).ended
    assert v.UNFIT_REPAIR in red_kinds(judged([*shards, second]))


def test_what_an_earlier_repair_found_cannot_be_replaced() -> None:
    shards = [shard(0, ran("a"))]
    verdict = judged(shards)
    undone = {"ended": INTERRUPTED, "errors": (ExtraError("conftest.py", "broken"),)}
    first = repair(verdict, ran("b", NOT_RUN), **undone)
    second = repair(judged([*shards, first]), ran("b"))
    other = repair(verdict, ran("b", NOT_RUN), ended=INTERRUPTED)

    assert [v.UNFIT_REPAIR] == [kind for kind in red_kinds(judged([*shards, other, second])) if "repair of" in kind]


def test_a_damaged_repair_is_red_by_name_and_can_be_made_again() -> None:
    shards = [shard(0, ran("a"), ran("b")), shard(1)]

    verdict = judged(shards, damaged=[Damaged(0, "repair 0", "it is empty", is_repair=True)])

    assert [Finding(v.UNFIT_REPAIR, "repair 0: it is empty", shards=(0,))] == list(verdict.findings)
    assert (True, 0) == (verdict.repairable, verdict.repair_index)


def test_files_of_a_repair_that_changed_are_red() -> None:
    shards = [shard(0, ran("a"))]

    verdict = judged([*shards, repair(judged(shards), ran("b"))], changed={"repair 0": ["junit.xml"]})

    assert [(v.CHANGED, "junit.xml of repair 0 changed after it had ended")] == red(verdict)


def test_a_damaged_shard_is_settled_by_running_its_tests() -> None:
    damaged = [Damaged(1, "shard index 1", "it is empty")]
    shards, plan = [shard(0, ran("a"))], [["a"], ["b"]]
    verdict = judged(shards, plan=plan, damaged=damaged)

    assert judged([*shards, repair(verdict, ran("b"))], plan=plan, damaged=damaged).green
    assert v.DAMAGED in red_kinds(judged([*shards, repair(verdict)], plan=plan, damaged=damaged))
