"""Shards are cut into pieces: nothing is lost or torn, the longest tests come first, and what is urgent before."""

from __future__ import annotations

import json
from itertools import groupby
from types import MappingProxyType
from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import PipelineError
from scripts.planning import plan
from scripts.planning.estimates import NO_SET_UP, Estimates, SetUp
from scripts.planning.nodeids import file_of
from scripts.planning.params import Params
from scripts.planning.pieces import Piece
from scripts.planning.plan import Plan, make
from scripts.planning.together import Group

names = st.builds(
    "{}.py::{}{}".format, st.sampled_from("abc"), st.sampled_from(["", "T::", "T::U::"]), st.integers(0, 5)
)
suites = st.dictionaries(names, st.sampled_from([0, 1, 5, 60, 500]), max_size=20)
totals = st.integers(1, 4)
scopes = st.sampled_from(["a.py", "a.py::T", "a.py::T::U", "b.py"])
set_ups = st.builds(
    SetUp,
    st.just(0),
    st.dictionaries(scopes, st.integers(0, 20_000)),
    st.sampled_from([0, 5000]),
    st.dictionaries(names, st.sets(scopes).map(lambda spared: tuple(sorted(spared))), max_size=4),
)
some = settings(deadline=None, max_examples=40)

SECOND = 1000


def pieces_of(
    times: Dict[str, int],
    set_up: SetUp = NO_SET_UP,
    urgent: Sequence[str] = (),
    groups: Sequence[Group] = (),
    params: Mapping[str, Params] = MappingProxyType({}),
) -> List[Tuple[str, ...]]:
    """The ids of each piece where one shard has all, in s."""
    known = Estimates({nodeid: SECOND * seconds for nodeid, seconds in times.items()})
    return [piece.nodeids for piece in make(times, known, 1, set_up, groups, False, urgent, params).shards[0].pieces]


