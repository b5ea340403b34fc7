"""How long a round may be silent, and how pytest is started; the processes themselves are started in test_rounds.py."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from scripts.environments.environments import Environment
from scripts.proof.journal import Tail, in_test
from scripts.runner import pytest_process
from scripts.runner.pytest_process import Heartbeat, pytest_words
from scripts.settings import Settings, Suite


def test_silence_is_counted_from_the_last_line(tmp_path: Path) -> None:
    now = [10.0]
    journal = tmp_path / "journal.jsonl"
    heartbeat = Heartbeat(Tail(journal, "5f3a"), lambda: now[0])
    journal.write_text('{"of": "5f3a.0", "n": 0, "event": "start"}\n')

    assert (0.0, True) == (heartbeat.silent_s(), heartbeat.in_test)
    now[0] = 13.0
    assert (3.0, True) == (heartbeat.silent_s(), heartbeat.in_test)


def test_what_another_process_writes_does_not_break_the_silence(tmp_path: Path) -> None:
    now = [10.0]
    journal = tmp_path / "journal.jsonl"
    heartbeat = Heartbeat(Tail(journal, "5f3a"), lambda: now[0])
    now[0] = 12.0
    journal.write_text('{"of": "5f3b.0", "n": 0, "event": "start"}\n')

    assert (2.0, False) == (heartbeat.silent_s(), heartbeat.in_test)


def test_a_subtest_and_a_fixtures_end_leave_the_test_running() -> None:
    told = ({"event": "end", "subtest": "n=1"}, {"event": "fixture end"}, {"event": "end"}, {"event": "collected"})

    assert [True, True, False, False] == [in_test(event) for event in told]


def test_outside_tests_silence_may_last_longer_unless_the_tests_may_take_longer_yet() -> None:
    assert [600.0, 900.0] == [pytest_process.limits_for([], limit_s).outside_s for limit_s in (2.0, 900.0)]


def test_without_a_timeout_silence_lasts_for_ever_and_a_stop_does_not() -> None:
    assert pytest_process.Limits(float("inf"), float("inf"), 10.0) == pytest_process.limits_for([], 0.0)


@pytest.mark.parametrize("shift_s", [3600.0, -3600.0])
def test_a_clock_goes_on_as_it_began_where_the_system_s_is_set(monkeypatch: pytest.MonkeyPatch, shift_s: float) -> None:
    real = time.time
    now = pytest_process.steady_clock()
    before = real()
    monkeypatch.setattr(time, "time", lambda: real() + shift_s)

    assert 0.0 <= now() - before + 0.01 < 10.0


@pytest.mark.parametrize(
    "command, path, arguments, expected",
    [
        ("python -m pytest", ".", "", ""),
        ("python -m pytest", "tests", "-x", "tests -x"),
        ("python -m pytest", "*/tests", "", "a/tests b/tests"),
        ("python -m pytest a/tests", ["a/tests", "b/tests"], "", "a/tests b/tests"),
        ("python -m pytest -q -- tests", ".", "-k sad", "-q tests -k sad"),
        ("python -m pytest -q tests", ".", "a/tests", "-q a/tests"),
        ("python -m pytest", "tests", "--env a", "tests --env a"),
        ("python -m pytest --pyargs", "tests", "api.tests", "--pyargs api.tests"),
    ],
)
def test_pytest_gets_the_words_that_a_person_would_type(
    tmp_path: Path, command: str, path: Any, arguments: str, expected: str
) -> None:
    for folder in ("tests", "a/tests", "b/tests"):
        (tmp_path / folder).mkdir(parents=True)
    path = path if isinstance(path, str) else tuple(path)
    settings = Settings(Suite(path, command=tuple(command.split())), file=tmp_path / "pipeline.yml")

    words = pytest_words(settings, Environment(Path("/e")), arguments.split(), plugin=())

    assert expected.split() == words[words.index("pytest") + 1 :]
