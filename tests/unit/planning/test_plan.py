from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import PipelineError, SettingsError
from scripts.planning import plan
from scripts.planning.estimates import NO_SET_UP, Estimates, SetUp, complete, digest, doubt_permille
from scripts.planning.nodeids import classes_of, file_of, function_of
from scripts.planning.plan import Plan, Shard, duration_ms, make, price_permille, split
from scripts.planning.together import Group, Kept

Shards = List[List[str]]

TOLERANCE = 1 + 1 / 50  # what not cutting every file may cost: packing.CUT_EVERYTHING

times = st.one_of(st.integers(0, 5), st.integers(0, 1000), st.sampled_from([300_000, 310_000, 500_000]))
names = st.builds(
    "{}.py::{}{}".format, st.sampled_from("abcd"), st.sampled_from(["", "T::", "T::U::"]), st.integers(0, 9)
)
suites = st.dictionaries(names, times, max_size=25)
functions = st.builds("{}.py::{}".format, st.sampled_from("abcd"), st.integers(0, 29))
totals = st.integers(1, 9)
scopes = st.sampled_from(["a.py", "a.py::T", "a.py::T::U", "b.py", "b.py::T::U"])
set_ups = st.builds(
    SetUp,
    st.integers(0, 100),
    st.dictionaries(scopes, st.integers(0, 2000)),
    st.sampled_from([0, 500]),
    st.dictionaries(names, st.sets(scopes).map(lambda spared: tuple(sorted(spared))), max_size=9),
)


def span(shards: Shards, times: Dict[str, int], set_up: SetUp = NO_SET_UP) -> int:
    return max(duration_ms(shard, times, set_up) for shard in shards)


def files_cut(shards: Shards) -> int:
    return sum(count > 1 for count in Counter(file for shard in shards for file in {*map(file_of, shard)}).values())


def whole_files_longest_first(times: Dict[str, int], total: int, set_up: SetUp) -> Shards:
    shards: Shards = [[] for _ in range(total)]
    files: Dict[str, List[str]] = {}
    for nodeid in times:
        files.setdefault(file_of(nodeid), []).append(nodeid)
    for tests in sorted(files.values(), key=lambda tests: -duration_ms(tests, times, set_up)):
        min(shards, key=lambda shard: duration_ms(shard, times, set_up)).extend(tests)
    return shards


def round_robin(times: Dict[str, int], total: int) -> Shards:
    return [sorted(times)[index::total] for index in range(total)]


def test_longest_first_to_the_emptiest() -> None:
    assert [["a.py::x"], ["b.py::x", "c.py::x"]] == split(
        ["a.py::x", "b.py::x", "c.py::x"], Estimates({"a.py::x": 3, "b.py::x": 2, "c.py::x": 1}), 2
    )


def test_a_file_stays_whole_where_that_costs_nothing() -> None:
    times = {"a.py::x": 1, "a.py::y": 1, "b.py::x": 1, "b.py::y": 1}

    assert [["a.py::x", "a.py::y"], ["b.py::x", "b.py::y"]] == split(times, Estimates(times), 2)


def test_a_file_is_cut_where_that_lowers_the_slowest_shard() -> None:
    times = {"a.py::x": 300, "a.py::y": 300, "a.py::z": 300, "b.py::x": 300}

    shards = split(times, Estimates(times), 2)

    assert [600, 600] == [sum(times[nodeid] for nodeid in shard) for shard in shards]


def test_a_file_is_not_cut_where_its_set_up_costs_more() -> None:
    times = {"a.py::x": 300, "a.py::y": 300, "a.py::z": 300, "b.py::x": 300}

    shards = split(times, Estimates(times), 2, SetUp(file_ms=400))

    assert 0 == files_cut(shards)


def test_a_class_with_a_set_up_stays_whole_in_a_file_that_is_cut() -> None:
    times = {f"a.py::{name}": 100 for name in ("T::1", "T::2", "T::3", "x", "y", "z")}

    shards = split(times, Estimates(times), 2, SetUp(scopes_ms={"a.py::T": 50}))

    assert [["a.py::T::1", "a.py::T::2", "a.py::T::3"], ["a.py::x", "a.py::y", "a.py::z"]] == sorted(shards)


