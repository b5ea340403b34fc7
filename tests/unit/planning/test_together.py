from __future__ import annotations

from typing import Dict, List, Sequence, Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.planning.together import Entry, Group, Kept, heard, matching, units, unmatched, wished

IDS = ["t/a.py::T::x", "t/a.py::T::y[1]", "t/a.py::z", "t/ab.py::x", "u/a.py::z[a::b]"]
names = st.builds("{}.py::{}{}".format, st.sampled_from("ab"), st.sampled_from(["", "T::"]), st.integers(0, 9))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("t", IDS[:4]),
        ("t/", IDS[:4]),
        ("./t/a.py", IDS[:3]),
        ("t/a.py::T", IDS[:2]),
        ("t/a.py::T::y", IDS[1:2]),
        ("t/a.py::T::y[1]", IDS[1:2]),
        ("*/a.py::z", [IDS[2], IDS[4]]),
        ("t/a?.py", IDS[3:4]),
        ("t/a.py::T::y[2]", []),
        ("t/a", []),
        (["t/ab.py", "u"], IDS[3:]),
    ],
)
def test_a_pattern_names_what_begins_with_it(pattern: Entry, expected: List[str]) -> None:
    assert expected == matching(pattern, IDS)


def test_files_and_classes_are_groups_each() -> None:
    files, classes = (wished([word], IDS) for word in ("file", "class"))

    assert [3, 1, 1] == [len(group.nodeids) for group in files]
    assert [Group("t/a.py::T", "suite.together", tuple(IDS[:2]))] == classes


def test_a_pattern_without_a_test_is_named() -> None:
    assert ["v", "w"] == unmatched(["file", "mark serial", "v", ["t", "w"]], IDS)
    assert [] == wished(["v"], IDS)


def test_what_pytest_tells_is_by_places() -> None:
    assert [Group("n", "w", ("a", "b", "d"))] == list(heard("abcd", [("n", "w", [(0, 1), (3, 3)])]))


def test_groups_that_overlap_are_one_unit_named_by_the_first() -> None:
    found = units(dict.fromkeys("abcd", 5), [Group("one", "", ("a", "b")), Group("two", "", ("b", "c"))], 2, {})

    assert [["a", "b", "c"], ["d"]] == found.units
    assert [Kept("one", "", 3, 15)] == found.kept


def test_a_class_too_long_is_divided_down_to_its_inner_classes() -> None:
    costs = {"a.py::T::x": 9, "a.py::T::U::x": 3, "a.py::T::U::y": 3, "b.py::z": 9}

    found = units(costs, [], 2, {})

    assert [["a.py::T::x"], ["a.py::T::U::x", "a.py::T::U::y"], ["b.py::z"]] == found.units
    assert [Kept("a.py::T", "longer than a fair share", 3, 15)] == found.divided


@given(st.dictionaries(names, st.integers(1, 9), max_size=15), st.lists(st.sets(names), max_size=4), st.integers(1, 5))
def test_units_share_the_tests_out_and_hold_each_group(
    costs: Dict[str, int], wanted: List[Set[str]], total: int
) -> None:
    found = units(costs, [Group("", "", tuple(each)) for each in wanted], total, {})

    assert sorted(costs) == sorted(nodeid for unit in found.units for nodeid in unit)
    for group in wanted:
        assert 1 >= sum(not group.isdisjoint(unit) for unit in found.units)


@given(st.permutations(sorted({f"a.py::T::{number}" for number in range(4)} | {"b.py::x", "b.py::y"})))
def test_order_does_not_matter(order: Sequence[str]) -> None:
    group = Group("g", "", ("b.py::x", "a.py::T::3"))

    found = units(dict.fromkeys(order, 1), [group], 1, {})

    assert {frozenset(["b.py::y"])} < set(map(frozenset, found.units))
    assert 5 == max(map(len, found.units))
