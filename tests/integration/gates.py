"""The gates of an answer's sound: limits that the engine itself taught, where its voice has a baseline.

That of the embedded voice is audio/baseline.json beside this file; `suite.baseline` of pipeline.yml names another. A
voice that has none is judged by the limits of any speech.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path

from scripts.audio import baseline, judging
from scripts.audio.baseline import Baseline
from scripts.audio.clip import Clip
from tests.integration.promises import OF_ANY, OF_VOICE, judged_by, promised
from tests.integration.service import Speech, fault

OWN = baseline.own_limits(os.environ)  # `quality:` of pipeline.yml


@functools.lru_cache(maxsize=None)
def known() -> Baseline:
    """Read the baseline of the voice that speaks; an empty one where there is none."""
    folder = baseline.given_folder(os.environ) or Path(__file__).parent / "audio"
    found = baseline.load(folder) if (folder / baseline.FILE).is_file() else Baseline()
    return found if found.clips and found.voice in ("", promised().voice) else Baseline()


def check(measure: str, speech: Speech) -> None:
    """Check that a measure of the sound lies within its limits."""
    judged_by(OF_VOICE if known().clips else OF_ANY)
    verdict = judging.judge_one(measure, Clip(speech.wav, speech.text), known(), OWN)
    expected = f"{verdict.low} to {verdict.high}"

    assert verdict.passed, fault(speech, f"{measure}: {verdict.words}", expected, f"{verdict.value:.4g}")
