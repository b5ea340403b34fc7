"""The melody of one recording (Boersma 1993, through Praat): how high, how lively, and whether it drifts."""

from __future__ import annotations

import math

import numpy as np
import parselmouth

from .measures import duration_s
from .wav import Samples, Wav

FRAME_S = 0.010
FLOOR_HZ, CEILING_HZ = 75.0, 600.0  # Praat's standard range
LEAST_VOICED = 20  # frames for a drift


def f0_median_hz(wav: Wav) -> float:
    """Find the median pitch of the voiced frames; nan without any."""
    return median_hz(contour_hz(wav))


def f0_range_semitones(wav: Wav) -> float:
    """Measure the pitch range from the 10th to the 90th percentile; nan without voiced frames."""
    return range_semitones(contour_hz(wav))


def median_hz(contour: Samples) -> float:
    """Find the median of the voiced frames; nan without any."""
    voiced = contour[contour > 0]
    return float(np.median(voiced)) if len(voiced) else math.nan


def range_semitones(contour: Samples) -> float:
    """Measure the interval from the 10th to the 90th percentile; nan without voiced frames."""
    voiced = contour[contour > 0]
    if not len(voiced):
        return math.nan
    return semitones(float(np.percentile(voiced, 10)), float(np.percentile(voiced, 90)))


def drift_semitones(contour: Samples) -> float:
    """Compare the last third of the voiced frames with the first, each by its median; nan for less than 0.2 s."""
    voiced = contour[contour > 0]
    third = len(voiced) // 3
    if len(voiced) < LEAST_VOICED:
        return math.nan
    return semitones(float(np.median(voiced[:third])), float(np.median(voiced[-third:])))


def semitones(low_hz: float, high_hz: float) -> float:
    """Measure the interval from one pitch to another: 12 semitones to the octave, that is 12 log2.

    >>> semitones(220, 440)
    12.0
    """
    return 12 * math.log2(high_hz / low_hz)


def contour_hz(wav: Wav) -> Samples:
    """Find the pitch every 10 ms, 0 where there is no voice; Praat needs three periods of its lowest to see one."""
    if duration_s(wav) < 3 / FLOOR_HZ + FRAME_S:
        return np.zeros(0)
    sound = parselmouth.Sound(wav.samples, sampling_frequency=wav.rate_hz)
    pitch = sound.to_pitch(FRAME_S, FLOOR_HZ, CEILING_HZ)
    # to the grid of the frames that start at 0: Praat centres its own in the recording
    hertz: Samples = pitch.selected_array["frequency"]
    lead = max(0, round(float(pitch.xs()[0]) / FRAME_S - 0.5))
    return np.concatenate([np.zeros(lead), hertz])
