from __future__ import annotations

import pytest

from scripts.audio import loudness
from tests.unit.audio.signals import recording, silence, sine


def test_a_full_scale_tone_of_1_khz_has_the_loudness_that_the_recommendation_says() -> None:
    assert -3.01 == pytest.approx(loudness.lufs(recording(sine(997, 2, 1.0))), abs=0.02)


def test_silence_around_a_tone_does_not_count() -> None:
    tone = sine(440, 2)

    assert loudness.lufs(recording(tone)) == pytest.approx(
        loudness.lufs(recording(silence(3), tone, silence(3))),
        abs=0.7,  # of blocks at the edges
    )
    assert -70.0 == loudness.lufs(recording(silence(1))) == loudness.lufs(recording([]))


@pytest.mark.parametrize("amplitude", [0.01, 0.9])
def test_two_recordings_come_to_one_loudness_and_none_clips(amplitude: float) -> None:
    one, other = recording(sine(300, 1, amplitude)), recording(sine(3000, 1, 0.3))
    gains = loudness.gains_db(one, other)

    levels = [loudness.lufs(wav) + gain for wav, gain in zip((one, other), gains)]
    assert levels[0] == pytest.approx(levels[1])
    assert all(abs(wav.samples).max() * 10 ** (gain / 20) <= 0.9 for wav, gain in zip((one, other), gains))
