"""How loud a recording sounds: ITU-R BS.1770 (2015), so that two that are compared are heard at one loudness."""

from __future__ import annotations

import numpy as np

from .measures import decibels
from .wav import Samples, Wav

BLOCK_S, STEP_S = 0.4, 0.1
SILENT_LUFS, QUIETER_LU = -70.0, 10.0  # blocks below the first, or so far below all others, do not count
OFFSET_DB = -0.691
PEAK_DB = -1.0  # that no sample goes beyond

# The recommendation's two filters at 48 kHz, numerator and denominator: the head as a shelf, and low tones off.
SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))
RATE_HZ = 48000


def lufs(wav: Wav) -> float:
    """Measure the loudness, in LUFS; -70 for silence."""
    weighted = _weighted(wav)
    size, step = max(1, round(BLOCK_S * wav.rate_hz)), max(1, round(STEP_S * wav.rate_hz))
    energy = np.concatenate([[0.0], np.cumsum(weighted**2)])
    if not len(weighted):
        return SILENT_LUFS
    starts = np.arange(0, max(1, len(weighted) - size + 1), step)
    powers = (energy[np.minimum(starts + size, len(weighted))] - energy[starts]) / min(size, len(weighted))
    heard = powers[OFFSET_DB + decibels(powers) > SILENT_LUFS]
    if not len(heard):
        return SILENT_LUFS
    loud = heard[decibels(heard) > decibels(heard.mean()) - QUIETER_LU]
    return float(OFFSET_DB + decibels(loud.mean()))


def gains_db(one: Wav, other: Wav) -> tuple[float, float]:
    """Find by how much to change each of two, in dB, so that both are as loud as each other and none clips."""
    room = [lufs(wav) + PEAK_DB - _peak_db(wav) for wav in (one, other)]  # how loud each may become
    common = min(*room, max(lufs(one), lufs(other)))
    return common - lufs(one), common - lufs(other)


def _peak_db(wav: Wav) -> float:
    loudest = float(np.abs(wav.samples if wav.sides is None else wav.sides).max()) if len(wav.samples) else 0.0
    return 20 * float(np.log10(max(loudest, 1e-6)))


def _weighted(wav: Wav) -> Samples:
    if not len(wav.samples):
        return wav.samples
    hertz = np.fft.rfftfreq(len(wav.samples), 1 / wav.rate_hz)
    turn = np.exp(-2j * np.pi * np.minimum(hertz, RATE_HZ / 2) / RATE_HZ)
    weights = np.ones(len(hertz), complex)
    for numerator, denominator in (SHELF, HIGH_PASS):
        weights = weights * np.polyval(numerator[::-1], turn) / np.polyval(denominator[::-1], turn)
    weighted: Samples = np.fft.irfft(np.fft.rfft(wav.samples) * np.abs(weights), len(wav.samples))
    return weighted
