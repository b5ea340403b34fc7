"""Tasks for people around a run: what they end, and what they remove."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.unit.steps import projects

SLEEPER = """
import pathlib, time

def test_sleeps():
    pathlib.Path("started").touch()
    time.sleep(60)
"""


def invoke(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a task about a project to its end, and show what it says where the test fails."""
    line = [sys.executable, "-m", "invoke", *words, "--settings", str(project / "pipeline.yml")]
    done = subprocess.run(
        line, cwd=str(projects.ROOT), env=projects.variables({}), capture_output=True, encoding="utf-8", check=False
    )
    print(done.stdout, done.stderr)
    return done


def test_stop_ends_what_a_killed_run_left_and_clean_takes_the_results_of_nobody_who_runs(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SLEEPER)
    reports = project / "mine"
    words = projects.words(project, "integration", "--reports", str(reports))
    run = subprocess.Popen(words, cwd=str(projects.ROOT), env=projects.variables({}), stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not (project / "started").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    (reports / "of-somebody-else").touch()
    family = psutil.Process(run.pid).children(recursive=True)
    left = [process for process in family if not {"pytest", "service.py"}.isdisjoint(process.cmdline())]
    while_it_runs = invoke(project, "clean", "--reports", str(reports))
    there = (reports / "shard-0").exists()
    for process in (process for process in family if process not in left):
        process.kill()  # the watchdog, which would end them
    run.kill()
    run.wait()
    running = [process.is_running() for process in left]

    stopped = invoke(project, "stop")
    cleaned = invoke(project, "clean", "--reports", str(reports))

    assert (7, True) == (while_it_runs.returncode, f"pid {run.pid}" in while_it_runs.stderr)
    assert there
    assert [True, True] == running
    assert [] == psutil.wait_procs(left, timeout=5)[1]
    assert {"service", "pytest"} == {line.partition(":")[0] for line in stopped.stdout.splitlines() if line}
    assert 0 == cleaned.returncode
    assert ["of-somebody-else"] == [file.name for file in reports.iterdir()]
