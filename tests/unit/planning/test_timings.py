from __future__ import annotations

import json
from pathlib import Path
from typing import List, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import PipelineError
from scripts.planning import timings
from scripts.planning.estimates import Estimates, SetUp
from scripts.planning.forecast import UNMEASURED_PERMILLE, Jump, estimates, jumped, run_speeds, set_up, weighted_median
from scripts.planning.timings import (
    KEPT,
    FixtureCost,
    Sample,
    Source,
    Timings,
    from_pytest_split,
    learned,
    merge,
    paid,
    slowest,
    stale,
    to_pytest_split,
    unknown,
)

sources = st.builds(
    Source,
    st.integers(0, 9),
    st.sampled_from("rst"),
    st.integers(0, 2),
    st.sampled_from(["", "large"]),
    st.just("3.11"),
)
samples = st.dictionaries(sources, st.integers(0, 9), max_size=4)
named = st.dictionaries(st.sampled_from(["a.py::x", "a.py::y", "b.py::x"]), samples, max_size=3)
# Merging with nothing brings what hypothesis made into the form that merging leaves.
histories = st.builds(Timings, named, named, samples, named).map(merge)


def history(*runs: List[int], nodeids: str = "xyz", machine: str = "") -> Timings:
    """Runs, the oldest first, each with the times of tests x, y, z."""
    return merge(
        *(
            learned(
                Source(at, f"run {at}", 0, machine),
                [Sample(f"a.py::{name}", cost) for name, cost in zip(nodeids, run)],
            )
            for at, run in enumerate(runs)
        )
    )


@given(histories, histories, histories)
def test_the_order_of_merging_does_not_matter(one: Timings, two: Timings, three: Timings) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three)) == merge(three, two, one)


@given(histories)
def test_merging_twice_is_merging_once(one: Timings) -> None:
    assert one == merge(one, one) == merge(one, Timings())


@given(histories, histories)
def test_merged_histories_are_equal_bytes(one: Timings, two: Timings) -> None:
    assert timings.dump(merge(one, two)) == timings.dump(merge(two, one))


@given(histories)
def test_a_history_survives_its_file(tmp_path_factory: pytest.TempPathFactory, one: Timings) -> None:
    file = tmp_path_factory.mktemp("state") / "timings.json"

    timings.save(one, file)

    assert one == timings.load(file)


def test_the_last_samples_are_kept() -> None:
    merged = history(*([cost] for cost in range(KEPT + 2)))

    assert [6, 5, 4, 3, 2] == list(merged.tests["a.py::x"].values())


def test_what_did_not_run_keeps_its_history() -> None:
    whole = history([10, 20])
    part = learned(Source(9, "run 9", 0), [Sample("a.py::x", 11)])

    assert whole.tests["a.py::y"] == merge(whole, part).tests["a.py::y"]


def test_of_equal_node_ids_the_mean_counts() -> None:
    source = Source(0, "run", 0)

    taught = learned(source, [Sample("a.py::x", 10), Sample("a.py::x", 20)])

    assert {"a.py::x": {source: 15}} == taught.tests


def test_shards_of_one_run_do_not_replace_each_other() -> None:
    shards = [learned(Source(0, "run", shard), [Sample("a.py::x", shard)]) for shard in (0, 1)]

    assert [1, 0] == list(merge(*shards).tests["a.py::x"].values())


def test_set_ups_are_learned() -> None:
    paid = SetUp(session_ms=900, scopes_ms={"a.py": 30, "a.py::T": 5})

    assert paid == set_up(learned(Source(0, "run", 0), [Sample("a.py::x", 1)], paid))


def test_where_set_ups_were_not_measured_nothing_is_learned_of_them() -> None:
    assert {} == learned(Source(0, "foreign", 0), [Sample("a.py::x", 1)]).session


DEAR, CHEAP = FixtureCost("a.py", 1000, {"a.py::x"}), FixtureCost("a.py", 1, {"a.py::x", "a.py::y", "a.py::T::z"})
OF_CLASS = FixtureCost("a.py::T", 500, {"a.py::T::z"})
TESTS = ["a.py::x", "a.py::y", "a.py::T::z", "a.py::T::free"]


def test_only_who_asks_for_what_is_dear_needs_a_set_up() -> None:
    expected = {"a.py::y": ("a.py",), "a.py::T::z": ("a.py",), "a.py::T::free": ("a.py", "a.py::T")}

    found = paid(7, [DEAR, CHEAP, OF_CLASS], TESTS)

    assert SetUp(7, {"a.py": 1001, "a.py::T": 500}, spared=expected) == found


def test_all_need_a_set_up_that_somebody_asked_for_while_it_ran() -> None:
    assert {} == paid(0, [FixtureCost("a.py", 1000, ())], ["a.py::x", "a.py::y"]).spared


