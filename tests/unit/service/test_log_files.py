"""Each start has a log of its own, and a log that grows is cut in its middle while it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.service.log_files import LEAST_LIMIT_BYTES, LimitedLog, all_of, rotate

LIMIT = LEAST_LIMIT_BYTES


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


def test_the_newest_log_has_the_name_and_the_oldest_goes(log: Path) -> None:
    for start in range(6):
        rotate(log)
        log.write_text(f"start {start}")

    assert ["start 5", "start 4", "start 3", "start 2"] == [path.read_text() for path in all_of(log)]
    assert ["service.1.log", "service.2.log", "service.3.log", "service.log"] == sorted(
        path.name for path in log.parent.iterdir()
    )


def test_a_start_that_wrote_nothing_leaves_no_log_behind(log: Path) -> None:
    rotate(log)
    log.touch()
    rotate(log)

    assert [log] == all_of(log)


def test_head_and_tail_stay_and_a_line_says_what_is_gone(log: Path) -> None:
    with log.open("ab", buffering=0) as service:
        limited = LimitedLog(log, LIMIT)
        for number in range(40_000):
            service.write(b"line %05d\n" % number)
            if not number % 1000:
                limited.cut()
        limited.close()
        service.write(b"last")
    lines = log.read_text().splitlines()
    gap = next(place for place, line in enumerate(lines) if line.startswith("[shardline"))

    assert log.stat().st_size < LIMIT + 4
    assert [f"line {number:05}" for number in range(gap - 1)] == lines[: gap - 1]
    assert [f"line {number:05}" for number in range(39_999 - (len(lines) - gap - 3), 40_000)] == lines[gap + 1 : -1]
    assert ("last", 1) == (lines[-1], sum(line.startswith("[shardline") for line in lines))
    kept = 11 * (len(lines) - 3)
    assert lines[gap].startswith(f"[shardline left out about {(40_000 * 11 - kept) / 1000:.1f} kB here")


def test_a_line_without_end_is_cut_too(log: Path) -> None:
    with log.open("ab", buffering=0) as service:
        limited = LimitedLog(log, LIMIT)
        for _ in range(5):
            service.write(b"x" * LIMIT)
            limited.cut()
        limited.close()

    assert LIMIT // 2 < log.stat().st_size < LIMIT


def test_a_short_log_stays_as_it_is(log: Path) -> None:
    log.write_bytes(b"a" * LIMIT)
    LimitedLog(log, 1).close()

    assert b"a" * LIMIT == log.read_bytes()


def test_a_log_that_was_closed_is_left_alone(log: Path) -> None:
    log.touch()
    limited = LimitedLog(log, LIMIT)
    limited.close()
    limited.cut()
    limited.close()

    assert b"" == log.read_bytes()
