"""The gates of an answer's sound: limits that the engine itself taught, all in audio/baseline.json beside this file."""

from __future__ import annotations

import os
from pathlib import Path

from scripts.audio import baseline, judging
from scripts.audio.clip import Clip
from tests.integration.service import Speech, fault

KNOWN = baseline.load(Path(__file__).parent / "audio")
OWN = baseline.own_limits(os.environ)  # `quality:` of pipeline.yml


def check(measure: str, speech: Speech) -> None:
    """Check that a measure of the sound lies within its limits."""
    verdict = judging.judge_one(measure, Clip(speech.wav, speech.text), KNOWN, OWN)
    expected = f"{verdict.low} to {verdict.high}"

    assert verdict.passed, fault(speech, f"{measure}: {verdict.words}", expected, f"{verdict.value:.4g}")