def test_who_needs_a_set_up_survives_the_history_and_its_file(tmp_path: Path) -> None:
    set_up_paid = paid(7, [DEAR, CHEAP, OF_CLASS], TESTS)
    timings.save(learned(Source(0, "run", 0), [Sample(nodeid, 1) for nodeid in TESTS], set_up_paid), tmp_path / "t")

    assert set_up_paid == set_up(timings.load(tmp_path / "t"))


def whole(at_s: int, needed_by: List[str], shard: int = 0, tests: Sequence[str] = ("a.py::x", "a.py::y")) -> Timings:
    """A shard that paid the set-up of a.py for some of its tests."""
    fixtures = [FixtureCost("a.py", 1000, needed_by)] if needed_by else []
    return learned(Source(at_s, f"run {at_s}", shard), [Sample(name, 1) for name in tests], paid(0, fixtures, tests))


def test_a_test_that_begins_to_need_a_set_up_is_charged() -> None:
    assert {} == set_up(merge(whole(0, ["a.py::x"]), whole(1, ["a.py::x", "a.py::y"]))).spared


def test_a_test_that_needs_a_set_up_no_more_is_spared() -> None:
    assert {"a.py::y": ("a.py",)} == set_up(merge(whole(0, ["a.py::x", "a.py::y"]), whole(1, ["a.py::x"]))).spared


def test_a_test_stays_spared_where_it_runs_without_those_that_need_the_set_up() -> None:
    apart = merge(whole(1, ["a.py::x"], 0, ["a.py::x"]), whole(1, [], 1, ["a.py::y"]))

    assert {"a.py::y": ("a.py",)} == set_up(merge(whole(0, ["a.py::x"]), apart)).spared


def test_a_test_stays_spared_where_somebody_else_timed_it() -> None:
    foreign = learned(Source(1, "foreign", 0), [Sample("a.py::y", 1)])

    assert {"a.py::y": ("a.py",)} == set_up(merge(whole(0, ["a.py::x"]), foreign)).spared


def test_a_history_from_before_tests_were_spared_is_read(tmp_path: Path) -> None:
    data = json.loads(timings.dump(history([1])))
    del data["spared"]
    (tmp_path / "timings.json").write_text(json.dumps(data))

    assert history([1]) == timings.load(tmp_path / "timings.json")


def test_without_samples_nothing_is_estimated() -> None:
    assert (Estimates(), SetUp()) == (estimates(Timings()), set_up(Timings()))


def test_one_sample_is_the_estimate() -> None:
    assert {"a.py::x": 7} == estimates(history([7])).tests_ms


def test_an_estimate_follows_what_changed_for_good() -> None:
    assert 2000 == estimates(history([100, 9000], [2000, 9000], [2000, 9000])).tests_ms["a.py::x"]


def test_one_contended_test_does_not_spoil_its_estimate() -> None:
    assert 13_000 == estimates(history([13_000, 9000], [13_000, 9000], [627_000, 9000])).tests_ms["a.py::x"]


def test_of_two_samples_an_outlier_is_cut() -> None:
    assert 3 * 13_000 + 500 == estimates(history([13_000, 90_000], [627_000, 90_000])).tests_ms["a.py::x"]


def test_a_slow_run_is_told_from_slow_tests() -> None:
    contended = history([100, 200, 300], [100, 200, 300], [300, 600, 900])

    assert [1000, 1000, 3000] == [speed for _, speed in sorted(run_speeds(contended).items())]
    assert {"a.py::x": 100, "a.py::y": 200, "a.py::z": 300} == estimates(contended).tests_ms


def test_estimates_are_for_the_machine_asked_for() -> None:
    fast, slow = (Source(at, "run", at, name) for at, name in enumerate(["fast", "slow"]))
    both = Timings({"a.py::x": {fast: 100, slow: 200}, "a.py::y": {fast: 1000, slow: 2000}}, {"a.py": {slow: 60}})

    assert [100, 200, 100] == [estimates(both, name).tests_ms["a.py::x"] for name in ("fast", "slow", "new")]
    assert [30, 60] == [set_up(both, name).scopes_ms["a.py"] for name in ("fast", "slow")]


def test_runs_that_agree_leave_no_doubt() -> None:
    assert 0 == estimates(history([100, 200], [100, 200])).stray_permille


def test_where_one_run_is_known_there_is_doubt() -> None:
    assert UNMEASURED_PERMILLE == estimates(history([100, 200])).stray_permille


def test_doubt_is_how_far_files_strayed() -> None:
    source = [Source(at, f"run {at}", 0) for at in (0, 1)]
    strayed = Timings(
        {f"{file}.py::x": {source[0]: 1000, source[1]: now} for file, now in (("a", 1000), ("b", 1300), ("c", 700))}
    )

    assert 300 == estimates(strayed).stray_permille


