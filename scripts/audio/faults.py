"""What machines do to a recording and no voice does: a dead side, holes, jumps, copies, few distinct values."""

from __future__ import annotations

import math

import numpy as np

from .likeness import HOP_S, cepstra
from .measures import decibels
from .wav import Samples, Wav

EDGE_S, EDGE_DB = 0.001, 38.0  # a hole begins and ends within some such frames, by so much
NEAR_DB, DEEP_DB = 25.0, 50.0  # below the loud ones: what lies beside a hole is less, what is in it is more
SHORTEST_HOLE, LONGEST_HOLE, BESIDE = 4, 120, 4  # frames
JUMP_BESIDE_S = 0.004
COPY_FRAMES, LEAST_LAG, MOST_LAG = 10, 12, 1200  # frames of 10 ms
MAYBE = 3.5  # mean distance of cepstra from which down two stretches may be the same sound
SAME = 0.98  # correlation from which on they are
MOST_TRIED = 12
LOUD_DB = 25.0


def side_difference_db(wav: Wav) -> float:
    """Compare the loudest channel with the quietest; nan for a recording of one."""
    if wav.sides is None or not len(wav.sides):
        return math.nan
    levels = decibels(np.mean(wav.sides**2, axis=0))
    return float(levels.max() - levels.min())


def distinct_bits(wav: Wav) -> float:
    """Count the distinct values in the loudest second, as a power of two; nan for less than a quarter of a second.

    A sound of 16 bits at a usual level has some 13; one that was kept in 8 bits has 8 at most, whatever it is kept in
    now.
    """
    one = wav.samples if wav.sides is None else wav.sides[:, int(np.argmax((wav.sides**2).sum(axis=0)))]
    step = wav.rate_hz // 4
    if len(one) < step or not step:
        return math.nan
    quarters = one[: len(one) // step * step].reshape(-1, step)
    loudest = int(np.argmax((quarters**2).sum(axis=1)))
    start = max(0, min(loudest - 1, len(quarters) - 4))
    return math.log2(len(np.unique(quarters[start : start + 4])))


def holes_per_s(wav: Wav) -> float:
    """Count the holes a second, as of lost packets: up to 0.12 s of nothing that begins and ends within 1 ms.

    A voice closes its lips for as long, but falls silent in 10 ms or more.
    """
    size = max(1, round(EDGE_S * wav.rate_hz))
    count = len(wav.samples) // size
    if count < 4 * BESIDE:
        return 0.0
    energy = np.concatenate([[0.0], np.cumsum((wav.samples[: count * size] ** 2).reshape(count, size).mean(axis=1))])

    def level(first: Samples, end: Samples) -> Samples:
        return decibels((energy[end] - energy[first]) / (end - first))

    loud = np.percentile(
        level(np.arange(0, count - 9, 10), np.arange(10, count + 1, 10)[: len(range(0, count - 9, 10))]), 95
    )
    frames = np.arange(BESIDE, count - BESIDE)
    before, after = level(frames - 2, frames), level(frames + 1, frames + BESIDE)
    falls = frames[(before > loud - NEAR_DB) & (before - after > EDGE_DB)]
    before = level(frames - BESIDE + 1, frames)
    rises = frames[(level(frames + 1, frames + 3) > loud - NEAR_DB) & (after - before > EDGE_DB)]
    found, end = 0, -1
    for fall in falls:
        ends = rises[(rises > fall + SHORTEST_HOLE) & (rises < fall + LONGEST_HOLE)]
        if fall > end and len(ends) and level(fall + 2, ends[:1] - 1)[0] < loud - DEEP_DB:
            found, end = found + 1, int(ends[0])
    return found / (count * EDGE_S)


def jump(wav: Wav) -> float:
    """Find how abruptly the wave jumps at most: its second difference against that of the 4 ms around.

    What is cut out of a voice, or joined without a fade, leaves such a click; the voice itself reaches some 15.
    """
    bends = np.abs(np.diff(wav.samples, 2))
    beside = max(3, round(JUMP_BESIDE_S * wav.rate_hz))
    if len(bends) < 4 * beside:
        return 0.0
    energy = np.concatenate([[0.0], np.cumsum(bends**2)])
    places = np.arange(beside, len(bends) - beside - 1)
    around = energy[places + beside + 1] - energy[places - beside] - (energy[places + 3] - energy[places - 2])
    usual = np.sqrt(np.maximum(around, 0) / (2 * beside - 4))
    # what is far below the sound's own size nobody hears
    heard = bends[places] > 0.02 * np.percentile(np.abs(wav.samples), 99)
    return float(np.max(bends[places] * heard / (usual + 1e-4)))


def longest_copy_s(wav: Wav) -> float:
    """Find the longest stretch of at least 0.1 s that comes again as the very same sound, within 12 s; 0 for none.

    A syllable that a voice repeats is alike; the samples that a machine plays twice are the same. Where the cepstra
    are near, the samples decide.
    """
    if len(wav.samples) < wav.rate_hz * HOP_S * (COPY_FRAMES + LEAST_LAG + 3):
        return 0.0
    rows, hop = cepstra(wav), round(HOP_S * wav.rate_hz)
    power = np.add.reduceat(wav.samples**2, np.arange(len(rows)) * hop)[: len(rows)]
    is_loud = power > power.max() * 10 ** (-LOUD_DB / 10)
    near = sorted(_near(rows, is_loud))[:MOST_TRIED]
    return max((_same_s(wav, first * hop, (first + lag) * hop, hop) for _, first, lag in near), default=0.0)


def _near(rows: Samples, is_loud: Samples) -> list[tuple[float, int, int]]:
    """List (distance, first frame, lag) of the stretches that may come again: the nearest of each lag."""
    found = []
    for lag in range(LEAST_LAG, min(MOST_LAG, len(rows) - COPY_FRAMES)):
        squares = ((rows[lag:] - rows[:-lag]) ** 2).sum(axis=1)
        squares[~(is_loud[lag:] & is_loud[:-lag])] = 1e3
        sums = np.concatenate([[0.0], np.cumsum(squares)])
        means = (sums[COPY_FRAMES:] - sums[:-COPY_FRAMES]) / COPY_FRAMES
        best = int(np.argmin(means))
        if means[best] < MAYBE**2:
            found.append((float(means[best]), best, lag))
    return found


def _same_s(wav: Wav, first: int, second: int, hop: int) -> float:
    """Measure for how long the samples from `first` on are those from about `second` on; 0 where they never are."""
    size = COPY_FRAMES * hop
    start = max(0, second - hop)
    piece, region = wav.samples[first : first + size], wav.samples[start : second + size + hop]
    products = np.correlate(region, piece, "valid")
    energy = np.concatenate([[0.0], np.cumsum(region**2)])
    alike = products / np.sqrt(np.maximum((energy[size:] - energy[:-size]) * float((piece**2).sum()), 1e-12))
    best = int(np.argmax(alike))
    if alike[best] < SAME:
        return 0.0
    lag = start + best - first
    count = (len(wav.samples) - lag) // hop
    one = wav.samples[: count * hop].reshape(count, hop)
    other = wav.samples[lag : lag + count * hop].reshape(count, hop)
    same = ((one - other) ** 2).sum(axis=1) < 2 * (1 - SAME) * np.maximum((one**2).sum(axis=1), 1e-9)
    frames = np.flatnonzero(~np.concatenate([[False], same, [False]]))
    around = int(np.searchsorted(frames, first // hop + 1))
    return float(frames[min(around, len(frames) - 1)] - frames[around - 1] - 1) * HOP_S if around else 0.0
