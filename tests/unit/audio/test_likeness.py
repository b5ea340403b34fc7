"""Alignment tells the same sound from a shifted, lengthened or different one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.audio.likeness import HOP_S, cepstra, likeness
from tests.unit.audio.signals import recording, silence, sine

HIGH, LOW = sine(1500, 0.2), sine(300, 0.2)
WORD = recording(HIGH, silence(0.1), LOW)


def test_a_recording_is_like_itself() -> None:
    same = likeness(WORD, WORD)

    assert pytest.approx(0, abs=1e-4) == same.distance
    assert 0 == same.longest_run_s


def test_other_sounds_are_far_off() -> None:
    other = recording(LOW, silence(0.1), HIGH)

    assert likeness(WORD, other).distance > 5


def test_a_lost_part_shows_as_a_run_of_its_length() -> None:
    whole = recording(HIGH, sine(700, 0.3), LOW)

    assert pytest.approx(0.3, abs=0.03) == likeness(whole, recording(HIGH, LOW)).longest_run_s


def test_loudness_does_not_matter() -> None:
    hiss = np.random.default_rng(1).normal(0, 0.1, 9600)

    assert likeness(recording(hiss), recording(0.5 * hiss)).distance < 0.1


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from([200.0, 900.0, 2500.0]), min_size=1, max_size=3))
def test_likeness_is_mutual(tones: list[float]) -> None:
    other = recording(*(sine(hertz, 0.05) for hertz in tones))

    forth, back = likeness(WORD, other), likeness(other, WORD)

    assert pytest.approx(forth.distance, rel=0.05) == back.distance


def test_a_row_of_cepstra_every_hop() -> None:
    rows, columns = cepstra(WORD).shape

    assert 12 == columns
    assert pytest.approx(0.5, abs=0.03) == rows * HOP_S
