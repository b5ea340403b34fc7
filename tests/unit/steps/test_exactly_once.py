"""Whatever the number of shards, what becomes of each test is what plain pytest says, in a suite full of odd ids."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Tuple

import pytest

from tests.unit.steps import projects

ODD = [
    "你好，世界",
    "👩‍🚀",
    "two words",
    "'single' and \"double\"",
    "a::b::c",
    "[x[y]]",
    "line\u2028separator",
    "two\nlines\tand\rmore",
    "\ud800",
    "-k",
    "--maxfail=1",
    "@file",
    "%s {x} $HOME `id` \\",
    "/a/b.py",
    "x" * 300,
    "",
]
PARAMETRISED = f"""
import pytest
ODD = {ODD!a}

@pytest.mark.parametrize("text", [pytest.param(text, id=text) for text in ODD])
def test_text(text): assert text != "-k", "one of them fails"

@pytest.mark.parametrize("text", [pytest.param(text, id=text) for text in ODD[:3]])
class TestOdd:
    def test_in_a_class(self, text): pass
"""
ORDER = """
import pytest

@pytest.mark.parametrize("word", {"one", "two", "three", "four", "five", "six"})
def test_of_a_set(word): assert word != "five"
"""
OUTCOMES = """
import pytest, unittest

@pytest.fixture
def broken(): raise RuntimeError("set-up")

@pytest.fixture(scope="module")
def broken_after():
    yield
    raise RuntimeError("teardown")

def test_error(broken): pass
def test_skipped(): pytest.skip("not now")
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail
def test_unexpected(): pass
class TestCase(unittest.TestCase):
    def test_method(self): self.assertTrue(True)
    @unittest.expectedFailure
    def test_fails(self): self.fail()
"""
CONFTEST = """
import pytest

class Text(pytest.File):
    def collect(self):
        for number, line in enumerate(self.path.read_text().splitlines()):
            yield Line.from_parent(self, name=f"line {number}: {line}")

class Line(pytest.Item):
    def runtest(self): assert "bad" not in self.name
    def reportinfo(self): return self.path, 0, self.name

def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".txt":
        return Text.from_parent(parent, path=file_path)
"""
# pytest's own word on each test, by a plugin that knows nothing of ours.
WITNESS = """
import json, pathlib
found = {}

def pytest_runtest_logreport(report):
    xfail = hasattr(report, "wasxfail")
    failed = "failed" if report.when == "call" else "error"
    words = {"passed": "xpassed" if xfail else "passed", "skipped": "xfailed" if xfail else "skipped", "failed": failed}
    worst = ["error", "failed", "skipped", "xfailed", "xpassed", "passed"]
    found[report.nodeid] = min(found.get(report.nodeid, "passed"), words[report.outcome], key=worst.index)

def pytest_sessionfinish():
    pathlib.Path("witness.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = projects.make(tmp_path_factory.mktemp("odd") / "我的 project", PARAMETRISED, service=None)
    checks = project / "checks"
    for name in ("one", "two"):  # the same base names
        (checks / name).mkdir()
        (checks / name / "__init__.py").write_text("")
        (checks / name / "test_outcomes.py").write_text(OUTCOMES)
    (checks / "test_order.py").write_text(ORDER)
    (checks / "conftest.py").write_text(CONFTEST)
    (checks / "lines.txt").write_text("good\nbad\n")
    (project / "witness.py").write_text(WITNESS)
    return project


@pytest.fixture(scope="module")
def serial(project: Path) -> Dict[str, str]:
    """What becomes of each test in one plain process."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "witness", "checks"]
    environ = projects.variables({"PYTHONPATH": str(project)})
    subprocess.run(words, cwd=str(project), env=dict(environ), stdout=subprocess.DEVNULL, check=False)
    return dict(json.loads((project / "witness.json").read_text()))


# In one process; in several, with a file that is cut.
@pytest.mark.parametrize("total", [1, 5])
def test_the_outcomes_are_those_of_the_serial_run(project: Path, serial: Dict[str, str], total: int) -> None:
    done = projects.run(project, "integration", "--nodes", str(total), "--at-once", "4")

    assert 1 == done.returncode, done.stdout  # the suite has red tests, and is complete
    shards = outcomes(project)
    found = {nodeid: outcome for shard in shards for nodeid, outcome in shard}
    assert serial == found
    assert (total, len(serial)) == (len(shards), sum(map(len, shards)))
    assert {"passed", "failed", "error", "skipped", "xfailed", "xpassed"} <= set(found.values())


def test_more_nodes_than_tests_leave_shards_empty(project: Path, serial: Dict[str, str]) -> None:
    done = projects.run(project, "integration", "--nodes", "4", "--at-once", "4", "-k", "four or six")

    assert 0 == done.returncode, done.stdout
    some = {f"checks/test_order.py::test_of_a_set[{word}]": "passed" for word in ("four", "six")}
    assert some.keys() <= serial.keys()
    assert (4, some) == (len(outcomes(project)), dict(pair for shard in outcomes(project) for pair in shard))


def outcomes(project: Path) -> List[List[Tuple[str, str]]]:
    """(id, outcome) of what each shard had to run."""
    receipts = [json.loads(file.read_text()) for file in project.glob("reports/shard-*/receipt.json")]
    return [[(test["nodeid"], test["outcome"]) for test in receipt["tests"]] for receipt in receipts]
