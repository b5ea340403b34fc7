"""Limits lie beyond all that is good, and a broken recording among the good ones does not move them far."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio.catalogue import BY_NAME, Limit
from scripts.audio.intervals import bounds
from scripts.audio.limits import learn

GAPS = [{"longest_gap_s": 0.2 + index / 100} for index in range(20)]


def test_a_side_that_is_never_wrong_has_no_limit() -> None:
    limit = learn([[values] for values in GAPS])["longest_gap_s"]

    assert limit.low is None
    assert limit.high is not None and limit.high > 0.39


@given(st.lists(st.floats(-50, 0), min_size=8, max_size=30))
def test_what_taught_a_limit_lies_within(levels: list[float]) -> None:
    limit = learn([[{"level_db": level}] for level in levels])["level_db"]
    spread = [level for level in levels if limit.low is not None and limit.low <= level]

    assert len(spread) >= 0.9 * len(levels)


def test_one_broken_recording_does_not_widen_the_limit() -> None:
    good = learn([[values] for values in GAPS])["longest_gap_s"]
    also_bad = learn([[values] for values in (*GAPS, {"longest_gap_s": 5.0})])["longest_gap_s"]

    assert also_bad.high is not None and good.high is not None
    assert also_bad.high < good.high + 0.2


def test_a_limit_holds_what_a_recording_may_also_be() -> None:
    rows = [[{"level_db": -20.0 - index / 10}, {"level_db": -12.0}] for index in range(20)]
    wide = learn(rows)["level_db"]

    assert wide.high is not None and wide.high >= -12.0


@pytest.mark.parametrize("values", [[], [0.2] * 5, [math.nan] * 20], ids=["none", "few", "not-applying"])
def test_what_nobody_taught_has_the_usual_limit(values: list[float]) -> None:
    found = learn([[{"longest_gap_s": value}] for value in values])

    assert found.get("longest_gap_s", BY_NAME["longest_gap_s"].usual) == BY_NAME["longest_gap_s"].usual


def test_what_is_never_learnt_keeps_its_limit() -> None:
    assert Limit(0.05) == learn([[{"speech_s": 3.0}] for _ in range(20)])["speech_s"]


def test_more_of_the_same_share_is_surer() -> None:
    few, many = bounds(1, 20), bounds(10, 200)

    assert few[0] < many[0] < 0.05 < many[1] < few[1]
    assert (0.0, 1.0) == bounds(0, 0)
