"""Is it still the same speech? What a recording has otherwise than its golden one: the same text, spoken when all was well.

Both are laid side by side first (likeness.py), so that neither how long the silence around the speech is, nor how loud it
is, nor a few frames more or less count, which differ between runtimes of the same networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

import numpy as np

from .likeness import HOP_S, align, cepstra, levels_db, longest_straight_run, trimmed
from .measures import duration_s
from .wav import Samples, Wav

SHORTEST_S = 0.1
WINDOW_FRAMES = 20  # of the worst fifth of a second
MOST_FRAMES = 1500  # of 10 ms; longer recordings are compared in fewer, longer ones
LOUD_DB, QUIET_DB = 25.0, 50.0  # below the loudest frame
LEAST_QUIET, LEAST_VOICED = 6, 12  # frames


@dataclass(frozen=True)
class SideBySide:
    """Two recordings, each trimmed and at one level, and the path: row i of the one goes with row j of the golden."""

    one: Wav
    golden: Wav
    rows: Samples
    golden_rows: Samples
    path: Samples
    costs: Samples
    hop_s: float


def side_by_side(one: Wav, golden: Wav) -> Optional[SideBySide]:
    """Lay two recordings side by side; None where one of them is shorter than 0.1 s."""
    first, second = trimmed(one), trimmed(golden)
    longest_s = max(duration_s(first), duration_s(second))
    if min(duration_s(first), duration_s(second)) < SHORTEST_S:
        return None
    hop_s = HOP_S * max(1, math.ceil(longest_s / HOP_S / MOST_FRAMES))
    rows, golden_rows = cepstra(first, hop_s), cepstra(second, hop_s)
    return SideBySide(first, second, rows, golden_rows, *align(rows, golden_rows), hop_s)


def in_sound(laid: SideBySide) -> Dict[str, float]:
    """Measure how far the sound is from the golden one, on the whole, at the worst place, and in its colour."""
    i, j = laid.path.T
    levels, golden_levels = levels_db(laid.one, laid.hop_s)[i], levels_db(laid.golden, laid.hop_s)[j]
    loud = golden_levels > golden_levels.max() - LOUD_DB
    quiet = golden_levels < golden_levels.max() - QUIET_DB
    window = min(WINDOW_FRAMES, len(laid.costs))
    return {
        "distance": float(laid.costs.mean()),
        "worst_distance": float(np.convolve(laid.costs, np.ones(window) / window, "valid").max()),
        "longest_run_s": longest_straight_run(laid.path) * laid.hop_s,
        "timbre_distance": float(np.linalg.norm((laid.rows[i] - laid.golden_rows[j])[loud].mean(axis=0))),
        "hiss_db": float(np.median((levels - golden_levels)[quiet])) if quiet.sum() >= LEAST_QUIET else math.nan,
        "level_difference_db": float(np.percentile(np.abs(levels - golden_levels)[loud], 90)),
        "length_percent": 100 * (duration_s(laid.one) / duration_s(laid.golden) - 1),
    }


def in_pitch(laid: SideBySide, contour: Samples, golden_contour: Samples) -> Dict[str, float]:
    """Measure how far the melody is from the golden one: higher on the whole, elsewhere, or more and more.

    Args:
        contour: pitch of the trimmed recording every 10 ms, 0 where it has none.
    """
    both, pairs = _both_voiced(laid, contour, golden_contour)
    if both.sum() < LEAST_VOICED:
        return dict.fromkeys(("pitch_shift_st", "pitch_deviation_st", "pitch_drift_st"), math.nan)
    moves = 12 * np.log2(pairs[0][both] / pairs[1][both])
    shift, third = float(np.median(moves)), len(moves) // 3
    return {
        "pitch_shift_st": shift,
        "pitch_deviation_st": float(np.median(np.abs(moves - shift))),
        "pitch_drift_st": float(np.median(moves[-third:]) - np.median(moves[:third])),
    }


def _both_voiced(laid: SideBySide, one: Samples, golden: Samples) -> Tuple[Samples, Tuple[Samples, Samples]]:
    """Pair the pitches along the path; a window of 25 ms has its middle a frame of 10 ms later than it begins."""
    i, j = (laid.path * round(laid.hop_s / HOP_S) + 1).T
    inside = (i < len(one)) & (j < len(golden))
    pairs = one[i[inside]], golden[j[inside]]
    return (pairs[0] > 0) & (pairs[1] > 0), pairs
