"""Learn from recordings that are known to be good where a measure's limits lie."""

from __future__ import annotations

import math
import statistics
from typing import Dict, Iterable, List, Mapping, Sequence

from .catalogue import BY_NAME, Limit

# Standard deviations from the median, as the outer quantiles of either side have them: of recordings as they are, and
# of what they may also be, a little faster or slower, which is the rarer.
WIDTH, WIDTH_OF_OTHERS = 4.0, 3.0
OUTLIER = 8.0  # from so many on, a value of a baseline is none of a good recording
OUTER, NORMAL = 0.05, 1.645  # a quantile, and how far out it lies in a normal distribution
LEAST_VALUES = 8

Values = Mapping[str, float]


def learn(rows: Sequence[Sequence[Values]]) -> Dict[str, Limit]:
    """Learn the limits of each measure.

    Args:
        rows: for each recording its values, then those of the same recording as it may also be: a little faster, a
            little slower; of each as many.
    """
    return {name: _limit(name, rows) for name in BY_NAME if any(name in values for row in rows for values in row)}


def _limit(name: str, rows: Sequence[Sequence[Values]]) -> Limit:
    measure = BY_NAME[name]
    ways = [_finite(name, way) for way in zip(*rows)]  # all recordings as they are, then all a little faster ...
    if measure.least is None or not ways or len(ways[0]) < LEAST_VALUES:
        return measure.usual
    low = -_outermost([[-value for value in way] for way in ways], measure.least)
    high = _outermost(ways, measure.least)
    return Limit(low if measure.low else None, high if measure.high else None)


def _outermost(ways: Sequence[Sequence[float]], least: float) -> float:
    """Say how high a value may be: beyond all, and beyond what a few more recordings may reach."""
    deviation = _deviation(ways[0])
    widths = [WIDTH, *(WIDTH_OF_OTHERS for _ in ways[1:])]
    expected = [statistics.median(way) + width * deviation for way, width in zip(ways, widths) if way]
    return max(*expected, *(_reached(way, least) for way in ways if way)) + least


def _reached(values: Sequence[float], least: float) -> float:
    """Find the highest value that is no outlier."""
    most = statistics.median(values) + OUTLIER * _deviation(values) + 2 * least
    return max(value for value in values if value <= most)


def _deviation(values: Sequence[float]) -> float:
    """Estimate the standard deviation above the median, of which a few outliers know nothing."""
    return (quantile(sorted(values), 1 - OUTER) - statistics.median(values)) / NORMAL


def _finite(name: str, rows: Iterable[Values]) -> List[float]:
    found = (float(values.get(name, math.nan)) for values in rows)
    return [value for value in found if math.isfinite(value)]


def quantile(ordered: Sequence[float], share: float) -> float:
    """Interpolate the quantile of sorted values.

    >>> quantile([1.0, 2.0, 4.0], 0.75)
    3.0
    """
    place = share * (len(ordered) - 1)
    below = int(place)
    return ordered[below] + (place - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])
