from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import settings
from scripts.planning import history, timings
from scripts.planning.estimates import Estimates, SetUp
from scripts.planning.timings import Sample, Source, Timings, learned
from tests.unit.steps.projects import ROOT

YEAR_2040_S = 2_208_988_800

LEARN = """
import sys
from pathlib import Path
from scripts import settings
from scripts.planning import history
from scripts.planning.timings import Sample, Source, learned

project = settings.load(sys.argv[1], {}, Path.cwd())
for number in range(20):
    history.learn(project, learned(Source(number, sys.argv[2], 0), [Sample(f"a.py::{sys.argv[2]}{number}", 1)]))
"""


@pytest.fixture
def project(tmp_path: Path) -> settings.Settings:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}")
    return settings.load(None, {}, tmp_path)


def run(at_s: int, cost_ms: int, name: str = "") -> Timings:
    return learned(Source(at_s, name or f"run {at_s}", 0), [Sample("a.py::x", cost_ms)])


def test_three_that_learn_at_once_keep_every_sample(project: settings.Settings) -> None:
    words = [sys.executable, "-c", LEARN, str(project.file)]
    learners = [subprocess.Popen([*words, name], cwd=str(ROOT)) for name in "xyz"]

    assert [0, 0, 0] == [learner.wait(60) for learner in learners]
    assert 60 == len(timings.load(history.file_of(project)).tests)


def test_to_learn_twice_changes_nothing(project: settings.Settings) -> None:
    history.learn(project, run(1, 5))
    once = history.file_of(project).read_bytes()
    history.learn(project, run(1, 5))

    assert once == history.file_of(project).read_bytes()


@pytest.mark.parametrize(
    "content", [b" ", b"{", b"[]", b"\xff", b'{"schema": 1}', b'{"schema": 1, "sources": Infinity}']
)
def test_a_damaged_history_costs_what_it_holds_and_no_more(
    project: settings.Settings, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    file = history.file_of(project)
    file.parent.mkdir()
    file.write_bytes(content)

    known = history.estimates(project)
    planned = capsys.readouterr().out.splitlines()
    history.learn(project, run(1, 5))

    assert (Estimates(), SetUp()) == known
    assert [True] == ["timings.json" in line and "planned without timings" in line for line in planned]
    assert {"a.py::x": 5} == history.estimates(project)[0].tests_ms
    assert content == file.with_name("timings.json.unreadable").read_bytes()


def test_a_newer_history_is_left_alone(project: settings.Settings, capsys: pytest.CaptureFixture[str]) -> None:
    history.file_of(project).parent.mkdir()
    history.file_of(project).write_text('{"schema": 2}')

    history.learn(project, run(1, 5))

    assert '{"schema": 2}' == history.file_of(project).read_text()
    assert "update, or delete the file" in capsys.readouterr().out


def foreign(value: Any) -> str:
    return json.dumps({"schema": 1, "sources": [value], "tests": {}, "set_ups": {}, "session": []})


@pytest.mark.parametrize(
    "source", [None, 3, [], ["1", "r", 0], [1, 2, 0], [1, "r", 10**400], [1, "r", True], [1, "r", 0, "m", "p", "x"]]
)
def test_a_foreign_source_is_no_history(project: settings.Settings, source: Any) -> None:
    history.file_of(project).parent.mkdir()
    history.file_of(project).write_text(foreign(source))

    assert (Estimates(), SetUp()) == history.estimates(project)


def test_a_history_poisoned_by_a_clock_in_2040_recovers_with_the_next_run(project: settings.Settings) -> None:
    file = history.file_of(project)
    timings.save(timings.merge(*(run(YEAR_2040_S + number, 90_000) for number in range(5))), file)

    for number in range(3):
        history.learn(project, run(1_750_000_000 + number, 1000))

    assert {"a.py::x": 1000} == history.estimates(project)[0].tests_ms


def test_what_a_wrong_clock_measured_is_used_where_nothing_else_is_known(project: settings.Settings) -> None:
    history.learn(project, run(YEAR_2040_S, 7))

    assert {"a.py::x": 7} == history.estimates(project)[0].tests_ms


def test_a_clock_that_is_wrong_itself_judges_nobody() -> None:
    assert run(1_750_000_000, 7) == timings.believed(run(1_750_000_000, 7), now_s=5)


def test_clocks_may_differ_by_some_hours() -> None:
    assert run(1_750_000_000, 7) == timings.believed(run(1_750_000_000, 7), now_s=1_750_000_000 - 40_000)
