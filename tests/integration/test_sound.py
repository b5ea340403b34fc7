"""Whatever is said, the sound itself is clean: no clipping, no noise, no hole, a proper end."""

from __future__ import annotations

from typing import Callable, List, NamedTuple

import numpy as np
import pytest

from scripts.audio import measures
from scripts.audio.wav import Wav
from tests.integration.service import Say, Speech, fault
from tests.integration.texts import SENTENCES, syllables


class Gate(NamedTuple):
    """What one measure of a clean recording lies between, and which fault lies outside."""

    fault: str
    measure: Callable[[Wav], float]
    low: float
    high: float


# Beside each: measured over 20 other sentences, and over the eight emotions where those go further.
GATES = {
    "clipping": Gate("share of samples flattened at the peak", measures.flat_top_share, 0, 0.01),  # 0
    "full-scale": Gate("peak, dBFS", measures.peak_db, -20, -0.1),  # -13 to -0.9
    "level": Gate("level, dBFS", measures.rms_db, -30, -14),  # -24 to -20
    "cut-end": Gate("last 30 ms against the loudest, dB", measures.end_level_db, -200, -50),  # -99
    "long-gap": Gate("longest silence inside, s", measures.longest_gap_s, 0, 0.9),  # 0.33
    "trailing-silence": Gate("silence at the end, s", measures.trailing_silence_s, 0, 0.6),  # 0.21
    "noise": Gate("quiet frames against loud ones, dB", measures.noise_floor_db, -200, -50),  # -99
    "muffled": Gate("3 to 8 kHz against everything, dB", measures.high_band_db, -26, -6),  # -21 to -9
    "pitch": Gate("median pitch, Hz", measures.f0_median_hz, 195, 330),  # 232 to 287
    "monotone": Gate("pitch range, semitones", measures.f0_range_semitones, 2.5, 13),  # 4.9 to 8.5
}


@pytest.fixture(scope="module")
def recordings(say_once: Say) -> List[Speech]:
    """Have every sentence spoken neutrally."""
    return [say_once(text) for text in SENTENCES]


@pytest.mark.parametrize("name", GATES)
def test_the_sound_is_clean_of(name: str, recordings: List[Speech]) -> None:
    gate = GATES[name]
    for speech in recordings:
        came = gate.measure(speech.wav)

        assert gate.low <= came <= gate.high, fault(
            speech, f"{name}: {gate.fault}", f"{gate.low} to {gate.high}", f"{came:.4g}"
        )


def test_no_syllable_is_lost_or_doubled(recordings: List[Speech]) -> None:
    for speech in recordings:
        came = measures.speech_s(speech.wav) / syllables(speech.text)

        # measured: 0.166 to 0.223
        assert 0.13 < came < 0.28, fault(speech, "seconds of speech for each syllable", "0.13 to 0.28", f"{came:.3f}")


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
        gate = GATES[name]
        came = gate.measure(speech.wav)

        assert gate.low <= came <= gate.high, fault(
            speech, f"{name}: {gate.fault}", f"{gate.low} to {gate.high}", f"{came:.4g}"
        )
