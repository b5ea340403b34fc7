from __future__ import annotations

from typing import FrozenSet, Sequence

from scripts.isolation.order import Search, State, likeliest, look, shared
from scripts.isolation.trials import Fact

IDS = "abcdefgh"
PLACE = {nodeid: place for place, nodeid in enumerate(IDS)}
NONE: FrozenSet[str] = frozenset()
SEARCH = Search("h", tuple("gfedcba"))


def fact(before: Sequence[str], as_serial: bool) -> Fact:
    process = (*before, "h")
    return Fact("h", process, len(before), as_serial, True, False, "passed" if as_serial else "failed", 1)


def state(*facts: Fact) -> State:
    return look(SEARCH, facts, {}, NONE, NONE)


def test_first_it_is_asked_how_a_test_ends_alone() -> None:
    assert NONE == state(fact("abcdefg", True)).question
    assert NONE == state(fact("abcdefg", True), fact("ac", False)).question


def test_then_behind_the_likelier_half_of_the_candidates() -> None:
    assert set("gfe") == state(fact("abcdefg", True), fact("", False)).question
    assert set("dc") == state(fact("abcdefg", True), fact("", False), fact("gfe", False)).question


def test_the_last_candidate_is_the_answer() -> None:
    assert ("e",) == state(fact("abcdefg", True), fact("", False), fact("ed", True), fact("d", False)).found


def test_where_no_single_test_is_enough_the_smallest_beginning_that_is_shows_the_last_of_them() -> None:
    told = [fact("abcdefg", True), fact("", False), fact("gf", False), fact("ed", False), fact("cba", False)]

    assert state(*told).question == set("gfe")
    assert state(*told, fact("gfe", True), fact("ge", False), fact("e", False)).question == set("fe")


def test_a_question_that_others_answer_too_is_asked_once() -> None:
    other = Search("g", tuple("fedcba"))
    told = look(
        other, [fact("abcdef", True)._replace(nodeid="g"), fact("", False)._replace(nodeid="g")], {}, NONE, NONE
    )
    own = state(fact("abcdefg", True), fact("", False))

    tests, members = shared([(SEARCH, own), (other, told)], PLACE)

    assert [SEARCH, other] == members
    assert tuple("efgh") == tests


def test_a_test_is_run_alone_where_others_would_run_before_it() -> None:
    other = Search("g", tuple("fedcba"))

    assert ("h",) == shared([(SEARCH, State(NONE)), (other, State(NONE))], PLACE)[0]


def test_tests_that_leave_something_are_likeliest_and_then_those_nearby() -> None:
    before = ["a.py::far", "b.py::C::near", "b.py::other", "a.py::leaves"]

    assert ("a.py::leaves", "b.py::C::near", "b.py::other", "a.py::far") == likeliest(
        "b.py::C::test", before, {"a.py::leaves": 1}
    )
