from __future__ import annotations

from typing import List, Optional

import pytest

from scripts.evidence.page import moments

NOON_S = 1_767_268_800.0  # 2026-01-01 12:00:00 UTC


def said(log: str, at_s: float, began_s: float = NOON_S, ended_s: float = NOON_S + 60) -> Optional[List[str]]:
    found = moments.timed(log, began_s, ended_s)
    return moments.around(found, at_s, at_s + 1) if found else None


@pytest.mark.parametrize(
    "before, moment, after",
    [
        ("2026-01-01 12:00:05,000 a", "2026-01-01 12:00:30,123 b", "2026-01-01 12:00:59,000 c"),
        ("2026-01-01T12:00:05Z a", "2026-01-01T12:00:30.5Z b", "2026-01-01T12:00:59Z c"),
        ("2026-01-01T20:00:05+08:00 a", "2026-01-01T20:00:30+08:00 b", "2026-01-01T20:00:59+08:00 c"),
        ("2026-01-01 20:00:05 a", "2026-01-01 20:00:30 b", "2026-01-01 20:00:59 c"),  # of a zone that nobody names
        ("[12:00:05] a", "[12:00:30] b", "[12:00:59] c"),
        ("INFO 06:30:05.1 a", "INFO 06:30:30.1 b", "INFO 06:30:59.1 c"),
    ],
)
def test_the_lines_of_a_moment_are_found_in_whatever_zone_they_were_written(
    before: str, moment: str, after: str
) -> None:
    assert [moment, "  its second line"] == said(f"{before}\n{moment}\n  its second line\n{after}\n", NOON_S + 29.6)


@pytest.mark.parametrize(
    "log", ["", "no time at all", "1999-01-01 00:00:00 of another run", "99:99:99 x", "2026-13-45 12:00:30 x"]
)
def test_a_log_without_times_that_fit_the_run_says_nothing_of_a_moment(log: str) -> None:
    assert said(log, NOON_S + 30) is None


def test_of_a_chatty_moment_the_last_lines_are_shown() -> None:
    log = "\n".join(f"2026-01-01 12:00:30 line {number}" for number in range(500))
    found = said(log, NOON_S + 29.5) or []

    assert (moments.MOST_LINES, "2026-01-01 12:00:30 line 499") == (len(found), found[-1])
