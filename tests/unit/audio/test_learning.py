"""A baseline that good recordings taught passes others like them, and finds what is not."""

from __future__ import annotations

import functools
from typing import List

import numpy as np

from scripts.audio import baseline, judging, learning
from scripts.audio.baseline import Baseline
from scripts.audio.clip import Clip
from tests.unit.audio.signals import RATE_HZ, recording
from tests.unit.audio.voices import spoken

TEXT = "今天心情不好。"


def clip(seed: int, **other: float) -> Clip:
    """A sentence of six syllables."""
    return Clip(recording(spoken(0.9, seed, **other)), TEXT)


@functools.lru_cache(maxsize=None)
def known() -> Baseline:
    """What ten sentences taught."""
    return learning.learn([learning.hear(clip(seed)) for seed in range(10)], "code")


def measures_that_fail(wrong: Clip) -> List[str]:
    return [each.measure for each in judging.judge(wrong, None, known()) if not each.passed]


def test_another_good_recording_passes() -> None:
    assert [] == measures_that_fail(clip(20))


def test_half_of_the_text_is_too_short() -> None:
    half = Clip(recording(spoken(0.9, 20)[: RATE_HZ // 2]), TEXT)

    assert "pace_percent" in measures_that_fail(half)
    assert "end_level_db" in measures_that_fail(half)


def test_another_voice_is_told_by_its_colour() -> None:
    samples = spoken(0.9, 20)
    dull = np.convolve(samples, np.ones(40) / 40, "same")

    assert "timbre" in measures_that_fail(Clip(recording(dull), TEXT))


def test_false_alarms_are_counted_by_the_limits_of_the_others() -> None:
    assert (10, "code") == (known().clips, known().engine)
    assert known().alarms <= 3


def test_a_baseline_survives_its_file() -> None:
    again = baseline.from_json(baseline.to_json(known()))

    assert [each.words for each in judging.judge(clip(20), None, again)] == [
        each.words for each in judging.judge(clip(20), None, known())
    ]


def test_without_a_text_nobody_judges_the_pace() -> None:
    wordless = Clip(clip(20).wav)

    assert [] == [each for each in judging.judge(wordless, None, known()) if not each.passed]
