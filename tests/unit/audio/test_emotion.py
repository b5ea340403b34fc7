"""Emotions on moves that are made up, and on tones for what measures them."""

from __future__ import annotations

import math
from typing import Dict, List

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio.catalogue import Limit
from scripts.audio.clip import Clip
from scripts.audio.emotion import (
    DOWN,
    UP,
    Leading,
    Move,
    alike,
    judge_direction,
    judge_growth,
    judge_sign,
    listen,
    mean_move,
    move,
    timbre_distance,
)
from scripts.audio.judging import Verdict, faults
from tests.unit.audio.signals import recording, silence, sine

PITCH = Leading("pitch_st", +1)


def moves(*pitches: float) -> List[Move]:
    return [Move(pitch, 0.0, 0.0, 0.0) for pitch in pitches]


def only(found: List[Verdict]) -> Verdict:
    (verdict,) = found
    return verdict


def test_a_higher_slower_and_softer_voice_is_measured() -> None:
    neutral = listen(Clip(recording(silence(0.5), sine(200, 0.5), silence(0.1))))
    acted = listen(Clip(recording(sine(400, 1.0, amplitude=0.25))))
    way = move(neutral, acted)

    assert pytest.approx(12, abs=0.1) == way.pitch_st
    assert way.length_percent > 60  # silence around does not count, but for 0.05 s
    assert way.level_db < -2


def test_mean_moves_are_rounded_for_the_reader() -> None:
    assert Move(0.33, 0, 0, 0) == mean_move(moves(0, 0, 1))


def test_within_the_limits_passes_and_beyond_says_what_came() -> None:
    limits = {"pitch_st": Limit(1.0, 3.0)}

    assert [] == faults(judge_direction("happy", moves(1.5, 2.0, 2.5), limits))
    assert ["happy moves the pitch by +4.00 semitones, expected +1 to +3"] == faults(
        judge_direction("happy", moves(4.0), limits)
    )


def test_a_mean_that_is_chance_does_not_pass() -> None:
    found = only(judge_direction("happy", moves(-4.0, 8.0, -3.0, 7.0), {"pitch_st": UP["pitch_st"]}))

    assert not found.passed
    assert "mean of 4 sentences" in found.words
    assert "effect size 0.2" in found.words


@given(st.lists(st.floats(0.6, 0.9), min_size=3, max_size=6))
def test_the_signs_are_those_of_a_mirror(pitches: List[float]) -> None:
    mirrored = [-pitch for pitch in pitches]

    assert judge_direction("x", moves(*pitches), {"pitch_st": UP["pitch_st"]})[0].passed
    assert judge_direction("x", moves(*mirrored), {"pitch_st": DOWN["pitch_st"]})[0].passed
    assert not judge_direction("x", moves(*mirrored), {"pitch_st": UP["pitch_st"]})[0].passed


def test_no_sentence_at_all_proves_nothing() -> None:
    assert not only(judge_direction("sad", [], {"pitch_st": UP["pitch_st"]})).passed


def test_a_recording_without_a_voice_is_no_pass() -> None:
    assert "no voice" in only(judge_direction("sad", moves(1.0, math.nan), {"pitch_st": UP["pitch_st"]})).words
    assert not only(judge_growth("sad", {0.5: moves(math.nan), 1.0: moves(1.0)}, PITCH)).passed


def test_each_sentence_has_its_own_sign() -> None:
    assert [True, False] == [each.passed for each in judge_sign("happy", moves(0.1, -0.1), PITCH)]


def test_more_intensity_goes_further() -> None:
    steps = {1.0: moves(3.0, 3.1), 0.25: moves(1.0, 0.9), 0.5: moves(2.0, 1.8)}

    assert [] == faults(judge_growth("happy", steps, Leading("pitch_st", +1, 0.5)))


@pytest.mark.parametrize(
    "steps",
    [
        {0.25: moves(2.0, 2.0), 0.5: moves(2.0, 2.0), 1.0: moves(2.0, 2.0)},
        {0.25: moves(3.0, 3.1), 0.5: moves(2.0, 1.8), 1.0: moves(1.0, 0.9)},
        {0.25: moves(1.0, 3.0), 0.5: moves(2.0, 2.0), 1.0: moves(3.0, 1.0)},
    ],
    ids=["ignored", "the-other-way", "as-it-falls"],
)
def test_an_intensity_that_does_not_count_is_found(steps: Dict[float, List[Move]]) -> None:
    found = only(judge_growth("happy", steps, PITCH))

    assert not found.passed
    assert "does not grow with intensity" in found.words


def test_a_step_may_be_too_small() -> None:
    steps = {0.5: moves(2.0), 1.0: moves(2.1)}

    agrees, step = judge_growth("happy", steps, Leading("pitch_st", +1, 0.5))

    assert agrees.passed
    assert not step.passed


def test_emotions_that_nobody_tells_apart_are_named() -> None:
    told = {"happy": Move(2, 0, -10, 0), "glad": Move(2.2, 0, -8, 0.5), "sad": Move(-3, 0, 20, -2)}

    assert ["happy and glad"] == alike(told)


def test_the_same_tone_has_the_same_timbre() -> None:
    rng = np.random.default_rng(1)
    one, other = Clip(recording(sine(200, 0.3))), Clip(recording(rng.normal(0, 0.1, 7200)))

    assert 0.0 == timbre_distance([(one, one)])
    assert timbre_distance([(one, other)]) > 1
    assert math.inf == timbre_distance([(one, one), (one, Clip(recording([])))]) == timbre_distance([])
