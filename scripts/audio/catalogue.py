"""Every measure of a recording: its name, the words a person hears, its usual limits, and the package it needs."""

from __future__ import annotations

from typing import NamedTuple, Optional

PITCH = "parselmouth"
PACKAGES = {PITCH: "praat-parselmouth"}  # of the modules that not every suite has


class Limit(NamedTuple):
    """What lies between passes; None: that side is never wrong."""

    low: Optional[float] = None
    high: Optional[float] = None


class Measure(NamedTuple):
    """A number of a recording.

    Args:
        name: ends with its unit.
        low: what a person hears where it is too low, with {value}, {size} (without its sign), {low}
            and {high}; empty where that is no fault.
        high: the same for too high.
        least: how far beyond all that is known to be good a limit lies at the least: what nobody minds, in its unit.
            None: its limits are the usual ones, and never learnt.
        usual: the limits of any speech, where none were learnt.
        needs: the module without which it is skipped.
        digits: shown behind the point.
    """

    name: str
    low: str
    high: str
    least: Optional[float]
    usual: Limit
    needs: str = ""
    digits: int = 2


MEASURES = (
    Measure("speech_s", "nobody speaks ({value} s of speech)", "", None, Limit(0.05)),
    Measure(
        "pace_percent",
        "speech is missing, or too fast: {value} % of what the text takes, expected {low} to {high}",
        "too much speech, or too slow: {value} % of what the text takes, expected {low} to {high}",
        1.5,
        Limit(),
        digits=0,
    ),
    Measure(
        "syllables_per_s",
        "{value} syllables/s, expected {low} to {high}: too slow, or more is said than the text has",
        "{value} syllables/s, expected {low} to {high}: too fast, or not all is said",
        0.5,
        Limit(2.0, 9.0),
        digits=1,
    ),
    Measure("longest_gap_s", "", "{value} s of silence in the middle", 0.25, Limit(None, 1.2)),
    Measure("trailing_silence_s", "", "{value} s of silence at the end", 0.3, Limit(None, 1.5)),
    Measure(
        "start_level_db",
        "",
        "begins abruptly: the first 30 ms are at {value} dB of the loudest",
        15.0,
        Limit(None, -12.0),
        digits=0,
    ),
    Measure(
        "end_level_db",
        "",
        "cut off: the last 30 ms are still at {value} dB of the loudest",
        15.0,
        Limit(None, -15.0),
        digits=0,
    ),
    Measure("level_db", "too quiet: {value} dBFS", "too loud: {value} dBFS", 3.0, Limit(-40.0, -8.0), digits=1),
    Measure("peak_db", "", "reaches full scale: {value} dBFS", 1.0, Limit(None, 0.1), digits=1),
    Measure(
        "flat_top_share", "", "clipped: {value} of all samples are flat at the peak", 0.005, Limit(None, 0.01), digits=3
    ),
    Measure(
        "noise_floor_db",
        "",
        "noise: the quietest moments are at {value} dB of the loud ones, expected {high} at most",
        10.0,
        Limit(None, -25.0),
        digits=0,
    ),
    Measure(
        "high_band_db",
        "muffled: {value} dB from 3 to 8 kHz, expected {low} at least",
        "harsh: {value} dB from 3 to 8 kHz, expected {high} at most",
        3.0,
        Limit(-40.0, -2.0),
        digits=1,
    ),
    Measure("offset", "", "shifted from zero by {value} of full scale (DC)", 0.005, Limit(None, 0.02), digits=4),
    Measure("distinct_bits", "coarse: the samples have {value} bits only", "", 1.5, Limit(9.0), digits=1),
    Measure("holes_per_s", "", "{value} holes a second, as of lost packets", 0.2, Limit(None, 1.2)),
    Measure("jump", "", "clicks: the wave jumps {value} times as abruptly as around", 6.0, Limit(None, 40.0), digits=0),
    Measure("longest_copy_s", "", "{value} s are played twice", 0.05, Limit(None, 0.09)),
    Measure(
        "side_difference_db", "", "one side is {value} dB quieter than the other", 6.0, Limit(None, 20.0), digits=0
    ),
    Measure(
        "f0_median_hz",
        "the voice is too low: {value} Hz, expected {low} to {high}",
        "the voice is too high: {value} Hz, expected {low} to {high}",
        3.0,
        Limit(70.0, 450.0),
        PITCH,
        digits=0,
    ),
    Measure(
        "f0_range_st",
        "monotonous: a pitch range of {value} semitones",
        "the pitch jumps: a range of {value} semitones",
        1.0,
        Limit(1.0, 24.0),
        PITCH,
        digits=1,
    ),
    Measure(
        "f0_drift_st",
        "the pitch sinks by {size} semitones from beginning to end",
        "the pitch rises by {value} semitones from beginning to end",
        1.0,
        Limit(-12.0, 12.0),
        PITCH,
        digits=1,
    ),
    Measure(
        "timbre",
        "",
        "another voice, or another sound: {value} standard deviations off, expected {high} at most",
        2.0,
        Limit(),
        digits=1,
    ),
)
# Of a recording beside the golden one of the same text.
COMPARISONS = (
    Measure(
        "distance",
        "",
        "another sound than the golden one: a distance of {value}, expected {high} at most",
        0.5,
        Limit(None, 6.0),
        digits=1,
    ),
    Measure(
        "worst_distance",
        "",
        "something else is heard in some place: a distance of {value} over 0.1 s, expected {high} at most",
        0.5,
        Limit(None, 6.0),
        digits=1,
    ),
    Measure(
        "worst_movement",
        "",
        "something else is said in some place: it moves otherwise by {value} over 0.3 s, expected {high} at most",
        0.4,
        Limit(None, 2.2),
        digits=1,
    ),
    Measure(
        "backwards",
        "",
        "a part is played backwards: that would be nearer by {value}",
        1.0,
        Limit(None, 2.5),
        digits=1,
    ),
    Measure("longest_run_s", "", "{value} s are missing or too much, against the golden one", 0.04, Limit(None, 0.15)),
    Measure(
        "timbre_distance",
        "",
        "another voice than the golden one: {value}, expected {high} at most",
        0.4,
        Limit(None, 2.5),
        digits=1,
    ),
    Measure("hiss_db", "", "{value} dB more where the golden one is silent", 8.0, Limit(None, 25.0), digits=0),
    Measure(
        "level_difference_db",
        "",
        "louder and softer in other places than the golden one: by {value} dB",
        1.0,
        Limit(None, 6.0),
        digits=1,
    ),
    Measure(
        "length_percent",
        "{size} % shorter than the golden one",
        "{value} % longer than the golden one",
        1.5,
        Limit(-12.0, 12.0),
        digits=0,
    ),
    Measure(
        "pitch_shift_st",
        "{size} semitones lower than the golden one",
        "{value} semitones higher than the golden one",
        0.3,
        Limit(-1.5, 1.5),
        PITCH,
        digits=1,
    ),
    Measure(
        "pitch_deviation_st",
        "",
        "another melody than the golden one: off by {value} semitones",
        0.15,
        Limit(None, 0.8),
        PITCH,
    ),
    Measure(
        "pitch_drift_st",
        "the pitch drifts down by {size} semitones against the golden one",
        "the pitch drifts up by {value} semitones against the golden one",
        0.3,
        Limit(-1.2, 1.2),
        PITCH,
        digits=1,
    ),
)
BY_NAME = {each.name: each for each in (*MEASURES, *COMPARISONS)}
