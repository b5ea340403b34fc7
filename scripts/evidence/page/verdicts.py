"""What was measured of a recording, beside its limits, as `audio.speech.check` keeps it: fit to be shown."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, List, NamedTuple, Optional, Sequence

from ...system import files
from . import sound_words
from .text import clean
from .words import Both

MOST = 100  # of one recording
MOST_WORDS = 400  # characters
LEAST_DB = 20.0  # that half a gauge is wide: a limit near 0 dB says nothing of how far values lie apart
EDGE = 0.25  # of a gauge, that lies beyond a limit


class Row(NamedTuple):
    """A measure of a recording.

    Args:
        heard: what a person hears, where it failed.
        needs: the package without which it was skipped.
        at: where the value lies in a gauge, 0 to 1, whose limits are at 0.25 and 0.75; None without a limit.
    """

    key: str
    name: Both
    value: str
    low: str
    high: str
    passed: bool
    heard: Both
    needs: str = ""
    at: Optional[float] = None


def parse(content: bytes) -> List[Row]:
    """Read what a test kept, whoever wrote it; empty where it is something else."""
    with suppress(ValueError, RecursionError):
        data = files.parse_json(content)
        told = data.get("verdicts") if isinstance(data, dict) else None
        return rows(told) if isinstance(told, list) else []
    return []


def rows(told: Sequence[Any]) -> List[Row]:
    """Make the rows of a table: what failed first, then what was measured, at last what was skipped."""
    found = [_row(each) for each in told[:MOST] if isinstance(each, dict)]
    return sorted(found, key=lambda row: (row.passed, bool(row.needs), row.value == "–"))


def _row(told: Any) -> Row:
    value, low, high = (_number(told.get(key)) for key in ("value", "low", "high"))
    key = clean(str(told.get("measure", "")), 80)
    words = clean(str(told.get("words") or ""), MOST_WORDS)
    return Row(
        key=key,
        name=sound_words.measure(key),
        value=sound_words.number(value),
        low=sound_words.number(low),
        high=sound_words.number(high),
        passed=told.get("passed") is True,
        heard=sound_words.fault(key, words, value, low, high),
        needs=clean(str(told.get("skipped") or ""), 80),
        at=None if value is None else place(value, low, high, LEAST_DB if key.endswith("_db") else 0.0),
    )


def _number(value: Any) -> Optional[float]:
    is_one = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_one else None


def place(value: float, low: Optional[float], high: Optional[float], least: float = 0.0) -> Optional[float]:
    """Say where a value lies between its limits, which are at 0.25 and 0.75; None without any.

    Args:
        least: of one limit alone: how much from it to the middle at the least; else as much as the limit itself.

    >>> place(5, 0, 10), place(10, 0, 10), place(0.9, None, 0.6), place(-99, -40, None), place(1, None, None)
    (0.5, 0.75, 1.0, 0.0, None)
    """
    if low is None and high is None:
        return None
    if low is not None and high is not None:
        at = 0.5 + 0.5 * (value - (low + high) / 2) / ((high - low) or 1.0)
    elif high is not None:
        at = 1 - EDGE + 0.5 * (value - high) / (max(least, abs(high)) or 1.0)
    else:
        at = EDGE + 0.5 * (value - (low or 0.0)) / (max(least, abs(low or 0.0)) or 1.0)
    return min(1.0, max(0.0, at))
