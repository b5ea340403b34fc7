from __future__ import annotations

from scripts.isolation.findings import Clash, Need, groups, together

IDS = ("a.py::C::x", "a.py::C::y", "a.py::C::z", "a.py::p[1]", "a.py::p[2]", "b.py::x")
PLACE = {nodeid: place for place, nodeid in enumerate(IDS)}


def need(nodeid: str, *before: str, serial: str = "passed") -> Need:
    return Need(nodeid, before, "failed", serial)


def test_what_has_a_test_in_common_stays_together() -> None:
    found = groups([need(IDS[1], IDS[0]), need(IDS[2], IDS[1])], [Clash((IDS[3], IDS[5]), (IDS[5],))], PLACE)

    assert [(IDS[0], IDS[1], IDS[2]), (IDS[3], IDS[5])] == found


def test_a_test_that_is_red_since_another_ran_before_it_is_not_kept_with_it() -> None:
    assert [] == groups([need(IDS[1], IDS[0], serial="failed")], [], PLACE)


def test_a_class_that_is_needed_whole_is_named_as_such() -> None:
    assert [("a.py::C", "b.py::x")] == together([(*IDS[:3], IDS[5])], IDS)


def test_a_part_of_a_class_or_function_is_named_test_by_test() -> None:
    assert [("a.py::C::x", "a.py::C::y", "a.py::p[2]")] == together([(IDS[0], IDS[1], IDS[4])], IDS)
