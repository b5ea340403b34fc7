"""How long a round may be silent; the processes themselves are started in test_rounds.py."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.runner import pytest_process
from scripts.runner.pytest_process import Pulse


def test_silence_is_counted_from_the_last_line(tmp_path: Path) -> None:
    now = [10.0]
    journal = tmp_path / "journal.jsonl"
    pulse = Pulse(journal, lambda: now[0])
    journal.write_text('{"event": "start"}\n')

    assert (0.0, True) == (pulse.silent_s(), pulse.in_test)
    now[0] = 13.0
    assert (3.0, True) == (pulse.silent_s(), pulse.in_test)


def test_a_subtest_and_a_fixtures_end_leave_the_test_running() -> None:
    told = ({"event": "end", "subtest": "n=1"}, {"event": "fixture end"}, {"event": "end"}, {"event": "collected"})

    assert [True, True, False, False] == [
        pytest_process.says_in_test(b'{"event": "load"}\n' + json.dumps(event).encode() + b"\n") for event in told
    ]


def test_outside_tests_silence_may_last_longer_unless_the_tests_may_take_longer_yet() -> None:
    assert [600.0, 900.0] == [pytest_process.limits_for([], limit_s).outside_s for limit_s in (2.0, 900.0)]


def test_without_a_timeout_silence_lasts_for_ever_and_a_stop_does_not() -> None:
    assert pytest_process.Limits(float("inf"), float("inf"), 10.0) == pytest_process.limits_for([], 0.0)
