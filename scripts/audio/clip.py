"""One recording under test: the sound, the text it should say, and what several measures need of it, found once."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from typing import Dict, Optional

import numpy as np

from . import activity, likeness, measures, text
from .reading import read
from .wav import Samples, Wav, WavError

LOUD_DB = 25.0


class Clip:
    """A recording and its text; "" where the text is not known."""

    def __init__(self, wav: Wav, said: str = "") -> None:
        self.wav = wav
        self.said = said
        self._speech_s: Dict[str, float] = {}

    @cached_property
    def syllables(self) -> int:
        """Count the syllables of the text."""
        return text.syllables(self.said)

    @cached_property
    def pauses(self) -> int:
        """Count the marks inside the text."""
        return text.pauses(self.said)

    def speech_s(self, told_by: str = "") -> float:
        """Measure how long it speaks; nan where that is told by a detector that is not here.

        Args:
            told_by: activity.VOICES or LEVEL; by default the detector where there is one.
        """
        way = told_by or activity.best()
        if way not in self._speech_s:
            self._speech_s[way] = self._measured_s(way)
        return self._speech_s[way]

    def _measured_s(self, way: str) -> float:
        if way == activity.LEVEL:
            return measures.speech_s(self.wav)
        return activity.spoken_s(self.wav) if activity.is_here() else math.nan

    @cached_property
    def contour_hz(self) -> Samples:
        """Find the pitch every 10 ms; needs parselmouth."""
        from . import pitch

        return pitch.contour_hz(self.wav)

    @cached_property
    def voiced_s(self) -> float:
        """Count the seconds with a pitch."""
        return float(np.sum(self.contour_hz > 0)) * likeness.HOP_S

    @cached_property
    def timbre(self) -> Optional[Samples]:
        """Average the cepstra of what speaks: the colour of the voice; None for less than 0.1 s."""
        if measures.duration_s(self.wav) < 0.1:
            return None
        rows = likeness.cepstra(likeness.trimmed(self.wav))
        levels = likeness.levels_db(likeness.trimmed(self.wav))
        mean: Samples = rows[levels > levels.max() - LOUD_DB].mean(axis=0)
        return mean


def read_clip(file: Path, said: str = "", body: Optional[bytes] = None) -> Clip:
    """Read a recording under test.

    Args:
        body: what is in the file, or in another take of it, where that is known already.

    Raises:
        WavError: it cannot be read; the message names the file.
        OSError: it is not there.
    """
    try:
        return Clip(read(file.read_bytes() if body is None else body), said)
    except WavError as error:
        raise WavError(f"{file}: {error}") from None


def faster(wav: Wav, factor: float) -> Wav:
    """Play it faster by the factor, and so higher, as a tape does."""
    if not len(wav.samples):
        return wav
    played = activity.resampled(Wav(wav.samples, wav.rate_hz, 1), round(wav.rate_hz / factor))
    return Wav(played, wav.rate_hz, wav.channels, None if wav.sides is None else _sides(wav.sides, wav.rate_hz, factor))


def _sides(sides: Samples, rate_hz: int, factor: float) -> Samples:
    return np.stack([activity.resampled(Wav(side, rate_hz, 1), round(rate_hz / factor)) for side in sides.T], axis=1)
