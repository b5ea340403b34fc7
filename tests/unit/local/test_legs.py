from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import List

import psutil
import pytest

from scripts.environments.running import HERE
from scripts.local import legs
from scripts.settings import Settings
from scripts.system.signals import MATRIX, raise_on_signals
from tests.unit.service.children import eventually, pid_in

SLEEPS = """import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
pathlib.Path('pid').write_text(f'{child.pid}\\n')
child.wait()"""


def test_a_leg_is_a_session_of_the_menu_and_of_the_project_that_was_named(tmp_path: Path) -> None:
    named = Settings(file=tmp_path / "pipeline.yml", addressed=("--settings", "x"))
    words = legs.words_of(named, "3.8", "tests", tmp_path / "r", {"tests-3.8"})

    assert ["-s", "tests-3.8", "--", "--settings", str(named.file), "--reports", str(tmp_path / "r")] == words[1:]
    assert "nox" == Path(words[0]).name
    assert [] == legs.words_of(Settings(), "3.9", "tests", tmp_path, {"tests-3.8"})


def test_the_python_that_runs_us_runs_the_step_where_there_is_no_session(tmp_path: Path) -> None:
    words = legs.words_of(Settings(), HERE, "integration", tmp_path, set())

    assert [sys.executable, "-m", "scripts", "integration", "--reports", str(tmp_path)] == words


def test_the_menu_is_that_of_the_project_else_of_this_folder(tmp_path: Path) -> None:
    settings = Settings(file=tmp_path / "a" / "pipeline.yml")
    assert None is legs.menu_of(settings, tmp_path)
    (tmp_path / "noxfile.py").touch()
    assert tmp_path == legs.menu_of(settings, tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "noxfile.py").touch()
    assert tmp_path / "a" == legs.menu_of(settings, tmp_path)


def test_the_sessions_are_those_that_nox_lists(tmp_path: Path) -> None:
    (tmp_path / "noxfile.py").write_text("import nox\n\n@nox.session(python=['3.8', '3.9'])\ndef it(session): pass\n")

    assert {"it-3.8", "it-3.9"} == legs.sessions_in(tmp_path)
    assert set() == legs.sessions_in(None)


def test_a_leg_knows_whom_it_must_not_outlive(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert 3 == legs.run([sys.executable, "-c", f"import os; print(os.environ['{MATRIX}']); exit(3)"], tmp_path)
    assert f"{os.getpid()}\n" == capfd.readouterr().out


def test_nothing_of_a_leg_outlives_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legs, "STOPS_IN_S", 0.5)
    started: List[psutil.Process] = []

    def interrupt() -> None:
        below = psutil.Process(eventually(lambda: pid_in(tmp_path / "pid")))
        started.extend([below, *filter(None, [below.parent()])])
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    with pytest.raises(SystemExit), raise_on_signals():
        thread.start()
        legs.run([sys.executable, "-c", SLEEPS], tmp_path)
    thread.join()

    assert (2, []) == (len(started), psutil.wait_procs(started, 30)[1])
