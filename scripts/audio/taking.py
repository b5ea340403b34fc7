"""Take the measures of a recording, by itself and beside its golden one; those whose package is not here are named."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, Mapping

import numpy as np

from . import activity, faults, measures
from .catalogue import COMPARISONS, MEASURES, PACKAGES, PITCH, Measure
from .clip import Clip
from .comparison import in_pitch, in_sound, side_by_side
from .network import is_installed

Profile = Mapping[str, Any]  # of a baseline: what the measures that know the voice need


def measure(clip: Clip, profile: Profile) -> Dict[str, float]:
    """Take every measure whose package is here; nan where one does not apply."""
    return {each.name: OF[each.name](clip, profile) for each in MEASURES if _is_here(each)}


def take(name: str, clip: Clip, profile: Profile) -> float:
    """Take one measure of a recording by itself."""
    return OF[name](clip, profile)


def compare(clip: Clip, golden: Clip) -> Dict[str, float]:
    """Take every measure against the golden recording of the same text."""
    laid = side_by_side(clip.wav, golden.wav)
    if laid is None:
        return {each.name: math.nan for each in COMPARISONS}
    values = in_sound(laid)
    if is_installed(PITCH):
        from .pitch import contour_hz

        values.update(in_pitch(laid, contour_hz(laid.one), contour_hz(laid.golden)))
    return values


def skipped(profile: Mapping[str, Any] = {}) -> Dict[str, str]:
    """Name the measures that are not taken here, and what each wants; a finer measure of speech has one, too."""
    wanted = {each.name: PACKAGES[each.needs] for each in (*MEASURES, *COMPARISONS) if not _is_here(each)}
    told_by = profile.get(TOLD_BY)
    if not activity.is_here() and told_by != activity.LEVEL:
        wanted.update(dict.fromkeys(BY_SPEECH if told_by == activity.VOICES else (DETECTOR,), WANTS))
    return wanted


DETECTOR = "speech_s by a detector of voices (taken by level)"
WANTS = "onnxruntime, and silero_vad.onnx"
BY_SPEECH = ("speech_s", "pace_percent", "syllables_per_s")
TOLD_BY = "speech_told_by"  # in a profile: its limits are those of speech that was told by the same


def _is_here(each: Measure) -> bool:
    return not each.needs or is_installed(each.needs)


def pace_percent(text: Any, spoken_s: float, profile: Profile) -> float:
    """Compare the speech with what so many syllables take in this voice, in percent; `text` knows how many."""
    seconds = expected_s(text, profile)
    return 100 * spoken_s / seconds if seconds > 0 else math.nan


def expected_s(text: Any, profile: Profile) -> float:
    """Say how long the voice speaks for such a text; nan where that is not known."""
    if not text.syllables or "pace" not in profile:
        return math.nan
    start, each, pause = profile["pace"]
    return float(start + each * text.syllables + pause * text.pauses)


def speech_s(clip: Clip, profile: Profile) -> float:
    """Measure how long it speaks, told as it was when the profile was learnt."""
    return clip.speech_s(str(profile.get(TOLD_BY, "")))


def _rate(clip: Clip, profile: Profile) -> float:
    seconds = speech_s(clip, profile)
    return clip.syllables / seconds if clip.syllables and seconds else math.nan


def timbre_deviations(clip: Any, profile: Profile) -> float:
    """Measure how far the voice's colour lies from the usual one, in its own standard deviations."""
    if clip.timbre is None or "timbre" not in profile:
        return math.nan
    move = np.asarray(clip.timbre) - np.asarray(profile["timbre"]["mean"])
    return float(np.sqrt(max(0.0, move @ np.asarray(profile["timbre"]["inverse"]) @ move)))


def _pitch(name: str) -> Callable[[Clip, Profile], float]:
    def of(clip: Clip, profile: Profile) -> float:
        from . import pitch

        return float(getattr(pitch, name)(clip.contour_hz))

    return of


def _wav(function: Callable[[Any], float]) -> Callable[[Clip, Profile], float]:
    return lambda clip, profile: function(clip.wav)


OF: Dict[str, Callable[[Clip, Profile], float]] = {
    "speech_s": speech_s,
    "pace_percent": lambda clip, profile: pace_percent(clip, speech_s(clip, profile), profile),
    "syllables_per_s": _rate,
    "longest_gap_s": _wav(measures.longest_gap_s),
    "trailing_silence_s": _wav(measures.trailing_silence_s),
    "start_level_db": _wav(measures.start_level_db),
    "end_level_db": _wav(measures.end_level_db),
    "level_db": _wav(measures.rms_db),
    "peak_db": _wav(measures.peak_db),
    "flat_top_share": _wav(measures.flat_top_share),
    "noise_floor_db": _wav(measures.noise_floor_db),
    "high_band_db": _wav(measures.high_band_db),
    "offset": _wav(measures.offset),
    "distinct_bits": _wav(faults.distinct_bits),
    "holes_per_s": _wav(faults.holes_per_s),
    "jump": _wav(faults.jump),
    "longest_copy_s": _wav(faults.longest_copy_s),
    "side_difference_db": _wav(faults.side_difference_db),
    "f0_median_hz": _pitch("median_hz"),
    "f0_range_st": _pitch("range_semitones"),
    "f0_drift_st": _pitch("drift_semitones"),
    "timbre": timbre_deviations,
}
