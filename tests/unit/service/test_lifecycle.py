from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import psutil
import pytest

from scripts import console
from scripts.errors import PortInUse, ServiceDied, ServiceNotReady, SettingsError, WarmUpFailed
from scripts.service import lifecycle, log_files, ports
from scripts.service.job import Job
from scripts.service.lifecycle import running
from scripts.service.running_service import RunningService, detach
from scripts.settings import Settings
from scripts.system import records
from scripts.system.process_tree import Stop
from scripts.system.records import Record
from tests.unit.service import children
from tests.unit.service.children import READY, SLEEP, SOON_S, TWO_CHILDREN, eventually, marked, wait_for_line

CANNOT_WORK = """
def reply(path, received):
    return (500, b"no") if path == "/tts" else (200, b"fine")
serve()
"""


class Bench:
    """A project in a folder, what was said about its service, and whether anything of it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: List[str] = []
        self.log = folder / "reports" / "service.log"
        self.run_ids: List[str] = []

    def project(self, code: str = READY, **keys: Any) -> Settings:
        return children.write_project(self.folder, children.service(code), **keys)

    def running(self, project: Settings, **environ: str) -> Any:
        return running(Job(project, {**os.environ, **environ}, self.log, say=self.said.append))

    def detached(self, project: Settings) -> RunningService:
        with self.running(project) as service:
            detach(project.state, [service])
        self.run_ids += [service.run_id or ""]
        return service

    def records(self) -> List[Record]:
        found = records.read_all(self.folder / ".pipeline")
        self.run_ids += [record.run_id for record in found]
        return found

    def left(self) -> List[int]:
        """What still runs of all the starts seen so far, also of those only seen in the records."""
        self.records()
        return marked(*self.run_ids)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    for pid in bench.left():  # whatever a failed test left
        os.kill(pid, signal.SIGKILL)


def test_the_block_runs_with_a_service_that_answers(bench: Bench) -> None:
    with bench.running(bench.project(warm_up={"path": "/tts", "json": {}})) as service:
        assert bench.log == service.log
        assert psutil.pid_exists(service.pid)
        assert 0 < service.warm_up_s < service.ready_s + SOON_S


def test_after_the_block_nothing_is_left(bench: Bench) -> None:
    with bench.running(bench.project(TWO_CHILDREN + READY)) as service:
        bench.run_ids.append(service.run_id)
        before = len(eventually(lambda: len(bench.left()) == 3 and bench.left()))

    assert (3, [], []) == (before, bench.left(), bench.records())


def test_a_failure_in_the_block_stops_the_service_and_stays_what_it_was(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError), bench.running(bench.project()) as service:
        bench.run_ids.append(service.run_id)
        raise ZeroDivisionError

    assert [] == bench.left()


def test_the_record_tells_who_started_what(bench: Bench) -> None:
    project = bench.project()
    with bench.running(project) as service:
        (record,) = bench.records()
        file = json.loads((project.state / "processes" / f"{service.run_id}.json").read_text())

    assert (service.pid, service.run_id, service.url) == (record.process.pid, record.run_id, record.url)
    assert (os.getpid(), False) == (record.owner.pid, file["detached"])


def test_the_record_is_there_before_the_service_is_ready(bench: Bench) -> None:
    code = "import glob; print(len(glob.glob('.pipeline/processes/*.json')) or time.sleep(60))"
    project = bench.project(f"time.sleep(0.5)\n{code}\n{READY}")
    with bench.running(project):
        pass

    assert "1\n" == bench.log.read_text()


def test_the_settings_environment_is_added_to_ours(bench: Bench) -> None:
    project = bench.project("print(os.environ['A'], os.environ['B'])\n" + READY, environment={"B": "theirs"})
    with bench.running(project, A="ours", B="ours"):
        pass

    assert "ours theirs\n" == bench.log.read_text()


def test_a_death_while_starting_leaves_nothing(bench: Bench) -> None:
    with pytest.raises(ServiceDied), bench.running(bench.project("raise SystemExit(3)")):
        pass

    assert [] == bench.records()


def test_a_service_that_is_never_ready_is_stopped(bench: Bench) -> None:
    project = bench.project(SLEEP, ready={"timeout": "0.3s"})
    with pytest.raises(ServiceNotReady), bench.running(project):
        pass

    assert [] == bench.records()
    assert "service: stopped (signal SIGTERM (15))" == bench.said[-1]


def test_a_service_that_cannot_work_is_stopped(bench: Bench) -> None:
    project = bench.project(CANNOT_WORK, warm_up={"path": "/tts", "json": {}})
    with pytest.raises(WarmUpFailed), bench.running(project):
        pass

    assert [] == bench.records()


def test_a_death_in_the_block_is_seen_by_who_asks(bench: Bench) -> None:
    with bench.running(bench.project()) as service:
        service.check_alive()
        os.kill(service.pid, signal.SIGKILL)
        eventually(lambda: service.process.poll() is not None)

        with pytest.raises(ServiceDied, match="while it was in use"):
            service.check_alive()


def test_a_death_in_the_block_is_said_at_its_end(bench: Bench) -> None:
    with bench.running(bench.project()) as service:
        os.kill(service.pid, signal.SIGKILL)
        eventually(lambda: service.process.poll() is not None)

    assert "service: had ended by itself with signal SIGKILL (9)" == bench.said[-1]


def test_two_runs_at_once_do_not_touch_each_other(bench: Bench) -> None:
    project = bench.project()
    with bench.running(project) as first:
        with bench.running(project) as second:
            assert first.url != second.url

        first.check_alive()


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 1), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_the_pipeline_leaves_nothing(bench: Bench, number: int, code: int) -> None:
    with children.pipeline(bench.project(TWO_CHILDREN + READY)) as child:
        wait_for_line(child, "in use")
        before = len(eventually(lambda: len(bench.left()) == 3 and bench.left()))
        child.send_signal(number)
        child.wait(SOON_S)

    assert (3, [], []) == (before, bench.left(), bench.records())
    # Python ends an uncaught KeyboardInterrupt by the signal itself; `main` makes 130 of it.
    assert child.returncode in (code, -number)


def test_two_signals_at_once_leave_nothing(bench: Bench) -> None:
    with children.pipeline(bench.project()) as child:
        wait_for_line(child, "in use")
        bench.records()
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGTERM)
        child.wait(SOON_S)

    assert ([], []) == (bench.left(), bench.records())


def test_a_signal_between_start_and_record_leaves_nothing(bench: Bench) -> None:
    code = """
