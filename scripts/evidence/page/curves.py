"""Draw sound as inline SVG: waveforms with their pitch, where values lie between limits, and trends. Pure."""

from __future__ import annotations

import math
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from markupsafe import Markup

from .charts import percent

LOW_HZ, HIGH_HZ = 60.0, 500.0
LEAP = 0.4  # octaves from one column to the next: no voice does that, so the line is not drawn on
MOST_COLUMNS = 2000
BLANK: Mapping[str, Any] = {}

Point = Tuple[float, float, float]  # x, y, and how far to either side, all from 0 to 1


def wave(picture: Optional[Mapping[str, Any]], longest_s: float) -> Markup:
    """Draw a recording: its waveform, and its pitch as a line; as wide as its part of the longest one."""
    told = picture or BLANK
    numbers = [max(-100, min(100, number)) for number in told.get("wave", ())[: 2 * MOST_COLUMNS]]
    lows, highs = numbers[::2], numbers[1::2]
    columns = max(1, len(lows))
    upper = " ".join(f"{place},{100 - high}" for place, high in enumerate(highs))
    lower = " ".join(f"{place},{101 - low}" for place, low in reversed(list(enumerate(lows))))
    share = told.get("seconds", 0.0) / longest_s if longest_s > 0 else 1.0
    return Markup(
        '<svg class="sound" viewBox="0 0 {} 201" preserveAspectRatio="none" width="{}" height="72" aria-hidden="true">'
        '<polygon class="wave" points="{} {}"/>{}</svg>'
    ).format(columns, percent(min(1.0, max(0.02, share))), upper, lower, _pitch(told.get("pitch_hz", ()), columns))


def _pitch(contour: Sequence[float], columns: int) -> Markup:
    lines = (
        Markup('<polyline class="pitch" points="{}" vector-effect="non-scaling-stroke"/>').format(
            " ".join(f"{x * columns / len(contour):.1f},{_height(hertz):.0f}" for x, hertz in piece)
        )
        for piece in pieces(contour[:MOST_COLUMNS])
    )
    return Markup("").join(lines)


def pieces(contour: Sequence[float]) -> List[List[Tuple[int, float]]]:
    """Cut a pitch where there is no voice, and where it leaps.

    >>> pieces([0, 100, 110, 0, 220, 440])
    [[(1, 100), (2, 110)], [(4, 220)], [(5, 440)]]
    """
    found: List[List[Tuple[int, float]]] = []
    before = 0.0
    for place, hertz in enumerate(contour):
        if hertz > 0:
            if before <= 0 or abs(math.log2(hertz / before)) >= LEAP:
                found.append([])
            found[-1].append((place, hertz))
        before = hertz
    return found


def _height(hertz: float) -> float:
    """Place a pitch in a height of 201, by octaves.

    >>> round(_height(60)), round(_height(500))
    (191, 10)
    """
    share = math.log(min(HIGH_HZ, max(LOW_HZ, hertz)) / LOW_HZ) / math.log(HIGH_HZ / LOW_HZ)
    return 191 - 181 * share


def gauge(places: Sequence[Tuple[float, bool]], has_low: bool, has_high: bool) -> Markup:
    """Draw where values lie between limits: a mark each, those beyond a limit taller; lines are the limits."""
    lines = [at for at, is_one in ((0.25, has_low), (0.75, has_high)) if is_one]
    limits = (Markup('<line class="limit" x1="{0}" x2="{0}" y1="0" y2="18"/>').format(percent(at)) for at in lines)
    marks = (
        Markup('<rect class="{}" x="{}" y="{}" width="2" height="{}"/>').format(
            "good" if passed else "bad", percent(min(0.985, at)), 5 if passed else 1, 8 if passed else 16
        )
        for at, passed in sorted(places, key=lambda each: not each[1])
    )
    return Markup('<svg class="gauge" height="18" aria-hidden="true">{}{}{}</svg>').format(
        _within(has_low, has_high), Markup("").join(limits), Markup("").join(marks)
    )


def _within(has_low: bool, has_high: bool) -> Markup:
    begins, ends = 0.25 if has_low else 0.0, 0.75 if has_high else 1.0
    return Markup('<rect class="within" x="{}" width="{}" y="4" height="10" rx="3"/>').format(
        percent(begins), percent(ends - begins)
    )


def trend(points: Sequence[Point]) -> Markup:
    """Draw means over time, each with how sure it is; the newest apart."""
    drawn = []
    for x, y, error in points:
        drawn.append(
            Markup('<line class="sure" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                percent(x), percent(1 - min(1.0, y + error)), percent(1 - max(0.0, y - error))
            )
        )
    path = " ".join(f"{1000 * x:.0f},{100 - 100 * y:.1f}" for x, y, _ in points)
    line = Markup(
        '<svg viewBox="0 0 1000 100" preserveAspectRatio="none" width="100%" height="100%">'
        '<polyline class="mean" points="{}" vector-effect="non-scaling-stroke"/></svg>'
    ).format(path)
    dots = (
        Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(
            "newest" if place == len(points) - 1 else "past",
            percent(x),
            percent(1 - y),
            4 if place == len(points) - 1 else 2,
        )
        for place, (x, y, _) in enumerate(points)
    )
    return Markup('<svg class="trend" height="56" aria-hidden="true">{}{}{}</svg>').format(
        Markup("").join(drawn), line, Markup("").join(dots)
    )


def scaled(values: Sequence[Tuple[float, float]], least_span: float = 0.0) -> List[Point]:
    """Scale means and their errors to a box, evenly from left to right.

    >>> scaled([(1.0, 0.0), (3.0, 0.0)])
    [(0.02, 0.1, 0.0), (0.98, 0.9, 0.0)]
    """
    low = min(value - error for value, error in values)
    high = max(value + error for value, error in values)
    span = max(high - low, least_span, 1e-9 * max(1.0, abs(high)))
    middle = (low + high) / 2
    step = 0.96 / (len(values) - 1) if len(values) > 1 else 0.0
    first = 0.02 if step else 0.5
    return [
        (round(first + step * place, 4), round(0.5 + 0.8 * (value - middle) / span, 4), round(0.8 * error / span, 4))
        for place, (value, error) in enumerate(values)
    ]
