"""Every measure of a recording: its unit, the words a person hears, the package it needs, and how it is taken."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

import numpy as np

from . import activity, faults, measures
from .clip import Clip, is_installed
from .comparison import in_pitch, in_sound, side_by_side

PITCH = "parselmouth"  # the package praat-parselmouth
PACKAGES = {PITCH: "praat-parselmouth"}
Profile = Mapping[str, Any]  # of a baseline: what the measures that know the voice need


class Limit(NamedTuple):
    """What lies between passes; None: that side is never wrong."""

    low: Optional[float] = None
    high: Optional[float] = None


class Measure(NamedTuple):
    """A number of a recording.

    Args:
        name: ends with its unit.
        low: what a person hears where it is too low, with {value}, {low} and {high}; empty where that is no fault.
        high: the same for too high.
        least: how far beyond all that is known to be good a limit lies at the least: what nobody minds, in its unit.
        usual: the limits of any speech, where none were learnt.
        of: takes it; nan where it does not apply. None for those against a golden file.
        needs: the module without which it is skipped.
        digits: shown behind the point.
    """

    name: str
    low: str
    high: str
    least: float
    usual: Limit
    of: Optional[Callable[[Clip, Profile], float]] = None
    needs: str = ""
    digits: int = 2


def _pace(clip: Clip, profile: Profile) -> float:
    """Compare the speech with what so many syllables take in this voice, in percent."""
    seconds = expected_s(clip, profile)
    return 100 * (clip.speech_s / seconds - 1) if seconds > 0 else math.nan


def expected_s(clip: Clip, profile: Profile) -> float:
    """Say how long the voice speaks for such a text; nan where that is not known."""
    if not clip.syllables or "pace" not in profile:
        return math.nan
    start, each, pause = profile["pace"]
    return float(start + each * clip.syllables + pause * clip.pauses)


def _rate(clip: Clip, profile: Profile) -> float:
    return clip.syllables / clip.speech_s if clip.syllables and clip.speech_s else math.nan


def _timbre(clip: Clip, profile: Profile) -> float:
    """Measure how far the voice's colour lies from the usual one, in its own standard deviations."""
    if clip.timbre is None or "timbre" not in profile:
        return math.nan
    move = clip.timbre - np.asarray(profile["timbre"]["mean"])
    return float(np.sqrt(max(0.0, move @ np.asarray(profile["timbre"]["inverse"]) @ move)))


def _pitch(name: str) -> Callable[[Clip, Profile], float]:
    def of(clip: Clip, profile: Profile) -> float:
        from . import pitch

        return float(getattr(pitch, name)(clip.contour_hz))

    return of


def _wav(function: Callable[[Any], float]) -> Callable[[Clip, Profile], float]:
    return lambda clip, profile: function(clip.wav)


