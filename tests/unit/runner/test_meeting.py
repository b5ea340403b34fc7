"""Two real pytest processes whose tests are to run at the same time."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, Dict, List

from scripts.runner import plugin_loader
from scripts.runner.plugin_loader import Order

WAIT_S = 30.0


def start(folder: Path, side: str, tests: List[str], **more: Any) -> subprocess.Popen[str]:
    """Start the process of a side with its own test file."""
    other = {"a": "b", "b": "a"}[side]
    told: Dict[str, Any] = {"mine": str(folder / side), "other": str(folder / other), "tests": tests, "wait_s": WAIT_S}
    order = Order(folder / f"{side}.jsonl", "5f3a", meeting={**told, **more})
    environ = plugin_loader.variables(os.environ, folder / "plugin", order)
    words = [sys.executable, "-m", "pytest", "-q", *plugin_loader.ARGUMENTS, f"test_{side}.py"]
    return subprocess.Popen(words, cwd=str(folder), env=environ, stdout=subprocess.PIPE, encoding="utf-8")


def write(folder: Path, **suites: str) -> None:
    for name, text in suites.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


def test_two_tests_run_at_the_same_time_though_one_process_starts_late(tmp_path: Path) -> None:
    suite = """
    import time

    def test_meets():
        began = time.time()
        time.sleep(0.2)
        with open("{side}.times", "w") as file:
            file.write(f"{{began}} {{time.time()}}")
    """
    write(
        tmp_path,
        test_a=suite.format(side="a"),
        test_b="import time; time.sleep(0.5)\n" + textwrap.dedent(suite).format(side="b"),
    )

    processes = [start(tmp_path, side, [f"test_{side}.py::test_meets"]) for side in "ab"]

    outputs = [process.communicate(timeout=60)[0] for process in processes]
    times = [list(map(float, (tmp_path / f"{side}.times").read_text().split())) for side in "ab"]
    assert max(began for began, _ in times) < min(ended for _, ended in times), outputs


def test_a_write_and_what_is_read_after_it_are_drawn_out_so_that_they_meet(tmp_path: Path) -> None:
    suite = """
    def test_meets():
        with open("shared", "w") as file:
            file.write("{side}")
        with open("shared") as file:
            assert file.read() == "{side}"
    """
    write(tmp_path, test_a=suite.format(side="a"), test_b=suite.format(side="b"))
    shared = str((tmp_path / "shared").resolve())

    processes = [
        start(tmp_path, side, [f"test_{side}.py::test_meets"], contested={f"test_{side}.py::test_meets": [shared]})
        for side in "ab"
    ]

    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [0, 1] == sorted(process.returncode for process in processes), outputs


def test_nobody_waits_for_a_process_that_has_ended_or_a_test_whose_set_up_failed(tmp_path: Path) -> None:
    fails = """
    import pytest

    @pytest.fixture
    def broken():
        raise OSError

    def test_one(broken): pass
    """
    write(tmp_path, test_a=fails, test_b="def test_one(): pass\ndef test_two(): pass\n")

    first = start(tmp_path, "a", ["test_a.py::test_one"])
    second = start(tmp_path, "b", ["test_b.py::test_one", "test_b.py::test_two"])

    assert "1 error" in first.communicate(timeout=WAIT_S)[0]
    assert "2 passed" in second.communicate(timeout=WAIT_S)[0]
