from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts import settings
from scripts.errors import SettingsError
from scripts.planning import history
from scripts.planning.timings import Source, Timings, load
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


def test_only_tests_that_ran_to_their_end_teach_and_those_without_a_time_are_counted(
    project: settings.Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = [
        '<testcase file="t.py" classname="t" name="a" time="1,234.5"/>',
        '<testcase file="t.py" classname="t" name="x" time="1"><skipped type="pytest.xfail"/></testcase>',
        '<testcase file="t.py" classname="t" name="s" time="1"><skipped type="pytest.skip"/></testcase>',
        '<testcase file="t.py" classname="t" name="f" time="1"><failure/></testcase>',
        '<testcase file="t.py" classname="t" name="n" time="NaN"/>',
    ]
    file = project.project / "out.xml"
    file.write_text(f"<testsuite>{''.join(cases)}</testsuite>")

    timings.learn(project, file)

    assert {"t.py::a": 1_234_500, "t.py::x": 1000} == history.estimates(project)[0].tests_ms
    assert "left out, since their time cannot be read: 1 test\n" in capsys.readouterr().out


def test_a_foreign_report_says_nothing_of_set_ups(project: settings.Settings) -> None:
    (project.project / "durations").write_text('{"t.py::a": 1.5}')

    timings.learn(project, project.project / "durations")

    assert {} == load(history.file_of(project)).session


def test_a_report_from_before_1970_is_learned_from(project: settings.Settings) -> None:
    file = project.project / "durations"
    file.write_text('{"t.py::a": 1.5}')
    os.utime(str(file), (-5, -5))

    timings.learn(project, file)

    assert {"t.py::a": 1500} == history.estimates(project)[0].tests_ms


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_durations_are_read_in_other_encodings(project: settings.Settings, encoding: str) -> None:
    (project.project / "durations").write_bytes('{"t.py::é": 1.5}'.encode(encoding))

    timings.learn(project, project.project / "durations")

    assert {"t.py::é": 1500} == history.estimates(project)[0].tests_ms


@pytest.mark.parametrize(
    "name, content",
    [
        ("gone", None),
        ("half.xml", b"<testsuites>"),
        ("empty.xml", b"<testsuites/>"),
        ("list.json", b"[1]"),
        ("deep.json", b"[" * 200_000),
        ("latin.json", '{"é": 1}'.encode("latin-1")),
        ("infinite.json", b'{"a": Infinity}'),
        ("nul.json", b"\0"),
    ],
)
def test_what_is_no_history_is_refused_by_name(project: settings.Settings, name: str, content: bytes | None) -> None:
    if content is not None:
        (project.project / name).write_bytes(content)

    with pytest.raises(SettingsError, match=name) as caught:
        timings.learn(project, project.project / name)

    assert 1 == len(caught.value.message.splitlines())


def test_a_pipe_does_not_hang(project: settings.Settings) -> None:
    for name in ("pipe.xml", "pipe.json"):
        os.mkfifo(str(project.project / name))

        with pytest.raises(SettingsError, match="no regular file"):
            timings.learn(project, project.project / name)