write = records.write
def interrupted(state, record):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.2)
    write(state, record)
    print("run", record.run_id, flush=True)
records.write = interrupted
"""
    with children.pipeline(bench.project(SLEEP), code + children.USE) as child:
        output, _ = child.communicate(timeout=SOON_S)

    run_id = output.split("run ")[1].split()[0]
    assert (143, [], []) == (child.returncode, marked(run_id), bench.records())


def test_a_second_signal_kills_a_service_that_takes_its_time(bench: Bench) -> None:
    deaf = "signal.signal(signal.SIGTERM, lambda *_: print('not yet'))\n"
    project = bench.project(deaf + READY, stop_timeout="60s")
    with children.pipeline(project) as child:
        wait_for_line(child, "in use")
        bench.records()
        child.send_signal(signal.SIGTERM)
        eventually(lambda: "not yet" in bench.log.read_text())
        child.send_signal(signal.SIGTERM)
        child.wait(SOON_S)

    assert (143, [], []) == (child.returncode, bench.left(), bench.records())


def test_a_killed_pipelines_service_is_stopped_at_the_next_start(bench: Bench) -> None:
    project = bench.project()
    with children.pipeline(project) as child:
        wait_for_line(child, "in use")
        (leftover,) = bench.records()
        child.kill()
        child.wait()
        before = marked(leftover.run_id)
        with bench.running(project):
            after = marked(leftover.run_id)

    assert ([leftover.process.pid], []) == (before, after)
    assert bench.said[0].startswith(f"service: stopped {leftover.url} (pid {leftover.process.pid}, ")


def test_a_live_pipelines_service_is_not_touched_by_the_next_start(bench: Bench) -> None:
    project = bench.project()
    with children.pipeline(project) as child:
        wait_for_line(child, "in use")
        (theirs,) = bench.records()
        with bench.running(project):
            pass

        assert [theirs.process.pid] == marked(theirs.run_id)
        assert [theirs] == bench.records()


def test_a_detached_service_lives_on(bench: Bench) -> None:
    project = bench.project()
    service = bench.detached(project)
    with bench.running(project):
        pass

    assert [service.pid] == bench.left()
    assert [True] == [record.detached for record in bench.records()]


def test_a_detached_service_outlives_the_pipeline_and_is_stopped_by_name(bench: Bench) -> None:
    project = bench.project()
    code = """
