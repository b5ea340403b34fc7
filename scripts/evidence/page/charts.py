"""Draw the page's charts as inline SVG. Positions are percentages: a chart fills any width undistorted. Pure."""

from __future__ import annotations

from typing import Iterable, Sequence, Tuple

from markupsafe import Markup

from . import words
from .service_charts import Chart, Point, Strip
from .timeline import Lane, ticks

LEAST_PERCENT = 0.15  # that a bar can be seen
_LINE = Markup('<polyline class="{}" points="{}" vector-effect="non-scaling-stroke"/>')


def percent(share: float) -> str:
    """Write a share as SVG reads it.

    >>> percent(0.12345), percent(1.0)
    ('12.35%', '100%')
    """
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def axis(seconds: float) -> Markup:
    """Draw the times of an axis below a chart; the last where there is room."""
    texts = [
        Markup('<text x="{}" y="12" text-anchor="{}">{}</text>').format(
            percent(share), "start" if share < 0.02 else "end" if share > 0.98 else "middle", _clock(time, seconds)
        )
        for time, share in ticks(seconds)
    ]
    return Markup('<svg class="axis" height="16" aria-hidden="true">{}</svg>').format(Markup("").join(texts))


def grid(seconds: float) -> Markup:
    """Draw the lines of an axis through a chart."""
    lines = (Markup('<line x1="{0}" x2="{0}" y1="0" y2="100%"/>').format(percent(share)) for _, share in ticks(seconds))
    return Markup('<g class="grid">{}</g>').format(Markup("").join(lines))


def lane(of: Lane, seconds: float) -> Markup:
    """Draw the steps of a shard, and a mark where its tests were expected to end."""
    total = seconds or 1.0
    bars = [_bar(step.name, step.at_s, step.seconds, total) for step in of.steps if step.seconds > total / 5000]
    if of.last_at_s > of.first_at_s:
        bars.append(_bar("ran", of.first_at_s, of.last_at_s - of.first_at_s, total))
    if of.estimate_s and of.first_at_s and of.first_at_s + of.estimate_s <= total * 1.001:
        at = percent((of.first_at_s + of.estimate_s) / total)
        bars.append(Markup('<line class="estimate" x1="{0}" x2="{0}" y1="1" y2="27"/>').format(at))
    return Markup('<svg class="lane" height="28" aria-hidden="true">{}{}</svg>').format(
        grid(seconds), Markup("").join(bars)
    )


def _bar(name: str, at_s: float, seconds: float, total_s: float) -> Markup:
    title = f"{words.step(name).en}: {words.duration(seconds).en}"
    width = max(seconds / total_s, LEAST_PERCENT / 100)
    return Markup(
        '<rect class="step step-{}" x="{}" width="{}" y="5" height="18" rx="2"><title>{}</title></rect>'
    ).format(name.partition(" ")[0], percent(at_s / total_s), percent(width), title)


def _clock(time: float, longest: float) -> str:
    """Write a time of an axis: the same in both languages.

    >>> _clock(90, 300), _clock(2.5, 10), _clock(3600, 9000)
    ('1:30', '2.5 s', '1:00:00')
    """
    if longest < 90:
        return f"{time:.3g} s"
    minutes, second = divmod(round(time), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if longest >= 3600 else f"{minute}:{second:02d}"


def lines(series: Iterable[Sequence[Point]], kind: str, filled: bool = False) -> Markup:
    """Draw lines in a box that is stretched to the chart's size; `filled` down to the ground."""
    drawn = []
    for points in series:
        if len(points) == 1:
            points = [*points, (min(1.0, points[0][0] + 0.004), points[0][1])]
        path = " ".join(f"{1000 * x:.1f},{100 - 100 * y:.1f}" for x, y in points)
        if filled and points:
            under = f"{1000 * points[0][0]:.1f},100 {path} {1000 * points[-1][0]:.1f},100"
            drawn.append(Markup('<polygon class="{}-area" points="{}"/>').format(kind, under))
        drawn.append(_LINE.format(kind, path))
    return Markup('<svg viewBox="0 0 1000 100" preserveAspectRatio="none" width="100%" height="100%">{}</svg>').format(
        Markup("").join(drawn)
    )


def memory(chart: Chart, seconds: float) -> Markup:
    """Draw the memory of a service over time."""
    return _plot(lines(chart.memory, "memory", filled=True), seconds, _share(chart.budget_bytes, chart.memory_bytes))


def latency(chart: Chart, seconds: float) -> Markup:
    """Draw how long a service took to answer its probe, over time."""
    return _plot(lines(chart.latency, "latency"), seconds, _share(chart.budget_ms, chart.latency_ms))


def _plot(drawn: Markup, seconds: float, budget: float) -> Markup:
    limit = (
        Markup('<line class="budget" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(percent(1 - budget))
        if budget
        else ""
    )
    return Markup('<svg class="plot" aria-hidden="true">{}{}{}</svg>').format(grid(seconds), drawn, limit)


def _share(value: object, most: float) -> float:
    return value / most if isinstance(value, (int, float)) and most else 0.0


def strip(strips: Sequence[Strip]) -> Markup:
    """Draw when tests ran, red ones apart in form too, not in colour alone: they are taller."""
    bars = []
    for each in sorted(strips, key=lambda each: each.is_red):
        kind, y, height = ("red", 0, 14) if each.is_red else ("ran", 4, 6)
        width = percent(max(each.ends - each.begins, 0.002 if each.is_red else 0.001))
        bars.append(
            Markup('<rect class="{}" x="{}" width="{}" y="{}" height="{}"/>').format(
                kind, percent(each.begins), width, y, height
            )
        )
    return Markup('<svg class="strip" height="14" aria-hidden="true">{}</svg>').format(Markup("").join(bars))


def share(value: float, kind: str = "") -> Markup:
    """Draw a share as a bar."""
    return Markup(
        '<svg class="meter" height="8" aria-hidden="true"><rect class="ground" width="100%" height="8" rx="4"/>'
        '<rect class="{}" width="{}" height="8" rx="4"/></svg>'
    ).format(kind or "bar", percent(min(1.0, max(0.0, value))))


def stacked(parts: Sequence[Tuple[str, int]]) -> Markup:
    """Draw counts beside each other as one bar, none of them too thin to be seen."""
    total = sum(count for _, count in parts) or 1
    widths = [max(count / total, 0.006) for _, count in parts]
    at, bars = 0.0, []
    for (kind, _), width in zip(parts, (width / sum(widths) for width in widths)):
        bars.append(
            Markup('<rect class="outcome-{}" x="{}" width="{}" height="10"/>').format(kind, percent(at), percent(width))
        )
        at += width
    return Markup('<svg class="stacked" height="10" aria-hidden="true">{}</svg>').format(Markup("").join(bars))
