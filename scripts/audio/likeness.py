"""How alike two recordings are: the same words in the same order, or something else?

Each recording becomes a series of mel-frequency cepstra (Davis and Mermelstein 1980), the shape
of the spectrum every 10 ms without its loudness. Dynamic time warping (Sakoe and Chiba 1978)
lays the two series side by side at the least total distance. A rendering of the same text stays
near and runs along the diagonal; other words lie far off; a lost or repeated part shows as a
long run where one recording moves on and the other stands still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .measures import FRAME_S, decibels, speaking
from .wav import Samples, Wav

HOP_S, WINDOW_S = 0.010, 0.025
MEL_BANDS, CEPSTRA = 40, 12
LOWEST_HZ, HIGHEST_HZ = 60.0, 8000.0
EDGE_S = 0.05  # kept of the silence around
LEVEL_DB = -23.0  # that the speech is brought to, before two recordings are compared
FLOOR = 1e-8  # power added to each band (-80 dBFS), so that silence has a shape too


@dataclass(frozen=True)
class Likeness:
    """Mean distance a step of the alignment, and the longest time one side stood still."""

    distance: float
    longest_run_s: float


def likeness(one: Wav, other: Wav) -> Likeness:
    """Align two recordings of at least one window each."""
    path, distances = align(cepstra(one), cepstra(other))
    return Likeness(float(distances[path[:, 0], path[:, 1]].mean()), longest_straight_run(path) * HOP_S)


def align(first: Samples, second: Samples) -> tuple[Samples, Samples]:
    """Lay two series side by side: the path as rows (i, j), and the distance of each two frames."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None, :]
    # rounded, so that rounding errors between equal frames draw no path off the diagonal
    costs = np.sqrt(np.maximum(squares - 2 * first @ second.T, 0)).round(3)
    path = _cheapest_path(costs)
    return path, costs


def cepstra(wav: Wav, hop_s: float = HOP_S) -> Samples:
    """Compute a row of 12 cepstral coefficients every 10 ms; the 0th, loudness, is left out."""
    window, hop = round(WINDOW_S * wav.rate_hz), round(hop_s * wav.rate_hz)
    starts = np.arange(0, len(wav.samples) - window + 1, hop)
    frames = wav.samples[starts[:, None] + np.arange(window)] * np.hanning(window)
    power = np.abs(np.fft.rfft(frames)) ** 2 / window
    bands = np.log(power @ _mel_filters(window, wav.rate_hz) + FLOOR)
    angles = np.pi / MEL_BANDS * (np.arange(MEL_BANDS) + 0.5)
    cosines = np.cos(np.outer(angles, np.arange(1, CEPSTRA + 1)))
    rows: Samples = bands @ cosines * np.sqrt(2 / MEL_BANDS)
    return rows


def trimmed(wav: Wav) -> Wav:
    """Cut the silence around the speech, and bring the speech to one level."""
    frames = np.flatnonzero(speaking(wav))
    if not len(frames):
        return wav
    size, edge = round(FRAME_S * wav.rate_hz), round(EDGE_S * wav.rate_hz)
    kept = wav.samples[max(0, int(frames[0]) * size - edge) : (int(frames[-1]) + 1) * size + edge]
    spoken = wav.samples[: len(wav.samples) // size * size].reshape(-1, size)[frames]
    gain = 10 ** (LEVEL_DB / 20) / max(float(np.sqrt(np.mean(spoken**2))), 1e-9)
    return Wav(kept * gain, wav.rate_hz, 1)


def levels_db(wav: Wav, hop_s: float = HOP_S) -> Samples:
    """Measure the level of each window that the cepstra have, in dBFS."""
    window, hop = round(WINDOW_S * wav.rate_hz), round(hop_s * wav.rate_hz)
    energy = np.concatenate([[0.0], np.cumsum(wav.samples**2)])
    starts = np.arange(0, len(wav.samples) - window + 1, hop)
    return decibels((energy[starts + window] - energy[starts]) / window)


def _mel_filters(window: int, rate_hz: int) -> Samples:
    """Make triangles evenly spaced in mel, 2595 log10(1 + f / 700) (HTK): a column for each band."""
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    edges = 700 * (10 ** (np.linspace(lowest, highest, MEL_BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(window, 1 / rate_hz)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    filters: Samples = np.maximum(0, np.minimum(rising, falling))
    return filters


def _cheapest_path(costs: Samples) -> Samples:
    """Trace the alignment as rows (i, j), from (0, 0) to the last frames, in steps of at most one."""
    totals = _accumulate(costs)
    i, j = costs.shape[0] - 1, costs.shape[1] - 1
    path = [(i, j)]
    while (i, j) != (0, 0):
        # totals[i, j] lies diagonally before costs[i, j]; of equals the diagonal comes first
        steps = [(totals[i, j], 0), (totals[i, j + 1], 1), (totals[i + 1, j], 2)]
        step = min(steps)[1]
        i, j = i - (step != 2), j - (step != 1)
        path.append((i, j))
    return np.array(path[::-1])


def _accumulate(costs: Samples) -> Samples:
    """Add up the cheapest total to each cell, one row and column of infinity before the first.

    Cells of one anti-diagonal depend only on the two before it, so each is one numpy step.
    """
    rows, columns = costs.shape
    totals = np.full((rows + 1, columns + 1), np.inf)
    totals[0, 0] = 0
    for diagonal in range(rows + columns - 1):
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        before = np.minimum(totals[i, j], np.minimum(totals[i, j + 1], totals[i + 1, j]))
        totals[i + 1, j + 1] = costs[i, j] + before
    return totals


def longest_straight_run(path: Samples) -> int:
    """Count the most steps in a row that moved along the same single side."""
    longest = run = 0
    previous = (1, 1)
    for step in map(tuple, np.diff(path, axis=0)):
        run = 0 if step == (1, 1) else run + 1 if step == previous else 1
        longest, previous = max(longest, run), step
    return longest
