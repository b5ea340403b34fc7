"""Whatever is said, the sound itself is clean: no clipping, no noise, no hole, a proper end."""

from __future__ import annotations

from typing import List

import numpy as np
import pytest

from scripts.audio import measures
from tests.integration.gates import check, known
from tests.integration.service import Say, Speech, fault
from tests.integration.texts import SENTENCES, syllables

GATES = {
    "clipping": "flat_top_share",
    "full-scale": "peak_db",
    "level": "level_db",
    "cut-end": "end_level_db",
    "long-gap": "longest_gap_s",
    "trailing-silence": "trailing_silence_s",
    "noise": "noise_floor_db",
    "muffled": "high_band_db",
    "pitch": "f0_median_hz",
    "monotone": "f0_range_st",
}


@pytest.fixture(scope="module")
def recordings(say_once: Say) -> List[Speech]:
    """Have every sentence spoken neutrally."""
    return [say_once(text) for text in SENTENCES]


@pytest.mark.parametrize("name", GATES)
def test_the_sound_is_clean_of(name: str, recordings: List[Speech]) -> None:
    for speech in recordings:
        check(GATES[name], speech)


def test_no_syllable_is_lost_or_doubled(recordings: List[Speech]) -> None:
    for speech in recordings:
        check("pace_percent" if known().clips else "syllables_per_s", speech)  # any voice has some pace


def test_the_tempo_is_even_over_sentences(recordings: List[Speech]) -> None:
    paces = [measures.speech_s(s.wav) / syllables(s.text) for s in recordings]
    came = max(paces) / min(paces)
    slowest = recordings[int(np.argmax(paces))]

    # measured: 1.34 between the extremes of 20 sentences
    assert came < 1.7, fault(slowest, "slowest sentence against the fastest, per syllable", "below 1.7", f"{came:.2f}")


@pytest.mark.parametrize("emotion", ["angry", "melancholic"])
def test_strong_emotions_do_not_break_the_sound(say_once: Say, emotion: str) -> None:
    speech = say_once(SENTENCES[2], emotion=emotion)
    for name in ("clipping", "full-scale", "cut-end", "long-gap", "noise"):
        check(GATES[name], speech)
