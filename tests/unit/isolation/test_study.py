"""Studies of suites that exist only as rules."""

from __future__ import annotations

import random
from typing import Dict, FrozenSet, List, Set, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.isolation.findings import Clash, groups
from scripts.isolation.order import needs_of
from scripts.isolation.study import MOST_RUNS, Terms
from scripts.isolation.trials import Ids
from scripts.proof.outcomes import Touch
from tests.unit.isolation.simulated import Suite, named, needed, studied

TESTS = named(files=6, each=10)
SMALL = named(files=3, each=5)


def a(file: int, test: int) -> str:
    return f"tests/test_{file}.py::test_{test}"


def one_of(*options: Tuple[str, ...]) -> List[FrozenSet[str]]:
    return [frozenset(option) for option in options]


def test_a_suite_without_dependencies_is_fit() -> None:
    found, trials, _ = studied(Suite(TESTS))

    assert found.is_fit
    assert (TESTS,) == trials[0].processes
    assert (TESTS[::-1],) == trials[1].processes
    assert any(trial.at_once for trial in trials)
    assert () == (*found.unstable, *found.reordered, *found.red, *found.left)


def test_who_needs_another_is_named_with_it_and_nobody_else_is() -> None:
    suite = Suite(TESTS, needs={a(0, 9): one_of((a(0, 1),)), a(4, 3): one_of((a(1, 7),)), a(5, 0): one_of((a(1, 7),))})

    found, _, runs = studied(suite)

    assert {a(0, 9): {a(0, 1)}, a(4, 3): {a(1, 7)}, a(5, 0): {a(1, 7)}} == needed(found)
    assert () == found.clashes
    assert runs <= MOST_RUNS


def test_what_a_needed_test_needs_is_not_said_again() -> None:
    found, _, _ = studied(Suite(TESTS, needs={a(4, n): one_of((a(4, n - 1),)) for n in range(1, 6)}))

    assert {a(4, n): {a(4, n - 1)} for n in range(1, 6)} == needed(found)


def test_several_that_are_needed_together_are_all_named() -> None:
    found, _, _ = studied(Suite(TESTS, needs={a(3, 3): one_of((a(0, 2), a(2, 5)))}))

    assert {a(3, 3): {a(0, 2), a(2, 5)}} == needed(found)


def test_others_that_do_as_well_are_named_as_such() -> None:
    found, _, _ = studied(Suite(TESTS, needs={a(4, 3): one_of((a(1, 1),), (a(1, 5),))}))

    assert [((a(1, 5),), ((a(1, 1),),))] == [(need.before, need.instead) for need in found.needs]


def test_who_is_spoilt_by_one_and_mended_by_another_needs_both_said() -> None:
    found, _, _ = studied(Suite(TESTS, spoilt={a(4, 3): (a(1, 1), a(1, 2))}), Terms(seed=3))

    assert [(a(4, 3), (a(1, 2),), (a(1, 1),))] == [(need.nodeid, need.before, need.after) for need in found.needs]


def test_what_only_later_tests_spoil_is_no_dependency() -> None:
    found, _, _ = studied(Suite(TESTS, spoilt={a(0, 3): (a(5, 5), "")}))

    assert found.is_fit
    assert (a(0, 3),) == found.reordered


def test_one_that_spoils_all_in_reverse_order_hides_no_dependency() -> None:
    spoilt = dict.fromkeys(TESTS[:-1], (TESTS[-1], ""))

    found, _, _ = studied(Suite(TESTS, needs={a(0, 9): one_of((a(0, 8),))}, spoilt=spoilt))

    assert {a(0, 9): {a(0, 8)}} == needed(found)


def test_a_test_that_is_red_serially_since_another_spoils_it_is_told_and_not_kept_with_it() -> None:
    found, _, _ = studied(Suite(TESTS, spoilt={a(3, 3): (a(1, 1), "")}))

    place = {nodeid: number for number, nodeid in enumerate(TESTS)}
    assert [(a(3, 3), (a(1, 1),), True)] == [(n.nodeid, n.before, n.is_red_anyway) for n in found.needs]
    assert [] == groups(found.needs, found.clashes, place)


def test_a_test_that_is_red_anyway_depends_on_nothing() -> None:
    found, _, _ = studied(Suite(TESTS, red=frozenset({a(2, 2)})))

    assert found.is_fit
    assert (a(2, 2),) == found.red


