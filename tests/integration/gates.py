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
from tests.integration.promises import promised
from tests.integration.rules import OF_ANY, OF_VOICE, judged_by
from tests.integration.service import Speech, fault

OWN = baseline.own_limits(os.environ)  # `quality:` of pipeline.yml


def known() -> Baseline:
    """Give the baseline of the voice that speaks; an empty one where there is none.

    That of another voice in the folder that pipeline.yml names fails: it was recorded for this one, which has changed.
    """
    given = baseline.given_folder(os.environ)
    found = _loaded(given or Path(__file__).parent / "audio")
    if found.clips and found.voice not in ("", promised().voice):
        hint = "record it anew: invoke audio.baseline"
        assert not given, f"the baseline in {given} is of {found.voice!r}, and {promised().voice!r} speaks; {hint}"
        return Baseline()
    return found


@functools.lru_cache(maxsize=None)
def _loaded(folder: Path) -> Baseline:
    return baseline.load(folder) if (folder / baseline.FILE).is_file() else Baseline()


def check(measure: str, speech: Speech) -> None:
    """Check that a measure of the sound lies within its limits."""
    judged_by(OF_VOICE if known().clips else OF_ANY)
    verdict = judging.judge_one(measure, Clip(speech.wav, speech.text), known(), OWN)
    assert (verdict.low, verdict.high) != (None, None), f"{measure}: nobody has given it a limit, or taught one"
    expected = f"{verdict.low} to {verdict.high}"

    assert verdict.passed, fault(speech, f"{measure}: {verdict.words}", expected, f"{verdict.value:.4g}")
