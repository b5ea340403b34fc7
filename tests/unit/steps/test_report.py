"""`invoke report` makes the page of what lies there; with --live it follows a run to its end."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from scripts import console
from scripts.errors import PipelineError
from scripts.runner import ownership
from scripts.settings import Settings, Suite
from scripts.steps import report
from tests.unit.evidence.test_reading import folder, leave


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def test_it_makes_the_page_and_says_where_it_is(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    folder(settings).mkdir(parents=True)
    leave(settings, "failed")

    report.run(settings)

    page = settings.reports / "index.html"
    assert "a.py::one" in page.read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert "report: reports/index.html\n" in said and page.resolve().as_uri() in said


@pytest.mark.parametrize("live, complaint", [(False, "no run has left anything"), (True, "no run goes on")])
def test_where_there_is_no_run_it_says_so(settings: Settings, live: bool, complaint: str) -> None:
    with pytest.raises(PipelineError, match=complaint) as raised:
        report.run(settings, live=live)

    assert console.command("nox") in raised.value.hint_for(console.command) or live


def test_it_follows_a_run_to_its_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "REFRESH_S", 0.02)
    monkeypatch.setattr(report, "POLL_S", 0.01)
    page = settings.reports / "index.html"
    seen = []

    def until_it_is_seen() -> None:
        while 'http-equiv="refresh"' not in (page.read_text(encoding="utf-8") if page.exists() else ""):
            time.sleep(0.01)
        seen.append(ownership.owners(settings)[0].pid)
        leave(settings, "failed")
        run.__exit__(None, None, None)

    run = ownership.of_all(settings)
    run.__enter__()
    folder(settings).mkdir(parents=True)
    (folder(settings) / "selection.json").write_text('{"schema": 1, "start": "me"}')
    other = threading.Thread(target=until_it_is_seen, daemon=True)
    other.start()
    report.run(settings, live=True)
    other.join()

    assert [os.getpid()] == seen
    text = page.read_text(encoding="utf-8")
    assert 'http-equiv="refresh"' not in text and "a.py::one" in text
    assert 2 == capsys.readouterr().out.count("report: reports/index.html\n")
