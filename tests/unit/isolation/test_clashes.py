from __future__ import annotations

from typing import Dict, Optional, Tuple

from scripts.isolation.clashes import Pair, meetings, pairs, why
from scripts.isolation.trials import Ids, Result, Run
from scripts.proof.outcomes import Touch

IDS = tuple("abcdef")
PLACE = {nodeid: place for place, nodeid in enumerate(IDS)}
SERVER = ("module", "t.py", "server")


def touched(users: Optional[Dict[Ids, Ids]] = None, **touches: Tuple[Touch, ...]) -> Result:
    return Result((Run(0, (), touches, users or {}),), 1.0, 1.0)


def names(result: Result, groups: Tuple[str, ...] = ()) -> list[Tuple[str, str]]:
    return [(pair.first, pair.second) for pair in pairs(result, PLACE, [frozenset(group) for group in groups])]


def test_those_meet_of_whom_one_changes_what_the_other_uses() -> None:
    result = touched(
        a=(Touch("made", "/x"),), b=(Touch("read", "/x"),), c=(Touch("read", "/y"),), d=(Touch("read", "/y"),)
    )

    assert [("a", "b")] == names(result)
    assert "one writes, the other reads /x" == why(result, pairs(result, PLACE, [])[0])


def test_who_lists_a_folder_feels_what_others_make_in_it() -> None:
    assert [("a", "b")] == names(touched(a=(Touch("list", "/d"),), b=(Touch("made", "/d/x"),)))


def test_who_stays_in_one_shard_does_not_meet() -> None:
    result = touched(a=(Touch("port", "80"),), b=(Touch("port", "80"),), c=(Touch("port", "80"),))

    assert [("a", "c"), ("b", "c")] == names(result, groups=("ab",))
    assert "both use port 80" == why(result, pairs(result, PLACE, [])[0])


def test_a_shared_fixture_stands_for_all_that_need_it() -> None:
    result = touched(users={SERVER: ("a", "b", "c")}, a=(Touch("port", "80", SERVER),), e=(Touch("port", "80"),))

    assert [("a", "b", ("a", "b", "c")), ("a", "e", ("a", "b", "c", "e"))] == [
        (pair.first, pair.second, pair.tests) for pair in pairs(result, PLACE, [])
    ]


def test_a_test_runs_once_on_each_side_of_a_trial_behind_what_it_needs() -> None:
    due = [Pair("b", "c", ("/x",), ("b", "c")), Pair("b", "d", ("/x",), ("b", "d")), Pair("e", "f", (), ("e", "f"))]

    (first, _), (second, _) = meetings(due, PLACE, {"f": ("a",)}, repetition=0)

    assert (("b", "e"), ("a", "c", "f")) == first.processes
    assert (("b", "c"), ("e", "f")) == first.meetings
    assert (("b",), ("d",)) == second.processes


def test_every_other_time_sides_and_order_are_changed() -> None:
    due = [Pair("a", "b", ("/x",), ("a", "b")), Pair("c", "d", ("/y",), ("c", "d"))]

    ((trial, _),) = meetings(due, PLACE, {}, repetition=1)

    assert (("d", "b"), ("c", "a")) == trial.processes
    assert (("/y",), ("/x",)) == trial.contested
