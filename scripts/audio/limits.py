"""Learn from recordings that are known to be good where a measure's limits lie, and how often they are wrong."""

from __future__ import annotations

import math
from typing import Dict, List, Mapping, NamedTuple, Sequence

from .catalogue import BY_NAME, Limit

WIDTH = 4.0  # standard deviations from the middle, by the outer quantiles of either side
OUTLIER = 8.0  # standard deviations from which on a value of a baseline is no good one
OUTER, NORMAL = 0.05, 1.645  # a quantile, and where it lies in a normal distribution
FOLDS = 5
CONFIDENCE = 0.95

Values = Mapping[str, float]


def learn(rows: Sequence[Sequence[Values]]) -> Dict[str, Limit]:
    """Learn the limit of each measure.

    Args:
        rows: for each recording its values, and those of the same recording as it may also be (a little faster ...).
    """
    names = {name for row in rows for values in row for name in values}
    return {name: _limit(name, rows) for name in BY_NAME if name in names}


def _limit(name: str, rows: Sequence[Sequence[Values]]) -> Limit:
    found = sorted(v for row in rows for values in row if not math.isnan(v := values.get(name, math.nan)))
    return Limit()


class Alarms(NamedTuple):
    """How many good recordings limits call bad that were learnt from the others."""

    count: int
    of: int

    @property
    def at_most(self) -> float:
        """Bound the share of false alarms, with a confidence of 95 % (Clopper and Pearson)."""
        return upper_bound(self.count, self.of)


def upper_bound(count: int, of: int) -> float:
    """Find the share with which so few of so many come up in 5 % of all cases.

    >>> round(upper_bound(0, 50), 3)
    0.058
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        chance = sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count + 1))
        low, high = (share, high) if chance > 1 - CONFIDENCE else (low, share)
    return high if of else 1.0


def quantile(ordered: List[float], share: float) -> float:
    """Interpolate the quantile of sorted values."""
    place = share * (len(ordered) - 1)
    below = int(place)
    return ordered[below] + (place - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])
