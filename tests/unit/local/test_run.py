from __future__ import annotations

import fcntl
import json
import os
import re
import struct
import subprocess
import termios
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List, Set

import psutil
import pytest

from scripts.ci import Node
from scripts.local.run import free_slot
from scripts.local.worker import LocalShard
from scripts.settings import Settings
from tests.unit.steps import projects

# Two tests of equal length, so that each of two shards has one; `{project}` is the current directory.
SLEEPERS = """
import pathlib, pytest, time

@pytest.mark.parametrize("name", ["one", "two"])
def test_sleeps(name):
    pathlib.Path(name).touch()
    time.sleep(60)
"""
# The second test waits until somebody has seen the first one fail.
SEEN = """
import pathlib, time

def test_red(): assert 0

def test_waits():
    until = time.monotonic() + 60
    while not pathlib.Path("seen").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
"""


@contextmanager
def started(project: Path, *arguments: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A run that goes on while the block runs."""
    with subprocess.Popen(
        projects.words(project, "integration", *arguments),
        cwd=str(projects.ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=projects.variables(environ),
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def wait_for(*files: Path) -> None:
    until = time.monotonic() + 60
    while not all(file.exists() for file in files):
        assert time.monotonic() < until, f"{files} did not appear"
        time.sleep(0.05)


def roles(processes: List[psutil.Process]) -> Set[str]:
    words = {"service.py": "service", "pytest": "pytest", "shard": "shard"}
    return {role for each in processes for word, role in words.items() if word in each.cmdline()}


def test_a_killed_run_leaves_no_shard_no_service_and_no_pytest(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SLEEPERS)
    with started(project, "--nodes", "2", "--at-once", "2") as process:
        wait_for(project / "one", project / "two")
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()

        assert (8, {"shard", "service", "pytest"}) == (len(family), roles(family))
        assert [] == psutil.wait_procs(family, timeout=20)[1]


def test_a_failed_test_is_told_when_it_fails(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SEEN, service=None)
    with started(project, "--nodes", "2", "--at-once", "1") as process:
        assert process.stdout
        told = []
        for line in process.stdout:
            told.append(line)
            if re.fullmatch(r"  shard [01]: failed  checks/test_it.py::test_red\n", line):
                (project / "seen").touch()
        process.wait()

    assert (1, True) == (process.returncode, (project / "seen").exists()), told


def test_a_shard_that_fails_shows_its_last_lines_and_where_the_others_are(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service="import sys\nsys.exit('no weights')\n")

    done = projects.run(project, "integration", "--nodes", "2")

    log = re.escape(str(project / "reports" / "shard-1.log"))
    ending = rf"^  shard 1: 0 tests: failed, exit code 10 after [\d.]+ s; the last lines of {log}:$"
    assert re.search(ending, done.stdout, re.MULTILINE)
    assert re.search(r"^    .*no weights", done.stdout, re.MULTILINE)


def test_what_a_shard_took_of_memory_decides_for_the_next_run(tmp_path: Path) -> None:
    project = projects.make(tmp_path)
    kept = project / ".pipeline" / "memory.json"

    first = projects.run(project, "integration", "--nodes", "2")
    peaks = [peak_bytes(project, index) for index in (0, 1)]
    learned = json.loads(kept.read_text())["peak_bytes"]
    kept.write_text(json.dumps({"schema": 1, "peak_bytes": 10**15}))
    second = projects.run(project, "integration", "--nodes", "auto")

    assert "memory was not measured yet" in first.stdout
    assert max(peaks) == learned > 10_000_000
    assert "1 shard: a shard took 1.0 PB of memory" in second.stdout
    assert peak_bytes(project, 0) == json.loads(kept.read_text())["peak_bytes"]


def peak_bytes(project: Path, index: int) -> int:
    return int(json.loads((project / f"reports/shard-{index}/receipt.json").read_text())["peak_bytes"])


def test_the_settings_say_how_many_shards(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test(): pass\n", service=None)
    (project / "pipeline.yml").write_text("suite: {path: checks}\nnodes: 2")

    plan, whole = projects.run(project, "plan"), projects.run(project, "integration", "--at-once", "3")

    assert "1 test in 2 shards" in plan.stdout
    assert "2 shards, 2 at once: as you said" in whole.stdout


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--nodes", "0"], "--nodes: expected a whole number from 1 to 1000 or auto, got '0'"),
        (["--nodes", "many"], "--nodes: expected a whole number from 1 to 1000 or auto, got 'many'"),
        (["--at-once", "-1"], "--at-once: expected a whole number from 1 to 1000, got '-1'"),
    ],
)
def test_what_is_no_number_of_shards_is_refused(tmp_path: Path, arguments: List[str], told: str) -> None:
    done = projects.run(projects.make(tmp_path), "integration", *arguments)

    assert (2, True) == (done.returncode, told in done.stdout), done.stdout


def on_terminal(project: Path, columns: int, **environ: str) -> str:
    """What a run of two shards writes to a terminal."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    words = projects.words(project, "integration", "--nodes", "2", "--at-once", "2")
    variables = projects.variables({"TERM": "xterm-256color", **environ})
    process = subprocess.Popen(words, cwd=str(projects.ROOT), env=variables, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b""
    with suppress(OSError):  # the terminal's other end is closed
        while True:
            written += os.read(ours, 65536)
    os.close(ours)
    process.wait()
    return written.decode("utf-8")


def test_a_terminal_shows_a_line_for_each_shard(tmp_path: Path) -> None:
    project = projects.make(tmp_path, projects.GREEN + "def test_red(): assert 0\n")

    written = on_terminal(project, 60, NO_COLOR="1")

    *frames, last = re.split(r"tests +failed +time +left", re.sub(r"\x1b\[[\d;]*m", "", written))
    shards = re.findall(r"^shard (\d) +━+ +(\d)/\d +(\d) +\d.* ended", last, re.MULTILINE)
    assert len(frames) > 2
    assert (["0", "1"], 3, 1) == (
        [index for index, _, _ in shards],
        sum(int(done) for _, done, _ in shards),
        sum(int(failed) for _, _, failed in shards),
    )
    assert 1 == len(re.findall(r"  shard \d: failed  checks/test_it\.py::test_red", written))
    assert re.search(r"\x1b\[\d*A", written)  # drawn anew in its place
    assert not re.search(r"\x1b\[3\d", written)  # in no color
    assert "ended: tests failed" in last


def test_a_terminal_that_cannot_draw_is_told_in_lines(tmp_path: Path) -> None:
    written = on_terminal(projects.make(tmp_path), 60, TERM="dumb")

    assert "\x1b" not in written
    assert 2 == len(re.findall(r"^  shard \d: 1 test: ended after", written, re.MULTILINE)), written


def test_each_shard_at_once_has_a_place_of_its_own_which_the_next_takes_over() -> None:
    shards = [LocalShard(Settings(), Node(index, 4), {}) for index in range(4)]
    for shard, slot in zip(shards, (1, 0, 2)):
        shard.slot, shard._process = slot, subprocess.Popen(["true"])
    shards[1].status = 0

    assert (0, None) == (free_slot(shards, 3), free_slot(shards, 1))
    for shard in shards[:3]:
        assert shard._process and shard._process.wait() == 0
