"""Trials in real pytest processes."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from scripts.environments.environments import Environment
from scripts.errors import SuiteError
from scripts.isolation.running import Laboratory
from scripts.isolation.trials import Result, Trial
from scripts.runner.preparation import Environments
from scripts.runner.watchdog import watchdog
from scripts.settings import Settings, Suite

SUITE = """
import os, time, pytest

ORDER = []

def test_a():
    ORDER.append("a")
    time.sleep(0.3)

def test_b():
    assert ORDER == ["a"]

def test_dies():
    os._exit(3)

def test_skipped():
    pytest.skip("why not")
"""
A, B, DIES, SKIPPED = (f"test_it.py::test_{name}" for name in ("a", "b", "dies", "skipped"))


def told(folder: Path, trial: Trial) -> Result:
    project = folder / "suite"
    if not project.exists():
        project.mkdir()
        (project / "test_it.py").write_text(textwrap.dedent(SUITE))
        (project / "pytest.ini").write_text("[pytest]\naddopts = -x\n")
    settings = Settings(Suite("test_it.py"), file=project / "pipeline.yml")
    with watchdog() as dog:
        environments = Environments(Environment(Path(sys.prefix)))
        return Laboratory(settings, environments, [], folder / "trial", dog).result(trial, lambda: False)


def test_tests_run_in_the_order_of_the_trial_whatever_fails(tmp_path: Path) -> None:
    (run,) = told(tmp_path, Trial("", ((B, SKIPPED, A),))).runs

    assert [(B, "failed"), (SKIPPED, "skipped"), (A, "passed")] == [(test.nodeid, test.outcome) for test in run.tests]


def test_a_test_that_ends_its_process_is_followed_by_another_one(tmp_path: Path) -> None:
    first, second = told(tmp_path, Trial("", ((A, DIES, B),))).runs

    assert [(A, "passed"), (DIES, "failed")] == [(test.nodeid, test.outcome) for test in first.tests]
    assert [(B, "failed")] == [(test.nodeid, test.outcome) for test in second.tests]


def test_processes_run_at_once_where_the_trial_says_so(tmp_path: Path) -> None:
    result = told(tmp_path, Trial("", ((A, B), (SKIPPED, A)), at_once=True, meetings=((A, A),)))

    assert [0, 1] == [run.slot for run in result.runs]
    began = {(run.slot, test.nodeid): (test.began_s, test.ended_s) for run in result.runs for test in run.tests}
    assert max(began[0, A][0], began[1, A][0]) < min(began[0, A][1], began[1, A][1])
    assert result.elapsed_s < result.seconds


def test_a_trial_that_cannot_run_its_tests_is_an_error(tmp_path: Path) -> None:
    told(tmp_path, Trial("", ((A,),)))
    (tmp_path / "suite" / "test_it.py").write_text("import nothing_of_that_name")

    with pytest.raises(SuiteError, match="nothing_of_that_name"):
        told(tmp_path, Trial("", ((A,),)))