def test_a_class_stays_whole_in_a_file_that_is_cut() -> None:
    times = {"a.py::T::1": 100, "a.py::T::2": 100, "a.py::x": 100, "a.py::y": 100, "a.py::z": 100, "a.py::z2": 100}

    shards = split(times, Estimates(times), 3)

    assert [200, 200, 200] == [sum(times[nodeid] for nodeid in shard) for shard in shards]
    assert ["a.py::T::1", "a.py::T::2"] in shards


def test_a_class_longer_than_a_fair_share_is_divided_and_named() -> None:
    times = {f"a.py::T::{number}": 100 for number in range(4)}

    made = make(times, Estimates(times), 2)

    assert [2, 2] == [len(shard.nodeids) for shard in made.shards]
    assert (Kept("a.py::T", "longer than a fair share", 4, 400),) == made.divided


def test_a_class_with_a_set_up_stays_whole_however_long() -> None:
    times = {f"a.py::T::{number}": 100 for number in range(4)}

    assert [4, 0] == [len(shard) for shard in split(times, Estimates(times), 2, SetUp(scopes_ms={"a.py::T": 50}))]


def test_what_somebody_wants_together_stays_whole_and_is_named_with_its_price() -> None:
    times = {f"{file}.py::{number}": 100 for file in "ab" for number in range(3)}
    flow = Group("flow", "suite.together", ("a.py::0", "a.py::1", "a.py::2", "b.py::0", "gone"))

    made = make(times, Estimates(times), 2, groups=[flow])

    assert [("a.py::0", "a.py::1", "a.py::2", "b.py::0"), ("b.py::1", "b.py::2")] == [
        shard.nodeids for shard in made.shards
    ]
    assert (Kept("flow", "suite.together", 4, 400),) == made.kept
    assert 250 == price_permille(times, Estimates(times), made)


@given(suites, totals, set_ups, st.lists(st.sets(names, max_size=4), max_size=4))
def test_no_plan_divides_what_stays_together(
    times: Dict[str, int], total: int, set_up: SetUp, wanted: List[Set[str]]
) -> None:
    groups = [Group("g", "", tuple(nodeids)) for nodeids in wanted]

    shards = split(times, Estimates(times), total, set_up, groups=groups)

    assert sorted(times) == sorted(nodeid for shard in shards for nodeid in shard)
    for nodeids in wanted:
        assert 1 >= sum(not nodeids.isdisjoint(shard) for shard in shards)


def test_more_shards_than_tests_leave_shards_empty() -> None:
    assert [["a.py::x"], [], []] == split(["a.py::x"], Estimates(), 3)


def test_no_tests_are_empty_shards() -> None:
    assert [[], []] == split([], Estimates(), 2)


def test_tests_that_take_no_time_are_shared_out_all_the_same() -> None:
    tests = [f"{file}.py::x" for file in "abcdef"]

    assert [3, 3] == [len(shard) for shard in split(tests, Estimates(dict.fromkeys(tests, 0)), 2)]


def test_equal_node_ids_stay_together_and_are_counted() -> None:
    shards = split(["a.py::x", "b.py::x", "a.py::x"], Estimates({"a.py::x": 1, "b.py::x": 2}), 2)

    assert [["a.py::x", "a.py::x"], ["b.py::x"]] == sorted(shards)


def test_with_doubt_the_tests_of_heavy_files_are_spread() -> None:
    times = {f"{file}.py::{number}": 10 for file in "abcd" for number in range(8)}

    sure, unsure = (split(times, Estimates(times, stray_permille=stray), 4) for stray in (0, 500))

    assert (0, 2) == (files_cut(sure), files_cut(unsure))


@pytest.mark.parametrize("total", [0, -1, 1001, 1_000_000_000])
def test_a_senseless_number_of_shards_is_refused(total: int) -> None:
    with pytest.raises(SettingsError, match=f"1 to 1000 shards, got {total}"):
        split(["a.py::x"], Estimates(), total)


@given(suites, st.sets(names), totals, set_ups)
def test_every_test_is_in_one_shard(known: Dict[str, int], more: List[str], total: int, set_up: SetUp) -> None:
    tests = sorted({*known, *more})

    shards = split(tests, Estimates(known), total, set_up)

    assert total == len(shards)
    assert tests == sorted(nodeid for shard in shards for nodeid in shard)


