"""Limits of the sound that a person sets, as pipeline.yml says them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Bounds:
    """What a measure of the sound lies between; null: that side is never wrong."""

    low: Optional[float] = None
    high: Optional[float] = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"expected low up to high, got {self.low:g} and {self.high:g}")
