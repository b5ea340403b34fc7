"""Learn from recordings that are known to be good where a measure's limits lie."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, Sequence

from .catalogue import BY_NAME, Limit

WIDTH = 4.0  # standard deviations from the median, as the outer quantiles of either side have them
OUTLIER = 8.0  # from so many on, a value of a baseline is none of a good recording
OUTER, NORMAL = 0.05, 1.645  # a quantile, and how far out it lies in a normal distribution
LEAST_VALUES = 8

Values = Mapping[str, float]


def learn(rows: Sequence[Sequence[Values]]) -> Dict[str, Limit]:
    """Learn the limits of each measure.

    Args:
        rows: for each recording its values, then those of the same recording as it may also be: a little faster ...
    """
    return {name: _limit(name, rows) for name in BY_NAME if any(name in values for row in rows for values in row)}


def _limit(name: str, rows: Sequence[Sequence[Values]]) -> Limit:
    measure = BY_NAME[name]
    good = _finite(name, (row[0] for row in rows if row))
    if measure.least is None or len(good) < LEAST_VALUES:
        return measure.usual
    all_values = _finite(name, (values for row in rows for values in row))
    low = -_outermost([-value for value in all_values], [-value for value in good], measure.least)
    high = _outermost(all_values, good, measure.least)
    return Limit(low if measure.low else None, high if measure.high else None)


def _outermost(values: Sequence[float], good: Sequence[float], least: float) -> float:
    """Say how high a value may be: beyond all, and beyond what a few more recordings may reach."""
    ordered = sorted(good)
    median = quantile(ordered, 0.5)
    deviation = (quantile(ordered, 1 - OUTER) - median) / NORMAL
    reached = max(value for value in values if value <= max(median + OUTLIER * deviation + 2 * least, ordered[0]))
    return max(median + WIDTH * deviation, reached) + least


def _finite(name: str, rows: object) -> List[float]:
    found = (float(values.get(name, math.nan)) for values in rows)  # type: ignore[attr-defined]
    return [value for value in found if math.isfinite(value)]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Interpolate the quantile of sorted values.

    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    return ordered[below] + (place - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])
