"""Verdicts where tests were shared out while they ran: what receipts explain, and what stays red."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof import findings as v
from scripts.proof import results
from scripts.proof.case import Reference
from scripts.proof.claimed import HOW, OWN, STOLEN, TAKEN_OVER, ClaimedPiece
from scripts.proof.findings import Verdict
from scripts.proof.journal import Event
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED
from scripts.proof.receipt import FILE_NAME, FINISHED, INTERRUPTED, STOPPED, Damaged, Receipt, Selected, write
from scripts.proof.verify import verify
from tests.unit.proof.results import judged, lines, ran, red, red_kinds, repair, shard
from tests.unit.proof.test_journal import LOAD, SESSION, START, numbered, phase, start
from tests.unit.proof.test_journal import lines as journal_lines

ABCD = ("a", "b", "c", "d")
PLAN = (("a", "b"), ("c", "d"))
Part = Tuple[str, str, int, Sequence[Selected]]  # a piece's name, how it was come by, whose it was, its tests


def sharer(index: int, *parts: Part, of: int = 2, **facts: Any) -> Receipt:
    pieces = tuple(ClaimedPiece(name, how, whose, len(tests)) for name, how, whose, tests in parts)
    tests = [test for *_, tests in parts for test in tests]
    own = {"store": "redis://here", "pieces": pieces, "collected": ABCD}
    return shard(index, *tests, of=of, **{**own, **facts})


def own(name: str, *tests: Selected) -> Part:
    return name, OWN, int(name[0]), tests


def stolen(name: str, *tests: Selected) -> Part:
    return name, STOLEN, int(name[0]), tests


def taken(name: str, whose: int, *tests: Selected) -> Part:
    return name, TAKEN_OVER, whose, tests


def about(receipts: Sequence[Receipt], plan: Sequence[Sequence[str]] = PLAN, **facts: Any) -> Verdict:
    return judged(receipts, ABCD, plan, **facts)


A, B, C, D = map(ran, ABCD)
SECOND = sharer(1, own("1-00", C), own("1-01", D))


# Green --------------------------------------------------------------------------------------------


def test_stolen_pieces_are_as_good_as_planned_ones() -> None:
    verdict = about([sharer(0, own("0-00", A, B), stolen("1-01", D)), sharer(1, own("1-00", C))])

    assert (True, ()) == (verdict.green, verdict.findings)


def test_a_piece_that_was_taken_over_from_a_shard_that_slept_counts_once_with_its_worst_outcome() -> None:
    verdict = about([sharer(0, own("0-00", A, B), taken("1-01", 1, ran("d", SKIPPED))), SECOND])

    assert (True, [v.RAN_AGAIN]) == (verdict.green, [each.kind for each in verdict.findings])
    assert (SKIPPED, 4) == (verdict.outcomes["d"], sum(verdict.counts.values()))
    assert ["  d  (skipped in shard index 0, passed in shard index 1)"] == lines(verdict)[1:]


@pytest.mark.parametrize("first, again", [(FAILED, PASSED), (PASSED, FAILED)])
def test_what_is_red_in_one_of_them_is_red(first: str, again: str) -> None:
    sleeper = sharer(1, own("1-00", C), own("1-01", ran("d", first)))
    verdict = about([sharer(0, own("0-00", A, B), taken("1-01", 1, ran("d", again))), sleeper])

    assert (v.TESTS_FAILED, [(v.RED_TEST, "d")]) == (verdict.ended, red(verdict))


def test_what_a_shard_claimed_and_did_not_come_to_another_may_take_over() -> None:
    left = sharer(1, own("1-00", C), own("1-01", ran("d", NOT_RUN)))

    assert () == about([sharer(0, own("0-00", A, B), taken("1-01", 1, D)), left]).findings


def test_a_piece_may_pass_from_one_to_the_next() -> None:
    shards = [
        sharer(0, own("0-00", A, B), of=3),
        sharer(1, own("1-00", C, D), of=3),
        sharer(2, taken("1-00", 1, C, D), of=3),
    ]
    again = sharer(0, own("0-00", A, B), taken("1-00", 2, C, D), of=3)

    assert about(shards, ()).green
    assert about([again, *shards[1:]], ()).green
    between = [sharer(0, own("0-00", A, B, C, D), of=3), sharer(2, taken("0-00", 1, A, B, C, D), of=3)]
    assert about(between, [ABCD[:2], ABCD[2:], ()]).green


def test_a_shard_without_the_store_ran_its_part_of_the_plan_while_others_took_it() -> None:
    shards = [
        sharer(0, own("0-00", A, B), stolen("1-00", C), stolen("1-01", D)),
        shard(1, C, D, collected=ABCD),
    ]
    verdict = about(shards)

    assert (True, [v.WITHOUT_STORE, v.RAN_AGAIN]) == (
        verdict.green,
        list(dict.fromkeys(x.kind for x in verdict.findings)),
    )
    assert "shard index 1 of 2 had no store, as others had: it ran what the plan gives it" in lines(verdict)


def test_a_store_that_no_shard_reached_is_one_note_with_its_reason() -> None:
    verdict = about([shard(0, A, B, collected=ABCD, store_gone="refused"), shard(1, C, D, collected=ABCD)])

    assert (True, ["no tests were shared out: refused; the plan held"]) == (verdict.green, lines(verdict))


def test_a_store_that_was_lost_after_all_was_claimed_is_a_note() -> None:
    verdict = about([sharer(0, own("0-00", A, B), store_gone="no answer"), SECOND])

    assert (True, ["shard index 0 of 2 lost the store: no answer; it claimed nothing more"]) == (
        verdict.green,
        lines(verdict),
    )


# Red ----------------------------------------------------------------------------------------------


def test_a_piece_that_two_simply_claimed_is_red() -> None:
    verdict = about([sharer(0, own("0-00", A, B), stolen("1-01", D)), SECOND])

    text = "piece 1-01 was claimed by shard index 0 of 2 and by shard index 1 of 2: the store gave it to both; "
    text += "distribution.store has to be one that all reach"
    assert [(v.CLAIMED_TWICE, text), (v.DOUBLED, "d")] == red(verdict)


def test_who_ran_on_another_python_is_told() -> None:
    older = sharer(0, own("0-00", A, B), stolen("1-01", D), python="3.8.1")

    (finding,) = about([older, replace(SECOND, python="3.13.0")]).of(v.CLAIMED_TWICE)

    assert "their Pythons differ, 3.8 and 3.13, and only" in finding.text


def test_what_a_store_gave_to_all_is_told_once() -> None:
    (finding,) = about(
        [sharer(0, own("0-00", A, B), stolen("1-01", D)), sharer(1, own("0-00", A, B), own("1-01", D))]
    ).of(v.CLAIMED_TWICE)

    assert finding.text.startswith(
        "2 pieces (0-00 first) were claimed by shard index 0 of 2 and by shard index 1 of 2:"
    )


def test_who_asked_other_stores_is_told() -> None:
    elsewhere = sharer(0, own("0-00", A, B), stolen("1-01", D), store="redis://there")

    assert (
        "their stores differ: redis://there, redis://here; " in about([elsewhere, SECOND]).of(v.CLAIMED_TWICE)[0].text
    )


@pytest.mark.parametrize(
    "parts",
    [
        [own("0-00", D), taken("0-00", 0, D), taken("0-00", 0, D)],  # two took it over from one and the same
        [own("0-00", D), own("1-00", C), taken("0-00", 1, D)],  # from one that did not have it
        [own("0-00", A), taken("1-01", 2, D), taken("1-01", 1, D)],  # in a circle
        [taken("0-07", 1, D), own("1-01", D), own("2-00", A)],  # under another name
    ],
)
def test_a_takeover_that_explains_nothing_is_red(parts: List[Part]) -> None:
    shards = [sharer(index, part, of=3) for index, part in enumerate(parts)]

    assert v.DOUBLED in red_kinds(about(shards, ()))


def test_two_shards_without_a_store_have_no_excuse() -> None:
    shards = [
        sharer(0, own("0-00", A, B, C), of=3),
        shard(1, D, of=3, collected=ABCD),
        shard(2, D, of=3, collected=ABCD),
    ]

    assert [(v.DOUBLED, "d")] == red(about(shards, ()))


def test_a_shard_without_a_store_has_an_excuse_for_its_own_part_only() -> None:
    shards = [sharer(0, own("0-00", A, B), stolen("1-00", C, D)), shard(1, A, C, D, collected=ABCD)]

    assert [(v.DOUBLED, "a")] == red(about(shards))


def test_what_nobody_claimed_is_lost_with_the_reason() -> None:
    verdict = about([sharer(0, own("0-00", A, B), store_gone="no answer"), sharer(1, own("1-00", C))])

    assert [(v.LOST, "d")] == red(verdict)
    assert ("nobody claimed it: shard index 0 of 2 lost the store", ("d",)) == (
        verdict.of(v.LOST)[0].text,
        verdict.to_run,
    )


def test_a_repair_runs_what_nobody_claimed() -> None:
    shards = [sharer(0, own("0-00", A, B), store_gone="no answer"), sharer(1, own("1-00", C), store_gone="no answer")]

    assert about([*shards, repair(about(shards), D, collected=ABCD)]).green


def test_what_all_shards_left_after_a_failure_is_left_as_one_asked() -> None:
    shards = [sharer(0, own("0-00", ran("a", FAILED), ran("b", NOT_RUN)), ended=STOPPED), sharer(1, own("1-00", C))]
    verdict = about(shards)

    assert (v.TESTS_FAILED, [v.STOPPED, v.RED_TEST, v.LEFT]) == (verdict.ended, red_kinds(verdict))
    assert v.INCOMPLETE == about([shards[0], sharer(1, own("1-00", C), ended=INTERRUPTED)]).ended


# Shards without result ------------------------------------------------------------------------------


RESCUE = sharer(0, own("0-00", A, B), taken("1-00", 1, C), stolen("1-01", D))


def test_a_dead_shard_whose_tests_others_ran_is_a_note() -> None:
    for plan in (PLAN, ()):
        verdict = about([RESCUE], plan)

        assert (True, ["shard index 1 of 2 left no result; others ran what it had to"]) == (
            verdict.green,
            lines(verdict),
        )


def test_a_dead_shard_that_had_nothing_by_the_plan_is_a_note_though_others_had_no_store() -> None:
    others = [sharer(0, own("0-00", A, B), of=3), shard(1, C, D, of=3, collected=ABCD)]

    assert about(others, (*PLAN, ())).of(v.REPLACED)
    assert v.NO_RESULT in red_kinds(about(others, ()))


def test_a_dead_shard_is_red_where_a_test_is_lost() -> None:
    verdict = about([sharer(0, own("0-00", A, B), taken("1-00", 1, C))])

    assert [(v.NO_RESULT, "shard index 1 of 2 left no result"), (v.LOST, "d")] == red(verdict)


@pytest.mark.parametrize(
    "receipt",
    [
        shard(0, A, B, C, D, collected=ABCD),  # the plan alone made the shards
        sharer(0, own("0-00", A, B, C, D)),  # nothing is said to be the other's
        sharer(0, own("0-00", A, B, C), stolen("1-01", D)),  # c was the other's by the plan
        sharer(0, own("0-00", A, B), stolen("1-00", C), stolen("1-01", D), plan_id=""),
        sharer(0, own("0-00", A, B), stolen("1-00", C), stolen("1-01", ran("d", NOT_RUN))),
    ],
)
def test_a_dead_shard_is_red_unless_others_say_that_they_took_what_was_its(receipt: Receipt) -> None:
    assert v.NO_RESULT in red_kinds(about([receipt]))


def test_a_result_that_cannot_be_read_is_never_a_note() -> None:
    assert [v.DAMAGED] == red_kinds(about([RESCUE], damaged=[Damaged(1, "shard index 1", "it is empty")]))


def test_what_a_dead_shard_saw_red_is_red_though_others_saw_it_green() -> None:
    killed = sharer(1, own("1-00", ran("c", FAILED)), ended=INTERRUPTED)
    verdict = verify([RESCUE], Reference(ABCD, plan=PLAN), killed=[killed])

    assert (v.TESTS_FAILED, [(v.RED_TEST, "c")], FAILED) == (verdict.ended, red(verdict), verdict.outcomes["c"])


def test_the_journal_of_a_shard_that_left_a_result_counts_no_more() -> None:
    killed = sharer(1, own("1-00", ran("c", FAILED)), ended=INTERRUPTED)

    assert verify([sharer(0, own("0-00", A, B)), SECOND], Reference(ABCD), killed=[killed]).green


def left_in(reports: Path, *events: Event) -> results.Results:
    """Read what shard 0, which took all over, and the journal of shard 1 tell."""
    for index in (0, 1):
        (reports / f"shard-{index}").mkdir()
    write(reports / "shard-0" / FILE_NAME, RESCUE)
    folder = reports / "shard-1"
    selection = {"schema": results.SELECTION_SCHEMA, "start": START}
    (folder / results.SELECTION).write_text(json.dumps(selection), encoding="ascii")
    (folder / results.JOURNAL).write_bytes(journal_lines(*numbered(*events)))
    return results.gather(reports)


def verdict_of(found: results.Results) -> Verdict:
    return verify(found.receipts, Reference(ABCD, plan=PLAN), found.damaged, found.changed, found.killed)


SELECTED: Event = {"event": "selected", "at": 0.0, "ids": ["c", "d"]}


def test_the_journal_of_a_dead_shard_tells_what_was_red_there(tmp_path: Path) -> None:
    running = start("d", "setup")
    found = left_in(tmp_path, LOAD, SESSION, SELECTED, *phase("c", "setup", "failed"), *phase("c", "teardown"), running)

    assert [("c", ERROR)] == [(test.nodeid, test.outcome) for killed in found.killed for test in killed.tests]
    assert [(v.RED_TEST, "c")] == red(verdict_of(found))


def test_what_ran_when_a_shard_was_killed_is_not_red_for_that(tmp_path: Path) -> None:
    assert verdict_of(left_in(tmp_path, LOAD, SESSION, SELECTED, start("c", "setup"))).green


def test_what_ended_its_process_before_that_is(tmp_path: Path) -> None:
    found = left_in(tmp_path, LOAD, SESSION, SELECTED, start("c", "setup"), LOAD, SESSION, SELECTED)

    assert [(v.RED_TEST, "c")] == red(verdict_of(found))


def test_a_journal_that_cannot_be_read_is_no_excuse(tmp_path: Path) -> None:
    found = left_in(tmp_path, LOAD, {**SELECTED, "ids": 7})

    assert [v.DAMAGED] == red_kinds(verdict_of(found))


# Whatever receipts say --------------------------------------------------------------------------------


OUTCOMES = st.sampled_from([PASSED] * 9 + [FAILED, NOT_RUN])
CLAIMANTS = st.sampled_from([(0,), (1,), (0,), (1,), (0, 1), (0, 1), ()])


@st.composite
def some_receipts(draw: st.DrawFn) -> List[Receipt]:
    """Make results of one shard or two, that had any pieces, and say anything of how they came by them."""
    parts: Dict[int, List[Part]] = {0: [], 1: []}
    for name, ids in {"0-00": "ab", "1-00": "c", "1-01": "d"}.items():
        for index in draw(CLAIMANTS):
            how = draw(st.sampled_from(HOW))
            whose = index if how == OWN else 1 - index
            parts[index].append((name, how, whose, [ran(nodeid, draw(OUTCOMES)) for nodeid in ids]))
    found = []
    for index in draw(st.sampled_from([(0, 1), (0, 1), (0,), (1,)])):
        facts = {"collected": ABCD, "ended": draw(st.sampled_from([FINISHED] * 9 + [STOPPED]))}
        tests = [test for *_, of_it in parts[index] for test in of_it]
        with_store = draw(st.sampled_from([True, True, False]))
        found.append(sharer(index, *parts[index], **facts) if with_store else shard(index, *tests, **facts))
    return found


@given(some_receipts(), st.booleans())
def test_green_means_that_each_test_has_a_green_outcome_and_none_a_red_one(said: List[Receipt], planned: bool) -> None:
    verdict = about(said, PLAN if planned else ())

    if verdict.green:
        outcomes: Dict[str, List[str]] = {nodeid: [] for nodeid in ABCD}
        for receipt in said:
            for test in receipt.tests:
                outcomes[test.nodeid].append(test.proven)
        assert all(PASSED in each and FAILED not in each for each in outcomes.values())
        assert all(receipt.ended == FINISHED for receipt in said)
