from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.__main__ import main
from tests.unit.steps import projects


def test_every_kind_of_failure_has_its_exit_code_and_hint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pipeline.yml").write_text("suit: {}")

    assert 2 == main(["deps", "--settings", str(tmp_path / "pipeline.yml")])
    told = capsys.readouterr().err
    assert "pipeline.yml:1: unknown key suit; did you mean 'suite'?" in told
    assert "hint: Edit pipeline.yml and run again." in told


def test_a_step_refuses_what_it_does_not_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["deps", "-k", "sad"])
    assert "deps: cannot use -k sad" in capsys.readouterr().err


def test_no_error_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["deps", "--settings", "\x1b]0;owned\x07.yml"])
    assert "\x1b" not in capsys.readouterr().err


def test_an_unknown_step_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == main(["integratoin"])
    assert "did you mean 'integration'?" in capsys.readouterr().err


def test_a_terminal_without_unicode_shows_the_escape_instead_of_a_traceback(tmp_path: Path) -> None:
    suite = "import pytest\n@pytest.mark.parametrize('t', ['你'])\ndef test_t(t): assert 0\n"
    project = projects.make(tmp_path, suite, service=None)

    done = projects.run(project, "integration", PYTHONIOENCODING="ascii")

    assert 1 == done.returncode, done.stdout
    assert "  checks/test_it.py::test_t[\\u4f60]  (failed in" in done.stdout


def test_the_step_in_a_project_of_its_own_needs_no_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    projects.make(tmp_path, "def test_it(): pass\n", service=None)
    monkeypatch.chdir(tmp_path)

    assert 0 == main(["integration"])
    assert (tmp_path / "reports" / "junit.xml").exists()


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_it(): pass\n", service=None)
    words = [*projects.words(project, "plan"), "--nodes", "30"]
    step = subprocess.Popen(
        words, cwd=str(projects.ROOT), env=dict(projects.variables({})), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert step.stdout and step.stderr
    step.stdout.close()  # before the first line: a small output would fit into the pipe

    assert ("", 141) == (step.stderr.read().decode(), step.wait())
    step.stderr.close()
