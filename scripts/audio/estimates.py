"""How sure is a mean of a few recordings? Means with their confidence, sizes of effects, agreement with an order."""

from __future__ import annotations

import math
import statistics
from typing import List, NamedTuple, Sequence

# Student's t for 95 %, two-sided, by degrees of freedom from 1 on; more are computed.
T_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
Z_95 = 1.959964
MOST_SIZE = 99.0  # an engine that repeats itself to the bit has no spread: all larger is as sure


class Mean(NamedTuple):
    """A mean, the limits of its 95 % confidence (infinite for one value, nan for none), and of how many values."""

    value: float
    low: float
    high: float
    number: int


def mean_of(values: Sequence[float]) -> Mean:
    """Average, with the confidence that Student's t gives it.

    >>> round(mean_of([1.0, 2.0, 3.0]).low, 3)
    -0.484
    """
    if not values:
        return Mean(math.nan, math.nan, math.nan, 0)
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Mean(mean, -math.inf, math.inf, 1)
    return _around(mean, math.sqrt(_variance(values) / len(values)), len(values) - 1, len(values))


def difference(now: Sequence[float], before: Sequence[float]) -> Mean:
    """Compare the means of two sets of other recordings (Welch 1947), of at least two values each; positive: risen."""
    parts = [_variance(values) / len(values) for values in (now, before)]
    moved = statistics.fmean(now) - statistics.fmean(before)
    total = sum(parts)
    shares = [part / total if total else 0.5 for part in parts]
    freedom = 1 / sum(share**2 / (len(values) - 1) for share, values in zip(shares, (now, before)))
    return _around(moved, math.sqrt(total), freedom, min(len(now), len(before)))


def _variance(values: Sequence[float]) -> float:
    """Average the squared distances from the mean, over one less than their number; Python 3.8's own may fail at 0."""
    mean = statistics.fmean(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)


def _around(mean: float, error: float, freedom: float, count: int) -> Mean:
    width = student_t(freedom) * error
    return Mean(mean, mean - width, mean + width, count)


def student_t(freedom: float) -> float:
    """Give Student's t for 95 %: of the table, else by the first terms of its expansion in 1/freedom."""
    if freedom < len(T_95) + 1:
        return T_95[max(1, int(freedom)) - 1]
    z = Z_95
    terms = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96, (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def effect_size(differences: Sequence[float]) -> float:
    """Divide the mean of paired differences by their standard deviation: Cohen's d_z, with Hedges' correction for few.

    See Lakens 2013, "Calculating and reporting effect sizes", Frontiers in Psychology 4:863. From 0.8 on an effect is
    called large (Cohen 1988). nan for fewer than three; at most 99 either way.
    """
    if len(differences) < 3:
        return math.nan
    mean, spread = statistics.fmean(differences), math.sqrt(_variance(differences))
    if not mean:
        return 0.0
    size = mean / spread * (1 - 3 / (4 * (len(differences) - 1) - 1)) if spread else math.inf * mean
    return max(-MOST_SIZE, min(MOST_SIZE, size))


def agreement(rows: Sequence[Sequence[float]]) -> float:
    """Average how well each row rises from left to right: Spearman's rank correlation, 1 always, -1 if it always falls.

    It is the effect size of Page's trend test (Page 1963, "Ordered hypotheses for multiple treatments"), and times
    sqrt(rows x (columns - 1)) its standard score. A row in which all are equal counts 0.
    """
    return statistics.fmean(_correlation(_ranks(row)) for row in rows)


def _correlation(ranks: Sequence[float]) -> float:
    middle = (len(ranks) - 1) / 2
    order = [index - middle for index in range(len(ranks))]
    own = [rank - middle for rank in ranks]
    spread = math.sqrt(sum(x * x for x in order) * sum(y * y for y in own))
    return sum(x * y for x, y in zip(order, own)) / spread if spread else 0.0


def _ranks(row: Sequence[float]) -> List[float]:
    """Rank from 0 on; equal ones share the mean of their ranks."""
    return [sum(other < value for other in row) + (sum(other == value for other in row) - 1) / 2 for value in row]
