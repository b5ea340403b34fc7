"""Several runs of one project at the same time, as a person or a CI starts them."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import List

from scripts.planning import history
from scripts.planning import timings as known
from scripts.settings import Settings, Suite
from tests.unit.steps import projects

SLOW = """
import pathlib, time
def test_slow():
    pathlib.Path("began").touch()
    until = time.monotonic() + 60
    while not pathlib.Path("may-end").exists() and time.monotonic() < until:
        time.sleep(0.05)
"""


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        projects.words(project, *arguments),
        cwd=str(projects.ROOT),
        env=projects.variables({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ends(processes: List[subprocess.Popen[str]]) -> List[int]:
    for process in processes:
        print(process.communicate(timeout=120)[0])
    return [process.returncode for process in processes]


def test_three_runs_with_reports_of_their_own_keep_every_sample_and_cross_no_journal(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)

    codes = ends([start(project, "integration", "--reports", str(project / name)) for name in "xyz"])

    assert [0, 0, 0] == codes
    starts = []
    for name in "xyz":
        text = (project / name / "shard-0" / "journal.jsonl").read_text()
        starts.append(set(re.findall(r'(?m)^(?:\[|{"of": )"(.*?)"', text)))
    assert [1, 1, 1, 3] == [*map(len, starts), len(set.union(*starts))]
    learnt = known.load(history.file_of(Settings(Suite("checks"), file=project / "pipeline.yml")))
    assert 3 == len(learnt.tests["checks/test_it.py::test_a"])


def test_shards_of_one_plan_run_at_once_and_nobody_else_does(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SLOW, service=None)
    (project / "checks" / "test_more.py").write_text(SLOW.replace("began", "began-too"))
    shards = [start(project, "shard", index, "2") for index in ("0", "1")]
    until = time.monotonic() + 60
    while not ((project / "began").exists() and (project / "began-too").exists()):
        assert time.monotonic() < until
        time.sleep(0.05)

    others = [projects.run(project, *words) for words in (["shard", "0", "2"], ["merge"], ["integration"])]
    (project / "may-end").touch()

    assert [7, 7, 7] == [other.returncode for other in others]
    assert f"reports is in use by pid {shards[0].pid} " in others[0].stdout
    for other in others[1:]:
        assert [True] == [any(f"in use by pid {shard.pid} " in other.stdout for shard in shards)]
    assert [0, 0] == ends(shards)
    assert 0 == projects.run(project, "merge").returncode
