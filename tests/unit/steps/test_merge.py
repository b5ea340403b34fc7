from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from scripts.proof import junit
from tests.unit.steps import projects

SUITE = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose two shards have run."""
    project = projects.make(tmp_path, SUITE, service=None)
    for index in ("0", "1"):
        assert 0 == projects.run(project, "shard", index, "2").returncode
    return project


def test_when_every_test_ran_once_the_merge_is_green(project: Path) -> None:
    done = projects.run(project, "merge")

    assert (0, True) == (done.returncode, "merge: green" in done.stdout)
    merged = junit.read(project / "reports" / "junit.xml") or []
    assert ["checks/test_it.py::test_a", "checks/test_it.py::test_b", "checks/test_it.py::test_c"] == sorted(
        each.nodeid for each in merged
    )
    assert "green" == json.loads((project / "reports/merge.json").read_text())["ended"]


def test_what_shards_took_is_shown_beside_what_was_expected(tmp_path: Path) -> None:
    project = projects.make(tmp_path, SUITE, service=None)
    projects.run(project, "plan", "--nodes", "1")
    projects.run(project, "shard", "0", "1")

    done = projects.run(project, "merge")

    assert re.search(r"^shard +tests +about +took$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^ +0 +3 +- +0\.0 s$", done.stdout, re.MULTILINE), done.stdout


def test_a_shard_that_left_no_result_is_named_and_repaired(project: Path) -> None:
    shutil.rmtree(str(project / "reports" / "shard-1"))

    red = projects.run(project, "merge")
    repaired = projects.run(project, "merge", "--run-missing")

    assert (6, True) == (red.returncode, "shard index 1 of 2 left no result" in red.stdout)
    assert "nox -s merge -- --run-missing" in red.stdout
    assert (0, True) == (repaired.returncode, "merge: green" in repaired.stdout), repaired.stdout


def test_a_test_that_came_after_the_shards_is_named(project: Path) -> None:
    (project / "checks" / "test_it.py").write_text(SUITE + "def test_late(): pass\n")

    done = projects.run(project, "merge")

    assert (6, True) == (done.returncode, "checks/test_it.py::test_late" in done.stdout)


def test_a_failed_test_is_red_through_the_merge(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): assert 0\n", service=None)
    projects.run(project, "shard", "0", "1", "--defer-verdict")

    done = projects.run(project, "merge")

    assert (1, True) == (done.returncode, "checks/test_it.py::test_a" in done.stdout)


def test_nothing_at_all_is_no_green_merge(tmp_path: Path) -> None:
    done = projects.run(projects.make(tmp_path, SUITE, service=None), "merge")

    assert 6 == done.returncode, done.stdout
