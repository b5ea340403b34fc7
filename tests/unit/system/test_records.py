from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Iterator, List

import psutil
import pytest

from scripts.system import records
from scripts.system.identity import Identity, identify, where
from scripts.system.process_tree import MARKER
from scripts.system.records import Record
from tests.unit.service.children import ROOT, SLEEP, SOON_S, eventually, marked, stranger

SERVICE = Record(
    run_id="a1",
    what="service",
    process=Identity(40, 100.25),
    owner=Identity(30, 90.5),
    command=("serve", "--voice", "你好"),
    started_at="2026-01-31 12:00:00",
    log="reports/service.log",
    url="http://127.0.0.1:7860",
    port=7860,
)
PYTEST = Record("b2", "pytest", Identity(41, 100.5), Identity(30, 90.5), ("python", "-m", "pytest"))
# As version 0.1.0 wrote them, into a folder of their own.
OF_SCHEMA_1 = {
    "schema": 1,
    "run_id": "a1",
    "pid": 40,
    "create_time": 100.25,
    "owner": {"pid": 30, "create_time": 90.5},
    "detached": True,
    "command": ["serve"],
    "port": 7860,
    "url": "http://127.0.0.1:7860",
    "log": "reports/service.log",
}
NOBODY = Identity(2**22 + 1, 1_000_000_000.0)  # beyond the pids that Linux gives out
# Starts a program and records it, as a runner does; then it is killed before it can clean up.
KILLED_RUNNER = f"""
import os, subprocess, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from scripts.system import records
from scripts.system.identity import identify
from scripts.system.process_tree import MARKER
what, run_id, code = sys.argv[1:]
environ = {{**os.environ, MARKER: run_id}}
popen = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=subprocess.DEVNULL, start_new_session=True)
record = records.started(what, run_id, identify(popen.pid), ("python", "-c"))
records.write(Path("state"), record)
print(popen.pid, flush=True)
time.sleep(60)
"""


class Runner:
    """A run in a process of its own, whose child is recorded and sleeps."""

    def __init__(self, folder: Path, what: str, code: str = SLEEP) -> None:
        self.run_id, self.state = uuid.uuid4().hex[:12], folder / "state"
        words = [sys.executable, "-c", KILLED_RUNNER, what, self.run_id, code]
        self.popen = subprocess.Popen(words, cwd=str(folder), stdout=subprocess.PIPE, encoding="utf-8")
        assert self.popen.stdout
        self.child_pid = int(self.popen.stdout.readline())

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate(timeout=SOON_S)


Start = Callable[..., Runner]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runners: List[Runner] = []

    def start(*arguments: str) -> Runner:
        runners.append(Runner(tmp_path, *arguments))
        return runners[-1]

    yield start
    for runner in runners:
        runner.kill()
        for pid in marked(runner.run_id):  # whatever a failed test left
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("record", [SERVICE, replace(SERVICE, detached=True), PYTEST])
def test_a_record_is_read_as_it_was_written(tmp_path: Path, record: Record) -> None:
    records.write(tmp_path, record)

    assert [record] == records.read_all(tmp_path)


def test_each_start_has_a_file_of_its_own(tmp_path: Path) -> None:
    records.write(tmp_path, SERVICE)
    records.write(tmp_path, PYTEST)

    assert ["a1.json", "b2.json"] == sorted(path.name for path in (tmp_path / "processes").iterdir())


def test_a_record_of_an_older_version_is_read_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "services"
    folder.mkdir()
    (folder / "a1.json").write_text(json.dumps(OF_SCHEMA_1))
    (record,) = records.read_all(tmp_path)
    records.remove(tmp_path, record)

    assert replace(SERVICE, command=("serve",), started_at="", detached=True) == record
    assert [] == list(folder.iterdir())


def test_a_record_of_another_machine_on_the_same_disk_is_neither_read_nor_removed(tmp_path: Path) -> None:
    records.write(tmp_path, replace(SERVICE, where="another boot pid:[4026531836]"))
    records.write(tmp_path, replace(PYTEST, process=NOBODY, owner=NOBODY, where=where()))
    records.sweep(tmp_path, str, detached_too=True)

    assert [] == records.read_all(tmp_path)
    assert ["a1.json"] == [path.name for path in (tmp_path / "processes").iterdir()]


