"""Tests whose ids change from run to run: named, run by function and place, and never taken for another test."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest

from scripts.proof import findings as v
from scripts.proof.outcomes import NOT_RUN, PASSED
from scripts.proof.renamed_ids import CURE
from tests.unit.proof.results import judged, lines, ran, red, red_kinds, shard


def unstable(old: Sequence[str], new: Sequence[str], **facts: Any) -> Dict[str, str]:
    """What a shard of one, that ran the old ids, is taken to have called the new ones."""
    verdict = judged([shard(0, *map(ran, old), of=1, collected=old)], new, **facts)

    assert not verdict.green
    assert sorted(set(new) - set(old)) == sorted(finding.nodeid for finding in verdict.of(v.LOST))
    texts = {finding.nodeid: finding.text for finding in verdict.of(v.UNSTABLE)}
    return {nodeid: text[len("was ") :].partition("; ")[0] for nodeid, text in texts.items()}


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


def test_an_unstable_id_comes_with_the_cure_and_without_a_repair() -> None:
    old, new = ["t.py::test_a[0x1]"], ["t.py::test_a[0x2]"]
    verdict = judged([shard(0, *map(ran, old), of=1, collected=old)], new)

    assert f"  {new[0]}  (was {old[0]}; {CURE})" in lines(verdict)
    assert (v.INCOMPLETE, False) == (verdict.ended, verdict.repairable)


@pytest.mark.parametrize("count", [1, 10])
def test_ids_that_every_shard_has_otherwise_are_named(count: int) -> None:
    def ids(process: int) -> List[str]:
        return [f"t.py::test_a[{process:08x}-{number:04x}-4f4e-9f5b-1c2d3e4f5a6b]" for number in range(count)]

    shards = [shard(index, *map(ran, ids(index)[index::2]), collected=ids(index)) for index in (0, 1)]
    verdict = judged(shards, ids(2))

    assert v.INCOMPLETE == verdict.ended
    assert set(ids(2)) == {finding.nodeid for finding in verdict.of(v.UNSTABLE)}


def test_a_shard_that_runs_nothing_and_has_other_ids_is_red() -> None:
    one, other = ["t.py::test_a[0x1]"], ["t.py::test_a[0x2]"]

    assert [v.OTHER_COLLECTION] == red_kinds(
        judged([shard(0, ran(*one), collected=one), shard(1, collected=other)], one)
    )


# By function and place -----------------------------------------------------------------------------

PLANNED, HERE = "t.py::test_a[0x1]", "t.py::test_a[0x2]"


def test_a_test_that_ran_as_planned_under_another_id_is_green_with_the_cure() -> None:
    verdict = judged(
        [shard(0, ran(PLANNED, ran_as="t.py::test_a[0x3]"), of=1, collected=[PLANNED])], [HERE], [[PLANNED]]
    )

    assert (True, {PLANNED: PASSED}) == (verdict.green, verdict.outcomes)
    assert f"  {PLANNED}  (ran as t.py::test_a[0x3]; {CURE})" in lines(verdict)


def test_a_test_that_only_the_merge_has_under_another_id_is_not_shown_to_be_renamed() -> None:
    verdict = judged([shard(0, ran(PLANNED), of=1, collected=[PLANNED])], [HERE], [[PLANNED]])

    assert {v.UNSTABLE, v.LOST} <= set(red_kinds(verdict))
    assert CURE in "\n".join(lines(verdict))


def test_numbers_that_became_others_after_the_shards_had_run_are_other_tests() -> None:
    plan = [[f"t.py::test_n[{number}]" for number in (1, 2)]]
    data = [f"t.py::test_n[{number}]" for number in (700, 800)]

    verdict = judged([shard(0, *map(ran, plan[0]), of=1, collected=plan[0])], data, plan)

    assert {v.UNSTABLE, v.LOST, v.UNKNOWN} <= set(red_kinds(verdict))


@pytest.mark.parametrize("plan", [(), [["t.py::test_a[x]"]]])
def test_a_parameter_that_was_changed_after_the_shards_is_no_renamed_test(plan: Sequence[Sequence[str]]) -> None:
    old, new = ["t.py::test_a[x]"], ["t.py::test_a[y]"]
    verdict = judged([shard(0, *map(ran, old), of=1, collected=old)], new, plan)

    assert (v.INCOMPLETE, {new[0]: NOT_RUN}) == (verdict.ended, verdict.outcomes)
    assert {v.UNSTABLE, v.LOST, v.UNKNOWN} <= set(red_kinds(verdict))


def test_a_test_without_form_is_known_by_place_where_a_shard_too_had_it_otherwise() -> None:
    old, new = ["t.py::test_a[tmpkq]"], ["t.py::test_a[tmpab]"]
    result = shard(0, ran(*old, ran_as="t.py::test_a[tmpcd]"), of=1, collected=old)

    assert judged([result], new, [old]).green


def test_a_renamed_test_does_not_hide_a_lost_one() -> None:
    plan = [["t.py::test_a[0x1]", "t.py::test_a[0x2]"]]
    result = shard(0, ran("t.py::test_a[0x1]", ran_as="t.py::test_a[0x3]"), of=1, collected=plan[0])

    verdict = judged([result], ["t.py::test_a[0x4]", "t.py::test_a[0x5]"], plan)

    assert [(v.UNSTABLE, "t.py::test_a[0x5]"), (v.LOST, "t.py::test_a[0x5]")] == red(verdict)
    assert not judged([result], ["t.py::test_a[0x4]", "t.py::test_a[0x5]"]).green
