"""A service is watched while it runs, and nothing that it or a test does changes what was seen."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from functools import partial
from pathlib import Path
from typing import Collection, List

import psutil
import pytest

from scripts.service import monitor
from scripts.service.job import Job
from scripts.service.lifecycle import running
from scripts.service.monitor import Monitor, Prober, Watched
from scripts.settings import Probe, Settings
from scripts.system.identity import Identity, is_alive
from scripts.system.usage import Sample
from tests.unit.service import children
from tests.unit.service.children import READY, eventually

OF_EACH = 3  # files that a process has open at least
# A child, as workers are, and a request that is answered late.
WITH_A_CHILD = """
import subprocess
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
def reply(path, received):
    time.sleep(0.2 if path == "/slow" else 0)
    return (503 if path == "/slow" else 200), b"fine"
serve()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "SAMPLE_S", 0.2)


def watched(project: Settings, watch: Monitor, files: int = 1, **probe: object) -> List[Sample]:
    """Run a service under watch until a sample has so many open files, then take a last look."""
    log = project.reports / "service.log"
    with watch, running(Job(project, os.environ, log, watch=partial(watch.watch, "service"))) as service:
        watch.ready("service", service.url, service.ready_s, Probe(**probe))  # type: ignore[arg-type]
        assert eventually(lambda: watch.samples and (watch.samples[-1].files or 0) >= files)
        watch.settle()
        return list(watch.samples)


def test_the_whole_service_is_sampled_and_each_sample_is_a_line(tmp_path: Path) -> None:
    project = children.write_project(tmp_path, children.service(WITH_A_CHILD))
    file = tmp_path / monitor.FILE_NAME
    of_both = OF_EACH * 2 + 1  # one listens
    samples = watched(project, Monitor(file, lambda: "t.py::test_a"), of_both, path="/slow")

    lines = [json.loads(line) for line in file.read_text().splitlines()]
    last = lines[len(samples) - 1]
    assert [sample.t for sample in samples] == [line["t"] for line in lines[: len(samples)]]
    assert ("service", 0, "t.py::test_a") == tuple(last[name] for name in ("name", "start", "test"))
    assert last["rss"] >= last["memory"] > 5_000_000 < last["uss"] and last["threads"] > 1 and last["cpu"] > 0
    assert any(200 <= (line["latency_ms"] or 0) < 10_000 for line in lines), "the answer, also one that says no"
    assert [] == [thread for thread in threading.enumerate() if "_Watch" in str(getattr(thread, "_target", ""))]


class SlowDriver:
    """A driver of which a look costs a tenth of a second: the next one would come after the tests."""

    def __init__(self) -> None:
        self.why, self.held = "", 0

    def load(self) -> None:
        """Nothing is to be loaded."""

    def held_bytes(self, pids: Collection[int]) -> int:
        until = time.thread_time() + 0.1
        while time.thread_time() < until:
            pass
        return self.held


def test_what_comes_between_two_dear_looks_is_seen_by_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = SlowDriver()
    monkeypatch.setattr(monitor.gpu, "Reader", lambda: driver)
    project = children.write_project(tmp_path, children.service(READY))
    log, watch = project.reports / "service.log", Monitor(tmp_path / monitor.FILE_NAME, str)
    with watch, running(Job(project, os.environ, log, watch=partial(watch.watch, "service"))):
        assert eventually(lambda: watch.samples)
        driver.held = 3_000_000_000
        watch.settle()

    assert (0, 3_000_000_000) == (watch.samples[0].gpu, max(sample.gpu or 0 for sample in watch.samples))


def test_who_stops_the_service_is_told_of_what_has_no_mark(tmp_path: Path) -> None:
    child = "subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(60)'], env={}, start_new_session=1)"
    code = WITH_A_CHILD.replace("subprocess.Popen", f"open('pid', 'w').write(str({child}.pid))\nsubprocess.Popen")
    project = children.write_project(tmp_path, children.service(code))
    log, watch = project.reports / "service.log", Monitor(tmp_path / monitor.FILE_NAME, str)
    with watch, running(Job(project, os.environ, log, watch=partial(watch.watch, "service"))) as service:
        orphan = psutil.Process(int((project.project / "pid").read_text()))
        assert eventually(lambda: watch.samples and (watch.samples[-1].files or 0) >= OF_EACH * 3)
        assert service.process
        os.kill(service.process.identity.pid, signal.SIGKILL)

    assert not is_alive(orphan)


def test_what_a_test_does_to_the_file_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / monitor.FILE_NAME
    watch = Monitor(file)
    file.unlink()
    os.mkfifo(str(file))
    samples = watched(children.write_project(tmp_path, children.service(READY)), watch, tcp=True)

    assert samples and watch.ready_s["service"] > 0
    assert any(sample.latency_ms for sample in samples), "of a connection"


def test_a_file_that_cannot_be_written_costs_the_file_only(tmp_path: Path) -> None:
    project = children.write_project(tmp_path, children.service(READY))

    assert watched(project, Monitor(tmp_path / "no" / "folder"))


def test_where_no_thread_can_start_the_run_goes_on_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    said: List[str] = []
    watch = Monitor(tmp_path / monitor.FILE_NAME, say=said.append)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with watch, watch.watch("service", None):  # type: ignore[arg-type]
        watch.ready("service", "http://127.0.0.1:9", 1.0, Probe())
        watch.settle()

    assert ["service: not watched: no thread could be started for it (ulimit -u)"] == said
    assert ([], True) == (watch.samples, "ulimit" in watch.why_not["service"])


def test_the_time_without_a_look_is_counted_also_when_no_look_comes_to_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(watch: object, last: bool) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(monitor._Watch, "_sample", fail)
    watch = Monitor(tmp_path / monitor.FILE_NAME)
    process = Watched(Identity(2**22 + 1, 1.0), "")
    with watch, watch.watch("service", process):
        eventually(lambda: watch._watches["service"].unseen_s() > 0.3)
        watch.settle()

    assert watch.unseen_s["service"] > 0.3


def test_a_question_without_an_answer_is_as_old_as_it_is() -> None:
    now = [0.0]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        prober = Prober(f"http://127.0.0.1:{deaf.getsockname()[1]}", Probe(), lambda: now[0])
        prober.begin()
        asked = deaf.accept()[0]
        with asked:
            asked.recv(1)
            young, now[0] = prober.latency_ms(), 2.5
            old = prober.latency_ms()
            prober.end()

    assert (None, 2500.0) == (young, old)


def test_a_refused_probe_has_no_latency() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    prober = Prober(url, Probe())
    prober.begin()
    prober.settle()
    prober.end()

    assert None is prober.latency_ms()
