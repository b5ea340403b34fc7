"""What a page draws of a recording: its waveform and its pitch, in few numbers."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

from .catalogue import PITCH
from .clip import Clip
from .measures import duration_s
from .network import is_installed
from .wav import Samples

COLUMNS = 320
FULL = 100  # what a full-scale sample is drawn as


def picture(clip: Clip) -> Dict[str, Any]:
    """Draw a recording.

    Returns:
        seconds, rate_hz, channels; `wave`: lowest and highest sample of each column, -100 to 100, in turn; `pitch_hz`:
        of each column, 0 where there is no voice; empty without the package for it.
    """
    return {
        "seconds": round(duration_s(clip.wav), 3),
        "rate_hz": clip.wav.rate_hz,
        "channels": clip.wav.channels,
        "wave": _wave(clip.wav.samples),
        "pitch_hz": _columns(clip.contour_hz) if is_installed(PITCH) else [],
    }


def _wave(samples: Samples) -> List[int]:
    drawn: List[int] = []
    for piece in np.array_split(samples, min(COLUMNS, len(samples))) if len(samples) else []:
        drawn += [round(FULL * float(piece.min())), round(FULL * float(piece.max()))]
    return drawn


def _columns(contour: Samples) -> List[int]:
    if not len(contour):
        return []
    places = (np.arange(min(COLUMNS, len(contour))) + 0.5) * len(contour) / min(COLUMNS, len(contour))
    return [round(float(hertz)) for hertz in contour[places.astype(int)]]
