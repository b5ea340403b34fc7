from __future__ import annotations

from typing import Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.judge import Planner, Verdict, bound, halving, judged, longest_first, ours, ours_in_doubt, spreading

TIMES = {"a.py::x": 3, "a.py::y": 1, "b.py::z": 2}
SUITES = st.dictionaries(st.builds("{}.py::t{}".format, st.sampled_from("abcd"), st.integers(0, 9)), st.integers(1, 99))


def test_a_plan_is_judged_by_its_slowest_shard_and_the_files_it_cuts() -> None:
    assert Verdict(4 / 3, 0) == judged([["a.py::x", "a.py::y"], ["b.py::z"]], TIMES)
    assert Verdict(1.0, 1) == judged([["a.py::x"], ["b.py::z", "a.py::y"]], TIMES)


def test_a_cut_file_pays_its_set_up_twice() -> None:
    assert Verdict(23 / 13, 1) == judged([["a.py::x"], ["b.py::z", "a.py::y"]], TIMES, 10)


@pytest.mark.parametrize("shards", [[["a.py::x"], ["b.py::z"]], [["a.py::x", "a.py::y"], ["b.py::z", "a.py::y"]]])
def test_a_plan_that_loses_or_doubles_a_test_is_no_plan(shards: list) -> None:
    with pytest.raises(ValueError, match="exactly once"):
        judged(shards, TIMES)


def test_the_bound_is_an_even_share_or_the_longest_test() -> None:
    assert 3 == bound(TIMES, 2)
    assert 3 == bound(TIMES, 4)
    assert 13 == bound(TIMES, 2, 10)


@pytest.mark.parametrize("planner", [ours, ours_in_doubt, longest_first, halving, spreading(250)])
@given(times=SUITES.filter(bool), total=st.integers(1, 5), set_up=st.integers(0, 50))
def test_no_planner_loses_a_test_or_beats_the_bound(
    planner: Planner, times: Dict[str, int], total: int, set_up: int
) -> None:
    assert judged(planner(list(times), times, total, set_up), times, set_up).ratio >= 1


def test_halving_cuts_the_heaviest_file_of_the_slowest_shard() -> None:
    times = {f"a.py::t{number}": 10 for number in range(4)}

    assert Verdict(1.0, 1) == judged(halving(list(times), times, 2, 0), times)
