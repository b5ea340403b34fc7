"""A shard that ran elsewhere runs again here: the same tests, in the same order, in as many processes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Dict, List

import pytest

from scripts import __main__, settings
from scripts.errors import SettingsError
from scripts.evidence.reproduction import Recorded
from scripts.proof import receipt
from scripts.steps import reproduce
from scripts.steps.reproduce import Wish
from tests.unit.steps import projects

SUITE = r"""
import os, pytest

RAN = []

@pytest.fixture(autouse=True)
def ran(request):
    with open("ran", "a", encoding="utf-8") as file:
        file.write(f"{ascii(request.node.name)} in shard {os.environ.get('SHARDLINE_SHARD')}\n")
    yield
    RAN.append(request.node.name)

@pytest.mark.parametrize("text", ["你 好/[]", "a\nb", "a::b"])
def test_odd(text):
    pass

def test_before_first():
    assert "test_first" in RAN

def test_first():
    pass

def test_ends_the_process():
    os._exit(3)

def test_after_first():
    assert "test_first" in RAN
"""
# Other than collection order, as a plugin that shuffles does it.
ORDER = ["test_odd", "test_before_first", "test_first", "test_ends_the_process", "test_after_first"]
CONFTEST = f"""
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: {ORDER}.index(item.name.split("[")[0]))
"""
RED = {"test_before_first", "test_ends_the_process", "test_after_first"}
IGNORED = "ran\nreports\n.pipeline\n__pycache__\n"


def git(project: Path, *words: str) -> str:
    identity = ["-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "commit.gpgsign=false"]
    return subprocess.check_output(["git", "-C", str(project), *identity, *words], encoding="utf-8").strip()


def commit(project: Path) -> str:
    git(project, "init", "-q")
    git(project, "add", "--all")
    git(project, "commit", "-q", "-m", "a state")
    return git(project, "rev-parse", "HEAD")


def ran(project: Path) -> List[str]:
    return (project / "ran").read_text(encoding="utf-8").splitlines()


def outcomes(reports: Path) -> Dict[str, str]:
    result = receipt.read(reports / "shard-0" / receipt.FILE_NAME)
    return {test.nodeid.rpartition("::")[2]: test.outcome for test in result.tests}


def test_a_bundle_runs_again_in_another_clone_as_it_ran_and_on_the_code_that_mends_it(tmp_path: Path) -> None:
    """A crash, an order within a process, and one over its border; at a commit that is not checked out here."""
    there, here = projects.make(tmp_path / "there", SUITE, service=None), tmp_path / "here"
    (there / "checks" / "conftest.py").write_text(CONFTEST)
    (there / ".gitignore").write_text(IGNORED)
    commit(there)
    projects.run(there, "shard", "0", "1", "-k", "test")
    projects.run(there, "debug-bundle", "--output", str(tmp_path / "bundle.tar.gz"))
    git(tmp_path, "clone", "-q", str(there), str(here))
    (here / "checks" / "conftest.py").unlink()
    mended = SUITE.replace("assert", "assert 1 or").replace("os._exit(3)", "pass")
    (here / "checks" / "test_it.py").write_text(mended, encoding="utf-8")
    commit(here)

    again = projects.run(here, "reproduce", str(tmp_path / "bundle.tar.gz"))
    came = outcomes(here / "reports" / "reproduced")
    on_this_code = projects.run(here, "reproduce", str(tmp_path / "bundle.tar.gz"), "--on-this-code")

    (checked_out,) = (here / ".pipeline" / "reproduce").iterdir()
    assert (1, 0) == (again.returncode, on_this_code.returncode)
    assert RED == {name for name, outcome in came.items() if outcome == "failed"}
    assert came == outcomes(there / "reports")
    assert ran(there) == ran(checked_out) == ran(here)
    assert [*["test_odd"] * 2, *ORDER] == [re.findall(r"test_\w+", line)[0] for line in ran(there)]
    assert "reproduced: 3 of 3 failures came again\n" in again.stdout
    assert "not reproduced: none of 3 failures came again\n" in on_this_code.stdout
    assert not (here / "reports" / "shard-0").exists()


def folder_of_a_shard(project: Path, python: str = "", commit: str = "", test: str = "test_a") -> Path:
    """What a shard left that ran elsewhere."""
    nodeid = f"checks/test_it.py::{test}"
    attempt = receipt.Attempt(nodeid, 0, "failed", 1.0)
    tests = (receipt.Selected(nodeid, "failed", (attempt,)),)
    words = ("--password", "(secret-3fa9c1)") if test == "test_secret" else ()
    told = receipt.Receipt("r", "", 1, 2, "d", 2, "", tests, python=python, commit=commit, arguments=words)
    folder = project / "elsewhere" / "shard-1"
    folder.mkdir(parents=True)
    receipt.write(folder / receipt.FILE_NAME, told)
    return folder


def test_another_python_is_refused_and_to_bisect_such_a_commit_is_neither_good_nor_bad(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)
    place = str(folder_of_a_shard(project, python="2.7.18"))
    words = ["reproduce", place, "--settings", str(project / "pipeline.yml")]

    codes = [__main__.main(words), __main__.main([*words, "--bisect"])]

    said = capsys.readouterr().err
    assert [2, 125] == codes
    assert "the shard ran on Python 2.7.18, and this is 3." in said
    assert f"nox -s reproduce-2.7 -- {place}" in said
    assert "--any-python" in said


def test_a_commit_that_is_not_here_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_a(): pass\n", service=None)
    commit(project)
    place = folder_of_a_shard(project, commit="1" * 40)
    loaded = settings.load(None, {}, project)

    with pytest.raises(SettingsError) as refused:
        reproduce.run(loaded, Wish(place))

    assert f"git fetch origin {'1' * 40}" in refused.value.hint


def test_what_may_be_a_secret_has_to_be_given_again(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    place = folder_of_a_shard(project, test="test_secret")

    with pytest.raises(SettingsError) as refused:
        reproduce.run(settings.load(None, {}, project), Wish(place, arguments=["-x"]))

    assert "--password" in refused.value.message
    assert '-- --password="$PASSWORD"' in refused.value.hint


def test_a_test_that_is_not_here_is_named(tmp_path: Path) -> None:
    project = projects.make(tmp_path, "def test_b(): pass\n", service=None)
    place = folder_of_a_shard(project)

    with pytest.raises(SettingsError, match=r"1 test of 1 cannot be collected here:\n  checks/test_it.py::test_a"):
        reproduce.run(settings.load(None, {}, project), Wish(place, on_this_code=True))


@pytest.mark.parametrize(
    "commit, changed, here, changed_here, is_here",
    [
        ("a", [], "a", [], True),
        ("a", [], "b", [], False),
        ("a", [], "a", ["M x"], False),
        ("a", ["M x"], "a", ["M x"], True),
        ("a", ["M x"], "a", [], True),
        ("a", ["M x"], "b", ["M x"], False),
        ("a", None, "a", ["M x"], True),
        ("a", None, "b", [], False),
        ("", None, "b", [], True),
    ],
)
def test_the_tests_run_on_what_was_tested(
    commit: str, changed: List[str], here: str, changed_here: List[str], is_here: bool
) -> None:
    """What differs from the commit is not in a bundle, and may be here: by the same names."""
    assert is_here is reproduce.on_which(commit, changed, here, changed_here, False)[0]
    assert reproduce.on_which(commit, changed, here, changed_here, True)[0]


def test_a_bundle_that_is_not_there_yet_means_the_folder_that_it_would_be_made_of(tmp_path: Path) -> None:
    project = projects.make(tmp_path, service=None)
    loaded = settings.load(None, {}, project)

    assert loaded.reports == reproduce.found(loaded, None)
    assert loaded.reports == reproduce.found(loaded, project / "reports" / "debug-bundle.tar.gz")
    assert project / "checks" == reproduce.found(loaded, Path("checks"))


def test_what_differs_stands_in_a_table_and_what_a_bundle_hides_is_not_compared() -> None:
    machine = {"python": "3.8.18 x", "system": "Linux", "cpus": 2, "memory": {"total": 8 * 10**9}}
    service = {"environment": {"A": "(not shown)"}, "command": ["a"]}
    there = {"machine.json": machine, "settings.json": {"service": service, "nodes": 1}}
    here = {
        "machine.json": {**machine, "cpus": 4},
        "settings.json": {"service": {**service, "command": ["b"]}, "nodes": 1},
    }
    packages = [{"packages/suite.txt": f"numpy=={version}\npytest==8\n".encode()} for version in ("1", "2")]
    sides = [{name: json.dumps(data).encode() for name, data in side.items()} for side in (there, here)]

    lines = reproduce.difference_lines({**sides[0], **packages[0]}, Recorded(0, 1), {**sides[1], **packages[1]})

    table = [line.split("  ") for line in lines]
    found = {cells[0]: [cell for cell in cells[1:] if cell] for cells in table}
    assert ["2 processors, 8 GB", "4 processors, 8 GB"] == found["machine"]
    assert {"package numpy", "setting service.command"} <= set(found)
    assert "the same: Python, system, GPU, 1 package, 1 setting" in lines
    assert "not compared, since the bundle does not show them: 1 setting" in lines