@pytest.mark.parametrize("seed", range(5))
def test_flaky_tests_are_blamed_on_nobody(seed: int) -> None:
    flaky = frozenset({a(1, 1), a(3, 5), a(5, 9)})
    suite = Suite(TESTS, needs={a(4, 3): one_of((a(1, 7),))}, flaky=flaky, chance=random.Random(seed))

    found, _, _ = studied(suite, Terms(seed=seed))

    assert {a(4, 3): {a(1, 7)}} == needed(found)
    assert set(found.unstable) <= flaky
    assert () == found.clashes


def test_tests_that_touch_the_same_are_named_where_they_fail_at_the_same_time() -> None:
    def touched(what: str) -> Tuple[Touch, ...]:
        return (Touch("write", what),)

    touches = {
        a(1, 1): touched("/x"),
        a(3, 3): touched("/x"),
        a(2, 2): touched("/y"),
        a(4, 4): touched("/y"),
        a(5, 5): touched("/harmless"),
        a(5, 6): touched("/harmless"),
    }
    suite = Suite(TESTS, clashes=[(a(1, 1), a(3, 3)), (a(4, 4), a(2, 2)), (a(2, 2), a(4, 4))], touches=touches)

    found, _, _ = studied(suite)

    first = Clash((a(1, 1), a(3, 3)), (a(3, 3),), ("/x",), "both write /x")
    second = Clash((a(2, 2), a(4, 4)), (a(2, 2), a(4, 4)), ("/y",), "both write /y")
    assert (first, second) == found.clashes


def test_no_test_runs_at_the_same_time_as_others_where_a_machine_bears_one_shard() -> None:
    found, trials, _ = studied(Suite(TESTS), Terms(at_once=1))

    assert not any(trial.at_once for trial in trials)
    assert any("one shard at a time" in what for what in found.left)


def test_what_is_kept_in_one_shard_already_is_no_finding() -> None:
    suite = Suite(TESTS, needs={a(4, 3): one_of((a(1, 1),))})

    found, _, _ = studied(suite, Terms(kept=[frozenset({a(4, 3), a(1, 1)})]))

    assert found.is_fit
    assert (a(4, 3),) == found.settled


def test_shards_that_are_cut_at_random_heed_what_was_found() -> None:
    _, trials, _ = studied(Suite(TESTS, needs={a(4, 3): one_of((a(1, 1),))}))

    last = [trial for trial in trials if "shards" in trial.purpose][-1]
    assert all((a(4, 3) in tests) == (a(1, 1) in tests) for tests in last.processes)


def test_no_more_time_is_taken_than_there_is() -> None:
    needs = {a(5, n): one_of((a(0, n), a(1, n), a(2, n))) for n in range(10)}

    found, _, _ = studied(Suite(TESTS, needs=needs))
    short, trials, _ = studied(Suite(TESTS, needs=needs), Terms(most_s=20.0))

    assert found.runs <= MOST_RUNS
    assert found.left
    assert not found.is_fit
    assert short.runs <= 20.0 / 6.5
    assert len(trials) == short.trials


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_whatever_needs_another_is_found(data: st.DataObject, seed: int) -> None:
    needs = _needs(data)

    found, _, runs = studied(Suite(SMALL, needs=needs), Terms(seed=seed))

    wanted = {nodeid: set(options[0]) for nodeid, options in needs.items()}
    assert _direct(wanted) == needed(found)
    assert runs <= MOST_RUNS


@settings(max_examples=20, deadline=None)
@given(st.data(), st.integers(0, 1000))
def test_a_study_is_the_same_each_time(data: st.DataObject, seed: int) -> None:
    needs = _needs(data)

    assert studied(Suite(SMALL, needs=needs), Terms(seed=seed)) == studied(Suite(SMALL, needs=needs), Terms(seed=seed))


def _needs(data: st.DataObject) -> Dict[str, List[FrozenSet[str]]]:
    """Up to three tests of a small suite that each need an earlier one."""
    places = data.draw(st.lists(st.integers(1, len(SMALL) - 1), max_size=3, unique=True))
    return {SMALL[place]: one_of((SMALL[data.draw(st.integers(0, place - 1))],)) for place in places}


def _direct(wanted: Dict[str, Set[str]]) -> Dict[str, Set[str]]:
    """Leave out what others need anyway."""
    solved: Dict[str, Ids] = {nodeid: tuple(needs) for nodeid, needs in wanted.items()}
    return {
        nodeid: {need for need in needs if not any(need in needs_of([o], solved) for o in needs if o != need)}
        for nodeid, needs in wanted.items()
    }
