"""Find what a log says around a moment, where its lines carry times. Pure.

Logs write their times in the zone of whoever wrote them, mostly without saying which. So what they say is taken for
UTC, and shifted by the quarter hours that make it fit the run.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import datetime, timezone
from typing import List, NamedTuple, Optional, Sequence, Tuple

QUARTER_S = 900.0
DAY_S = 86400.0
BEFORE_S, AFTER_S = 1.0, 1.0  # around a test
MOST_LINES = 60
LINE_CHARACTERS = 2_000

_DATED = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?\d*(Z|[+-]\d\d:?\d\d)?")
_CLOCK = re.compile(r"(?<![\d:])(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?(?![\d:])")
_LOOKED_AT = 80  # characters of a line: a time further on is another's


class Timed(NamedTuple):
    """The lines of a log, and when each was written, in seconds since 1970: as the line before where it has no time."""

    lines: Sequence[str]
    times: Sequence[float]


def timed(text: str, began_s: float, ended_s: float) -> Optional[Timed]:
    """Find when the lines of a log were written; None where nothing in them fits a run of that time."""
    lines = text.split("\n")
    told = [_time(line[:_LOOKED_AT]) for line in lines]
    known = [time for time in told if time is not None]
    if not known:
        return None
    shift = _shift(known, began_s, ended_s)
    if shift is None:
        return None
    times: List[float] = []
    for each in told:
        times.append(max(times[-1] if times else 0.0, each[0] + shift if each else 0.0))
    return Timed(lines, times)


def around(log: Timed, began_s: float, ended_s: float) -> List[str]:
    """Choose the lines that were written from just before a moment to just after it, the last ones of many."""
    first = bisect_left(log.times, began_s - BEFORE_S)
    last = bisect_right(log.times, ended_s + AFTER_S)
    return [line[:LINE_CHARACTERS] for line in log.lines[max(first, last - MOST_LINES) : last] if line]


def _time(line: str) -> Optional[Tuple[float, bool]]:
    """Read the time of a line as UTC, and whether that is certain; None where it has none.

    >>> _time("2026-01-01 00:00:01,5 INFO"), _time("[00:00:01] INFO"), _time("nothing")
    ((1767225601.5, False), (1.0, False), None)
    """
    dated, clock = _DATED.search(line), _CLOCK.search(line)
    told = dated.groups()[3:7] if dated else clock.groups() if clock else None
    if not told:
        return None
    hour, minute, second = map(int, told[:3])
    fraction = float(f"0.{told[3] or 0}")
    if hour > 23 or minute > 59 or second > 60:
        return None
    of_day = 3600 * hour + 60 * minute + second + fraction
    if not dated:
        return of_day, False
    try:
        day = datetime(int(dated[1]), int(dated[2]), int(dated[3]), tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
    zone = dated[8] or ""
    return day + of_day - _offset_s(zone), bool(zone)


def _offset_s(zone: str) -> float:
    """Give how far a zone is from UTC.

    >>> _offset_s("+01:30"), _offset_s("Z"), _offset_s("")
    (5400.0, 0.0, 0.0)
    """
    if zone in ("", "Z"):
        return 0.0
    digits = zone[1:].replace(":", "")
    return (3600.0 * int(digits[:2]) + 60.0 * int(digits[2:])) * (-1 if zone[0] == "-" else 1)


def _shift(known: Sequence[Tuple[float, bool]], began_s: float, ended_s: float) -> Optional[float]:
    """Find by how much to shift what a log says, so that its last line lies in the run; None where nothing fits.

    A log outlives its tests by little; where its last line fits by no shift, neither does the rest.
    """
    last, certain = known[-1]
    if certain:
        return 0.0 if began_s - DAY_S < last < ended_s + DAY_S else None
    unit = DAY_S if last < DAY_S else 0.0  # a clock without a day: of the day of the run
    day = (began_s // DAY_S) * DAY_S if unit else 0.0
    shift = day + round((ended_s - last - day) / QUARTER_S) * QUARTER_S
    fits = began_s - QUARTER_S <= last + shift <= ended_s + QUARTER_S
    within_zones = unit or abs(shift) <= 15 * 3600
    return shift if fits and within_zones else None
