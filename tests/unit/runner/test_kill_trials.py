"""A runner that is killed at any moment leaves nothing, and the run after it is as red as it should be."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path
from typing import List

import psutil
import pytest

from scripts.system import records
from tests.unit.steps import projects

SUITE = "import time\ndef test_slow(): time.sleep(0.5)\ndef test_red(): assert 0\n"
ALL_GONE_IN_S = 30.0  # 4 s on a machine that does nothing else


def left_of(project: Path) -> List[psutil.Process]:
    """The processes that run in a project's folder, or name it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and str(project) in " ".join(
                [process.cwd(), *process.cmdline()]
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_a_killed_runner_leaves_nothing_and_the_next_run_is_red(tmp_path: Path, nodes: str) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    (project / "checks" / "test_more.py").write_text("def test_green(): pass\n")
    words = projects.words(project, "integration", "--nodes", nodes)
    runner = subprocess.Popen(
        words, cwd=str(projects.ROOT), env=projects.variables({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    moment_s = random.uniform(0, 3)
    time.sleep(moment_s)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    until = time.monotonic() + ALL_GONE_IN_S
    while left_of(project) and time.monotonic() < until:
        time.sleep(0.1)

    assert [] == left_of(project), f"killed after {moment_s:.2f} s"
    again = projects.run(project, "integration", "--nodes", nodes)
    assert (1, True) == (again.returncode, "1 failed, 2 passed" in again.stdout), again.stdout
    assert ([], []) == (left_of(project), records.read_all(project / ".pipeline")), f"killed after {moment_s:.2f} s"
