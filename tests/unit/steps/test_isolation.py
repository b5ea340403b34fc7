"""`isolation` on a made suite, from the command line: six planted dependencies among innocent tests."""

from __future__ import annotations

import re
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import Dict, List, Set

from scripts.isolation.study import MOST_RUNS
from tests.unit.steps import projects
from tests.unit.steps.projects import ROOT

INNOCENT = """
import os, pathlib, socket, tempfile, time
import pytest
import shared_state

@pytest.mark.parametrize("n", range(10))
def test_innocent(n, tmp_path):
    (tmp_path / "x").write_text("x")
    time.sleep(0.02)
"""
WRITES = """
def test_file_{name}():
    file = pathlib.Path(__file__).with_name("shared.txt")
    file.write_text("{name}")
    time.sleep(0.05)
    assert file.read_text() == "{name}"
"""
LISTENS = """
def test_port_{name}():
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 28745))
        listening.listen()
        time.sleep(0.1)
"""
PLANTED = {
    "a": """
def test_login(): os.environ["PLANTED_TOKEN"] = "t"
def test_makes(): pathlib.Path(__file__).with_name("made.txt").write_text("made")
"""
    + WRITES.format(name="a"),
    "b": """
def test_fills(): shared_state.CACHE["k"] = 1
READY = []
def test_first(): READY.append(1)
def test_second(): assert READY
"""
    + LISTENS.format(name="b"),
    "c": """
def test_token(): assert os.environ["PLANTED_TOKEN"] == "t"
def test_made(): assert pathlib.Path(__file__).with_name("made.txt").read_text() == "made"
"""
    + LISTENS.format(name="c"),
    "d": "\ndef test_uses(): assert shared_state.CACHE\n" + WRITES.format(name="d"),
}
PAIRS = [
    {"a.py::test_login", "c.py::test_token"},
    {"a.py::test_makes", "c.py::test_made"},
    {"b.py::test_fills", "d.py::test_uses"},
    {"b.py::test_first", "b.py::test_second"},
    {"a.py::test_file_a", "d.py::test_file_d"},
    {"b.py::test_port_b", "c.py::test_port_c"},
]


def make(folder: Path, **modules: str) -> Path:
    """A project without a service, with a module of tests for each text."""
    (folder / "tests").mkdir(parents=True)
    for name, text in modules.items():
        (folder / "tests" / f"test_{name}.py").write_text(textwrap.dedent(text))
    (folder / "shared_state.py").write_text("CACHE = {}\n")
    (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    (folder / "pipeline.yml").write_text("suite:\n  path: tests  # ours\n")
    return folder


def named(lines: List[str]) -> List[Set[str]]:
    """The tests that each finding names."""
    return [set(re.findall(r"tests/test_(\w\.py::\w+)", line)) for line in lines if re.search(r" fails? ", line)]


def test_six_planted_dependencies_are_named_and_written_and_then_shards_are_green(tmp_path: Path) -> None:
    suite: Dict[str, str] = {name: INNOCENT + text for name, text in PLANTED.items()}
    project = make(tmp_path, **suite)

    done = projects.run(project, "isolation", "--write")

    assert 1 == done.returncode
    assert sorted(map(sorted, PAIRS)) == sorted(map(sorted, named(done.stdout.splitlines())))
    runs = re.search(r"([\d.]+) times the serial run", done.stdout)
    assert runs
    assert float(runs[1]) <= MOST_RUNS
    assert not (project / "tests" / "made.txt").exists()
    assert "path: tests  # ours\n  together:\n" in (project / "pipeline.yml").read_text()
    shards = projects.run(project, "integration", "--nodes", "3", "--at-once", "2")
    assert 0 == shards.returncode


def test_a_suite_without_dependencies_is_fit(tmp_path: Path) -> None:
    project = make(tmp_path, a="def test_one(): pass\ndef test_two(): pass\n", b="def test_three(): pass\n")

    done = projects.run(project, "isolation", "--seed", "7", "-q", "tests/test_a.py")

    assert 0 == done.returncode
    assert "2 tests, " in done.stdout
    assert "fit to be sharded (exit code 0)" in done.stdout


def test_an_interrupted_study_goes_on_where_it_was(tmp_path: Path) -> None:
    project = make(tmp_path, a="import time\ndef test_one(): time.sleep(0.2)\ndef test_two(): pass\n")
    words = projects.words(project, "isolation")
    interrupted = subprocess.Popen(words, cwd=str(ROOT), env=projects.variables({}), stdout=subprocess.PIPE)
    until = time.monotonic() + 60
    while not list((project / ".pipeline" / "isolation").glob("*/*.json")) and time.monotonic() < until:
        time.sleep(0.02)
    interrupted.send_signal(signal.SIGINT)
    interrupted.communicate(timeout=60)

    done = projects.run(project, "isolation")

    assert 130 == interrupted.returncode
    assert re.search(r"\d trials? of an interrupted study", done.stdout)
    assert 0 == done.returncode
    assert not list((project / ".pipeline" / "isolation").glob("*/*.json"))


def test_what_is_kept_together_already_is_no_finding(tmp_path: Path) -> None:
    project = make(tmp_path, a="READY = []\ndef test_one(): READY.append(1)\ndef test_two(): assert READY\n")
    (project / "pipeline.yml").write_text("suite: {path: tests, together: [file]}\n")

    done = projects.run(project, "isolation")

    assert 0 == done.returncode
    assert "need tests with which they are kept in one shard already:\n  tests/test_a.py::test_two" in done.stdout