def test_removing_what_somebody_else_removed_is_fine(tmp_path: Path) -> None:
    records.remove(tmp_path, SERVICE)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 3},
        {"what": "database"},
        {"what": ["pytest"]},
        {"pid": 0},  # killpg(0) is our own group,
        {"pid": -1},  # and kill(-1) everybody
        {"pid": "x"},
        {"pid": True},
        {"pid": 10**30},
        {"create_time": 10**400},
        {"owner": None},
        {"owner": {"pid": 0, "create_time": 1.0}},
        {"command": None},
        {"port": float("inf")},
        {"run_id": "../../elsewhere"},
    ],
)
def test_what_is_no_record_of_ours_is_passed_over(tmp_path: Path, change: Any) -> None:
    records.write(tmp_path, SERVICE)
    (tmp_path / "processes" / "a1.json").write_text(json.dumps({**records.to_json(SERVICE), **change}))

    assert [] == records.read_all(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b'{"schema": 2, "run_id": "a', b"[]", b'"2"', b"[" * 100_000, b"\xff\xfe"],
    ids=["empty", "half", "list", "text", "brackets", "binary"],
)
def test_a_damaged_record_costs_itself_only(tmp_path: Path, content: bytes) -> None:
    records.write(tmp_path, PYTEST)
    (tmp_path / "processes" / "a1.json").write_bytes(content)

    assert [PYTEST] == records.read_all(tmp_path)


def test_a_huge_file_is_no_record_and_not_read_to_its_end(tmp_path: Path) -> None:
    records.write(tmp_path, SERVICE)
    with (tmp_path / "processes" / "a1.json").open("a") as file:
        file.write(" " * records.MOST_BYTES)

    assert [] == records.read_all(tmp_path)


def test_what_is_no_plain_file_is_passed_over(tmp_path: Path) -> None:
    records.write(tmp_path, PYTEST)
    records.write(tmp_path / "elsewhere", SERVICE)
    folder = tmp_path / "processes"
    (folder / "a1.json").symlink_to(tmp_path / "elsewhere" / "processes" / "a1.json")
    (folder / "c3.json").mkdir()
    os.mkfifo(str(folder / "d4.json"))

    assert [PYTEST] == records.read_all(tmp_path)


def test_a_file_in_the_folders_place_holds_no_records(tmp_path: Path) -> None:
    (tmp_path / "processes").write_text("")

    assert [] == records.read_all(tmp_path)


@pytest.mark.parametrize(
    "process_runs, owner_runs, detached, expected",
    [
        (True, False, False, "stop"),  # left over from a killed run
        (True, True, False, "keep"),  # another run uses it
        (False, True, False, "keep"),  # another run will remove it
        (False, False, False, "forget"),
        (True, False, True, "keep"),  # nobody watches it, by design
        (True, True, True, "keep"),
        (False, False, True, "forget"),
        (False, True, True, "forget"),
    ],
)
def test_what_becomes_of_a_record(process_runs: bool, owner_runs: bool, detached: bool, expected: str) -> None:
    record = replace(SERVICE, detached=detached)

    assert expected == records.verdict(record, process_runs=process_runs, owner_runs=owner_runs)


@pytest.mark.parametrize("what", ["service", "pytest"])
def test_what_a_killed_run_left_is_stopped(start: Start, what: str) -> None:
    runner = start(what)
    runner.kill()
    before = marked(runner.run_id)
    said: List[str] = []
    (stopped,) = records.sweep(runner.state, said.append)

    assert ([runner.child_pid], []) == (before, marked(runner.run_id))
    since = f"(pid {runner.child_pid}, started {stopped.started_at})"
    assert [f"{what}: stopped {since}, left over from a run that was killed"] == said
    assert [] == records.read_all(runner.state)


def test_what_outlived_its_parent_is_stopped_too(start: Start) -> None:
    runner = start("pytest", "import os, time\nos.fork() and os._exit(0)\ntime.sleep(60)")
    runner.kill()
    eventually(lambda: marked(runner.run_id) and runner.child_pid not in marked(runner.run_id))
    records.sweep(runner.state, str)

    assert [] == marked(runner.run_id)


