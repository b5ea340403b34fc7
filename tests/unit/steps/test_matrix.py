from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts import settings as settings_module
from scripts.environments import pythons
from scripts.environments.running import HERE
from scripts.errors import PipelineError, SettingsError
from scripts.evidence import ending
from scripts.evidence.ending import Ending
from scripts.proof import receipt, report_text
from scripts.runner.shard import commit_of
from scripts.settings import Settings
from scripts.steps import matrix
from scripts.steps.matrix import Wishes, merge_legs
from tests.unit.proof.results import judged, ran, shard
from tests.unit.steps import projects

RED = "def test_red(): assert 0\ndef test_green(): pass\n"
ABOUT_CI = ("CI", "CIRCLECI", "GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "TF_BUILD", "JENKINS_URL")


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    (tmp_path / "pipeline.yml").write_text("suite: {path: checks}\n")
    return settings_module.load(None, {}, tmp_path)


def leave(settings: Settings, python: str, outcome: str = "passed") -> Path:
    """A leg that ran one test."""
    folder = settings.reports / f"python-{python}"
    commit = commit_of(settings.project, os.environ)
    result = shard(0, ran("a", outcome), of=1, collected=["a"], python=f"{python}.1", commit=commit)
    receipt.write(folder / "shard-0" / receipt.FILE_NAME, result)
    report_text.write(folder / report_text.FILE_NAME, judged([result], ["a"]), [result])
    return folder


def test_the_legs_that_are_there_are_merged_and_kept(
    project: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = project.project / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(shown))
    leave(project, "3.8", "failed")
    leave(project, "3.10")

    assert 1 == merge_legs(project, Wishes(["3.8", "3.10"]))
    kept = json.loads((project.reports / "matrix.json").read_text())
    assert ("tests failed", {"a": {"3.8": "failed", "3.10": "passed"}}) == (kept["ended"], kept["tests"])
    assert (project.reports / "matrix.md").read_text() + "\n" == shown.read_text()
    assert "## tests failed on Python 3.8, of 2 Pythons" in shown.read_text()
    assert "| FAILED | passed | `a` |" in shown.read_text()
    assert "   3.8  1 failed" in capsys.readouterr().out


def test_the_verdict_of_one_leg_does_not_look_at_the_others(
    project: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(project, "3.8", "failed")
    leave(project, "3.10")

    assert 0 == merge_legs(project, Wishes(["3.10"]))
    assert "not looked at: python-3.8 in reports" in capsys.readouterr().out
    assert 0 == merge_legs(project, Wishes(["3.10"], [project.reports / "python-3.10"]))


def test_without_a_word_all_pythons_of_the_project_are_expected(project: Settings) -> None:
    (project.project / "pyproject.toml").write_text(
        'classifiers = ["Programming Language :: Python :: 3.8", "Programming Language :: Python :: 3.10"]'
    )
    leave(project, "3.10")

    with pytest.raises(PipelineError, match=r"not proven to be green on Python 3\.8\n") as caught:
        merge_legs(project, Wishes())
    assert (6, "incomplete") == (caught.value.exit_code, caught.value.ended)
    leave(project, "3.8")
    assert 0 == merge_legs(project, Wishes())


def test_a_python_that_the_project_is_not_for_is_told_and_red_only_where_it_is_asked_for(
    project: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.project / "pyproject.toml").write_text('requires-python = ">=3.10,<3.12"\n')
    leave(project, "3.10")
    leave(project, "3.11")

    assert 0 == merge_legs(project, Wishes())
    assert "not run on Python 3.8, 3.9, 3.12, 3.13: pyproject.toml requires >=3.10,<3.12" in capsys.readouterr().out
    with pytest.raises(PipelineError, match=r"on Python 3\.8\n"):
        merge_legs(project, Wishes(["3.8", "3.10"]))
    assert "Python 3.8: not run: pyproject.toml requires >=3.10,<3.12\n" in capsys.readouterr().out


def test_a_leg_that_ended_after_its_merge_or_before_it_ends_as_it_says(
    project: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    ending.write(leave(project, "3.8"), Ending("integration", "crashed", 70, "KeyError", "KeyError: 'a'"))
    stale = Ending("integration", "packages missing", 3, "InstallError", "no index", earlier=("merge.json",))
    ending.write(leave(project, "3.9"), stale)
    ending.write(project.reports / "python-3.10", stale._replace(ended="weights missing", exit_code=4))

    with pytest.raises(PipelineError) as caught:
        merge_legs(project, Wishes(["3.8", "3.9", "3.10"]))

    out = capsys.readouterr().out
    assert (70, "crashed") == (caught.value.exit_code, caught.value.ended)
    assert "Python 3.8: crashed: KeyError: 'a' (exit code 70)" in out
    assert "Python 3.9: packages missing: no index (exit code 3)" in out
    assert "Python 3.10: weights missing: no index (exit code 4)" in out


@pytest.mark.parametrize("code", [-9, 256])
def test_no_ending_of_a_leg_that_lacks_its_merge_comes_to_0(project: Settings, code: int) -> None:
    ending.write(project.reports / "python-3.8", Ending("integration", "killed", code))

    with pytest.raises(PipelineError) as caught:
        merge_legs(project, Wishes(["3.8"]))
    assert 6 == caught.value.exit_code


def test_a_green_leg_whose_ending_cannot_be_read_proves_nothing(project: Settings) -> None:
    (leave(project, "3.8") / ending.FILE_NAME).write_text('{"schema": 1, "ended": "cra')

    with pytest.raises(PipelineError) as caught:
        merge_legs(project, Wishes(["3.8"]))
    assert 6 == caught.value.exit_code


@pytest.mark.parametrize("name", ["python-3.8", "other", "-k"])
def test_what_is_no_folder_of_a_leg_is_refused(project: Settings, name: str) -> None:
    (project.project / "other").mkdir()

    with pytest.raises(SettingsError, match="expected the reports folder of a leg"):
        merge_legs(project, Wishes(folders=[project.project / name]))


def test_a_python_that_is_missing_is_told_at_home_and_refused_in_a_ci(
    project: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ABOUT_CI:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project.project)  # it has no noxfile.py
    monkeypatch.setattr(pythons, "find", lambda python: python == "3.8")
    monkeypatch.setattr(matrix, "_run", lambda settings, python, *rest: matrix._read(python, leave(settings, python)))
    (project.project / "pyproject.toml").write_text(
        'requires-python = ">=3.8,<3.10"\nclassifiers = ["Programming Language :: Python :: 3.8",\n'
        '"Programming Language :: Python :: 3.9", "Programming Language :: Python :: 3.10"]'
    )

    assert 0 == matrix.run(project, [], Wishes())
    out = capsys.readouterr().out
    assert "not on this machine: Python 3.9 (here: 3.8)" in out
    assert "not run on Python 3.10: pyproject.toml requires >=3.8,<3.10" in out
    with pytest.raises(PipelineError, match=r"on Python 3\.9\n"):
        matrix.run(project, [], Wishes(["3.8", "3.9"]))
    assert "Python 3.9: it is not on this machine" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    with pytest.raises(SettingsError, match=r"not on this machine: Python 3\.9"):
        matrix.run(project, [], Wishes())


def test_the_python_that_runs_us_needs_no_session_and_the_matrix_fails_for_a_leg_that_defers(tmp_path: Path) -> None:
    tiny = projects.make(tmp_path / "tiny", suite=RED, service=None)
    stale = leave(settings_module.load(None, {}, tiny), HERE)

    done = projects.run(tiny, "matrix", "--run", "--expect", f"{HERE},3.999", "--defer-verdict", "-k", "red", CI="")

    told = "ended: tests failed (exit code 0: the verdict is deferred, and `matrix` ends with 1)"
    assert told in done.stdout
    assert "Python 3.999: it is not on this machine" in done.stdout
    assert "\nFAILED  checks/test_it.py::test_red\n" in done.stdout
    assert 6 == done.returncode
    assert "a" not in json.loads((stale / report_text.FILE_NAME).read_text())["outcomes"]
