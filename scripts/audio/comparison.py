"""Is it still the same speech? A recording beside its golden one: the same text, spoken when all was well.

Both are laid side by side first (likeness.py), so that neither the silence around the speech counts, nor its level, nor
a few frames more or less, as runtimes of the same networks differ by.
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
PLACE_FRAMES, MOVE_FRAMES = 12, 30  # over which the worst place is looked for: its sound, and how that moves
BACK_FRAMES, BACK_SHIFT = 14, 26  # of what is played backwards, and how far away it may lie
SLOPE_FRAMES = 3  # to either side, of how the sound moves
MOST_FRAMES = 1500  # of 10 ms; longer recordings are compared in fewer, longer ones
LOUD_DB, QUIET_DB = 25.0, 50.0  # below the loudest frame
UNHEARD_DB = -75.0  # dBFS, beside speech at -23: what is softer is as good as silence
LEAST_QUIET, LEAST_VOICED = 6, 12  # frames


@dataclass(frozen=True)
class SideBySide:
    """Two recordings, each trimmed and at one level, and the path: row i of the one goes with row j of the golden.

    `distances` has those of each two rows.
    """

    one: Wav
    golden: Wav
    rows: Samples
    golden_rows: Samples
    path: Samples
    distances: Samples
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
    heard, golden_heard = np.maximum(levels, UNHEARD_DB), np.maximum(golden_levels, UNHEARD_DB)
    loud = golden_levels > golden_levels.max() - LOUD_DB
    quiet = golden_levels < golden_levels.max() - QUIET_DB
    moves = np.linalg.norm(_slopes(laid.rows)[i] - _slopes(laid.golden_rows)[j], axis=1)
    return {
        "distance": float(laid.distances[i, j].mean()),
        "worst_distance": float(np.linalg.norm(_means(laid.rows[i] - laid.golden_rows[j], PLACE_FRAMES), axis=1).max()),
        "worst_movement": float(_means(moves[:, None], MOVE_FRAMES).max()),
        "backwards": backwards(laid),
        "longest_run_s": longest_straight_run(laid.path) * laid.hop_s,
        "timbre_distance": float(np.linalg.norm((laid.rows[i] - laid.golden_rows[j])[loud].mean(axis=0))),
        "hiss_db": float(np.median((heard - golden_heard)[quiet])) if quiet.sum() >= LEAST_QUIET else math.nan,
        "level_difference_db": float(np.percentile(np.abs(levels - golden_levels)[loud], 90)),
        "length_percent": 100 * (duration_s(laid.one) / duration_s(laid.golden) - 1),
    }


def backwards(laid: SideBySide) -> float:
    """Say how much nearer the golden one a part comes when it is played backwards: by so much is the distance less.

    0 where no part of 0.14 s does: what is said otherwise is as far off in either direction.
    """
    count = len(laid.rows) - BACK_FRAMES + 1
    if count < 1:
        return 0.0
    i, j = laid.path.T
    onward = np.full(len(laid.rows), np.inf)
    np.minimum.at(onward, i, laid.distances[i, j])
    beside = np.zeros(len(laid.rows), dtype=int)  # the golden row that a row goes with first
    beside[i[::-1]] = j[::-1]
    nearest = np.full(count, np.inf)
    steps = np.arange(BACK_FRAMES)
    for shift in range(BACK_FRAMES - 1 - BACK_SHIFT, BACK_FRAMES + BACK_SHIFT):
        last = beside[:count] + shift
        starts = np.flatnonzero((last >= BACK_FRAMES - 1) & (last < len(laid.golden_rows)))
        back = laid.distances[starts[:, None] + steps, last[starts][:, None] - steps].mean(axis=1)
        nearest[starts] = np.minimum(nearest[starts], back)
    gains = _means(onward[:, None], BACK_FRAMES)[:, 0] - nearest
    return max(0.0, float(gains.max()))


def _slopes(rows: Samples) -> Samples:
    """Fit how each coefficient rises over 7 frames: a sound that is played backwards is alike, and falls."""
    padded = np.pad(rows, ((SLOPE_FRAMES, SLOPE_FRAMES), (0, 0)), mode="edge")
    moves = [
        step * (padded[SLOPE_FRAMES + step :][: len(rows)] - padded[SLOPE_FRAMES - step :][: len(rows)])
        for step in range(1, SLOPE_FRAMES + 1)
    ]
    slopes: Samples = sum(moves) / (2 * sum(step**2 for step in range(1, SLOPE_FRAMES + 1)))
    return slopes


def _means(rows: Samples, count: int) -> Samples:
    """Average so many rows from each on."""
    count = min(count, len(rows))
    sums = np.cumsum(np.concatenate([np.zeros((1, rows.shape[1])), rows]), axis=0)
    means: Samples = (sums[count:] - sums[:-count]) / count
    return means


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
