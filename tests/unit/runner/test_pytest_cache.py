"""What several shards found is in the cache in which pytest itself looks, in the forms that it reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Set

import pytest

from tests.unit.steps import projects

SUITE = """
import pathlib, pytest
@pytest.mark.parametrize("n", range(6))
def test_t(n):
    assert n != 3 or pathlib.Path("fixed").exists()
"""


STEPS = set("345" if pytest.version_tuple >= (8, 4) else "012345")  # before, its form was another, and all run


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two shards have run, one of them red."""
    project = projects.make(tmp_path_factory.mktemp("red") / "project", SUITE, service=None)
    assert 1 == projects.run(project, "integration", "--nodes", "2").returncode
    return project


def again(project: Path, option: str) -> Set[str]:
    """Mend the test that failed and run again: which tests ran."""
    (project / "fixed").touch()
    done = projects.run(project, "integration", "--nodes", "2", option)

    assert 0 == done.returncode, done.stdout
    return {nodeid[-2] for nodeid in json.loads((project / "reports" / "merge.json").read_text())["outcomes"]}


@pytest.mark.parametrize(("option", "ran"), [("--lf", {"3"}), ("--ff", set("012345"))])
def test_a_run_in_shards_knows_what_failed_in_the_last_one_in_shards(
    red: Path, tmp_path: Path, option: str, ran: Set[str]
) -> None:
    assert ran == again(Path(shutil.copytree(str(red), str(tmp_path / "project"))), option)


def test_a_run_in_shards_goes_on_where_the_last_one_in_shards_stopped(tmp_path: Path) -> None:
    project = projects.make(tmp_path / "project", SUITE, service=None)
    assert 1 == projects.run(project, "integration", "--nodes", "2", "--sw").returncode

    assert STEPS == again(project, "--sw")
