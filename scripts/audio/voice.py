"""What a voice is like, of recordings that are known to be good: how long it speaks for a text, and its colour."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from . import activity
from .taking import TOLD_BY, pace_percent, timbre_deviations
from .wav import Samples

SHRINKAGE = 0.1  # of the mean variance added to each: few recordings know little of how the coefficients go together
LEAST_CLIPS = 8
OUTLIER = 4.0  # standard deviations from which on a recording does not teach the pace


class Features(NamedTuple):
    """What of a recording teaches the voice."""

    syllables: int
    pauses: int
    speech_s: float
    timbre: Optional[Sequence[float]]


def learn(heard: Sequence[Features]) -> Dict[str, Any]:
    """Learn the profile that `catalogue.measure` takes; without what too few recordings teach."""
    profile: Dict[str, Any] = {TOLD_BY: activity.best()}
    timed = [each for each in heard if each.syllables]
    if len(timed) >= LEAST_CLIPS:
        profile["pace"] = [round(float(number), 4) for number in _pace(timed)]
    coloured = [np.asarray(each.timbre) for each in heard if each.timbre is not None]
    if len(coloured) >= LEAST_CLIPS:
        profile["timbre"] = _timbre(np.array(coloured))
    return profile


def _pace(heard: Sequence[Features]) -> Samples:
    """Fit the seconds of speech: a start, so many for a syllable, and for a pause inside."""
    rows = np.array([[1.0, each.syllables, each.pauses] for each in heard])
    seconds = np.array([each.speech_s for each in heard])
    used = np.ones(len(rows), dtype=bool)
    for _ in range(3):
        weights = 1 / rows[used, 1]  # a tenth too slow counts alike in a short and in a long text
        fit = np.linalg.lstsq(rows[used] * weights[:, None], seconds[used] * weights, rcond=None)[0]
        off = seconds / np.maximum(rows @ fit, 1e-3) - 1
        used = np.abs(off - np.median(off)) <= OUTLIER * 1.4826 * np.median(np.abs(off - np.median(off))) + 1e-9
    return np.asarray(fit)


def _timbre(rows: Samples) -> Dict[str, Any]:
    centred = rows - rows.mean(axis=0)
    covariance = centred.T @ centred / (len(rows) - 1)
    covariance += SHRINKAGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    inverse = np.linalg.inv(covariance)
    return {"mean": rows.mean(axis=0).round(4).tolist(), "inverse": inverse.round(5).tolist()}


def own_values(heard: Sequence[Features]) -> List[Dict[str, float]]:
    """Measure each recording by the voice of all others: by its own part in it, it would seem nearer than it is."""
    profile = learn(heard)
    found = []
    for index, each in enumerate(heard):
        others = learn([*heard[:index], *heard[index + 1 :]]) if "timbre" in profile else profile
        found.append(values(each, others))
    return found


def values(heard: Features, profile: Dict[str, Any]) -> Dict[str, float]:
    """Take the measures that know the voice."""
    return {"pace_percent": pace_percent(heard, heard.speech_s, profile), "timbre": timbre_deviations(heard, profile)}
