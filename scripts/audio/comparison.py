"""Is it still the same speech? What a recording has otherwise than its golden one: the same text, spoken when all was well.

Both are laid side by side first (likeness.py), so that neither how long the silence around the speech is, nor how loud it
is, nor a few frames more or less count, which differ between runtimes of the same networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from .likeness import HOP_S, WINDOW_S, align, cepstra, longest_straight_run
from .measures import FRAME_S, frame_levels_db, speaking
from .wav import Samples, Wav

EDGE_S = 0.05  # kept of the silence around
WINDOW_FRAMES = 20  # of the worst fifth of a second
MOST_FRAMES = 1500  # of 10 ms; longer recordings are compared in fewer, longer ones
LEVEL_DB = -23.0  # that both are brought to
LOUD_DB = 25.0
LOST_DB = 20.0
NORMAL = 0.6745  # quartile of a normal distribution


@dataclass(frozen=True)
class Aligned:
    """Two recordings frame by frame: where the one has row i, the golden one has row j."""

    path: Samples
    costs: Samples
    one: Samples
    golden: Samples
    one_levels: Samples
    golden_levels: Samples
    hop_s: float


def trimmed(wav: Wav) -> Wav:
    """Cut the silence around the speech, and bring the speech to one level."""
    frames = np.flatnonzero(speaking(wav))
    if not len(frames):
        return wav
    size, edge = round(FRAME_S * wav.rate_hz), round(EDGE_S * wav.rate_hz)
    kept = wav.samples[max(0, int(frames[0]) * size - edge) : (int(frames[-1]) + 1) * size + edge]
    spoken = frames - frames[0]
    loud = np.sqrt(np.mean(wav.samples[: len(wav.samples) // size * size].reshape(-1, size)[frames] ** 2))
    return Wav(kept * 10 ** (LEVEL_DB / 20) / max(float(loud), 1e-9), wav.rate_hz, 1) if len(spoken) else wav


def aligned(one: Wav, golden: Wav) -> Optional[Aligned]:
    """Lay two recordings side by side; None where one of them is shorter than 0.1 s."""
    first, second = trimmed(one), trimmed(golden)
    if min(len(first.samples) / first.rate_hz, len(second.samples) / second.rate_hz) < 0.1:
        return None
    most_s = max(len(first.samples) / first.rate_hz, len(second.samples) / second.rate_hz)
    hop_s = HOP_S * max(1, math.ceil(most_s / HOP_S / MOST_FRAMES))
    rows, golden_rows = cepstra(first, hop_s), cepstra(second, hop_s)
    path, costs = align(rows, golden_rows)
    return Aligned(path, costs, rows, golden_rows, _levels(first, hop_s), _levels(second, hop_s), hop_s)


def _levels(wav: Wav, hop_s: float) -> Samples:
    """Measure the level of each window that the cepstra have, in dB."""
    window, hop = round(WINDOW_S * wav.rate_hz), round(hop_s * wav.rate_hz)
    energy = np.concatenate([[0.0], np.cumsum(wav.samples**2)])
    starts = np.arange(0, len(wav.samples) - window + 1, hop)
    levels: Samples = 10 * np.log10(np.maximum((energy[starts + window] - energy[starts]) / window, 1e-10))
    return levels
