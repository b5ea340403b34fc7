from __future__ import annotations

from typing import List

import pytest

from scripts.ci import Node, attempt, place, resolve
from scripts.errors import SettingsError

CIRCLE = {"CIRCLE_NODE_INDEX": "3", "CIRCLE_NODE_TOTAL": "8"}


def test_what_the_person_said_wins_over_the_ci() -> None:
    assert Node(2, 4) == resolve(["2", "4"], CIRCLE)


def test_the_ci_says_which_shard_this_is() -> None:
    assert Node(3, 8) == resolve([], CIRCLE)


def test_without_a_word_there_is_one_shard() -> None:
    assert Node(0, 1) == resolve([], {})


@pytest.mark.parametrize(
    "words",
    [
        ["4", "4"],
        ["2/4"],
        ["2"],
        ["-1", "4"],
        ["a", "4"],
        ["0", "0"],
        ["1", "2", "3"],
        ["²", "4"],
        ["0", "1001"],
        ["0", "9" * 5000],
        ["\udcff", "2"],
    ],
)
def test_anything_else_is_refused_with_the_third_of_four_as_example(words: List[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        resolve(words, {})

    assert "nox -s shard -- 2 4" in caught.value.hint


def test_half_of_what_the_ci_should_say_is_refused() -> None:
    with pytest.raises(SettingsError, match="CIRCLE_NODE_INDEX and CIRCLE_NODE_TOTAL"):
        resolve([], {"CIRCLE_NODE_INDEX": "0"})


def test_a_rerun_of_what_failed_is_another_try_in_the_same_place() -> None:
    first = {"CIRCLE_WORKFLOW_WORKSPACE_ID": "a", "CIRCLE_WORKFLOW_ID": "a", "CIRCLE_JOB": "shard"}
    rerun = {**first, "CIRCLE_WORKFLOW_ID": "b"}

    assert (place(first, 4), "a", "b") == (place(rerun, 4), attempt(first), attempt(rerun))


def test_jobs_runs_and_totals_have_places_of_their_own() -> None:
    job = {"BUILDKITE_BUILD_ID": "a", "BUILDKITE_STEP_ID": "b"}
    others = [{**job, "BUILDKITE_STEP_ID": "b/c"}, {**job, "BUILDKITE_STEP_ID": "b c"}, {**job, "SHARDLINE_RUN": ".."}]
    places = [place(each, 4) for each in [job, *others]] + [place(job, 8)]

    assert 5 == len(set(places))
    assert {2} == {each.count("/") for each in places}
    assert not any(part in ("", ".", "..") for each in places for part in each.split("/"))


def test_a_store_needs_to_know_the_run() -> None:
    with pytest.raises(SettingsError, match="SHARDLINE_RUN=monday-1 nox -s shard"):
        place({}, 4)
