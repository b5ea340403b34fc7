"""Means, effects and agreement on numbers whose answer is known."""

from __future__ import annotations

import math
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio.estimates import agreement, difference, effect_size, mean_of, student_t

NUMBERS = st.lists(st.floats(-100, 100), min_size=2, max_size=20)


def test_the_confidence_is_that_of_student() -> None:
    mean = mean_of([4.0, 6.0, 8.0])

    assert 6.0 == mean.value
    assert pytest.approx(6 + 4.303 * 2 / math.sqrt(3)) == mean.high


def test_one_value_is_sure_of_nothing() -> None:
    assert (3.0, -math.inf, math.inf, 1) == mean_of([3.0])
    assert math.isnan(mean_of([]).value)


@pytest.mark.parametrize("freedom, expected", [(1, 12.706), (10, 2.228), (11, 2.201), (19, 2.093), (120, 1.980)])
def test_student_t_is_that_of_the_tables(freedom: int, expected: float) -> None:
    assert pytest.approx(expected, abs=0.001) == student_t(freedom)


def test_sets_of_other_recordings_are_compared_by_their_means() -> None:
    moved = difference([1.0, 2.0, 3.0, 2.0], [4.0, 5.0, 6.0, 5.0])

    assert -3.0 == moved.value
    assert moved.low < -3.0 < moved.high < 0


@given(NUMBERS)
def test_a_set_does_not_differ_from_itself(values: List[float]) -> None:
    moved = difference(values, values)

    assert moved.low <= 0 <= moved.high


def test_an_effect_is_counted_in_its_own_spread_less_for_few() -> None:
    assert pytest.approx(2 / 1 * (1 - 3 / 7)) == effect_size([1.0, 2.0, 3.0])
    assert pytest.approx(-effect_size([1.0, 2.0, 3.0])) == effect_size([-1.0, -2.0, -3.0])


def test_an_effect_without_spread_is_as_sure_as_can_be() -> None:
    assert 99.0 == effect_size([0.1, 0.1, 0.1])
    assert 0.0 == effect_size([0.0, 0.0, 0.0])
    assert math.isnan(effect_size([1.0, 2.0]))


def test_agreement_is_the_mean_of_spearmans_correlations() -> None:
    assert 1.0 == agreement([[1, 2, 3, 4], [0, 10, 20, 30]])
    assert pytest.approx((1.0 + 0.8 - 1.0) / 3) == agreement([[1, 2, 3, 4], [1, 2, 4, 3], [4, 3, 2, 1]])


@given(st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3, unique=True), min_size=1, max_size=6))
def test_the_other_way_round_agreement_is_the_opposite(rows: List[List[float]]) -> None:
    assert pytest.approx(-agreement(rows), abs=1e-9) == agreement([row[::-1] for row in rows])


def test_a_row_of_equals_agrees_with_nothing() -> None:
    assert 0.0 == agreement([[1.0, 1.0, 1.0]])
