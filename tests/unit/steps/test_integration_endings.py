"""One node or many: the same verification, the same reporter, the same exit code."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from tests.unit.steps import projects

NODES = ["1", "2"]
RED = """
def test_a(): pass
def test_interrupts(): raise KeyboardInterrupt
def test_c(): pass
def test_d(): pass
"""


def results(reports: Path) -> Dict[str, Tuple[int, bytes]]:
    """What lies in the reports, but for locks: by name, when it was written and what it is."""
    files = [file for file in reports.rglob("*") if file.is_file() and ".locks" not in file.parts]
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


@pytest.mark.parametrize("nodes", NODES)
def test_a_keyboard_interrupt_of_a_test_is_its_failure_and_x_stops_after_it(tmp_path: Path, nodes: str) -> None:
    project = projects.make(tmp_path, RED, service=None)

    done = projects.run(project, "integration", "--nodes", nodes)
    stopped = projects.run(project, "integration", "--nodes", nodes, "-x")

    assert 1 == done.returncode == stopped.returncode
    assert re.search(r"^4 tests.*: 1 failed, 3 passed$", done.stdout, re.MULTILINE)
    assert "checks/test_it.py::test_interrupts  (failed in shard index " in done.stdout
    assert "left unrun after a failure, as you asked (-x, --maxfail, --fail-fast):\n" in stopped.stdout
    for each in (done, stopped):
        assert "lost" not in each.stdout and "ran nowhere" not in each.stdout
        assert "ended: tests failed (exit code 1)" == each.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def red_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two shards have run, one of them red."""
    suite = "def test_a(): pass\ndef test_b(): assert 0\n"
    project = projects.make(tmp_path_factory.mktemp("red"), suite, service=None)
    assert 1 == projects.run(project, "integration", "--nodes", "2").returncode
    return project


def test_a_red_run_of_shards_names_the_log_with_the_traceback_which_says_how_it_ended(red_project: Path) -> None:
    reports = red_project / "reports"
    logs = {file.name: file.read_text().splitlines() for file in reports.glob("shard-*.log")}
    red = next(name for name, lines in logs.items() if any("assert 0" in line for line in lines))
    green = next(name for name in logs if name != red)

    done = projects.run(red_project, "merge")

    assert f"tracebacks: reports/{red}\n" in done.stdout
    assert logs[red][-1].startswith(
        "ended: tests failed (exit code 0: the verdict is deferred, and `verdict` ends with"
    )
    assert "ended: green (exit code 0)" == logs[green][-1]


