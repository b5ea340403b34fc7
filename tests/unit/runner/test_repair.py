"""A repair runs exactly what a verdict lacks, in a place of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scripts.proof import receipt
from tests.unit.steps import projects

SUITE = """
import pathlib
def ran(name): pathlib.Path("ran").open("a").write(name)
def test_a(): ran("a")
def test_b(): ran("b")
def test_c(): ran("c")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of which one of two shards has run."""
    project = projects.make(tmp_path, SUITE, service=None)
    for index in ("0", "1"):
        assert 0 == projects.run(project, "shard", index, "2").returncode
    (project / "ran").unlink()
    shutil.rmtree(str(project / "reports" / "shard-1"))
    return project


def test_only_what_has_no_result_runs_and_its_result_says_what_it_completes(project: Path) -> None:
    first = receipt.read(project / "reports" / "shard-0" / receipt.FILE_NAME)
    missing = {"a", "b", "c"} - {test.nodeid[-1] for test in first.tests}

    assert 0 == projects.run(project, "merge", "--run-missing").returncode
    (folder,) = (project / "reports").glob("repair-*")
    repair = receipt.read(folder / receipt.FILE_NAME)
    assert missing == set((project / "ran").read_text()) == {test.nodeid[-1] for test in repair.tests}
    assert (True, True) == (bool(repair.repairs), bool(repair.start) and repair.start != first.start)
    selection = json.loads((folder / "selection.json").read_text())
    assert sorted(test.nodeid for test in repair.tests) == sorted(selection["ids"])


def test_what_is_settled_is_not_run_again(project: Path) -> None:
    projects.run(project, "merge", "--run-missing")
    (project / "ran").unlink()

    again = projects.run(project, "merge", "--run-missing")

    assert (0, False) == (again.returncode, (project / "ran").exists()), again.stdout


def test_a_repair_that_fails_is_a_failed_test(project: Path) -> None:
    suite = (project / "checks" / "test_it.py").read_text()
    (project / "conftest.py").write_text("import pytest\n@pytest.fixture(autouse=True)\ndef broken(): assert 0\n")
    assert suite

    assert projects.run(project, "merge", "--run-missing").returncode in (1, 6)


def test_a_repair_of_tests_that_were_edited_since_is_not_green_with_the_rest(project: Path) -> None:
    """The results of the shard that ran are of another state of the tests."""
    with (project / "checks" / "test_it.py").open("a") as file:
        file.write("# edited\n")

    assert 0 != projects.run(project, "merge", "--run-missing").returncode
