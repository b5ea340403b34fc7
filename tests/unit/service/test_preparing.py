"""What is done once before services start: once for each change of its inputs, and one at a time."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, List

import pytest

from scripts import settings
from scripts.errors import PrepareFailed, SettingsError
from scripts.service import preparing
from scripts.service.preparing import Step, turn
from scripts.service.watchdogs import NOBODY, Watchdog
from scripts.settings import Settings
from scripts.system import locks, records
from tests.unit.service.children import ROOT, eventually, marked, wait_for_line

COUNT = "echo done >> count"


class Bench:
    """A project whose service is prepared by a line of shell, which counts its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: List[str] = []

    def project(self, shell: str = COUNT, **service: Any) -> Settings:
        prepare = {"command": ["/bin/sh", "-c", shell], **service.pop("prepare", {})}
        document = {"service": {"command": ["serve"], "prepare": prepare, **service}}
        (self.folder / "pipeline.yml").write_text(json.dumps(document))
        return settings.load(None, {}, self.folder)

    def prepare(self, project: Settings, run_id: str = "prepare-1", dog: Watchdog = NOBODY) -> float:
        assert project.service and project.service.prepare
        words = project.service.prepare.command
        log = self.folder / "reports" / "prepare.log"
        step = Step("service", project.service.prepare, words, self.folder, os.environ, run_id, log, dog)
        return preparing.prepare(project, step, self.said.append)

    @property
    def runs(self) -> int:
        file = self.folder / "count"
        return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_runs_once(bench: Bench) -> None:
    first, second = (bench.prepare(bench.project()) for _ in range(2))

    assert (1, 0.0) == (bench.runs, second)
    assert first > 0
    assert bench.said[0] == "service: preparing it by /bin/sh -c 'echo done >> count', output reports/prepare.log"
    assert [] == records.read_all(bench.folder / ".pipeline")


def test_it_runs_again_for_each_change_of_what_it_depends_on(bench: Bench) -> None:
    (bench.folder / "a.py").write_text("1")
    (bench.folder / "requirements.txt").write_text("")
    models = {"files": [{"path": "w", "size": 1, "sha256": "0" * 64, "sources": ["file:w"]}]}
    keys = {"prepare": {"inputs": ["*.py"]}, "requirements": "requirements.txt"}

    def change(*steps: Callable[[], object]) -> List[int]:
        return [(step(), bench.prepare(bench.project(**keys)), bench.runs)[2] for step in steps]

    counted = change(
        lambda: None,
        lambda: (bench.folder / "a.py").touch(),  # same content
        lambda: (bench.folder / "a.py").write_text("2"),
        lambda: (bench.folder / "b.py").write_text(""),
        lambda: (bench.folder / "requirements.lock").write_text("# locked"),
    )
    bench.prepare(bench.project(COUNT + " ", **keys))
    bench.prepare(replace(bench.project(COUNT + " ", **keys), models=settings.Models(files=())))
    weighty = settings.load(None, {}, bench.folder)
    (bench.folder / "pipeline.yml").write_text(
        json.dumps({**json.loads((bench.folder / "pipeline.yml").read_text()), "models": models})
    )
    assert weighty.models is None
    bench.prepare(settings.load(None, {}, bench.folder))

    assert ([1, 1, 2, 3, 4], 7) == (counted, bench.runs)


def test_it_runs_again_in_another_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    for name in ("service-3.8-1", "service-3.8-1", "service-3.8-2"):  # from an edited source
        monkeypatch.setenv("VIRTUAL_ENV", f"/anywhere/{name}")
        bench.prepare(bench.project())
        counted.append(bench.runs)

    assert [1, 1, 2] == counted


def test_what_fails_says_why_and_runs_again(bench: Bench) -> None:
    project = bench.project(f"{COUNT}; echo no disk; exit 4")
    for _ in range(2):
        with pytest.raises(PrepareFailed) as failed:
            bench.prepare(project)

    assert failed.value.message.startswith("service.prepare ended with exit code 4\n")
    assert failed.value.message.endswith("  | no disk")
    assert (2, 3) == (bench.runs, failed.value.exit_code)


def test_after_another_one_that_failed_half_way_the_old_one_runs_again(bench: Bench) -> None:
    bench.prepare(bench.project())
    with pytest.raises(PrepareFailed):
        bench.prepare(bench.project("exit 1"))
    bench.prepare(bench.project())

    assert 2 == bench.runs


