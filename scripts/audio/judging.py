"""Is a recording as good as it should be? Each measure beside its limits, and what a person hears where it is not."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from .baseline import Baseline, is_outside, usual
from .catalogue import BY_NAME, MEASURES, Limit
from .clip import Clip
from .taking import Profile, compare, measure, skipped, take

FORMAT = "format"  # the verdict on the file itself


class Verdict(NamedTuple):
    """A measure beside its limits.

    Args:
        value: nan where the measure does not apply.
        words: what a person hears, where it failed; else empty.
        skipped: the package it wants, where that is not here.
    """

    measure: str
    value: float
    low: Optional[float]
    high: Optional[float]
    passed: bool
    words: str = ""
    skipped: str = ""


def judge(
    clip: Clip,
    golden: Optional[Clip] = None,
    baseline: Optional[Baseline] = None,
    own: Mapping[str, Limit] = {},
) -> List[Verdict]:
    """Judge a recording.

    Args:
        golden: of the same text; without it, nothing is compared.
        baseline: of the voice; without it, the limits are those of any speech.
        own: limits that a person gave; they come before those of the baseline.
    """
    known = baseline or Baseline()
    values = measure(clip, known.profile)
    if golden is not None:
        values.update(compare(clip, golden))
    limits = {**usual(), **known.limits, **own}
    return [of_format(clip), *verdicts(values, limits), *_skipped(golden is not None, known.profile)]


def judge_one(name: str, clip: Clip, baseline: Baseline, own: Mapping[str, Limit] = {}) -> Verdict:
    """Judge a recording by one measure of MEASURES, as `judge` does by all."""
    limits = {**usual(), **baseline.limits, **own}
    return verdicts({name: take(name, clip, baseline.profile)}, limits)[0]


def of_format(clip: Clip) -> Verdict:
    """Judge the file: what a lenient reader forgives is still wrong."""
    problem = clip.wav.problem
    words = f"the file is no correct WAV: {problem}" if problem else ""
    return Verdict(FORMAT, math.nan, None, None, not problem, words)


def verdicts(values: Mapping[str, float], limits: Mapping[str, Limit]) -> List[Verdict]:
    """Judge each value by its limits."""
    found = []
    for name, value in values.items():
        limit = limits.get(name, Limit())
        words = wording(name, value, limit) if is_outside(value, limit) else ""
        found.append(Verdict(name, value, limit.low, limit.high, not words, words))
    return found


def wording(name: str, value: float, limit: Limit) -> str:
    """Say what a person hears.

    >>> wording("longest_gap_s", 0.9, Limit(None, 0.6))
    '0.90 s of silence in the middle'
    """
    measure = BY_NAME[name]
    text = measure.low if limit.low is not None and value < limit.low else measure.high
    numbers = {"value": value, "size": abs(value), "low": limit.low, "high": limit.high}
    shown = {key: "any" if number is None else f"{number:.{measure.digits}f}" for key, number in numbers.items()}
    return (text or f"{name} is {{value}}, expected {{low}} to {{high}}").format(**shown)


def _skipped(is_compared: bool, profile: Profile) -> List[Verdict]:
    own = {each.name for each in MEASURES}
    return [
        Verdict(name, math.nan, None, None, True, skipped=package)
        for name, package in skipped(profile).items()
        if is_compared or name.partition(" ")[0] in own
    ]


def faults(found: List[Verdict]) -> List[str]:
    """List what a person hears."""
    return [each.words for each in found if not each.passed]


def as_dict(verdict: Verdict) -> Dict[str, Any]:
    """Make it fit for JSON: a value that does not apply is null."""
    told = verdict._asdict()
    told["value"] = None if math.isnan(verdict.value) else round(verdict.value, 5)
    return told
