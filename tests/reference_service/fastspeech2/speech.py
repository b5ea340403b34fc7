"""Text in, WAV out: cut, read, say and join."""

from __future__ import annotations

import json
from pathlib import Path
from typing import List

import numpy as np
from output import as_wav
from protocol import Unreadable

from . import emotions, weights
from .frontend import Frontend
from .networks import SAMPLE_RATE, Networks
from .reading import read
from .sentences import split

SPEECH_LEVEL = 10 ** (-55 / 20)  # quieter than this at either end is no speech
FRAME = SAMPLE_RATE // 100
EDGE_S = 0.05  # kept around what is louder, faded
LEAD_S, TAIL_S = 0.05, 0.15
PEAK = 0.9


class Speaker:
    """The loaded voice."""

    def __init__(self, model_dir: Path) -> None:
        """Load and verify the weights; raises weights.WeightsError."""
        self._frontend = Frontend(json.loads(weights.load(model_dir, weights.SYMBOLS)))
        self._networks = Networks(model_dir)

    def speak(self, text: str, emotion: str, intensity: float) -> bytes:
        """Return a WAV (16 bit, mono, SAMPLE_RATE); raises Unreadable."""
        prosody = emotions.prosody(emotion, intensity)
        parts = [_silence(LEAD_S)]
        for piece in split(read(text)):
            ids = self._frontend.ids(piece.text)
            if ids:
                parts += [_trim(self._networks.say(ids, prosody)), _silence(piece.pause_s)]
        if len(parts) == 1:
            raise Unreadable("this voice reads Chinese characters and digits")
        parts[-1] = _silence(TAIL_S)
        return to_wav(parts, _safe_gain(parts, prosody.gain_db))


def to_wav(parts: List[np.ndarray], gain: float = 1.0) -> bytes:
    """Return the parts (float32, -1..1 after the gain), one after the other, as a WAV file."""
    frames = (np.round(part * np.float32(gain * 32767)).astype("<i2").tobytes() for part in parts)
    return as_wav(frames, SAMPLE_RATE)


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def _trim(samples: np.ndarray) -> np.ndarray:
    """Cut the silence at both ends down to EDGE_S and fade it, so that joints do not click."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    loud = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) > SPEECH_LEVEL)
    if not len(loud):
        return samples
    edge = round(EDGE_S * SAMPLE_RATE)
    start = max(0, loud[0] * FRAME - edge)
    kept = samples[start : (loud[-1] + 1) * FRAME + edge].copy()
    ramp = np.linspace(0, 1, FRAME, dtype=np.float32)
    kept[:FRAME] *= ramp
    kept[-FRAME:] *= ramp[::-1]
    return kept


def _safe_gain(parts: List[np.ndarray], gain_db: float) -> float:
    """Return the factor for `gain_db`, or less where the loudest sample would near clipping."""
    peak = max(float(np.abs(part).max()) for part in parts)
    return min(10 ** (gain_db / 20), PEAK / max(peak, 1e-9))
