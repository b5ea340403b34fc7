"""The networks themselves, where AUDIO_MODELS names their folder: `models --settings tests/integration/sets.yml`.

What is expected of DNSMOS is what speechmos 0.0.1.1 itself says of this sound (librosa 0.11).
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from scripts.audio import opinions, speaker
from scripts.audio.wav import Wav

RATE_HZ = 16000
FOLDER = Path(os.environ.get("AUDIO_MODELS", "nowhere"))
lacks = pytest.mark.skipif


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARDLINE_MODELS", str(FOLDER))


@pytest.fixture
def humming() -> Wav:
    """A voice without words: twenty harmonics of a pitch that goes up and down, and some noise."""
    seconds = np.arange(3 * RATE_HZ) / RATE_HZ
    phase = np.cumsum(120 + 20 * np.sin(2 * np.pi * 0.7 * seconds)) / RATE_HZ
    tones = sum(np.sin(2 * np.pi * harmonic * phase) / harmonic for harmonic in range(1, 20))
    noise = np.random.default_rng(1).normal(0, 0.002, len(seconds))
    return Wav(tones * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * seconds)) * 0.1 + noise, RATE_HZ, 1)


@lacks(not (FOLDER / opinions.P808).is_file(), reason="the networks of DNSMOS are not here")
@lacks(importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not here")
def test_opinions_are_those_of_speechmos(humming: Wav) -> None:
    expected = {"mos_signal": 2.7287, "mos_background": 2.2427, "mos_overall": 1.8533, "mos_p808": 2.4808}

    assert pytest.approx(expected, abs=0.01) == opinions.opinions(humming)


@lacks(not (FOLDER / speaker.FILE).is_file(), reason="the speaker's encoder is not here")
def test_a_voice_is_nearer_to_itself_than_to_a_lower_one(humming: Wav) -> None:
    half = speaker.voice(Wav(humming.samples[:24000], RATE_HZ, 1))
    whole, lower = speaker.voice(humming), speaker.voice(Wav(humming.samples, RATE_HZ * 2 // 3, 1))

    assert half
    assert whole
    assert lower
    assert speaker.likeness(half, whole) > speaker.likeness(lower, whole)
