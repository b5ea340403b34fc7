"""What several shards found is in the cache in which pytest itself looks, in the forms that it reads."""

from __future__ import annotations

import json
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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return projects.make(tmp_path / "project", SUITE, service=None)


@pytest.mark.parametrize(("option", "ran"), [("--lf", {"3"}), ("--sw", STEPS), ("--ff", set("012345"))])
def test_a_run_in_shards_goes_on_where_the_last_one_in_shards_failed(project: Path, option: str, ran: Set[str]) -> None:
    assert 1 == projects.run(project, "integration", "--nodes", "2", option).returncode
    (project / "fixed").touch()

    again = projects.run(project, "integration", "--nodes", "2", option)

    assert 0 == again.returncode, again.stdout
    outcomes = json.loads((project / "reports" / "merge.json").read_text())["outcomes"]
    assert ran == {nodeid[-2] for nodeid in outcomes}