MEASURES = (
    Measure("speech_s", "nobody speaks ({value} s of speech)", "", 0.0, Limit(0.05), lambda clip, _: clip.speech_s),
    Measure(
        "pace_percent",
        "speech is missing, or too fast: {value} % of what the text takes, expected {low} to {high}",
        "too much speech, or too slow: {value} % of what the text takes, expected {low} to {high}",
        5.0,
        Limit(),
        _pace,
        digits=0,
    ),
    Measure(
        "syllables_per_s",
        "{value} syllables/s, expected {low} to {high}: too slow, or more is said than the text has",
        "{value} syllables/s, expected {low} to {high}: too fast, or not all is said",
        0.5,
        Limit(2.0, 9.0),
        _rate,
        digits=1,
    ),
    Measure("longest_gap_s", "", "{value} s of silence in the middle", 0.25, Limit(None, 1.2), _wav(measures.longest_gap_s)),
    Measure("trailing_silence_s", "", "{value} s of silence at the end", 0.3, Limit(None, 1.5), _wav(measures.trailing_silence_s)),
    Measure("start_level_db", "", "begins abruptly: the first 30 ms are at {value} dB of the loudest", 15.0, Limit(None, -12.0), _wav(measures.start_level_db), digits=0),
    Measure("end_level_db", "", "cut off: the last 30 ms are still at {value} dB of the loudest", 15.0, Limit(None, -15.0), _wav(measures.end_level_db), digits=0),
    Measure("level_db", "too quiet: {value} dBFS", "too loud: {value} dBFS", 3.0, Limit(-40.0, -8.0), _wav(measures.rms_db), digits=1),
    Measure("peak_db", "", "reaches full scale: {value} dBFS", 0.5, Limit(None, 0.1), _wav(measures.peak_db), digits=1),
    Measure("flat_top_share", "", "clipped: {value} of all samples are flat at the peak", 0.005, Limit(None, 0.01), _wav(measures.flat_top_share), digits=3),
    Measure("noise_floor_db", "", "noise: the quietest moments are at {value} dB of the loud ones, expected {high} at most", 10.0, Limit(None, -25.0), _wav(measures.noise_floor_db), digits=0),
    Measure("high_band_db", "muffled: {value} dB from 3 to 8 kHz, expected {low} at least", "harsh: {value} dB from 3 to 8 kHz, expected {high} at most", 3.0, Limit(-40.0, -2.0), _wav(measures.high_band_db), digits=1),
    Measure("offset", "", "shifted from zero by {value} of full scale (DC)", 0.005, Limit(None, 0.02), _wav(measures.offset), digits=4),
    Measure("distinct_bits", "coarse: the samples have {value} bits only", "", 1.5, Limit(9.0), _wav(faults.distinct_bits), digits=1),
    Measure("holes_per_s", "", "{value} holes a second, as of lost packets", 0.5, Limit(None, 1.2), _wav(faults.holes_per_s)),
    Measure("jump", "", "clicks: the wave jumps {value} times as abruptly as around", 6.0, Limit(None, 40.0), _wav(faults.jump), digits=0),
    Measure("longest_copy_s", "", "{value} s are played twice", 0.05, Limit(None, 0.09), _wav(faults.longest_copy_s)),
    Measure("side_difference_db", "", "one side is {value} dB quieter than the other", 6.0, Limit(None, 20.0), _wav(faults.side_difference_db), digits=0),
    Measure("f0_median_hz", "the voice is too low: {value} Hz, expected {low} to {high}", "the voice is too high: {value} Hz, expected {low} to {high}", 3.0, Limit(70.0, 450.0), _pitch("median_hz"), PITCH, 0),
    Measure("f0_range_st", "monotonous: a pitch range of {value} semitones", "the pitch jumps: a range of {value} semitones", 1.0, Limit(1.0, 24.0), _pitch("range_semitones"), PITCH, 1),
    Measure("f0_drift_st", "the pitch sinks by {value} semitones from beginning to end", "the pitch rises by {value} semitones from beginning to end", 1.0, Limit(-12.0, 12.0), _pitch("drift_semitones"), PITCH, 1),
    Measure("timbre", "", "another voice, or another sound: {value} standard deviations off, expected {high} at most", 1.0, Limit(), _timbre, digits=1),
)
COMPARISONS = (
    Measure("distance", "", "another sound than the golden one: a distance of {value}, expected {high} at most", 0.5, Limit(None, 6.0), digits=1),
    Measure("worst_distance", "", "something else is said in some place: a distance of {value} over 0.2 s, expected {high} at most", 1.5, Limit(None, 9.0), digits=1),
    Measure("longest_run_s", "", "{value} s are missing or too much, against the golden one", 0.04, Limit(None, 0.15)),
    Measure("timbre_distance", "", "another voice than the golden one: {value}, expected {high} at most", 0.4, Limit(None, 2.5), digits=1),
    Measure("hiss_db", "", "{value} dB more where the golden one is silent", 8.0, Limit(None, 25.0), digits=0),
    Measure("level_difference_db", "", "louder and softer in other places than the golden one: by {value} dB", 1.0, Limit(None, 6.0), digits=1),
    Measure("length_percent", "{value} % shorter than the golden one", "{value} % longer than the golden one", 1.5, Limit(-12.0, 12.0), digits=0),
    Measure("pitch_shift_st", "{value} semitones lower than the golden one", "{value} semitones higher than the golden one", 0.3, Limit(-1.5, 1.5), needs=PITCH, digits=1),
    Measure("pitch_deviation_st", "", "another melody than the golden one: off by {value} semitones", 0.15, Limit(None, 0.8), needs=PITCH),
    Measure("pitch_drift_st", "the pitch drifts down by {value} semitones against the golden one", "the pitch drifts up by {value} semitones against the golden one", 0.3, Limit(-1.2, 1.2), needs=PITCH, digits=1),
)
BY_NAME = {each.name: each for each in (*MEASURES, *COMPARISONS)}


def measure(clip: Clip, profile: Profile) -> Dict[str, float]:
    """Take every measure whose package is here; nan where one does not apply."""
    return {each.name: each.of(clip, profile) for each in MEASURES if each.of and _is_here(each)}


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


def skipped() -> Dict[str, str]:
    """Name the measures that are not taken here, and the package each wants; a finer measure of speech has one, too."""
    wanted = {each.name: PACKAGES[each.needs] for each in (*MEASURES, *COMPARISONS) if not _is_here(each)}
    if not activity.is_here():
        wanted["speech_s by a detector of voices (by level instead)"] = "onnxruntime, and silero_vad.onnx"
    return wanted


def _is_here(each: Measure) -> bool:
    return not each.needs or is_installed(each.needs)


def names() -> List[str]:
    """List all measures."""
    return list(BY_NAME)