def test_where_there_are_no_locks_files_say_whose_turn_it_is(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    project = bench.project()
    with turn(project, "service", "run-1", bench.said.append) as own:
        bench.prepare(project)
        own.passed()

    assert 1 == bench.runs


def test_what_takes_too_long_is_ended_with_all_that_it_started(bench: Bench) -> None:
    project = bench.project("sleep 60 & sleep 60", prepare={"timeout": "0.1s"})

    with pytest.raises(PrepareFailed, match=r"service\.prepare took longer than 0\.1 s"):
        bench.prepare(project, "prepare-slow")

    assert [] == marked("prepare-slow")


def test_an_input_that_is_not_there_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match=r"service\.prepare\.inputs: 'src/\*\*' finds no file"):
        bench.prepare(bench.project(prepare={"inputs": ["src/**"]}))


def test_of_two_at_once_one_prepares_and_the_other_waits_for_it(bench: Bench) -> None:
    project = bench.project(f"sleep 0.3; {COUNT}")
    waited: List[float] = []
    threads = [threading.Thread(target=lambda: waited.append(bench.prepare(project))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == bench.runs
    assert min(waited) > 0


KILLED = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from scripts import settings
from scripts.service import preparing
project = settings.load(None, {{}}, Path.cwd())
prepare = project.service.prepare
step = preparing.Step("service", prepare, prepare.command, Path.cwd(), os.environ, "prepare-killed", Path("log"))
with preparing.turn(project, "service", "run", print):
    preparing.prepare(project, step, lambda line: print(line, flush=True))
"""


def test_what_a_killed_run_began_is_ended_and_begun_anew_and_the_next_goes_first(bench: Bench) -> None:
    project = bench.project("test -e count || sleep 60; " + COUNT)
    code = KILLED.format(root=str(ROOT))
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=bench.folder, stdout=subprocess.PIPE, encoding="utf-8"
    ) as run:
        wait_for_line(run, "preparing it")
        eventually(lambda: records.read_all(project.state))
        run.send_signal(signal.SIGKILL)
    swept = records.sweep(project.state, bench.said.append, 5.0)
    (bench.folder / "count").touch()
    with turn(project, "service", "run", bench.said.append) as own:
        bench.prepare(project)

        assert own.lock
    assert (["prepare"], [], 1) == ([record.what for record in swept], marked("prepare-killed"), bench.runs)


class Told:
    """A watchdog that notes what it is told."""

    def __init__(self) -> None:
        self.lines: List[str] = []

    def expect(self, mark: str) -> None:
        self.lines.append(f"? {mark}")

    def watch(self, mark: str, pid: int) -> None:
        self.lines.append(f"+ {mark} {pid}")

    def forget(self, mark: str) -> None:
        self.lines.append(f"- {mark}")


@pytest.mark.parametrize("end", ["", "; exit 1"])
def test_it_ends_with_a_runner_that_is_killed(bench: Bench, end: str) -> None:
    told = Told()
    with suppress(PrepareFailed):
        bench.prepare(bench.project(f"echo $$ > pid{end}"), dog=told)

    assert ["? prepare-1", f"+ prepare-1 {(bench.folder / 'pid').read_text().strip()}", "- prepare-1"] == told.lines


def test_until_one_is_ready_the_others_wait_and_then_start_together(bench: Bench) -> None:
    project = bench.project()
    began: List[int] = []

    def other(number: int) -> None:
        with turn(project, "service", "run-1", bench.said.append) as own:
            began.append(number)
            eventually(lambda: len(began) == 3)  # both are inside at once
            own.passed()

    threads = [threading.Thread(target=other, args=[number]) for number in (1, 2)]
    with turn(project, "service", "run-1", bench.said.append) as first:
        for thread in threads:
            thread.start()
        began.append(0)
        first.passed()
        for thread in threads:
            thread.join()

    assert (0, [0, 1, 2]) == (began[0], sorted(began))


def test_after_a_first_one_that_failed_another_goes_first(bench: Bench) -> None:
    project = bench.project()
    with pytest.raises(ZeroDivisionError), turn(project, "service", "run-1", bench.said.append):
        raise ZeroDivisionError
    with turn(project, "service", "run-1", bench.said.append) as second:
        is_first = second.lock is not None
        second.passed()
    with turn(project, "service", "run-1", bench.said.append) as third:
        waits = third.lock is not None
    with turn(project, "service", "run-2", bench.said.append) as other_run:
        assert other_run.lock

    assert (True, False) == (is_first, waits)
