from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Iterator

import pytest

from scripts import settings
from scripts.settings import Settings
from scripts.steps import serve, status
from scripts.system import records
from scripts.system.identity import Identity, identify
from scripts.system.records import Record
from tests.unit.steps import projects

TWO = """
services:
  tts: {{command: [{python}, service.py, "{{port}}"]}}
  ocr: {{url: "http://127.0.0.1:9"}}
suite: {{path: checks}}
"""
HERE = identify(os.getpid()) or Identity(os.getpid(), 0.0)
GONE = Identity(HERE.pid, HERE.create_time - 1000)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Settings]:
    loaded = settings.load(None, {}, projects.make(tmp_path, settings=TWO.format(python=sys.executable)))
    yield loaded
    records.sweep(loaded.state, detached_too=True)


def test_what_runs_is_shown_with_where_whose_ready_and_log(
    project: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "ANSWERS_IN_S", 0.3)
    serve.run_detached(project)
    capsys.readouterr()
    status.run(project)
    printed = capsys.readouterr().out

    log = "reports/background-tts.log"
    assert re.search(rf"^service tts +http://127\S+ +\d+ +20\S+ \S+ +in the background +yes +{log}$", printed, re.M)
    assert re.search(r"^service ocr +http://127.0.0.1:9 .*elsewhere: services.ocr.url +no", printed, re.M)


def test_nothing_is_said_to_run_where_nothing_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status.run(settings.load(None, {}, projects.make(tmp_path)))

    assert "nothing of ours is running\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    "owner, detached, expected",
    [(HERE, False, f"run of pid {HERE.pid}"), (GONE, False, status.LEFT), (GONE, True, "in the background")],
    ids=["of a run", "left behind", "in the background"],
)
def test_who_keeps_a_process_is_told(owner: Identity, detached: bool, expected: str) -> None:
    assert expected == status.whose(Record("5f3a", "service", HERE, owner, (), detached=detached))
