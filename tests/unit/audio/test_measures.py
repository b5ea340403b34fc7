"""Every measure on signals whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.audio import measures
from scripts.audio.wav import Wav
from tests.unit.audio.signals import RATE_HZ, recording, silence, sine

TONE = sine(440, 0.5)
EMPTY = recording([])


def test_duration_counts_samples() -> None:
    assert 0.5 == measures.duration_s(recording(TONE))


def test_level_and_peak_of_a_sine_differ_by_three_decibels() -> None:
    tone = recording(sine(440, 0.5, amplitude=1.0))

    assert pytest.approx(-3.01, abs=0.01) == measures.rms_db(tone)
    assert pytest.approx(0.0, abs=0.01) == measures.peak_db(tone)


def test_silence_has_a_finite_level() -> None:
    assert measures.SILENCE_DB == measures.rms_db(recording(silence(0.1)))
    assert measures.SILENCE_DB == measures.peak_db(EMPTY)


@given(st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_level_follows_amplitude(one: float, other: float) -> None:
    difference = measures.rms_db(recording(other * TONE)) - measures.rms_db(recording(one * TONE))

    assert pytest.approx(20 * math.log10(other / one)) == difference


def test_clipping_shows_even_after_scaling_down() -> None:
    clipped = 0.3 * np.clip(2 * sine(440, 0.5, amplitude=1.0), -1, 1)

    assert pytest.approx(2 / 3, abs=0.02) == measures.flat_top_share(recording(clipped))


def test_natural_peaks_are_not_clipping() -> None:
    rng = np.random.default_rng(1)

    assert measures.flat_top_share(recording(rng.normal(0, 0.1, RATE_HZ))) < 0.001
    assert 0.0 == measures.flat_top_share(recording(silence(0.1)))
    assert 0.0 == measures.flat_top_share(EMPTY)


def test_a_gap_counts_only_between_speech() -> None:
    gap = recording(silence(2), TONE, silence(0.7), TONE, silence(0.3), TONE, silence(2))

    assert pytest.approx(0.7) == measures.longest_gap_s(gap)
    assert pytest.approx(1.5) == measures.speech_s(gap)
    assert pytest.approx(2.0) == measures.trailing_silence_s(gap)


@pytest.mark.parametrize("wav", [EMPTY, recording(silence(0.5))], ids=["empty", "silence"])
def test_without_sound_there_is_no_speech(wav: Wav) -> None:
    assert 0.0 == measures.speech_s(wav)
    assert 0.0 == measures.longest_gap_s(wav)
    assert measures.duration_s(wav) == measures.trailing_silence_s(wav)


def test_a_cut_end_is_as_loud_as_the_rest() -> None:
    assert pytest.approx(0.0, abs=0.5) == measures.end_level_db(recording(silence(0.2), TONE))
    assert measures.end_level_db(recording(TONE, silence(0.05))) < -90
    assert 0.0 == measures.end_level_db(EMPTY)


def test_noise_raises_the_floor() -> None:
    rng = np.random.default_rng(1)
    clean = recording(TONE, silence(0.5))
    noisy = recording(clean.samples + rng.normal(0, 0.005, len(clean.samples)))

    assert measures.noise_floor_db(clean) < -90
    assert pytest.approx(-37, abs=1) == measures.noise_floor_db(noisy)
    assert 0.0 == measures.noise_floor_db(EMPTY)


def test_the_high_band_is_three_to_eight_kilohertz() -> None:
    half = recording(sine(1000, 0.5) + sine(5000, 0.5))

    assert pytest.approx(-3.01, abs=0.01) == measures.high_band_db(half)
    assert measures.high_band_db(recording(sine(1000, 0.5))) < -60
    assert measures.SILENCE_DB == measures.high_band_db(recording(silence(0.1)))
    assert measures.SILENCE_DB == measures.high_band_db(EMPTY)


def test_an_offset_is_the_mean() -> None:
    assert pytest.approx(0.1, abs=1e-3) == measures.offset(recording(TONE + 0.1))
    assert 0.0 == measures.offset(EMPTY)
