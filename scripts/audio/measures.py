"""What one recording sounds like, in numbers: length, level, faults.

Every level is in dB. "dBFS" counts from a full-scale sample; all others are differences inside
the recording itself, so that they hold for a loud and for a quiet voice alike. Most work on
frames of 10 ms, as speech analysis commonly does: speech stands still that long.
"""

from __future__ import annotations

import math

import numpy as np

from .wav import Samples, Wav

SILENCE_DB = -120.0  # what digital silence measures as: below a 16 bit step (-90 dBFS), finite
FRAME_S = 0.010
SPEECH_DB = 35.0  # a frame speaks if it is less than this below the loudest ones


def duration_s(wav: Wav) -> float:
    """Divide the samples by the rate."""
    return len(wav.samples) / wav.rate_hz


def rms_db(wav: Wav) -> float:
    """Measure the level of the whole recording in dBFS: 20 log10 of the root of the mean square."""
    return _decibels(_rms(wav.samples))


def peak_db(wav: Wav) -> float:
    """Find the largest sample, in dBFS."""
    return _decibels(_peak(wav.samples))


def flat_top_share(wav: Wav) -> float:
    """Find the share of samples (0 to 1) that clipping flattened: neighbours that both sit at the peak.

    Measured against the recording's own peak, because a clipped signal may have been scaled
    down afterwards. A natural peak touches its maximum for a sample or two.
    """
    top = _peak(wav.samples)
    if not top:
        return 0.0
    flat = np.abs(wav.samples) >= 0.999 * top
    beside = np.zeros_like(flat)
    beside[1:] |= flat[:-1]
    beside[:-1] |= flat[1:]
    return float(np.mean(flat & beside))


def speech_s(wav: Wav) -> float:
    """Count the seconds of speech: frames less than 35 dB below the loudest (an energy detector)."""
    return int(speaking(wav).sum()) * FRAME_S


def longest_gap_s(wav: Wav) -> float:
    """Find the longest stretch without speech between its first and its last frame."""
    frames = np.flatnonzero(speaking(wav))
    return float(np.diff(frames).max() - 1) * FRAME_S if len(frames) > 1 else 0.0


def trailing_silence_s(wav: Wav) -> float:
    """Count the seconds after the last frame that speaks."""
    frames = np.flatnonzero(speaking(wav))
    spoken = (int(frames[-1]) + 1) * round(FRAME_S * wav.rate_hz) if len(frames) else 0
    return (len(wav.samples) - spoken) / wav.rate_hz


def end_level_db(wav: Wav) -> float:
    """Compare the last 30 ms with the loudest 30 ms: near 0 where the end was cut off."""
    levels = frame_levels_db(wav, 0.030, from_end=True)
    return float(levels[-1] - levels.max()) if len(levels) else 0.0


def noise_floor_db(wav: Wav) -> float:
    """Compare the quietest frames with the loudest: 5th less 95th percentile of the frame levels."""
    levels = frame_levels_db(wav, FRAME_S)
    return float(np.percentile(levels, 5) - np.percentile(levels, 95)) if len(levels) else 0.0


def high_band_db(wav: Wav) -> float:
    """Compare the energy from 3 to 8 kHz with all energy (Parseval: a sum over the power spectrum)."""
    if not wav.samples.any():
        return SILENCE_DB
    power = np.abs(np.fft.rfft(wav.samples)) ** 2
    hertz = np.fft.rfftfreq(len(wav.samples), 1 / wav.rate_hz)
    band = power[(hertz >= 3000) & (hertz < 8000)].sum()
    return max(SILENCE_DB, 10 * math.log10(band / power.sum())) if band else SILENCE_DB


# --- below: what the measures share ----------------------------------------------------------


def _decibels(amplitude: float) -> float:
    return max(SILENCE_DB, 20 * math.log10(amplitude)) if amplitude > 0 else SILENCE_DB


def decibels(power: Samples) -> Samples:
    """Give mean squares in dBFS, digital silence as -120."""
    levels: Samples = 10 * np.log10(np.maximum(power, 10 ** (SILENCE_DB / 10)))
    return levels


def _rms(samples: Samples) -> float:
    return math.sqrt(float(np.mean(samples**2))) if len(samples) else 0.0


def _peak(samples: Samples) -> float:
    return float(np.abs(samples).max()) if len(samples) else 0.0


def start_level_db(wav: Wav) -> float:
    """Compare the first 30 ms with the loudest 30 ms: near 0 where the beginning was cut off."""
    levels = frame_levels_db(wav, 0.030)
    return float(levels[0] - levels.max()) if len(levels) else 0.0


def offset(wav: Wav) -> float:
    """Find the share of full scale by which the whole sound is shifted (DC), from 0 to 1."""
    return abs(float(np.mean(wav.samples))) if len(wav.samples) else 0.0


def frame_levels_db(wav: Wav, frame_s: float, from_end: bool = False) -> Samples:
    """Measure each whole frame in dBFS; the odd rest is left out at the end or at the start."""
    size = round(frame_s * wav.rate_hz)
    count = len(wav.samples) // size
    used = wav.samples[len(wav.samples) - count * size :] if from_end else wav.samples
    rms = np.sqrt(np.mean(used[: count * size].reshape(count, size) ** 2, axis=1))
    levels: Samples = 20 * np.log10(np.maximum(rms, 10 ** (SILENCE_DB / 20)))
    return levels


def speaking(wav: Wav) -> Samples:
    """Tell which frames speak: near the loud frames' level, and above digital silence."""
    levels = frame_levels_db(wav, FRAME_S)
    if not len(levels):
        return np.zeros(0, dtype=bool)
    loud = float(np.percentile(levels, 95))
    speaking: Samples = levels > max(loud - SPEECH_DB, SILENCE_DB)
    return speaking