@given(suites, st.sets(names), totals, set_ups, st.randoms(use_true_random=False))
def test_order_does_not_matter(
    known: Dict[str, int], more: List[str], total: int, set_up: SetUp, shuffle: random.Random
) -> None:
    tests = sorted({*known, *more})
    shuffled = shuffle.sample(tests, len(tests))
    mixed = {nodeid: known[nodeid] for nodeid in shuffle.sample(sorted(known), len(known))}

    assert make(tests, Estimates(known), total, set_up) == make(shuffled, Estimates(mixed), total, set_up)


@settings(max_examples=300)
@given(suites, totals, set_ups)
def test_never_slower_than_simple_plans(times: Dict[str, int], total: int, set_up: SetUp) -> None:
    times = {nodeid: max(1, cost) for nodeid, cost in times.items()}

    ours = span(split(times, Estimates(times), total, set_up), times, set_up)

    assert ours <= TOLERANCE * span(whole_files_longest_first(times, total, set_up), times, set_up)


@given(st.dictionaries(functions, times, max_size=25), totals, set_ups)
def test_never_slower_than_test_by_test_where_nothing_stays_together(
    times: Dict[str, int], total: int, set_up: SetUp
) -> None:
    times = {nodeid: max(1, cost) for nodeid, cost in times.items()}

    ours = span(split(times, Estimates(times), total, set_up), times, set_up)

    assert ours <= TOLERANCE * span(round_robin(times, total), times, set_up)


@given(st.dictionaries(functions, st.integers(1, 9), min_size=1), totals)
def test_small_tests_are_shared_evenly(times: Dict[str, int], total: int) -> None:
    ours = span(split(times, Estimates(times), total), times)

    assert ours <= sum(times.values()) / total + max(times.values())


def test_few_files_are_cut_in_a_suite_of_many() -> None:
    rng = random.Random(0)
    times = {f"{number // 20}.py::{number}": int(rng.lognormvariate(6, 1.5)) + 1 for number in range(1000)}

    shards = split(times, Estimates(times), 8)

    assert span(shards, times) <= 1.002 * sum(times.values()) / 8
    assert files_cut(shards) <= 7


def test_equal_inputs_have_one_plan_id() -> None:
    plans = [make(tests, Estimates({"a.py::x": 1}), 2) for tests in (["a.py::x", "b.py::x"], ["b.py::x", "a.py::x"])]

    assert plans[0] == plans[1]


def test_other_shards_are_another_plan() -> None:
    plans = [
        make(["a.py::x"], Estimates({"a.py::x": 1}), 2),
        make(["a.py::x", "a.py::x"], Estimates({"a.py::x": 1}), 2),
        make(["a.py::y"], Estimates({"a.py::x": 1}), 2),
        make(["a.py::x"], Estimates({"a.py::x": 1}), 3),
    ]

    assert len(plans) == len({plan.id for plan in plans})


def test_equal_shards_are_one_plan_whatever_the_timings_were() -> None:
    plans = [
        make(["a.py::x"], Estimates({"a.py::x": 1}), 2),
        make(["a.py::x"], Estimates({"a.py::x": 2}), 2),
        make(["a.py::x"], Estimates({"a.py::x": 1}), 2, SetUp(session_ms=1)),
    ]

    assert (1, 2) == (len({plan.id for plan in plans}), len({plan.timings for plan in plans}))


def test_a_plan_is_the_same_bytes_on_every_python() -> None:
    """Change this only together with plan.ALGORITHM."""
    tests = [f"{number % 7}.py::x[{number}]" for number in range(40)]
    known = {nodeid: 37 * place * place % 1009 for place, nodeid in enumerate(tests[:-3])}

    text = plan.dump(make(tests, Estimates(known), 3, SetUp(file_ms=20)))

    assert PINNED == (json.loads(text)["id"], digest(text))


def test_estimates_hold_each_set_up_once() -> None:
    set_up = SetUp(session_ms=1000, scopes_ms={"a.py": 100, "a.py::T": 10})

    shard = make(["a.py::T::x", "a.py::T::y"], Estimates({"a.py::T::x": 1, "a.py::T::y": 2}), 1, set_up).shards[0]

    assert 1113 == shard.estimate_ms


def test_an_empty_shard_takes_no_time() -> None:
    assert 0 == make([], Estimates(), 1, SetUp(session_ms=1000)).shards[0].estimate_ms