@pytest.mark.parametrize(
    "words, code, told",
    [
        (["--collect-only", "-q"], 0, "ended: shown, nothing was run (exit code 0)"),
        (["--nodes", "2", "--setup-plan"], 0, "ended: shown, nothing was run (exit code 0)"),
        (["--fixtures", "-q"], 0, "ended: shown, nothing was run (exit code 0)"),
        (["--collect-only", "-k", "nothing"], 5, "error: no test was selected: pytest --collect-only -k nothing"),
        (["--nodes", "2", "-k", "nothing"], 5, "error: no test was selected: pytest -k nothing"),
        (["--nodes", "2", "checks/test_it.py::test_nosuch"], 2, "ERROR: not found: "),
        (["checks/test_its.py"], 2, "no file or folder checks/test_its.py in "),
        (["--tests", "nosuch.txt"], 2, "--tests: expected a file, got 'nosuch.txt'"),
        (["--nosuch"], 2, "unrecognized arguments: --nosuch"),
        (["--nodes", "2", "--nosuch"], 2, "unrecognized arguments: --nosuch"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_runs_nothing_takes_nothing_of_the_last_run_away(
    red_project: Path, words: List[str], code: int, told: str
) -> None:
    before = results(red_project / "reports")

    done = projects.run(red_project, "integration", *words)

    assert (code, True) == (done.returncode, told in done.stdout)
    assert "green" not in done.stdout
    assert before == results(red_project / "reports")


@pytest.mark.parametrize("words", [["integration"], ["integration", "--nodes", "2"], ["shard", "0", "2"], ["merge"]])
def test_a_suite_that_is_not_there_is_told_with_file_and_line(red_project: Path, words: List[str]) -> None:
    settings = red_project / "pipeline.yml"
    before, text = results(red_project / "reports"), settings.read_text()
    settings.write_text("\nsuite: {path: chekcs}\n")

    done = projects.run(red_project, *words)
    settings.write_text(text)

    assert 2 == done.returncode
    assert f"{settings}:2: suite.path: no such file or folder: 'chekcs'; did you mean 'checks'?" in done.stdout
    assert before == results(red_project / "reports")


def test_nothing_selected_is_no_green_merge_either(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)

    done = [projects.run(project, "shard", index, "2", "-k", "nothing") for index in ("0", "1")]
    merged = projects.run(project, "merge")  # it knows of -k from the results

    assert [5, 5, 5] == [each.returncode for each in (*done, merged)]
    assert "error: no test was selected: pytest -k nothing" in merged.stdout


def test_a_test_that_pytest_does_not_find_is_a_mistake_with_one_node_too(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)

    done = projects.run(project, "integration", "checks/test_it.py::test_nosuch")

    assert (2, True) == (done.returncode, "error: no test has run: pytest: ended with exit code 4" in done.stdout)


# Ctrl-C -------------------------------------------------------------------------------------------

# The second test of each shard waits, so that none has ended when the signal comes.
WAITS = """
import os, pathlib, time, pytest

ran = []

@pytest.mark.parametrize("number", range(4))
def test_of_the_part(number):
    if ran and not pathlib.Path("go").exists():
        pathlib.Path("started-" + os.environ.get("SHARDLINE_SHARD", "0")).touch()
        time.sleep(60)
    ran.append(number)

def test_of_the_rest(): assert 0, "not of this part"
"""


@pytest.mark.parametrize("nodes", NODES)
def test_ctrl_c_in_a_run_of_a_part_offers_the_command_that_runs_its_rest(tmp_path: Path, nodes: str) -> None:
    project = projects.make(tmp_path, WAITS, service=None)
    (project / "part.txt").write_text("checks/test_it.py::test_of_the_part\n")
    words = projects.words(
        project, "integration", "--nodes", nodes, "--at-once", nodes, "--tests", str(project / "part.txt")
    )
    run = subprocess.Popen(
        words,
        cwd=str(projects.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=projects.variables({}),
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while len(list(project.glob("started-*"))) < int(nodes):
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGINT)
    output = run.communicate(timeout=60)[0]
    (project / "go").touch()
    rest = projects.run(project, "merge", "--run-missing")  # and without more words: it knows the part

    assert (130, "ended: interrupted (exit code 130)") == (run.returncode, output.splitlines()[-1]), output
    assert f"next: nox -s merge -- --run-missing --tests {project / 'part.txt'} --settings " in short(output)
    assert 0 == rest.returncode
    assert re.search(r"^4 tests.*: 4 passed$", rest.stdout, re.MULTILINE)
    assert "test_of_the_part[0]" not in (project / "reports/repair-0/journal.jsonl").read_text()


def short(output: str) -> str:
    """The output, with commands as they are where nox is on the path."""
    return re.sub(r"\S*/nox -s", "nox -s", output)


def test_ctrl_c_before_a_test_has_run_offers_the_same_run_again(tmp_path: Path) -> None:
    service = "import pathlib, time\npathlib.Path('started').touch()\ntime.sleep(60)\n"
    project = projects.make(tmp_path, WAITS, service)
    words = projects.words(project, "integration", "-k", "part")
    environ = projects.variables({})
    run = subprocess.Popen(words, cwd=str(projects.ROOT), stdout=subprocess.PIPE, encoding="utf-8", env=environ)
    until = time.monotonic() + 60
    while not (project / "started").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    output = run.communicate(timeout=60)[0]

    assert 130 == run.returncode
    assert "next: nox -s integration -- -k part --settings " in short(output)
