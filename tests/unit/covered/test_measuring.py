"""What is measured: each process of a copy of an environment, whatever it does to itself; and what is said of it."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import xml.etree.ElementTree
from pathlib import Path
from typing import Dict, Set, Tuple

import pytest

from tests.covered import __main__ as covered
from tests.covered import report

MODULE = """
import os, signal, sys
way = sys.argv[1]
if way == "itself":
    reached = "itself"
elif way == "exit":
    reached = "exit"
    os._exit(3)
elif way == "signal":
    reached = "signal"
    os.kill(os.getpid(), signal.SIGTERM)
elif os.fork():
    reached = "parent"
    os.wait()
else:
    reached = "child"
    os._exit(0)
"""
ENDS = {"itself": 0, "exit": 3, "signal": -15, "fork": 0}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, str]:
    """What was said of modules below scripts/ that ran in a copy, in an emptied environment; and the XML of it."""
    folder = tmp_path_factory.mktemp("measured").resolve()
    environment, copy, root = folder / "environment", folder / "copy", folder / "root"
    venv.create(str(environment), symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"))
    modules = [root / "scripts" / name for name in ("part.py", "idle.py", "runner/shardline_pytest/early.py")]
    elsewhere = folder / "state" / "shardline_pytest" / "early.py"
    for module in (*modules, elsewhere):
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(MODULE)
    configuration = covered.configure(root, folder / "data", folder)
    covered.copy_measuring(environment, copy, configuration)
    python = str(copy / "bin" / "python")
    for way, code in ENDS.items():
        assert code == subprocess.run([python, "-I", str(modules[0]), way], cwd=str(folder), env={}).returncode
    subprocess.run([python, str(elsewhere), "itself"], check=True)
    subprocess.run([str(environment / "bin" / "python"), str(modules[1]), "itself"], check=True)
    (folder / "data" / "data.killed").write_text("half of it")
    words = [sys.executable, report.__file__, str(configuration), str(root / "scripts")]
    return folder / "coverage.xml", subprocess.check_output(words, cwd=str(root), encoding="utf-8")


def reached(file: Path) -> Dict[str, Set[str]]:
    """By module, what the lines say that were run."""
    said = {str(number): line.partition('"')[2].strip('"') for number, line in enumerate(MODULE.splitlines(), 1)}
    modules = xml.etree.ElementTree.parse(str(file)).iter("class")
    return {
        str(module.get("filename")): {
            said[str(line.get("number"))] for line in module.iter("line") if line.get("hits") != "0"
        }
        - {""}
        for module in modules
    }


def test_a_process_is_measured_to_its_end_whatever_that_is(measured: Tuple[Path, str]) -> None:
    assert {"itself", "exit", "signal", "parent", "child"} <= reached(measured[0])["scripts/part.py"]


def test_our_plugin_is_measured_where_suites_have_it(measured: Tuple[Path, str]) -> None:
    assert "itself" in reached(measured[0])["scripts/runner/shardline_pytest/early.py"]


def test_the_environment_itself_measures_nothing_and_what_nobody_ran_counts(measured: Tuple[Path, str]) -> None:
    assert set() == reached(measured[0])["scripts/idle.py"]


def test_the_total_is_of_lines_and_branches_and_says_what_it_is_of(measured: Tuple[Path, str]) -> None:
    root = xml.etree.ElementTree.parse(str(measured[0])).getroot()
    counts = {
        name: int(root.get(name, "")) for name in ("lines-covered", "lines-valid", "branches-covered", "branches-valid")
    }
    share = (counts["lines-covered"] + counts["branches-covered"]) / (counts["lines-valid"] + counts["branches-valid"])

    assert 0 < counts["branches-covered"] < counts["branches-valid"]
    assert f"coverage: {100 * share:.1f} % of scripts/ (lines and branches, 6 processes)" in measured[1]
    assert "idle.py" in measured[0].with_suffix(".txt").read_text()
