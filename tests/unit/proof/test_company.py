from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Tuple

import pytest

from scripts.proof.case import Reference
from scripts.proof.claimed import OWN, STOLEN, ClaimedPiece
from scripts.proof.company import apart, joined
from scripts.proof.findings import APART
from scripts.proof.outcomes import FAILED, NOT_RUN, PASSED, RERUN, SKIPPED, Attempt
from scripts.proof.receipt import Receipt, Selected, digest
from scripts.proof.verify import verify

STEPS = ["t.py::T::a", "t.py::T::b", "t.py::T::c"]
Entries = Dict[str, List[Tuple[Receipt, Selected]]]


def receipt(index: int, total: int, *tests: Selected, repairs: str = "") -> Receipt:
    return Receipt("run", "plan", index, total, digest(STEPS), 3, "t", tests, repairs=repairs)


def ran(nodeid: str, outcome: str = PASSED, *rounds: int) -> Selected:
    return Selected(nodeid, outcome, tuple(Attempt(nodeid, each, outcome) for each in rounds or (0,)))


def entries(*receipts: Receipt) -> Entries:
    found: Entries = {}
    for each in receipts:
        for test in each.tests:
            found.setdefault(test.nodeid, []).append((each, test))
    return found


def test_steps_of_one_process_are_together() -> None:
    assert {} == apart([STEPS], entries(receipt(0, 1, *map(ran, STEPS))))


def test_a_step_without_the_one_before_it_is_apart() -> None:
    one, other = receipt(0, 2, ran(STEPS[0])), receipt(1, 2, ran(STEPS[1], SKIPPED), ran(STEPS[2], SKIPPED))

    assert dict.fromkeys(STEPS[1:], STEPS[0]) == apart([STEPS], entries(one, other))


def test_a_step_of_a_later_round_is_apart_unless_those_before_it_ran_again() -> None:
    again = [ran(STEPS[0], PASSED, 0, 1), ran(STEPS[1], PASSED, 0, 1), ran(STEPS[2], PASSED, 1)]

    assert {} == apart([STEPS], entries(receipt(0, 1, *again)))
    assert {STEPS[2]: STEPS[0]} == apart([STEPS], entries(receipt(0, 1, ran(STEPS[0]), ran(STEPS[1]), again[2])))


def test_what_is_red_need_not_run_again() -> None:
    crashed = [ran(STEPS[0], PASSED, 0, 1), ran(STEPS[1], FAILED, 0), ran(STEPS[2], SKIPPED, 1)]

    assert {} == apart([STEPS], entries(receipt(0, 1, *crashed)))


def test_an_attempt_that_was_repeated_is_none() -> None:
    tried = Selected(STEPS[0], PASSED, (Attempt(STEPS[0], 1, RERUN), Attempt(STEPS[0], 0, PASSED)))

    assert {STEPS[1]: STEPS[0]} == apart([STEPS[:2]], entries(receipt(0, 1, tried, ran(STEPS[1], PASSED, 1))))


def test_groups_that_overlap_are_joined() -> None:
    assert set("abcd") == set(joined("a", ["ab", "cd", "bc"]))
    assert ["x"] == joined("x", ["ab"])


def test_skipped_steps_of_other_shards_are_not_green_and_a_repair_runs_all_of_them() -> None:
    shards = [receipt(0, 2, ran(STEPS[0])), receipt(1, 2, ran(STEPS[1], SKIPPED), ran(STEPS[2], SKIPPED))]
    reference = Reference(STEPS, groups=[STEPS])

    verdict = verify(shards, reference)

    assert ("incomplete", tuple(STEPS)) == (verdict.ended, verdict.to_run)
    assert STEPS[1:] == [finding.nodeid for finding in verdict.of(APART)]
    repaired = verify([*shards, receipt(0, 3, *map(ran, STEPS), repairs=verdict.repairs)], reference)
    assert ("green", ()) == (repaired.ended, repaired.to_run)


def test_a_repair_that_runs_only_the_lost_step_settles_nothing() -> None:
    shards = [receipt(0, 2, ran(STEPS[0]), ran(STEPS[1]))]
    reference = Reference(STEPS, groups=[STEPS], plan=[STEPS, []])
    verdict = verify([*shards, receipt(1, 2)], reference)

    assert tuple(STEPS) == verdict.to_run
    repaired = verify(
        [*shards, receipt(1, 2), receipt(0, 3, ran(STEPS[2], SKIPPED), repairs=verdict.repairs)], reference
    )
    assert ("incomplete", tuple(STEPS)) == (repaired.ended, repaired.to_run)


@pytest.mark.parametrize("kind", ["groups", "classes"])
def test_a_repair_runs_the_whole_of_what_an_interruption_cut(kind: str) -> None:
    shards = [receipt(0, 2, ran(STEPS[0]), ran(STEPS[1]), Selected(STEPS[2], NOT_RUN)), receipt(1, 2)]
    reference = replace(Reference(STEPS, plan=[STEPS, []]), **{kind: [STEPS]})
    verdict = verify(shards, reference)

    assert tuple(STEPS) == verdict.to_run
    for tests, ended in (([ran(STEPS[2], SKIPPED)], "incomplete"), (list(map(ran, STEPS)), "green")):
        assert ended == verify([*shards, receipt(0, 3, *tests, repairs=verdict.repairs)], reference).ended


def test_a_class_that_the_plan_cut_or_a_crash_is_proven_test_by_test() -> None:
    cut = [receipt(0, 2, ran(STEPS[0])), receipt(1, 2, ran(STEPS[1]), ran(STEPS[2]))]
    crashed = [receipt(0, 1, ran(STEPS[0]), ran(STEPS[1], PASSED, 1), ran(STEPS[2], PASSED, 1))]

    for shards in (cut, crashed):
        assert "green" == verify(shards, Reference(STEPS, classes=[STEPS])).ended


def test_a_class_stays_together_unless_its_pieces_cut_it() -> None:
    def with_store(index: int, how: str, name: str, *tests: Selected) -> Receipt:
        piece = ClaimedPiece(name, how, 0, len(tests))
        return replace(receipt(index, 2, *tests), store="redis://here", pieces=(piece,))

    shards = [
        with_store(0, OWN, "0-00", ran(STEPS[0])),
        with_store(1, STOLEN, "0-01", ran(STEPS[1]), ran(STEPS[2])),
    ]
    whole, cut = (Reference(STEPS, plan=[STEPS, []], classes=[STEPS], pieces=each) for each in ([STEPS], []))

    assert ["green", "incomplete"] == [verify(shards, each).ended for each in (cut, whole)]
    assert STEPS[1:] == [each.nodeid for each in verify(shards, whole).of(APART)]