def test_a_plan_names_the_tests_without_timing() -> None:
    assert ("b.py::x",) == make(["a.py::x", "b.py::x"], Estimates({"a.py::x": 1}), 1).unknown


@given(suites, totals, set_ups)
def test_a_plan_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, times: Dict[str, int], total: int, set_up: SetUp
) -> None:
    file = tmp_path_factory.mktemp("plan") / "plan.json"
    written = make(times, Estimates(times), total, set_up)

    plan.save(written, file)

    assert written == plan.load(file)


def test_awkward_node_ids_survive_the_file(tmp_path: Path) -> None:
    awkward = ["a.py::x[你好 \u2028\n\"'::[]]", "a.py::x[\ud800]", "😀", "--option", "@file"]

    plan.save(make(awkward, Estimates(), 1), tmp_path / "new" / "plan.json")

    assert tuple(sorted(awkward)) == plan.load(tmp_path / "new" / "plan.json").shards[0].nodeids


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read"),
        ("[]", "expected schema 1, got None"),
        ('{"schema": 2}', "expected schema 1, got 2"),
        ('{"schema": 1}', "no plan: shards is missing"),
        ('{"schema": 1, "shards": 3}', "no plan: shards"),
        ('{"schema": 1, "shards": []}', "no plan: shards: expected a list of 1 to 1000"),
        ('{"schema": 1, "shards": [3]}', "no plan: shards: expected objects"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "plan.json").write_text(text)

    with pytest.raises(PipelineError, match=message):
        plan.load(tmp_path / "plan.json")


PLAN = json.loads(plan.dump(make(["a.py::x", "a.py::y", "b.py::x"], Estimates({"a.py::x": 1}), 2)))


