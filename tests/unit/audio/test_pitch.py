"""The melody of signals whose pitch is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio import pitch
from scripts.audio.wav import Wav
from tests.unit.audio.signals import recording, silence, sine


def test_pitch_is_the_median_of_the_voiced_part() -> None:
    steps = recording(sine(200, 0.6), silence(0.2), sine(300, 0.2))

    assert pytest.approx(200, abs=1) == pitch.f0_median_hz(steps)


def test_range_spans_the_tenth_to_the_ninetieth_percentile() -> None:
    octave = recording(sine(150, 0.5), sine(300, 0.5))

    assert pytest.approx(12, abs=0.2) == pitch.f0_range_semitones(octave)
    assert pytest.approx(0, abs=0.1) == pitch.f0_range_semitones(recording(sine(440, 0.5)))


def test_drift_is_the_way_from_the_first_third_to_the_last() -> None:
    rising = pitch.contour_hz(recording(sine(200, 0.4), sine(225, 0.4), sine(250, 0.4)))

    assert pytest.approx(12 * math.log2(250 / 200), abs=0.2) == pitch.drift_semitones(rising)
    assert math.isnan(pitch.drift_semitones(np.array([200.0] * 5)))


@pytest.mark.parametrize(
    "wav",
    [recording([]), recording(silence(0.5)), recording(sine(200, 0.02))],
    ids=["empty", "silence", "shorter-than-a-window"],
)
def test_without_voice_there_is_no_pitch(wav: Wav) -> None:
    assert math.isnan(pitch.f0_median_hz(wav))
    assert math.isnan(pitch.f0_range_semitones(wav))


@given(st.floats(50, 1000), st.floats(50, 1000), st.floats(50, 1000))
def test_intervals_add_up(low: float, middle: float, high: float) -> None:
    steps = pitch.semitones(low, middle) + pitch.semitones(middle, high)

    assert pytest.approx(pitch.semitones(low, high), abs=1e-9) == steps
