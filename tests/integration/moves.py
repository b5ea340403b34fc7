"""How an emotion moves the voice: the same text spoken neutrally and with the emotion, compared."""

from __future__ import annotations

from typing import List, NamedTuple, Tuple

import numpy as np

from scripts.audio import likeness, measures, pitch
from scripts.audio.wav import Samples
from tests.integration.service import Speech

Pairs = List[Tuple[Speech, Speech]]  # neutral first


class Move(NamedTuple):
    """The way from neutral, of one sentence or of the mean of several."""

    pitch_st: float  # median pitch, semitones
    length_percent: float  # seconds; slower is longer
    level_db: float


def move(neutral: Speech, acted: Speech) -> Move:
    """Measure the way from the neutral speech to the acted one."""
    plain, wav = neutral.wav, acted.wav
    return Move(
        pitch.semitones(pitch.f0_median_hz(plain), pitch.f0_median_hz(wav)),
        100 * (measures.duration_s(wav) / measures.duration_s(plain) - 1),
        measures.rms_db(wav) - measures.rms_db(plain),
    )


def mean_move(pairs: Pairs) -> Move:
    """Take the mean over several sentences, each against its own neutral; rounded for the reader."""
    means = np.mean([move(*pair) for pair in pairs], axis=0)
    return Move(*(round(float(mean), 2) for mean in means))


def timbre_distance(pairs: Pairs) -> float:
    """Measure how far the voice's average spectrum moves: emotions move it a little, a new speaker a lot."""
    moves = [_timbre(acted) - _timbre(neutral) for neutral, acted in pairs]
    return float(np.linalg.norm(np.mean(moves, axis=0)))


def _timbre(speech: Speech) -> Samples:
    mean: Samples = likeness.cepstra(speech.wav).mean(axis=0)
    return mean