def test_a_jump_is_reported_with_what_is_believed() -> None:
    jumps = jumped(history([5000, 9000, 9000], [5000, 9000, 9000], [11_000, 9000, 9000]))

    assert [Jump("a.py::x", 5000, 11_000, 5000)] == jumps


def test_small_and_common_changes_are_no_jumps() -> None:
    assert [] == jumped(history([1, 5000, 9000], [900, 6000, 9000]))
    assert [] == jumped(history([2000, 5000, 9000], [2000, 5000, 9000], [8000, 20_000, 36_000]))
    assert [] == jumped(history([5000]))


def test_reports_name_the_slowest_the_unknown_and_the_stale() -> None:
    known = history([10, 30, 30])

    assert [("a.py::y", 30), ("a.py::z", 30)] == slowest(estimates(known), 2)
    assert ["b.py::new"] == unknown(known, ["a.py::x", "b.py::new"])
    assert ["a.py::y", "a.py::z"] == stale(known, ["a.py::x", "b.py::new"])


def test_the_weighted_median_has_half_the_weight_at_or_below() -> None:
    assert [1, 2, 3] == [weighted_median(pairs) for pairs in ([(1, 2), (2, 2)], [(1, 1), (2, 2)], [(3, 9), (1, 2)])]


def test_durations_of_pytest_split_are_learned_and_written() -> None:
    text = json.dumps({"a.py::x": 0.5, "b.py::y": 2}, indent=4)

    known = estimates(from_pytest_split(Source(0, "pytest-split", 0), text.encode()))

    assert {"a.py::x": 500, "b.py::y": 2000} == known.tests_ms
    assert '{\n    "a.py::x": 0.5,\n    "b.py::y": 2.0\n}' == to_pytest_split(known)


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', '{"a": null}', '{"a": NaN}', '{"a": Infinity}'])
def test_other_text_is_not_taken_for_durations(text: str) -> None:
    with pytest.raises(PipelineError, match="--store-durations"):
        from_pytest_split(Source(0, "pytest-split", 0), text.encode())


def test_an_empty_file_is_as_none(tmp_path: Path) -> None:  # CI's caches hold it where nothing is known yet
    (tmp_path / "timings.json").touch()

    assert timings.Timings() == timings.load(tmp_path / "timings.json")


def test_where_there_is_no_file_nothing_is_known(tmp_path: Path) -> None:
    assert Timings() == timings.load(tmp_path / "timings.json")


def test_saving_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    for run in ([1], [2]):
        timings.save(history(run), tmp_path / "new" / "timings.json")

    assert ["timings.json"] == [file.name for file in (tmp_path / "new").iterdir()]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(PipelineError, match=r"cannot write .*timings\.json"):
        timings.save(Timings(), tmp_path / "file" / "timings.json")


def test_awkward_node_ids_survive_the_file(tmp_path: Path) -> None:
    awkward = ["a.py::x[你好 \u2028\n\"'::[]]", "a.py::x[\ud800]", "😀", ""]
    known = learned(Source(0, "run", 0), [Sample(nodeid, 1) for nodeid in awkward])

    timings.save(known, tmp_path / "timings.json")

    assert known == timings.load(tmp_path / "timings.json")


def test_one_test_is_one_line() -> None:
    assert '"a.py::x": [[1, 4], [0, 3]],\n"a.py::y": [[1, 6], [0, 5]]\n' in timings.dump(history([3, 5], [4, 6]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read"),
        ("[1]", "expected schema 1, got None"),
        ('{"schema": 1}', "no history of timings"),
        ('{"schema": 1, "sources": [], "tests": {"a": [[0, 1]]}, "set_ups": {}, "session": []}', "no history"),
        ('{"schema": 1, "sources": [[0, "r", 0]], "tests": {"a": [[-1, 1]]}, "set_ups": {}, "session": []}', "whole"),
        ('{"schema": 1, "sources": [[0, "r", 0]], "tests": {"a": [[0, 1.5]]}, "set_ups": {}, "session": []}', "whole"),
        ('{"schema": 1, "sources": [[0]], "tests": {}, "set_ups": {}, "session": []}', "no history"),
    ],
)
def test_a_file_that_is_no_history_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "timings.json").write_text(text)

    with pytest.raises(PipelineError, match=message) as caught:
        timings.load(tmp_path / "timings.json")

    assert "Delete it" in caught.value.hint


def test_a_newer_schema_asks_for_an_update(tmp_path: Path) -> None:
    (tmp_path / "timings.json").write_text('{"schema": 2}')

    with pytest.raises(PipelineError, match="expected schema 1, got 2") as caught:
        timings.load(tmp_path / "timings.json")

    assert "update" in caught.value.hint
