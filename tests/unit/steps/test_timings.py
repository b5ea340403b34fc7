from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import PipelineError
from scripts.planning.timings import Source, Timings
from scripts.steps import timings
from scripts.steps.timings import lines

OLD, NEW = Source(1, "old", 0), Source(2, "new", 0)
PAST = Timings({"a.py::slow": {OLD: 2000, NEW: 2000}, "a.py::gone": {OLD: 1}, "a.py::jumped": {OLD: 1000, NEW: 9000}})


def test_the_slowest_the_unknown_the_stale_and_the_jumped_are_named() -> None:
    told = "\n".join(lines(PAST, ["a.py::slow", "a.py::jumped", "a.py::new[\\u4f60]"], 10))

    assert "3 tests, 2 with timings" in told
    assert "never timed: 1\n  a.py::new[你]" in told
    assert "timed, and not collected any more: 1\n  a.py::gone" in told
    assert "jumped: 1\n  a.py::jumped: 1.0 s before, 9.0 s in the last run" in told


def test_only_as_many_as_asked_for_are_named() -> None:
    told = lines(Timings(), ["a", "b", "c"], 2)

    assert ["3 tests, 0 with timings", "", "never timed: 3", "  a", "  b", "  and 1 more"] == told


@pytest.fixture
def project(tmp_path: Path) -> settings.Settings:
    (tmp_path / "pipeline.yml").write_text("suite: {path: t}")
    return settings.load(None, {}, tmp_path)


def test_what_pytest_split_knew_is_learned_and_written_again(project: settings.Settings) -> None:
    file = project.project / ".test_durations"
    file.write_text('{"t.py::a": 1.5}')

    timings.learn(project, file)
    timings.export(project, project.project / "again.json")

    assert {"t.py::a": 1.5} == json.loads((project.project / "again.json").read_text())


def test_a_junit_report_is_learned_from(project: settings.Settings) -> None:
    file = project.project / "out.xml"
    case = '<testcase file="t.py" classname="t" name="a" time="2"/>'
    file.write_text(f"<testsuites><testsuite>{case}</testsuite></testsuites>")

    timings.learn(project, file)
    timings.export(project, project.project / "again.json")

    assert {"t.py::a": 2.0} == json.loads((project.project / "again.json").read_text())


@pytest.mark.parametrize("name, text", [("gone", None), ("half.xml", "<testsuites>"), ("list.json", "[1]")])
def test_what_is_no_history_is_refused(project: settings.Settings, name: str, text: str | None) -> None:
    if text is not None:
        (project.project / name).write_text(text)

    with pytest.raises(PipelineError):
        timings.learn(project, project.project / name)
