"""Speech is told as it was when the voice was learnt: limits of the one way are none of the other."""

from __future__ import annotations

import math

import pytest

from scripts.audio import activity, judging, learning
from scripts.audio.baseline import Baseline
from scripts.audio.clip import Clip
from tests.unit.audio.signals import recording
from tests.unit.audio.voices import spoken

TEXT = "今天心情不好。"
OF_VOICES = Baseline(profile={"speech_told_by": "voices", "pace": [0.1, 0.1, 0.1]})


def clip(seed: int = 1) -> Clip:
    return Clip(recording(spoken(0.9, seed)), TEXT)


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """A detector that hears a voice in twice as much."""
    monkeypatch.setattr(activity, "is_here", lambda: True)
    monkeypatch.setattr(activity, "spoken_s", lambda wav: 2.0)


def skipped(baseline: Baseline) -> set[str]:
    return {each.measure for each in judging.judge(clip(), None, baseline) if each.skipped}


@pytest.mark.usefixtures("detector")
def test_what_was_learnt_by_level_is_judged_by_level_where_a_detector_is() -> None:
    by_level = Baseline(profile={"speech_told_by": "level"})

    assert 2.0 != judging.judge_one("speech_s", clip(), by_level).value
    assert 2.0 == judging.judge_one("speech_s", clip(), OF_VOICES).value
    assert 2.0 == judging.judge_one("speech_s", clip(), Baseline()).value


@pytest.mark.usefixtures("detector")
def test_a_voice_knows_how_its_speech_was_told() -> None:
    assert "voices" == learning.learn([learning.hear(clip(seed)) for seed in range(8)]).profile["speech_told_by"]


def test_what_a_missing_detector_taught_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "is_here", lambda: False)

    assert {"speech_s", "pace_percent", "syllables_per_s"} <= skipped(OF_VOICES)
    assert math.isnan(judging.judge_one("pace_percent", clip(), OF_VOICES).value)
    assert not any("speech" in name for name in skipped(Baseline(profile={"speech_told_by": "level"})))
