"""A merge leaves a page, a summary and what the next run compares with; none of that can cost its verdict."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from time import sleep
from typing import Callable

import pytest

from scripts.evidence.diagnosis import diagnosis
from scripts.evidence.page import page
from scripts.proof import outcome_history
from scripts.proof.findings import Verdict
from scripts.runner import merge, ownership, remembering
from scripts.runner.collection import Collected
from scripts.settings import Settings, Suite
from tests.unit.runner.test_merge import IDS, leave, result


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


@pytest.fixture(autouse=True)
def with_report(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHARDLINE_REPORT")


def concluded(settings: Settings) -> int:
    return merge.conclude(settings, Collected(IDS, "f"), [])


def test_a_merge_says_where_the_page_is_and_remembers_the_outcomes(
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    leave(settings, result(0), result(1, "failed"))

    assert 1 == concluded(settings)

    assert "\nreport: reports/index.html\n" in capsys.readouterr().out
    assert IDS[1] in (settings.reports / "index.html").read_text(encoding="utf-8")
    assert IDS[1] in (settings.reports / "summary.md").read_text(encoding="utf-8")
    known = outcome_history.load(outcome_history.file_of(settings))
    assert ({IDS[1]: "f"}, [True]) == (known.letters, [run.is_whole for run in known.runs])


def test_who_wants_no_report_has_none_and_hears_of_none(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHARDLINE_REPORT", "never")
    leave(settings, result(0), result(1, "failed"))

    assert 1 == concluded(settings)

    said = capsys.readouterr().out
    assert "what happened: " in said and "\nreport: " not in said
    assert not list(settings.reports.glob("index.html")) and not list(settings.reports.glob("summary.md"))


@pytest.mark.parametrize("mistake", [lambda: {}["x"], lambda: os._exit(0), lambda: sleep(9)])
@pytest.mark.parametrize("place", [(page, "render"), (diagnosis, "diagnose"), (merge.reading, "read_run")])
def test_a_mistake_of_ours_there_costs_a_line_and_not_the_verdict(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: object,
    mistake: Callable[[], None],
) -> None:
    leave(settings, result(0), result(1, "failed"))
    module, name = place  # type: ignore[misc]
    monkeypatch.setattr(module, name, lambda *_, **__: mistake())
    monkeypatch.setattr(merge.report, "MOST_S", 0.5)

    assert 1 == concluded(settings)

    said = capsys.readouterr().out
    assert re.search(r"KeyError: 'x'|crashed|no time left", said) and "1 test red" in said and "\nreport: " not in said


def git(folder: Path, *words: str) -> None:
    own = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env={**os.environ, **own})


def edit(folder: Path) -> None:
    (folder / "app.py").write_text("edited")


@pytest.mark.parametrize("change, is_known", [(lambda folder: None, True), (edit, False)])
def test_the_state_is_known_of_a_commit_that_nobody_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], is_known: bool
) -> None:
    monkeypatch.delenv("CIRCLE_SHA1", raising=False)
    git(tmp_path, "init")
    (tmp_path / "pipeline.yml").write_text("name: x\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "x")
    change(tmp_path)
    verdict = Verdict(1, (), {"passed": 2}, (), (), "")

    run = remembering.run_of(
        Settings(file=tmp_path / "pipeline.yml"), [result(0, commit="c"), result(1, commit="c")], verdict, []
    )

    assert (is_known, True) == (bool(run.state), run.is_whole)


def test_who_runs_the_project_is_told_without_a_lock(settings: Settings) -> None:
    with ownership.of_all(settings):
        assert [os.getpid()] == [owner.pid for owner in ownership.owners(settings)]
    assert [] == ownership.owners(settings)
