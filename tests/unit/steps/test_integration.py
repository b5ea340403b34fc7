from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import List

import psutil
import pytest

from tests.unit.steps import projects
from tests.unit.steps.projects import GREEN

SLEEPER = """
import pathlib, time

def test_sleeps():
    pathlib.Path("started").touch()
    time.sleep(60)
"""


def service_pids(output: str) -> List[int]:
    return [int(pid) for pid in re.findall(r"started \S+, pid (\d+)", output)]


def test_a_green_run_ends_with_a_table_and_leaves_no_service(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path), "integration")

    assert 0 == done.returncode, done.stdout
    assert "2 tests: 2 passed" in done.stdout
    assert ["packages", "weights", "service ready", "warm-up", "tests", "total"] == re.findall(
        r"^([a-z -]+?) +(?:\d+ min )?[\d.]+ s$", done.stdout, re.MULTILINE
    )
    assert "reports: reports/junit.xml, reports/shard-0/service.log" in done.stdout
    assert [False] == [psutil.pid_exists(pid) for pid in service_pids(done.stdout)]


def test_a_failed_test_is_told_readable_with_the_command_that_runs_it_again(tmp_path: Path) -> None:
    suite = """
        import pytest
        @pytest.mark.parametrize("text", ["你好"])
        def test_text(text): assert text == "再见"
    """
    project = projects.make(tmp_path, suite + "\n        def test_other(): pass\n")

    done = projects.run(project, "integration")

    assert 1 == done.returncode
    assert "2 tests: 1 failed, 1 passed\n1 test red:\n" in done.stdout
    assert "  checks/test_it.py::test_text[你好]  (failed in shard index 0 of 1: AssertionError" in done.stdout
    again = re.search(r"next: \S*nox -s integration -- ('[^']*')", done.stdout)
    assert again and "1 test: 1 failed" in projects.run(project, "integration", *shlex.split(again[1])).stdout


def test_what_is_not_ours_goes_to_pytest_in_its_order(tmp_path: Path) -> None:
    project = projects.make(tmp_path)

    done = projects.run(project, "integration", "-k", "ours", "-v", "-x", "checks/test_it.py")

    assert "1 test: 1 passed" in done.stdout
    assert "1 deselected" in done.stdout


def test_a_test_that_ends_the_process_with_status_0_fails_by_name(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, "import os\ndef test_ends(): os._exit(0)\n"), "integration")

    assert 1 == done.returncode
    assert "checks/test_it.py::test_ends  (failed in shard index 0 of 1: ended the process" in done.stdout


def test_an_earlier_result_is_not_taken_for_this_one(tmp_path: Path) -> None:
    project = projects.make(tmp_path)
    projects.run(project, "integration", "--nodes", "2")
    (project / "service.py").write_text("import sys\nsys.exit('no weights')\n")
    projects.run(project, "integration")

    left = [json.loads(file.read_text()) for file in (project / "reports").glob("shard-*/receipt.json")]
    assert [("gave up", [])] == [(result["ended"], result["tests"]) for result in left]


def test_all_shards_here_end_in_one_verdict(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path), "integration", "--nodes", "2", "--at-once", "2")

    assert 0 == done.returncode, done.stdout
    assert "2 shards, 2 at once: as you said" in done.stdout
    assert 2 == len(re.findall(r"^  shard \d: 1 test: ended after", done.stdout, re.MULTILINE))
    assert "ended: green" in done.stdout


def test_a_failed_shard_here_is_red_in_the_verdict(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, GREEN + "def test_red(): assert 0\n"), "integration", "--nodes", "2")

    assert (1, True) == (done.returncode, "checks/test_it.py::test_red" in done.stdout)


def test_a_shard_whose_service_dies_is_named_with_its_last_lines(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service="import sys\nsys.exit('no weights')\n")

    done = projects.run(project, "integration", "--nodes", "2")

    verdict = done.stdout.split("2 tests in 2 shards (indices 0-1): 2 not-run\n")[1]
    assert verdict.startswith("service: service died: the service ended with exit code 1 after ")
    assert (10, True) == (done.returncode, "no weights" in done.stdout)


def test_no_selected_test_is_no_green_run(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path), "integration", "-k", "nothing")

    assert (5, True) == (done.returncode, "no test was selected: pytest -k nothing" in done.stdout), done.stdout


def test_a_service_that_dies_stops_the_run_with_its_last_words(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, service="import sys\nsys.exit('no weights')\n"), "integration")

    assert 10 == done.returncode
    assert "no weights" in done.stdout
    assert "test session starts" not in done.stdout


def test_a_suite_alone_is_a_project(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, "def test_it(): pass\n", service=None), "integration")

    assert (0, True) == (done.returncode, "1 test: 1 passed" in done.stdout)


def test_service_url_names_the_service_and_nothing_is_started(tmp_path: Path) -> None:
    suite = """
        import os
        def test_it(): assert "SERVICE_PID" not in os.environ
        def test_url(): print(os.environ["SERVICE_URL"])
    """
    handler = type("Handler", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        project = projects.make(tmp_path, suite)
        text = (project / "pipeline.yml").read_text().replace("timeout: 20s", "timeout: 20s, path: /")
        (project / "pipeline.yml").write_text(text)
        done = projects.run(project, "integration", "-s", SERVICE_URL=url + "/", SERVICE_PID="1")
        server.shutdown()

    assert 0 == done.returncode, done.stdout
    assert [] == service_pids(done.stdout)
    assert url in done.stdout


def test_a_path_with_spaces_and_chinese_under_an_old_locale(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "我的 项目")

    done = projects.run(project, "integration", LC_ALL="C")

    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_no_process(tmp_path: Path, number: signal.Signals, status: int) -> None:
    project = projects.make(tmp_path, SLEEPER)
    process = subprocess.Popen(
        projects.words(project, "integration"),
        cwd=str(projects.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=projects.variables({}),
        start_new_session=True,
    )
    wait_for(project / "started")
    family = psutil.Process(process.pid).children(recursive=True)
    # A terminal sends Ctrl-C to everything in the foreground; whoever cancels a job, to one process.
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    output, _ = process.communicate(timeout=60)

    assert status == process.returncode, output
    assert 3 == len(family)  # service, watchdog, pytest
    assert [] == psutil.wait_procs(family, timeout=5)[1]


def test_a_run_does_not_outlive_the_nox_that_started_it(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SLEEPER)
    words = projects.words(project, "integration")
    code = (
        "import os, subprocess, sys\nos.environ['SHARDLINE_PARENT'] = str(os.getpid())\nsubprocess.call(sys.argv[1:])"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, *words], cwd=str(projects.ROOT), env=projects.variables({}))
    wait_for(project / "started")
    family = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()

    assert 4 == len(family)
    assert [] == psutil.wait_procs(family, timeout=20)[1]


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.05)
