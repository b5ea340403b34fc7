"""How sure a share is that was counted: the interval of Clopper and Pearson (1934)."""

from __future__ import annotations

import math
from typing import Tuple

CONFIDENCE = 0.95


def bounds(count: int, of: int) -> Tuple[float, float]:
    """Bound the share behind so few of so many, with a confidence of 95 % on either side (Clopper and Pearson).

    >>> [round(share, 3) for share in bounds(0, 50)], [round(share, 3) for share in bounds(48, 50)]
    ([0.0, 0.058], [0.879, 0.993])
    """
    return 1 - _at_most(of - count, of), _at_most(count, of)


def _at_most(count: int, of: int) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        chance = sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count + 1))
        low, high = (share, high) if chance > 1 - CONFIDENCE else (low, share)
    return high if count < of else 1.0
