"""Power in mel bands (Slaney's), as librosa computes it by default and as several networks were trained with."""

from __future__ import annotations

import functools

import numpy as np

from .wav import Samples

LINEAR_HZ = 1000.0  # below, bands are evenly wide
HZ_A_MEL = 200.0 / 3
STEP = np.log(6.4) / 27  # above, each mel is so much higher


def mel_spectrogram(samples: Samples, rate_hz: int, window: int, hop: int, bands: int) -> Samples:
    """Give a row for each hop: Hann windows, each centred at its hop, zeros around the recording."""
    padded = np.pad(np.asarray(samples, dtype=np.float64), window // 2)
    starts = np.arange(0, len(padded) - window + 1, hop)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)  # periodic
    frames = padded[starts[:, None] + np.arange(window)] * hann
    power = np.abs(np.fft.rfft(frames)) ** 2
    rows: Samples = power @ filters(rate_hz, window, bands).T
    return rows


@functools.lru_cache(maxsize=None)
def filters(rate_hz: int, window: int, bands: int) -> Samples:
    """Make triangles evenly spaced in mel from 0 to half the rate, each of the same area: a row for each band."""
    highest = _mel(rate_hz / 2)
    edges = _hertz(np.linspace(0.0, highest, bands + 2))
    hertz = np.fft.rfftfreq(window, 1 / rate_hz)
    rising = (hertz - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - hertz) / np.diff(edges)[1:, None]
    made: Samples = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return made


def _mel(hertz: float) -> float:
    least = LINEAR_HZ / HZ_A_MEL
    return hertz / HZ_A_MEL if hertz < LINEAR_HZ else least + float(np.log(hertz / LINEAR_HZ)) / STEP


def _hertz(mels: Samples) -> Samples:
    least = LINEAR_HZ / HZ_A_MEL
    return np.where(mels < least, mels * HZ_A_MEL, LINEAR_HZ * np.exp(STEP * (mels - least)))