def seconds(pieces: Sequence[Piece]) -> List[Tuple[int, int]]:
    return [(piece.estimate_ms // SECOND, piece.alone_ms // SECOND) for piece in pieces]


def test_the_file_with_the_longest_test_comes_first_and_in_it_the_longest() -> None:
    assert [("b.py::1",), ("a.py::2",), ("a.py::1",)] == pieces_of({"a.py::1": 4, "a.py::2": 5, "b.py::1": 6})


def test_small_files_share_a_piece() -> None:
    assert [("a.py::1",), ("b.py::1", "c.py::1")] == pieces_of({"a.py::1": 2, "b.py::1": 0, "c.py::1": 0})


def test_pieces_get_smaller_and_parts_of_a_file_stand_side_by_side() -> None:
    times = {**{f"long.py::{number:02}": 10 for number in range(30)}, "short.py::1": 2}

    cut = pieces_of(times)

    assert ("short.py::1",) == cut[-1]
    assert [6, 4, 4, 3, 2] == [len(ids) for ids in cut[:5]]
    assert 30 == sum(len(ids) for ids in cut[:-1])


def test_a_set_up_counts_once_in_place_and_in_each_piece_alone() -> None:
    times = {f"a.py::{number}": 10 * SECOND for number in range(6)}

    made = make(times, Estimates(times), 1, SetUp(file_ms=5 * SECOND))

    assert [(15, 15), *[(10, 15)] * 5] == seconds(made.shards[0].pieces)


def test_tests_of_one_value_of_a_shared_fixture_come_side_by_side() -> None:
    ids = [f"{file}.py::{number}[{model}]" for file in "ab" for number in range(4) for model in ("base", "large")]
    wide = {nodeid: Params(wide=(nodeid.split("[")[1],)) for nodeid in ids}
    narrow = {nodeid: Params(narrow=params.wide) for nodeid, params in wide.items()}
    times = {nodeid: 2 + place % 3 for place, nodeid in enumerate(ids)}

    def runs(params: Mapping[str, Params]) -> int:
        pieces = pieces_of(times, params=params)
        in_order = [nodeid for piece in pieces for nodeid in sorted(piece, key=lambda nodeid: params[nodeid])]
        assert len(pieces) > 3
        return len(list(groupby(in_order, key=lambda nodeid: (params is wide or file_of(nodeid), params[nodeid]))))

    assert (2, 4) == (runs(wide), runs(narrow))


def test_what_is_urgent_comes_first() -> None:
    times = {"a.py::1": 9, "b.py::1": 5, "b.py::2": 5, "c.py::1": 2}

    assert [("b.py::2",), ("c.py::1",), ("a.py::1",), ("b.py::1",)] == pieces_of(times, urgent=["c.py::1", "b.py::2"])


def test_what_is_urgent_brings_the_rest_of_a_file_with_a_set_up() -> None:
    times = {"a.py::1": 9, "b.py::1": 5, "b.py::2": 5, "c.py::1": 2}

    cut = pieces_of(times, SetUp(scopes_ms={"b.py": SECOND}), ["b.py::2"])

    assert [("b.py::2",), ("b.py::1",), ("a.py::1",), ("c.py::1",)] == cut


def test_what_stays_together_comes_first_whole() -> None:
    times = {"a.py::1": 9, "b.py::1": 5, "b.py::2": 5, "c.py::1": 2}
    flow = Group("flow", "suite.together", ("a.py::1", "c.py::1"))

    assert ("a.py::1", "c.py::1") == pieces_of(times, urgent=["c.py::1"], groups=[flow])[0]


def test_a_test_that_was_never_timed_is_urgent_unless_none_was() -> None:
    times = {"a.py::1": 9 * SECOND, "b.py::1": 5 * SECOND}

    assert "b.py::new" in make([*times, "b.py::new"], Estimates(times), 1).shards[0].pieces[0].nodeids
    assert ("a.py::1",) == make(times, Estimates(), 1).shards[0].pieces[0].nodeids


@some
@given(suites, totals, set_ups, st.lists(st.sets(names, max_size=4), max_size=4), st.sets(names, max_size=5))
def test_pieces_have_each_test_of_their_shard_once_and_tear_nothing(
    times: Dict[str, int], total: int, set_up: SetUp, wanted: List[Set[str]], urgent: Set[str]
) -> None:
    groups = [Group("g", "", tuple(nodeids)) for nodeids in wanted]
    known = Estimates({nodeid: SECOND * time for nodeid, time in times.items()})

    made = make(times, known, total, set_up, groups, urgent=urgent)

    for index, shard in enumerate(made.shards):
        assert list(shard.nodeids) == sorted(nodeid for piece in shard.pieces for nodeid in piece.nodeids)
        assert all(piece.nodeids and piece.shard == index for piece in shard.pieces)
        assert all(0 < piece.estimate_ms <= piece.alone_ms for piece in shard.pieces)
    pieces = [piece for shard in made.shards for piece in shard.pieces]
    assert len(pieces) == len({piece.name for piece in pieces})
    for nodeids in wanted:
        assert 1 >= sum(not nodeids.isdisjoint(piece.nodeids) for piece in pieces)
    assert made == make(reversed(list(times)), known, total, set_up, groups, urgent=urgent)


@some
@given(suites, totals, st.integers(0, 3 * SECOND))
def test_pieces_in_their_places_take_what_their_shard_takes(times: Dict[str, int], total: int, file_ms: int) -> None:
    known = Estimates({nodeid: 1 + SECOND * time for nodeid, time in times.items()})

    for shard in make(times, known, total, SetUp(file_ms=file_ms)).shards if times else ():
        assert shard.estimate_ms == sum(piece.estimate_ms for piece in shard.pieces)


@some
@given(st.dictionaries(st.builds("{}.py::{}".format, st.sampled_from("abcd"), st.integers(0, 9)), st.integers(1, 60)))
def test_a_piece_has_whole_files_with_set_ups_or_a_part_of_one(times: Dict[str, int]) -> None:
    files: Dict[str, Set[str]] = {}
    for nodeid in times:
        files.setdefault(file_of(nodeid), set()).add(nodeid)

    for ids in pieces_of(times, SetUp(file_ms=SECOND)):
        whole = [file for file in {*map(file_of, ids)} if files[file] <= set(ids)]
        assert 1 == len({*map(file_of, ids)}) or len(whole) == len({*map(file_of, ids)})


@some
@given(suites, totals)
def test_urgent_or_not_the_shards_are_the_same(times: Dict[str, int], total: int) -> None:
    assert make(times, Estimates(times), total).id == make(times, Estimates(times), total, urgent=list(times)[:3]).id


def test_many_tests_of_nothing_make_few_pieces_and_one_long_test_makes_one() -> None:
    many = {f"a.py::{number}": 5 for number in range(2000)}

    made = make(many, Estimates(many), 4)

    assert [2, 2, 2, 2] == [len(shard.pieces) for shard in made.shards]
    assert [("a.py::1",)] == pieces_of({"a.py::1": 1000})


KNOWN = {f"{file}.py::{number}": 500 for file in "abcd" for number in (1, 2)}
PLAN: Dict[str, Any] = json.loads(plan.dump(make(KNOWN, Estimates(KNOWN), 2)))


def read(**changes: Any) -> Plan:
    """The plan, where the first piece of its first shard is another one."""
    data = json.loads(json.dumps(PLAN))
    data["shards"][0]["pieces"][0].update(changes)
    return plan.parse(data, "plan.json")


def test_pieces_are_written_by_places() -> None:
    assert ["0-1", "2-3"] == [piece["places"] for piece in PLAN["shards"][0]["pieces"]]
    assert PLAN == json.loads(plan.dump(read()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"places": "0-2"}, "expected one with tests and the name 0-00-"),
        ({"places": ""}, "expected one with tests and the name 0-00-"),
        ({"places": "0-9"}, "places: expected some like 0-19 23, all below 4, got '0-9'"),
        ({"places": "1-0"}, "places: expected some like"),
        ({"places": "-1"}, "places|invalid literal"),
        ({"places": [0, 1]}, "places: expected a text"),
        ({"name": "0-00-00000000"}, "got '0-00-00000000'"),
        ({"estimate_ms": -1}, "estimate_ms: expected a whole number"),
    ],
)
def test_a_plan_with_a_damaged_piece_is_refused(changes: Dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        read(**changes)


def test_pieces_that_leave_a_test_out_are_refused() -> None:
    data = json.loads(json.dumps(PLAN))
    data["shards"][0]["pieces"].pop()

    with pytest.raises(PipelineError, match="those of shard 0 do not have each of its tests once"):
        plan.parse(data, "plan.json")


def test_a_plan_of_an_older_version_has_no_pieces_and_half_of_them_are_none() -> None:
    data = json.loads(json.dumps(PLAN))
    del data["shards"][0]["pieces"]

    with pytest.raises(PipelineError, match="expected those of all shards, or none"):
        plan.parse(data, "plan.json")
    del data["shards"][1]["pieces"]
    assert [(), ()] == [shard.pieces for shard in plan.parse(data, "plan.json").shards]
