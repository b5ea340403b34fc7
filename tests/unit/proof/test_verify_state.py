"""Results that are damaged, or of other states of the tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scripts.proof import findings as v
from scripts.proof.findings import Finding
from scripts.proof.outcomes import NOT_RUN, PASSED
from scripts.proof.receipt import INTERRUPTED, Damaged, SourceState, digest_of_words
from tests.unit.proof.results import judged, ran, red, red_kinds, repair, shard

OTHER_FILES = "{} ran the tests as they were before, or after, an edit: its files are others"


# State of the tests -------------------------------------------------------------------------------


def test_results_of_before_and_after_an_edit_prove_nothing_together() -> None:
    verdict = judged([shard(0, ran("a"), files_digest="old"), shard(1, ran("b"), files_digest="new")], files="new")

    assert (v.INCOMPLETE, False) == (verdict.ended, verdict.repairable)
    assert [Finding(v.OTHER_FILES, OTHER_FILES.format("shard index 0 of 2"), shards=(0,))] == list(verdict.findings)


def test_the_files_are_compared_among_shards_where_nothing_else_tells() -> None:
    states = ["same", "same", "other"]
    shards = [shard(index, of=3, collected=(), files_digest=files) for index, files in enumerate(states)]

    assert [(2,)] == [finding.shards for finding in judged(shards, ()).of(v.OTHER_FILES)]


def test_a_shard_that_ran_tests_and_does_not_say_of_which_files_is_red() -> None:
    verdict = judged([shard(0, ran("a"), files_digest="files"), shard(1, ran("b"))], files="files")

    assert [v.OTHER_FILES] == red_kinds(verdict)
    assert judged([shard(0, ran("a"), ran("b"), files_digest="files"), shard(1)], files="files").green


def test_results_of_two_commits_are_red() -> None:
    shards = [shard(0, ran("a"), commit="a" * 40), shard(1, ran("b"), commit="b" * 40)]

    assert [(v.OTHER_FILES, f"the results are of 2 commits: {'a' * 12}, {'b' * 12}")] == red(judged(shards))


def test_results_of_two_states_of_a_service_are_red_by_name_and_no_repair_helps() -> None:
    states = [SourceState(content, f" at {content}") for content in ("aaa", "aaa", "bbb")]
    shards = [
        shard(index, ran(nodeid), of=3, collected="abc", sources={"service: ./pkg": state})
        for index, (nodeid, state) in enumerate(zip("abc", states))
    ]
    verdict = judged(shards, "abc")

    text = "shard index 2 of 3 tested service: ./pkg at bbb (content bbb), others it at aaa (content aaa)"
    assert [Finding(v.OTHER_SOURCE, text, shards=(2,))] == list(verdict.findings)
    assert (v.INCOMPLETE, False) == (verdict.ended, verdict.repairable)


def test_the_same_content_is_one_state_however_it_is_said_and_no_tests_prove_nothing_of_it() -> None:
    same, other = {"service: ./pkg": SourceState("a", " at 1")}, {"service: ./pkg": SourceState("b", "")}
    said = {"service: ./pkg": SourceState("a", ", not in git")}

    assert judged([shard(0, ran("a"), sources=same), shard(1, ran("b"), sources=said)]).green
    assert judged([shard(0, ran("a"), ran("b"), sources=same), shard(1, sources=other)]).green
    assert judged([shard(0, ran("a"), sources=same), shard(1, ran("b"))]).green


def test_a_repair_of_another_state_is_red() -> None:
    same, other = {"service: x": SourceState("a", " at 1")}, {"service: x": SourceState("b", " at 2")}
    shards = [shard(0, ran("a"), sources=same), shard(1, ran("b", NOT_RUN), ended=INTERRUPTED, sources=same)]

    assert v.OTHER_SOURCE in red_kinds(judged([*shards, repair(judged(shards), ran("b"), sources=other)]))


def test_a_commit_that_is_not_known_is_no_other() -> None:
    assert judged([shard(0, ran("a"), commit="a" * 40), shard(1, ran("b"))]).green


def test_results_of_several_runs_count_together_only_where_the_commit_is_known_to_be_one() -> None:
    known = shard(0, ran("a"), commit="a" * 40)

    assert judged([known, shard(1, ran("b"), commit="a" * 40, run_id="again")]).green
    assert [v.OTHER_FILES] == red_kinds(judged([known, shard(1, ran("b"), run_id="again")]))


# Damage -------------------------------------------------------------------------------------------


def test_a_damaged_result_is_named_and_costs_what_it_holds() -> None:
    verdict = judged([shard(0, ran("a"))], plan=[["a"], ["b"]], damaged=[Damaged(1, "shard index 1", "it is empty")])

    assert [(v.DAMAGED, "shard index 1: it is empty"), (v.LOST, "b")] == red(verdict)
    assert ({"a": PASSED, "b": NOT_RUN}, ("b",)) == (verdict.outcomes, verdict.to_run)


def test_a_damaged_result_is_red_though_no_test_is_lost() -> None:
    damaged = [Damaged(7, "shard index 7", "it is empty")]

    assert [v.DAMAGED] == red_kinds(judged([shard(0, ran("a")), shard(1, ran("b"))], damaged=damaged))


def test_a_result_whose_journal_changed_is_red_by_name_and_no_repair_helps() -> None:
    changed = {"shard index 1 of 2": ["journal.jsonl"]}
    verdict = judged([shard(0, ran("a")), shard(1, ran("b"))], changed=changed)

    text = "journal.jsonl of shard index 1 of 2 changed after it had ended"
    assert [Finding(v.CHANGED, text, shards=(1,))] == list(verdict.findings)
    assert (v.INCOMPLETE, False) == (verdict.ended, verdict.repairable)


def test_shards_that_ran_with_other_arguments_prove_nothing_together() -> None:
    verdict = judged([shard(0, ran("a"), arguments=("--quick",)), shard(1, ran("b"))])

    assert [v.OTHER_ARGUMENTS] == red_kinds(verdict)


@pytest.mark.parametrize("name", ["python", "suite_python"])
def test_shards_on_several_pythons_prove_nothing_together(name: str) -> None:
    """Where a CI counts the legs of a matrix as it counts shards."""
    on = [{"python": "3.11.4"}, {"python": "3.11.9", name: "3.8.18"}]
    verdict = judged([shard(index, ran("ab"[index]), **facts) for index, facts in enumerate(on)])

    assert [v.OTHER_PYTHON] == red_kinds(verdict) and not verdict.repairable
    assert judged([shard(0, ran("a"), python="3.11.4"), shard(1, ran("b"), python="3.11.9")]).green


def test_results_with_another_pytest_addopts_prove_nothing_together() -> None:
    shards = [shard(0, ran("a")), shard(1, ran("b", NOT_RUN), ended=INTERRUPTED)]
    late = repair(judged(shards), ran("b"), addopts=digest_of_words(["--quick"]))

    assert [v.OTHER_ARGUMENTS] == red_kinds(judged([shards[0], shard(1, ran("b"), addopts=late.addopts)]))
    assert [v.OTHER_ARGUMENTS] == red_kinds(judged([*shards, late]))
    assert judged([*shards, replace(late, addopts=digest_of_words(["-q"]))]).green


def test_what_only_shows_more_is_no_other_argument() -> None:
    assert judged([shard(0, ran("a"), arguments=("-v", "--tb=short")), shard(1, ran("b"))]).green
