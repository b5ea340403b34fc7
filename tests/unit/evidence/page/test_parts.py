from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.evidence.page import charts, kept, nodes, service_charts
from scripts.evidence.page.failures import MOST_GROUPS, groups
from scripts.evidence.page.tests import Row, rows
from scripts.evidence.page.timeline import ticks, timeline
from scripts.evidence.record import Artifact, RunRecord, ShardRecord
from scripts.planning.estimates import NO_SET_UP
from scripts.planning.plan import Plan, Shard
from scripts.proof.outcomes import FAILED, NOT_RUN, PASSED
from scripts.runner.shardline_pytest.exchange import Body, Exchange
from scripts.runner.shardline_pytest.exchange import Request as Asked
from scripts.runner.shardline_pytest.request_evidence import Evidence
from tests.unit.evidence.page.runs import BEGAN_S, attempt, left, one_round, run, sample

IDS = st.sampled_from([f"{file}.py::{number}" for file in "ab" for number in range(9)])
POSITIVE = st.floats(min_value=0.001, max_value=1e8)


def test_the_steps_of_a_shard_follow_each_other_and_its_tests_begin_with_its_pytest() -> None:
    record = run([attempt("a", at_s=2.0)], [attempt("b", at_s=9.0)])
    found = timeline(record, rows(record))

    first, second = found.lanes
    assert BEGAN_S - 6.5 == found.began_s
    assert [("packages", 0.0), ("weights", 0.5), ("service ready", 1.5), ("warm-up", 5.5), ("tests", 6.5)] == [
        (step.name, step.at_s) for step in first.steps
    ]
    assert (False, True) == (first.decides, second.decides)


def test_a_shard_that_left_nothing_has_its_lane() -> None:
    record = replace(
        run([attempt("a")]), plan=Plan("p", (Shard(("a",), 1000), Shard(("b",), 2000)), "t", NO_SET_UP, ())
    )
    found = timeline(record, rows(record)).lanes

    assert [(0, 1.0, 0), (1, 2.0, -1)] == [(lane.number, lane.estimate_s, lane.place) for lane in found]


def test_a_test_that_a_repair_ran_is_its() -> None:
    record = run([attempt("a")])
    repair = left(0, 1, [attempt("b")], ["a", "b"], is_repair=True, folder=Path("repair-0"))
    found = timeline(replace(record, verdict=None, shards=(*record.shards, repair)), [])

    assert [False, True] == [lane.is_repair for lane in found.lanes]


def test_without_a_verdict_the_worst_that_shards_say_counts() -> None:
    shards = (left(0, 2, [attempt("a")], ["a"]), left(1, 2, [attempt("a", FAILED)], ["a"]))

    assert [Row("a", FAILED, 1)] == [
        Row(each.nodeid, each.outcome, each.shard) for each in rows(RunRecord(shards=shards))
    ]


def test_red_tests_of_one_message_stand_together_the_most_telling_first() -> None:
    alike = [attempt(f"a{n}", FAILED, message=f"TimeoutError: after {n} s") for n in range(5)]
    record = run([*alike, attempt("b", FAILED, message="KeyError"), attempt("c"), attempt("d", NOT_RUN)])
    found, more = groups(record, rows(record), lambda place: (), first=["b"])

    assert [("KeyError", 1, 1), ("TimeoutError: after 0 s", 5, 3)] == [
        (group.message, group.tests, len(group.detailed)) for group in found
    ]
    assert (["a3", "a4"], 0) == (found[1].named, more)


def test_groups_for_which_there_is_no_room_are_counted() -> None:
    record = run([attempt(f"{n}.py", FAILED, message="E" * (n + 1)) for n in range(MOST_GROUPS + 7)])

    assert 7 == groups(record, rows(record), lambda place: ())[1]


@given(POSITIVE)
def test_an_axis_has_a_few_round_times_all_on_it(seconds: float) -> None:
    found = ticks(seconds)

    assert 1 <= len(found) <= 8
    assert all(0 <= share <= 1 + 1e-6 for _, share in found)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5), st.booleans()), max_size=60))
