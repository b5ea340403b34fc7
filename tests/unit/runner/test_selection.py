"""Which tests next: by a plan, a part, what remains, and a plan that is made on the spot."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.planning import plan as planning
from scripts.planning import timings
from scripts.planning.estimates import Estimates
from scripts.planning.timings import Sample, Source
from scripts.planning.together import Group
from scripts.proof import receipt
from scripts.runner import selection
from scripts.runner.selection import Selection

STRANGE = ["t.py::a[\ud800]", "t.py::b[\u2028]", "t.py::c[你好]", "t.py::--ids"]
ABC = [f"t.py::test_{letter}" for letter in "abc"]


@pytest.fixture
def whole(tmp_path: Path) -> Selection:
    """The one shard of a suite that was never planned, and whose tests were never timed."""
    nowhere = str(tmp_path / "nowhere.json")
    return Selection("5f3a", 0, 1, plan=nowhere, history=nowhere, machine="m")


def planned(folder: Path, *shards: List[str]) -> str:
    """Write a plan of exactly these shards."""
    made = planning.make(chain(*shards), Estimates({}), len(shards))
    told = tuple(planning.Shard(tuple(sorted(shard)), 0) for shard in shards)
    file = folder / "plan.json"
    planning.save(replace(made, id=planning.identity(told, made.algorithm), shards=told), file)
    return str(file)


def test_strange_ids_are_chosen_in_the_order_of_the_collection(whole: Selection) -> None:
    told = selection.answer(replace(whole, ids=(*STRANGE[:3], "gone")), list(reversed(STRANGE)))

    assert (list(reversed(STRANGE[:3])), False) == (told["select"], told["ordered"])


def test_where_tests_are_shared_out_while_they_run_all_are_offered_and_in_one_piece(
    tmp_path: Path, whole: Selection
) -> None:
    plan = planning.make(["t.py::a[7f-9]", *ABC, "gone.py::test"], Estimates({}), 2)
    planning.save(plan, tmp_path / "plan.json")
    handed_out = replace(whole, total=2, plan=str(tmp_path / "plan.json"))
    new = Group("g", "", ("new.py::test", ABC[0]))

    told, pieces, _ = selection.shared_out(handed_out, ["t.py::a[2c-9]", *ABC, "new.py::test"], [new])

    assert ["t.py::a[2c-9]", *ABC, "new.py::test"] == told["select"]
    assert {"t.py::a[2c-9]": "t.py::a[7f-9]"} == told["names"]
    assert sorted(["t.py::a[7f-9]", *ABC, "new.py::test"]) == sorted(chain(*(piece.nodeids for piece in pieces)))
    late = next(piece for piece in pieces if "new.py::test" in piece.nodeids)
    assert (new.nodeids, late) == (late.nodeids, next(piece for piece in pieces if piece.shard == late.shard))


def test_where_nothing_came_or_went_the_pieces_are_those_of_the_plan() -> None:
    plan = planning.make(ABC, Estimates({}), 2)

    assert [piece for shard in plan.shards for piece in shard.pieces] == selection.pieces_of(plan, ABC)
    assert [] == selection.pieces_of(replace(plan, shards=(planning.Shard(tuple(ABC), 0),)), ABC)


def test_without_a_plan_one_is_made_on_the_spot(whole: Selection) -> None:
    halves = [selection.answer(replace(whole, index=index, total=2), ABC) for index in (0, 1)]

    assert ABC == sorted(halves[0]["select"] + halves[1]["select"])
    assert (halves[0]["plan"], halves[0]["shared"]) == (halves[1]["plan"], halves[1]["shared"])
    assert {"count": 3, "digest": receipt.digest(ABC)} == {
        name: halves[0]["shared"][name] for name in ("count", "digest")
    }


def test_each_node_makes_the_same_plan_whatever_machine_it_got(tmp_path: Path, whole: Selection) -> None:
    history = tmp_path / "timings.json"
    runs = [(1, "slow", 3000), (2, "fast", 1000)]
    parts = [
        timings.learned(
            Source(at_s, f"run-{at_s}", 0, machine),
            [Sample(nodeid, cost_ms + place) for place, nodeid in enumerate(ABC)],
        )
        for at_s, machine, cost_ms in runs
    ]
    history.write_text(timings.dump(timings.merge(*parts)))
    nodes = [replace(whole, total=2, history=str(history), machine=machine) for machine in ("slow", "fast", "new")]

    assert 1 == len({(told["plan"], told["timings"]) for told in (selection.answer(node, ABC) for node in nodes)})


def test_the_plan_that_was_handed_out_decides_and_its_id_is_said(tmp_path: Path, whole: Selection) -> None:
    handed_out = replace(whole, total=2, plan=planned(tmp_path, ABC[1:], ABC[:1]))

    answers = [selection.answer(replace(handed_out, index=index), ABC) for index in (0, 1)]

    assert [ABC[1:], ABC[:1]] == [answer["select"] for answer in answers]
    assert {planning.load(Path(handed_out.plan)).id} == {answer["plan"] for answer in answers}


def test_a_plan_for_another_number_of_shards_is_not_used(tmp_path: Path, whole: Selection) -> None:
    answer = selection.answer(replace(whole, plan=planned(tmp_path, ABC[1:], ABC[:1])), ABC)

    assert ABC == answer["select"]


def test_a_shard_goes_on_without_a_plan_that_cannot_be_read(
    tmp_path: Path, whole: Selection, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.json").write_text("[" * 100_000)

    answer = selection.answer(replace(whole, plan=str(tmp_path / "plan.json")), ABC)

    assert (selection.answer(whole, ABC), True) == (answer, "plan.json" in capsys.readouterr().err)


def test_tests_whose_ids_change_go_by_their_planned_names(tmp_path: Path, whole: Selection) -> None:
    plan = planned(tmp_path, ["t.py::a[7f-9]"], ["t.py::b"])
    handed_out = replace(whole, total=2, plan=plan)

    answer = selection.answer(handed_out, ["t.py::a[2c-9]", "t.py::b"])

    assert (["t.py::a[2c-9]"], {"t.py::a[2c-9]": "t.py::a[7f-9]"}) == (answer["select"], answer["names"])
    remaining = selection.answer(replace(handed_out, ids=("t.py::a[7f-9]",)), ["t.py::a[55-9]", "t.py::b"])
    assert ["t.py::a[55-9]"] == remaining["select"]


def test_what_remains_is_chosen_from_what_is_still_collected(whole: Selection) -> None:
    answer = selection.answer(replace(whole, ids=("t.py::test_b", "gone")), ABC)

    assert ["t.py::test_b"] == answer["select"]


def test_a_replay_runs_in_its_own_order_whatever_ids_have_become(tmp_path: Path, whole: Selection) -> None:
    plan = planning.make(["t.py::a[2c11]", "t.py::b", "t.py::c"], Estimates({}), 1)
    planning.save(plan, tmp_path / "plan.json")
    replayed = replace(whole, total=1, plan=str(tmp_path / "plan.json"), ordered=True)

    told = selection.answer(
        replace(replayed, ids=("t.py::c", "t.py::a[2c11]")), ["t.py::a[7f22]", "t.py::b", "t.py::c"]
    )

    assert (["t.py::c", "t.py::a[7f22]"], True) == (told["select"], told["ordered"])


def test_a_part_is_shared_out_as_the_whole_is(tmp_path: Path, whole: Selection) -> None:
    (tmp_path / "part.txt").write_text(f"{ABC[0]}\n{ABC[2]}\n")
    part = replace(whole, total=2, part=str(tmp_path / "part.txt"), strict=True)

    answers = [selection.answer(replace(part, index=index), ABC) for index in (0, 1)]

    assert [ABC[0], ABC[2]] == sorted(answers[0]["select"] + answers[1]["select"])
    assert 2 == answers[0]["shared"]["count"]


def test_an_id_that_tests_share_is_chosen_once(whole: Selection) -> None:
    assert ["a", "b"] == selection.answer(whole, ["a", "b", "a"])["select"]


IDS = st.lists(st.sampled_from([f"t{file}.py::test_{test}" for file in range(3) for test in range(4)]), unique=True)


@given(IDS, st.integers(1, 4), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_every_collected_test_is_chosen_by_exactly_one_shard(
    collected: List[str], total: int, places: List[int]
) -> None:
    shards = [[nodeid for nodeid, place in zip(collected, places) if place == index] for index in range(total)]

    chosen = [selection.share_of(collected, shards, index) for index in range(total)]

    assert sorted(collected) == sorted(chain(*chosen))


def test_what_stays_together_is_in_one_shard_where_no_plan_was_handed_out(whole: Selection) -> None:
    group = Group("g", "", (ABC[0], ABC[2]))
    shards = [selection.answer(replace(whole, total=2, index=index), ABC, [group])["select"] for index in (0, 1)]

    assert [[ABC[0], ABC[2]], [ABC[1]]] == sorted(shards)


def test_what_pipeline_yml_keeps_together_is_in_one_shard(whole: Selection) -> None:
    kept = replace(whole, together=((ABC[1], ABC[2]),))
    shards = [selection.answer(replace(kept, total=2, index=index), ABC)["select"] for index in (0, 1)]

    assert [[ABC[0]], [ABC[1], ABC[2]]] == sorted(shards)


def test_a_test_that_came_after_the_plan_goes_to_those_it_stays_together_with() -> None:
    shards = [["a", "b"], ["c"], ["d"]]

    for index, others in enumerate(shards):
        group = Group("g", "", ("new", others[0]))
        assert [*others, "new"] == selection.share_of(["a", "b", "c", "d", "new"], shards, index, [group])