from scripts.service.job import Job
from scripts.service.lifecycle import running
from scripts.service.running_service import detach
with running(Job(project, os.environ, project.reports / "log")) as service:
    detach(project.state, [service])
"""
    with children.pipeline(project, code) as child:
        child.communicate(timeout=SOON_S)
    (record,) = bench.records()
    before = bench.left()
    stopped = records.sweep(project.state, bench.said.append, detached_too=True)

    assert ([record.process.pid], [record], [], []) == (before, stopped, bench.left(), bench.records())


def test_stopping_spares_the_service_of_a_live_run(bench: Bench) -> None:
    project = bench.project()
    with bench.running(project) as service:
        stopped = records.sweep(project.state, bench.said.append, detached_too=True)
        service.check_alive()

    assert [] == stopped


def test_a_detached_start_that_fails_leaves_nothing(bench: Bench) -> None:
    project = bench.project(CANNOT_WORK, warm_up={"path": "/tts", "json": {}})
    with pytest.raises(WarmUpFailed):
        bench.detached(project)

    assert [] == bench.records()


def test_a_fixed_port_is_used(bench: Bench) -> None:
    port = ports.free_port()
    with bench.running(bench.project(port=port)) as service:
        assert f"http://127.0.0.1:{port}" == service.url


def test_a_stranger_on_the_fixed_port_is_named(bench: Bench) -> None:
    with children.listener() as port, pytest.raises(PortInUse) as caught, bench.running(bench.project(port=port)):
        pass

    assert f"{port} is in use by pid {os.getpid()} (" in caught.value.message
    assert "not started by us" in caught.value.message


def test_a_detached_service_on_the_fixed_port_is_known(bench: Bench) -> None:
    project = bench.project(port=ports.free_port())
    bench.detached(project)

    with pytest.raises(PortInUse, match="left over from an earlier run of ours") as caught, bench.running(project):
        pass
    assert "invoke stop" in caught.value.hint


def test_another_live_run_on_the_fixed_port_is_known(bench: Bench) -> None:
    project = bench.project(port=ports.free_port())
    with bench.running(project), pytest.raises(PortInUse, match="another run of ours"), bench.running(project):
        pass


def test_a_service_of_others_is_used_and_left_as_it_is(bench: Bench) -> None:
    own = bench.detached(bench.project())
    with bench.running(bench.project("raise SystemExit(3)"), SERVICE_URL=own.url + "/") as service:
        assert (own.url, None, None, None) == (service.url, service.pid, service.run_id, service.log)

    assert [own.pid] == bench.left()


def test_a_service_of_others_is_warmed_up_too(bench: Bench) -> None:
    own = bench.detached(bench.project(CANNOT_WORK))
    project = bench.project(warm_up={"path": "/tts", "json": {}})

    with pytest.raises(WarmUpFailed), bench.running(project, SERVICE_URL=own.url):
        pass


def test_a_service_of_others_that_does_not_answer_is_not_ready(bench: Bench) -> None:
    project = bench.project(ready={"timeout": "0.3s"})
    url = f"http://127.0.0.1:{ports.free_port()}"

    with pytest.raises(ServiceNotReady, match=url), bench.running(project, SERVICE_URL=url):
        pass


@pytest.mark.parametrize("where", ["command", "environment"])
def test_the_service_is_told_its_port_by_a_word_or_a_variable(bench: Bench, where: str) -> None:
    code = "sys.argv[1:] = [os.environ.get('PORT') or sys.argv[1]]\n" + READY
    words = [sys.executable, "service.py"]
    keys = (
        {"command": [*words, "{port}"]} if where == "command" else {"command": words, "environment": {"PORT": "{port}"}}
    )

    with bench.running(bench.project(code, **keys)) as service:
        assert service.url


def test_it_starts_in_its_own_folder(bench: Bench) -> None:
    (bench.folder / "app").mkdir()
    program = bench.folder / "app" / "run"
    program.write_text(f'#!/bin/sh\npwd\nexec {sys.executable} ../service.py "$1"\n')
    program.chmod(0o755)

    with bench.running(bench.project(directory="app", command=["./run", "{port}"])):
        pass

    assert f"{(bench.folder / 'app').resolve()}\n" == bench.log.read_text()


def test_what_nothing_tells_its_port_is_said_where_it_is_never_ready(bench: Bench) -> None:
    project = bench.project(command=[sys.executable, "-c", SLEEP], ready={"timeout": "0.2s"})

    with pytest.raises(ServiceNotReady) as failed, bench.running(project):
        pass

    assert failed.value.hint.startswith("Nothing tells the service its port: write {port} in service.command")


def test_each_start_has_a_log_of_its_own(bench: Bench) -> None:
    for number in (1, 2):
        with bench.running(bench.project(f"print({number})\n{READY}")):
            pass

    assert ["2\n", "1\n"] == [path.read_text() for path in log_files.all_of(bench.log)]


def test_a_service_that_prints_without_end_fills_no_disk_and_goes_on(bench: Bench) -> None:
    flood = "for _ in range(400): os.write(1, b'x' * 49_999 + b'\\n')\nprint('last')\n"
    with bench.running(bench.project(flood + READY, log_limit=200_000)) as service:
        service.check_alive()
        until = time.monotonic() + 30  # what it printed comes to the log a little later, on a busy machine
        while service.process.last_lines(1) != ["last"] and time.monotonic() < until:
            time.sleep(0.02)
        lines = service.process.last_lines(1)

    assert ["last"] == lines
    assert bench.log.stat().st_size <= 200_000
    assert "[shardline left out about " in bench.log.read_text()


def test_limits_bind_the_service(bench: Bench) -> None:
    code = "import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE))\n" + READY
    with bench.running(bench.project(code, limits={"open_files": 64})):
        pass

    assert "(64, 64)\n" == bench.log.read_text()


def test_a_limit_above_our_own_is_refused(bench: Bench) -> None:
    with pytest.raises(SettingsError, match=r"limits\.open_files: expected at most"), bench.running(
        bench.project(limits={"open_files": 2**40})
    ):
        pass


def test_it_is_prepared_before_its_start_in_its_folder_and_environment(bench: Bench) -> None:
    (bench.folder / "app").mkdir()
    prepare = {"command": ["/bin/sh", "-c", 'pwd; echo "$A {shard}"']}
    project = bench.project(
        directory="app",
        environment={"A": "{models}"},
        prepare=prepare,
        command=[sys.executable, "../service.py", "{port}"],
    )
    with bench.running(project) as first:
        pass
    with bench.running(project) as second:
        pass

    expected = f"{(bench.folder / 'app').resolve()}\n{project.models_directory} 0\n"
    assert expected == (bench.folder / "reports" / "prepare.log").read_text()
    assert (True, 0.0) == (first.prepare_s > 0, round(second.prepare_s, 1))


@pytest.mark.parametrize(
    "ending, expected",
    [
        (Stop(-15), "stopped (signal SIGTERM (15))"),
        (Stop(3, by_itself=True), "had ended by itself with exit code 3"),
        (Stop(-9, forced=True, waited_s=5.0), "killed, as SIGTERM had not ended all of it after 5.0 s"),
        (Stop(None, forced=True, left=(7, 8)), "not all of it ended, even after SIGKILL: left is pid 7, 8"),
    ],
)
def test_how_a_stop_went_is_one_line(ending: Stop, expected: str) -> None:
    assert expected == lifecycle.ending_words(ending)


def test_a_project_without_a_service_cannot_run_one(bench: Bench) -> None:
    project = replace(bench.project(), service=None)

    with pytest.raises(SettingsError, match="has no service"), bench.running(project):
        pass


@contextmanager
def broken(when: str) -> Iterator[None]:
    if when == "at its beginning":  # a terminal that is gone, and a thread that does not start (`ulimit -u`)
        raise OSError(5, "Input/output error")
    yield
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("when", ["at its beginning", "at its end"])
def test_the_service_outlives_no_display_that_fails(bench: Bench, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    with bench.running(bench.project()) as service:
        bench.run_ids.append(service.run_id)
        monkeypatch.setattr(console, "progress", lambda title: broken(when))

    assert ([], []) == (bench.left(), bench.records())
    assert "service: stopped (signal SIGTERM (15))" == bench.said[-1]


def test_where_no_thread_is_to_be_had_the_service_runs_and_ends_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    with bench.running(bench.project(warm_up={"path": "/tts", "json": {}})) as service:
        bench.run_ids.append(service.run_id)
        service.check_alive()

    assert ([], []) == (bench.left(), bench.records())


class Heard:
    """A watchdog that notes what it is told, with how many processes carried the mark then."""

    def __init__(self) -> None:
        self.words: List[Tuple[str, str, int]] = []

    def expect(self, mark: str) -> None:
        self.words.append(("expect", mark, len(marked(mark))))

    def watch(self, mark: str, pid: int) -> None:
        self.words.append(("watch", mark, pid))

    def forget(self, mark: str) -> None:
        self.words.append(("forget", mark, len(marked(mark))))


def test_who_ends_it_should_we_be_killed_hears_of_it_before_its_start_and_after_its_end(bench: Bench) -> None:
    heard = Heard()
    with running(Job(bench.project(), os.environ, bench.log, say=str, dog=heard)) as service:
        pass

    mark = service.run_id
    assert [("expect", mark, 0), ("watch", mark, service.pid), ("forget", mark, 0)] == heard.words


def test_a_command_that_goes_to_the_background_is_told_what_it_left_and_that_is_ended(bench: Bench) -> None:
    project = bench.project("if os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid())\n" + READY)
    with pytest.raises(ServiceDied) as caught, bench.running(project):
        time.sleep(SOON_S)

    pid = int(bench.log.read_text())
    said = caught.value.message.splitlines()[0]
    assert f"; it left pid {pid} ({sys.executable[:20]}" in said  # a long command is cut
    assert said.endswith("which was ended: service.command must stay in the foreground as long as the service runs")
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_python_of_the_given_path_runs_the_service(bench: Bench) -> None:
    program = bench.folder / "bin" / "serve"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho from PATH\nexec "{sys.executable}" service.py "$1"\n')
    program.chmod(0o755)
    project = bench.project(command=["serve", "{port}"])
    with bench.running(project, PATH=str(program.parent) + os.pathsep + os.environ["PATH"]):
        pass

    assert "from PATH\n" == bench.log.read_text()