def places(value: Any, path: Tuple[Any, ...] = ()) -> Iterator[Tuple[Any, ...]]:
    """Where a value stands in a JSON document: every one of them."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


FOREIGN = [
    None,
    True,
    -1,
    1.5,
    float("inf"),
    float("nan"),
    10**400,
    "",
    "x",
    [],
    ["x"],
    [[]],
    {},
    {"x": "x"},
    [None] * 1001,
]


@pytest.mark.parametrize("path", [path for path in places(PLAN) if path], ids=str)
def test_a_plan_with_anything_else_in_one_place_is_refused_in_a_line_or_says_the_same(
    tmp_path: Path, path: Tuple[Any, ...]
) -> None:
    for value in FOREIGN:
        changed = json.loads(json.dumps(PLAN))
        inside = changed
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value
        (tmp_path / "plan.json").write_text(json.dumps(changed))

        shards, complaint = None, ""
        try:
            shards = [list(shard.nodeids) for shard in plan.load(tmp_path / "plan.json").shards]
        except PipelineError as error:
            complaint = error.message

        assert shards in (None, [shard["nodeids"] for shard in PLAN["shards"]])
        assert (shards is None, 1) == (str(tmp_path / "plan.json") in complaint, len(f"{complaint}.".splitlines()))


def test_a_test_in_two_shards_is_no_plan(tmp_path: Path) -> None:
    doubled = (Shard(("a.py::x", "a.py::x"), 1), Shard(("a.py::x",), 1))
    plan.save(Plan(plan.identity(doubled, 2), doubled, "", SetUp(), (), 2), tmp_path / "plan.json")

    with pytest.raises(PipelineError, match=r"'a\.py::x' is in shard 0 and in shard 1"):
        plan.load(tmp_path / "plan.json")


def test_a_plan_that_was_edited_is_refused_with_the_way_out(tmp_path: Path) -> None:
    text = plan.dump(make(["a.py::x", "b.py::x"], Estimates(), 2)).replace("b.py::x", "b.py::y")
    (tmp_path / "plan.json").write_text(text)

    with pytest.raises(PipelineError, match="its id does not fit its shards") as caught:
        plan.load(tmp_path / "plan.json")

    assert "nox -s plan" in caught.value.hint


def test_where_nothing_was_timed_a_shard_has_no_estimate() -> None:
    assert [0, 0] == [shard.estimate_ms for shard in make(["a.py::x", "b.py::x"], Estimates(), 2).shards]


def test_only_tests_that_need_a_set_up_are_charged_for_it() -> None:
    set_up = SetUp(scopes_ms={"a.py": 100, "a.py::T": 10}, spared={"a.py::x": ("a.py",), "a.py::T::y": ("a.py::T",)})
    times = {"a.py::x": 1, "a.py::T::y": 1, "a.py::T::z": 1}

    durations = [duration_ms(tests, times, set_up) for tests in (["a.py::x"], ["a.py::T::y"], ["a.py::T::z"], [*times])]

    assert [1, 101, 111, 113] == durations


def test_tests_that_do_not_need_a_set_up_leave_those_that_do() -> None:
    times = {f"a.py::{name}": 100 for name in ("x", "y", "z", "free1", "free2", "free3")}
    spared = {nodeid: ("a.py",) for nodeid in times if "free" in nodeid}

    shards = split(times, Estimates(times), 2, SetUp(scopes_ms={"a.py": 90}, spared=spared))

    assert [["a.py::free1", "a.py::free2", "a.py::free3"], ["a.py::x", "a.py::y", "a.py::z"]] == sorted(shards)


def test_a_suite_of_two_files_may_spread_all() -> None:
    times = {f"{file}.py::{number:02}": 10 for file in "ab" for number in range(16)}

    assert 2 == files_cut(split(times, Estimates(times, stray_permille=150), 4))
    assert 2 == files_cut(split(times, Estimates(times, stray_permille=150), 2))


def test_whole_files_win_where_they_do_as_well() -> None:
    times = {f"{file}.py::{number}": cost for file, cost in enumerate([70, 60, 50, 50, 40, 30]) for number in (1, 2)}

    shards = split(times, Estimates(times), 3)

    assert (0, 200) == (files_cut(shards), span(shards, times))


def test_a_plan_holds_what_people_compare() -> None:
    written = json.loads(plan.dump(Plan("id", (Shard(("a.py::x",), 5),), "digest", SetUp(1), ())))

    assert {
        "algorithm": plan.ALGORITHM,
        "arguments": [],
        "divided": [],
        "id": "id",
        "kept": [],
        "schema": 1,
        "set_up": {"file_ms": 0, "scopes_ms": {}, "session_ms": 1, "spared": {}},
        "shards": [{"estimate_ms": 5, "nodeids": ["a.py::x"]}],
        "timings": "digest",
        "unknown": [],
    } == written


def test_unknown_tests_take_what_siblings_take_then_the_file_then_the_suite() -> None:
    known = {"a.py::x[1]": 10, "a.py::x[2]": 30, "a.py::y": 50, "b.py::z": 110}

    expected = {"a.py::x[3]": 20, "a.py::new": 30, "c.py::new": 50}

    assert expected == complete(list(expected), known)


def test_where_nothing_is_known_all_tests_are_equal() -> None:
    assert {"a.py::x": 1000, "b.py::y": 1000} == complete(["a.py::x", "b.py::y"], {})


def test_doubt_grows_with_what_is_new_or_gone() -> None:
    estimates = Estimates({str(number): 1 for number in range(100)})
    same = [str(number) for number in range(100)]

    doubts = [doubt_permille(tests, estimates) for tests in (same, [*same[1:], "new"], same[50:], ["new"])]

    assert [0, 281, 1000, 1000] == doubts


def test_doubt_is_at_least_what_was_measured() -> None:
    assert 70 == doubt_permille(["a"], Estimates({"a": 1}, stray_permille=70))


def test_without_timings_there_is_nothing_to_doubt() -> None:
    assert 0 == doubt_permille(["a"], Estimates())


def test_parameters_that_look_like_node_ids_are_parameters() -> None:
    nodeid = "dir[1]/a.py::T::U::x[b.py::y[1]]"

    assert "dir[1]/a.py" == file_of(nodeid)
    assert "dir[1]/a.py::T::U::x" == function_of(nodeid)
    assert ("dir[1]/a.py::T", "dir[1]/a.py::T::U") == classes_of(nodeid)


def test_an_item_that_is_no_function_is_its_own_file() -> None:
    assert ("page.html", "page.html", ()) == (file_of("page.html"), function_of("page.html"), classes_of("page.html"))


PINNED = (
    "5dc5b20a1919d5b4f182ba393e28bbda39d5a80591bd5addc408d0c1aa687dd3",
    "1ba2dcb1989097ba25f28b23325b61aa1012536e897a19fbc503292a528ec10e",
)