def test_a_daemon_is_stopped_though_what_started_it_is_dead(start: Start) -> None:
    runner = start("service", "import os, time\nos.fork() and os._exit(0)\nos.setsid()\ntime.sleep(60)")
    runner.kill()
    eventually(lambda: [pid for pid in marked(runner.run_id) if os.getsid(pid) == pid != runner.child_pid])
    stopped = records.sweep(runner.state, str)

    assert (1, [], []) == (len(stopped), marked(runner.run_id), records.read_all(runner.state))


def test_what_we_are_a_part_of_is_kept(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a run in a test does whose own runner was killed."""
    runner = start("pytest")
    runner.kill()
    monkeypatch.setenv(MARKER, runner.run_id)

    assert ([], [runner.child_pid]) == (records.sweep(runner.state, str), marked(runner.run_id))
    assert [runner.run_id] == [record.run_id for record in records.read_all(runner.state)]


@pytest.mark.parametrize("detached_too", [False, True])
def test_what_a_live_run_uses_is_left_alone(start: Start, detached_too: bool) -> None:
    runner = start("pytest")
    stopped = records.sweep(runner.state, str, detached_too=detached_too)

    assert ([], [runner.child_pid]) == (stopped, marked(runner.run_id))
    assert [runner.run_id] == [record.run_id for record in records.read_all(runner.state)]


def test_what_runs_in_the_background_is_stopped_only_on_request(start: Start) -> None:
    runner = start("service")
    runner.kill()
    (record,) = records.read_all(runner.state)
    records.write(runner.state, replace(record, url="http://me:secret@127.0.0.1:80", detached=True))
    said: List[str] = []
    spared = records.sweep(runner.state, said.append)
    stopped = records.sweep(runner.state, said.append, detached_too=True)

    assert ([], [runner.run_id], []) == (spared, [record.run_id for record in stopped], marked(runner.run_id))
    since = f"(pid {runner.child_pid}, started {record.started_at})"
    assert [f"service: stopped http://127.0.0.1:80 {since}, which ran in the background"] == said


def test_a_stale_record_that_names_a_stranger_is_forgotten_and_the_stranger_lives(tmp_path: Path) -> None:
    with stranger() as child:
        records.write(tmp_path, replace(SERVICE, process=Identity(child.pid, 1_000_000_000.0), owner=NOBODY))
        stopped = records.sweep(tmp_path, str, detached_too=True)

        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)
    assert ([], []) == (stopped, records.read_all(tmp_path))


def test_a_record_that_names_a_stranger_by_its_very_start_time_touches_nobody(tmp_path: Path) -> None:
    with stranger() as other:
        process = identify(other.pid)
        assert process and eventually(psutil.Process(other.pid).environ)  # it shows none while it is being started
        records.write(tmp_path, replace(SERVICE, process=process, owner=NOBODY, detached=True))

        assert [] == records.sweep(tmp_path, lambda line: None, detached_too=True)
        assert None is other.poll()


def test_what_cleared_its_environment_is_stopped_by_its_start_time(start: Start) -> None:
    code = "import os, sys; os.execve(sys.executable, [sys.executable, '-c', 'import time; time.sleep(60)'], {})"
    runner = start("service", code)
    runner.kill()
    eventually(lambda: not marked(runner.run_id))

    assert [runner.child_pid] == [record.process.pid for record in records.sweep(runner.state, lambda line: None)]


def test_nothing_is_signalled_for_a_dead_record(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""], env={**os.environ, MARKER: "a1"})
    identity = identify(dead.pid)
    dead.wait()
    assert identity is not None
    records.write(tmp_path, replace(SERVICE, process=identity, owner=NOBODY))

    assert ([], []) == (records.sweep(tmp_path, str), records.read_all(tmp_path))


def test_what_cannot_be_stopped_is_said() -> None:
    words = records.stop_words(PYTEST, left=(7, 8))

    assert "pytest: could not be stopped, pid 7, 8 goes on after SIGKILL: (pid 41), " in words


def test_a_record_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in records.stop_words(replace(SERVICE, url="http://\x1b]0;owned\x07"))