def test_every_test_is_in_the_strip_once_and_no_red_one_is_hidden(tests: list) -> None:  # type: ignore[type-arg]
    all_rows = [
        Row(str(number), FAILED if is_red else PASSED, 0, took, 1 + at)
        for number, (at, took, is_red) in enumerate(tests)
    ]
    found = service_charts.strips(all_rows, 1.0, 100.0)

    for is_red in (True, False):
        assert sum(row.is_red == is_red for row in all_rows) == sum(s.tests for s in found if s.is_red == is_red)
    assert all(0 <= strip.begins <= strip.ends <= 1 for strip in found)


def test_a_chart_keeps_the_peaks_and_breaks_where_the_service_started_anew() -> None:
    samples = tuple(
        sample(
            second, 9_000_000 if second == 1777 else 1_000_000, 700.0 if second == 1234 else 5.0, start=second // 2000
        )
        for second in range(4000)
    )
    record = RunRecord(shards=(ShardRecord(0, Path("shard-0"), samples=tuple(samples)),))
    (chart,) = service_charts.charts(record, [], BEGAN_S, 4000.0)

    assert (2, 2) == (chart.starts, len(chart.memory))
    assert len(chart.data) <= 2 * service_charts.POINTS
    assert {9_000_000, 1_000_000} == {memory for _, memory, _ in chart.data}
    assert 700 in {latency for _, _, latency in chart.data}


def test_no_bar_of_a_chart_leaves_it() -> None:
    drawn = charts.stacked([("failed", 1), ("passed", 30_000), ("skipped", 0)])

    places = [float(each.split('%"')[0]) for each in drawn.split('x="')[1:]]
    assert all(0 <= place <= 100 for place in places)


@given(
    st.dictionaries(st.sampled_from([f"{f}.py::{n}" for f in "ab" for n in range(9)]), st.integers(0, 50)),
    st.integers(1, 99),
)
def test_joined_pieces_take_as_long_as_their_tests(own_ms: dict, most_ms: int) -> None:  # type: ignore[type-arg]
    found = nodes.joined(own_ms, most_ms)

    assert sum(own_ms.values()) == sum(found.values())
    assert set(found) <= set(own_ms)


@pytest.mark.parametrize("nodeid", ["a.py::test_b", "a/b.py::t[你好-0.5]", f"a.py::{'long' * 50}", "a.py::x[\ud800]"])
def test_what_a_failed_test_asked_is_found_where_the_plugin_keeps_it(nodeid: str, tmp_path: Path) -> None:
    asked = Exchange(Asked("POST", "/tts", 500, 1.0), Body(b"{}", "application/json"), Body(b"no", ""), lambda: None)
    folder = Path(Evidence(str(tmp_path)).keep(nodeid, [asked])).name
    artifacts = (
        Artifact(f"artifacts/requests/{folder}/001-POST-tts.sent.json", 2),
        Artifact("artifacts/unknown.wav", 2),
    )
    shard = ShardRecord(0, Path("shard-0"), artifacts=artifacts)

    assert [nodeid, ""] == [each.test for each in kept.of_shard(shard, {}, ["other", nodeid])]


@pytest.mark.parametrize(
    ("second", "owner"),
    [
        (0.5, ""),
        (1.2, "a.py::one"),
        (1.497, ""),
        (1.7, "a.py::two"),
        (2.5, ""),
        (5.5, ""),
        (0.0, ""),
        (float("nan"), ""),
    ],
)
def test_a_file_belongs_to_the_only_test_that_ran_when_it_was_written(second: float, owner: str) -> None:
    ran = [attempt("a.py::one", at_s=1), attempt("a.py::two", at_s=1.5)]
    at_once = [attempt("a.py::long", at_s=4, seconds=3), attempt("a.py::short", at_s=5, seconds=1)]
    file = Artifact("artifacts/hello.wav", 2, changed_s=BEGAN_S + second)
    shard = ShardRecord(0, Path("shard-0"), rounds=(one_round([*ran, *at_once]),), artifacts=(file,))

    assert [owner] == [each.test for each in kept.of_shard(shard, {}, [])]
