"""What machines do to a recording is found, and what a voice does is not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scripts.audio import faults
from scripts.audio.wav import Wav, of_sides
from tests.unit.audio.signals import RATE_HZ, recording, silence, sine
from tests.unit.audio.voices import voice

CLEAN = recording(silence(0.05), voice(), silence(0.1))


def test_a_clean_voice_has_no_fault() -> None:
    assert 0 == faults.holes_per_s(CLEAN)
    assert 0 == faults.longest_copy_s(CLEAN)
    assert faults.jump(CLEAN) < 25
    assert faults.distinct_bits(CLEAN) > 11
    assert math.isnan(faults.side_difference_db(CLEAN))


def test_a_lost_packet_is_a_hole() -> None:
    samples = voice()
    for start in (0.3, 0.7, 1.1):
        samples[round(start * RATE_HZ) :][: round(0.02 * RATE_HZ)] = 0

    assert pytest.approx(2.0, abs=0.1) == faults.holes_per_s(recording(samples))


def test_a_pause_that_fades_is_no_hole() -> None:
    fade = np.linspace(1, 0, round(0.02 * RATE_HZ))
    one, other = voice(0.5), voice(0.5, seed=2)
    one[-len(fade) :] *= fade
    other[: len(fade)] *= fade[::-1]

    assert 0 == faults.holes_per_s(recording(one, silence(0.05), other))


@pytest.mark.parametrize("shift", [0, 7, 100])
def test_what_is_played_twice_is_found_with_its_length(shift: int) -> None:
    samples = voice()
    end = round(0.9 * RATE_HZ) + shift
    twice = np.concatenate([samples[:end], samples[end - round(0.25 * RATE_HZ) :]])

    assert pytest.approx(0.25, abs=0.03) == faults.longest_copy_s(recording(twice))


def test_a_cut_without_a_fade_is_a_jump() -> None:
    smooth = sine(200, 1.0)
    cut = np.concatenate([smooth[: RATE_HZ // 3 + 30], smooth[RATE_HZ // 2 :]])

    assert faults.jump(recording(smooth)) < 10
    assert faults.jump(recording(cut)) > 40


def test_eight_bits_are_few_values() -> None:
    coarse = np.round(voice() * 127) / 127

    assert faults.distinct_bits(recording(coarse)) <= 8


def test_a_dead_side_is_seen() -> None:
    both = np.stack([voice(), 0.5 * voice()], axis=1)
    dead = np.stack([voice(), 0 * voice()], axis=1)

    assert pytest.approx(6.02, abs=0.01) == faults.side_difference_db(of_sides(both, RATE_HZ))
    assert faults.side_difference_db(of_sides(dead, RATE_HZ)) > 60


@pytest.mark.parametrize("wav", [recording([]), recording(silence(0.3)), recording([0.5] * 10)])
def test_nothing_to_hear_is_no_crash(wav: Wav) -> None:
    assert 0 == faults.holes_per_s(wav)
    assert 0 == faults.jump(wav)
    assert 0 == faults.longest_copy_s(wav)
