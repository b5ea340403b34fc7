"""What machines do to a recording and no voice does: a dead side, holes, copies, few distinct values, a jump."""

from __future__ import annotations

import math

import numpy as np

from .measures import SILENCE_DB, frame_levels_db
from .wav import Samples, Wav

FRAME_S = 0.005
LOUD_DB, DEEP_DB = 30.0, 35.0  # a hole lies between frames that speak, and is so much below them
LONGEST_HOLE_S, BESIDE_S = 0.12, 0.015
COPY_HZ = 8000  # copies are looked for at about this rate
COPY_S, COPY_HOP_S, LEAST_LAG_S, MOST_LAG_S = 0.12, 0.04, 0.12, 12.0
ALIKE = 0.985  # correlation from which on two stretches are the same sound, not the same syllable
ORDER = 12  # of linear prediction


def side_difference_db(wav: Wav) -> float:
    """Compare the loudest channel with the quietest; nan for a recording of one."""
    if wav.sides is None or not len(wav.sides):
        return math.nan
    levels = [frame_level_db(side) for side in wav.sides.T]
    return max(levels) - min(levels)


def frame_level_db(samples: Samples) -> float:
    """Measure the level of some samples in dBFS."""
    return 10 * math.log10(max(float(np.mean(samples**2)), 10 ** (SILENCE_DB / 10)))


def distinct_bits(wav: Wav) -> float:
    """Count the distinct values of a second's samples, as a power of two; nan for less than a quarter of a second.

    A sound of 16 bits at a usual level has some 11; one that was kept in 8 bits has 8 at most, whatever it is kept in
    now.
    """
    one = wav.samples if wav.sides is None else wav.sides[:, int(np.argmax((wav.sides**2).sum(axis=0)))]
    if len(one) < wav.rate_hz // 4:
        return math.nan
    if not one.any():
        return 0.0
    loudest = int(np.argmax(np.convolve(one**2, np.ones(wav.rate_hz // 4), "valid")[:: wav.rate_hz // 20]))
    start = max(0, min(loudest * (wav.rate_hz // 20), len(one) - wav.rate_hz))
    return math.log2(len(np.unique(one[start : start + wav.rate_hz])))


def holes(wav: Wav) -> float:
    """Count the holes a second: up to 120 ms far below both neighbours, with edges of 5 ms, as of lost packets."""
    levels = frame_levels_db(wav, FRAME_S)
    if len(levels) < 10:
        return 0.0
    speaking = levels > np.percentile(levels, 95) - LOUD_DB
    beside, longest = round(BESIDE_S / FRAME_S), round(LONGEST_HOLE_S / FRAME_S)
    found, last = 0, -1
    for start in np.flatnonzero(speaking[:-1] & ~speaking[1:]) + 1:
        again = np.flatnonzero(speaking[start : start + longest])
        if not len(again) or start <= last:
            continue
        end = start + int(again[0])
        before, after = levels[max(0, start - beside) : start].max(), levels[end : end + beside].max()
        inside = levels[start:end]
        if np.median(inside) < min(before, after) - DEEP_DB:
            found, last = found + 1, end
    return found / (len(levels) * FRAME_S)


def longest_copy_s(wav: Wav) -> float:
    """Find the longest stretch that comes again as the very same sound, within 12 s; 0 where none does.

    A repeated syllable of a voice is alike; the samples that a machine plays twice are the same.
    """
    samples, rate_hz = _thinned(wav)
    size, hop = round(COPY_S * rate_hz), round(COPY_HOP_S * rate_hz)
    starts = list(range(0, len(samples) - size, hop))
    if len(starts) < 2:
        return 0.0
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    power = energy[size:] - energy[:-size]
    loud = power > 0.03 * np.percentile(power, 95)
    lags = [_same_later(samples, power, loud, start, size, rate_hz) if loud[start] else 0 for start in starts]
    return _longest_steady(lags, rate_hz)


def _same_later(samples: Samples, power: Samples, loud: Samples, start: int, size: int, rate_hz: int) -> int:
    """Find how many samples later the stretch comes again; 0 for never."""
    first = start + round(LEAST_LAG_S * rate_hz)
    last = min(len(samples), start + round(MOST_LAG_S * rate_hz) + size)
    if last - first < size:
        return 0
    length = 1 << int(last - first + size).bit_length()
    spectrum = np.fft.rfft(samples[first:last], length) * np.conj(np.fft.rfft(samples[start : start + size], length))
    products = np.fft.irfft(spectrum, length)[: last - first - size + 1]
    beside = power[first : first + len(products)]
    alike = products / np.sqrt(np.maximum(power[start] * beside, 1e-12))
    alike[~loud[first : first + len(products)]] = 0
    best = int(np.argmax(alike))
    return first + best - start if alike[best] > ALIKE else 0


def _longest_steady(lags: list[int], rate_hz: int) -> float:
    """Measure the longest run of windows that come again after the same time, give or take a sample."""
    longest = run = 0
    for before, lag in zip([0, *lags], lags):
        run = 0 if not lag else run + 1 if abs(lag - before) <= 1 else 1
        longest = max(longest, run)
    return COPY_S + (longest - 1) * COPY_HOP_S if longest else 0.0


def _thinned(wav: Wav) -> tuple[Samples, int]:
    """Take the sound at about 8 kHz, by means of neighbours: enough to tell copies, at a third of the work."""
    step = max(1, wav.rate_hz // COPY_HZ)
    count = len(wav.samples) // step
    return wav.samples[: count * step].reshape(count, step).mean(axis=1), wav.rate_hz // step
