"""Learn a baseline from recordings that are known to be good, and how often its limits are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from . import limits, voice
from .baseline import Baseline, is_outside
from .clip import Clip, faster
from .taking import compare, measure
from .voice import Features

SPEEDS = (1.05, 1 / 1.05)  # a recording so much faster, or slower, is as good
FOLDS = 5


@dataclass(frozen=True)
class Heard:
    """A good recording as it is, then as it may also be: values without those that know the voice, and features."""

    values: Tuple[Dict[str, float], ...]
    features: Tuple[Features, ...]


def hear(clip: Clip, golden: Optional[Clip] = None) -> Heard:
    """Measure a good recording as it is, a little faster, and a little slower.

    Args:
        golden: another recording of the same text by the same voice; without one, the recording itself is compared
            with what is faster and slower.
    """
    played = [clip, *(Clip(faster(clip.wav, speed), clip.said) for speed in SPEEDS)]
    values = [{**measure(each, {}), **compare(each, golden or clip)} for each in played]
    return Heard(tuple(values), tuple(features(each) for each in played))


def features(clip: Clip) -> Features:
    """Take what of a recording teaches the voice."""
    timbre = None if clip.timbre is None else clip.timbre.tolist()
    return Features(clip.syllables, clip.pauses, clip.speech_s(), timbre)


def learn(heard: Sequence[Heard], engine: str = "", voice_name: str = "") -> Baseline:
    """Learn limits and voice, and count the false alarms: of each fifth, by the limits of the others."""
    whole = _learn(heard)
    alarms = 0
    for fold in range(FOLDS if len(heard) >= 2 * FOLDS else 0):
        others = _learn([each for index, each in enumerate(heard) if index % FOLDS != fold])
        for each in heard[fold::FOLDS]:
            values = {**each.values[0], **voice.values(each.features[0], others.profile)}
            alarms += any(is_outside(values[name], limit) for name, limit in others.limits.items() if name in values)
    return Baseline(whole.limits, whole.profile, engine, voice_name, len(heard), alarms)


def _learn(heard: Sequence[Heard]) -> Baseline:
    profile = voice.learn([each.features[0] for each in heard])
    own = voice.own_values([each.features[0] for each in heard])
    rows: List[List[Dict[str, float]]] = []
    for each, first in zip(heard, own):
        known = [first, *(voice.values(also, profile) for also in each.features[1:])]
        rows.append([{**values, **more} for values, more in zip(each.values, known)])
    return Baseline(limits.learn(rows), profile)
