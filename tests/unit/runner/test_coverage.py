"""Shards measure each for themselves; the merge combines, reports and judges once, by the suite's own coverage."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import pytest
from coverage import CoverageData

from scripts.proof import findings as f
from scripts.proof.findings import Verdict
from scripts.proof.measured import COVERAGE_RUN, Wishes
from scripts.proof.outcomes import Attempt, Ended, Round
from scripts.proof.results import gather
from scripts.runner import coverage
from scripts.runner.coverage import Run, measured, measuring_into, run_in
from scripts.settings import Settings, Suite, load

ROOT = Path(__file__).parents[3]
GREEN = Verdict(total=2, tests=(), counts={}, findings=(), to_run=(), repairs="")
CALC = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
ASKS = "--cov=calc --cov-report=term --cov-report=xml --cov-fail-under=90"


def write(project: Path, addopts: str, command: str, **modules: str) -> Path:
    modules = modules or {f"test_{name}": f"import calc\ndef test(): assert calc.{name}()" for name in ("one", "two")}
    for name, text in {"calc": CALC, **modules}.items():
        (project / f"{name}.py").write_text(text)
    (project / "pytest.ini").write_text(f"[pytest]\naddopts = {addopts}\npythonpath = .\n")
    (project / "pipeline.yml").write_text(f"suite: {{path: ., command: [{command}]}}\n")
    return project


def run(project: Path, *words: str) -> Tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", *words, "--settings", str(project / "pipeline.yml")],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
    )
    print(done.stdout)  # pytest shows it where a test fails
    return done.returncode, done.stdout


def lines_in(file: Path) -> List[int]:
    data = CoverageData(str(file))
    data.read()
    return sorted(data.lines(next(name for name in data.measured_files() if name.endswith("calc.py"))) or [])


# A whole run


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, str]:
    """A project after a run in two shards, of which each covers three lines of four."""
    project = write(tmp_path_factory.mktemp("ran"), ASKS, "python, -m, pytest, -p, pytest_cov")
    (project / ".coverage").write_bytes(b"of an earlier run")
    status, output = run(project, "integration", "--nodes", "2", "--at-once", "1")
    assert 0 == status
    return project, output


def test_shards_are_combined_reported_and_judged_once(ran: Tuple[Path, str]) -> None:
    project, output = ran

    assert [1, 2, 5, 6] == lines_in(project / ".coverage")
    assert [1, 1] == [output.count(word) for word in ("TOTAL", "Required test coverage of 90% reached")]
    assert (project / "coverage.xml").exists()
    assert [1, 1] == [len(list((project / "reports" / f"shard-{index}" / "coverage").iterdir())) for index in (0, 1)]


class Merge:
    """What the shards of that run left, in a place of its own, to be combined anew."""

    def __init__(self, project: Path) -> None:
        self.project = project
        (project / ".coverage").unlink()
        (project / "coverage.xml").unlink()
        self.settings = load(str(project / "pipeline.yml"), {}, project)
        self.results = list(gather(self.settings.reports).receipts)
        self.python = sys.executable

    def data(self, index: int) -> Path:
        return next((self.settings.reports / f"shard-{index}" / "coverage").iterdir())

    def wish(self, **wishes: Any) -> None:
        for place, each in enumerate(self.results):
            assert each.coverage
            asked = each.coverage.wishes._replace(**wishes)
            self.results[place] = replace(each, coverage=each.coverage._replace(wishes=asked))

    def conclude(self, asked: Optional[Wishes] = None) -> List[Tuple[str, str]]:
        verdict = coverage.conclude(self.settings, self.python, self.project, self.results, GREEN, asked)
        return [(finding.kind, finding.text) for finding in verdict.findings]


@pytest.fixture
def again(ran: Tuple[Path, str], tmp_path: Path) -> Merge:
    shutil.copytree(str(ran[0]), str(tmp_path / "again"))
    return Merge(tmp_path / "again")


def test_results_from_elsewhere_are_combined_as_those_of_here(again: Merge) -> None:
    assert [] == again.conclude()
    measured_files = CoverageData(str(again.project / ".coverage"))
    measured_files.read()
    assert {str(again.project / "calc.py")} == measured_files.measured_files()


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_data_that_are_not_as_they_were_measured_cannot_pass(again: Merge, harm: str) -> None:
    again.data(1).unlink() if harm == "missing" else again.data(1).write_bytes(again.data(1).read_bytes()[:-100])

    (unknown, text), (low, _) = again.conclude()

    assert (f.COVERAGE_UNKNOWN, f.COVERAGE_LOW) == (unknown, low)
    assert "coverage: shard index 1 of 2 measured coverage, and these data are missing or damaged: pytest-0" == text


def test_without_fail_under_missing_data_are_a_note_and_the_rest_is_combined(again: Merge) -> None:
    again.wish(fail_under=0.0)
    again.data(1).unlink()

    assert [f.COVERAGE_NOTE] == [kind for kind, _ in again.conclude()]
    assert 3 == len(lines_in(again.project / ".coverage"))


def test_data_that_are_no_data_are_named(again: Merge) -> None:
    again.data(1).write_bytes(b"of something else")
    files = {"coverage/pytest-0": coverage.digest_of(again.data(1))}
    forged = again.results[1].coverage
    assert forged
    again.results[1] = replace(again.results[1], coverage=forged._replace(files=files))

    assert f.COVERAGE_UNKNOWN == again.conclude()[0][0]


def test_an_environment_without_coverage_cannot_pass(again: Merge) -> None:
    bare = again.project / "bare"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    again.python = str(bare)

    ((kind, text),) = again.conclude()

    assert f.COVERAGE_UNKNOWN == kind and "has no coverage" in text


def test_a_program_that_is_not_there_cannot_pass(again: Merge) -> None:
    again.python = "/nowhere/python"

    assert [f.COVERAGE_UNKNOWN] == [kind for kind, _ in again.conclude()]


def test_too_little_is_red_and_says_how_little(again: Merge) -> None:
    del again.results[1]

    assert [(f.COVERAGE_LOW, "coverage: 75.00 % in total, less than fail-under 90")] == again.conclude()


def test_where_no_shard_measured_what_the_merge_asks_for_it_is_not_known(again: Merge) -> None:
    again.results = [replace(each, coverage=None) for each in again.results]

    assert [] == again.conclude()
    assert [f.COVERAGE_UNKNOWN] == [kind for kind, _ in again.conclude(Wishes(fail_under=90.0))]


def test_a_repair_counts_as_the_shard_whose_tests_it_ran(again: Merge) -> None:
    (again.settings.reports / "shard-1").rename(again.settings.reports / "repair-0")
    again.results[1] = replace(again.results[1], index=0, repairs="these results")

    assert [] == again.conclude()


def test_what_coverage_append_finds_counts_too(again: Merge) -> None:
    again.conclude()
    again.wish(append=True)
    del again.results[1]

    assert [] == again.conclude()


def test_a_failed_test_spares_the_judgement_where_that_is_asked_for(again: Merge) -> None:
    again.wish(no_report_on_failure=True)
    red = replace(GREEN, tests=(replace(again.results[0].tests[0], outcome="failed"),))
    del again.results[1]

    assert red == coverage.conclude(again.settings, again.python, again.project, again.results, red)
    assert not (again.project / "coverage.xml").exists()


def test_one_shard_leaves_its_data_where_plain_pytest_would(again: Merge) -> None:
    coverage.leave_copy(again.settings, again.python, again.results[0])

    assert 3 == len(lines_in(again.project / ".coverage"))


# coverage run


def test_coverage_run_is_combined_and_the_collection_measures_nothing(tmp_path: Path) -> None:
    project = write(tmp_path, "", "python, -m, coverage, run, -p, --data-file=my.data, --source=., -m, pytest")

    status, _ = run(project, "integration", "--nodes", "2", "--at-once", "1")

    assert (0, [1, 2, 5, 6]) == (status, lines_in(project / "my.data"))
    assert ["my.data", "my.data.shards"] == sorted(file.name for file in project.glob("*.data*"))


COMMANDS: Dict[str, Any] = {
    "python -m pytest": None,
    "coverage report": None,
    "pytest run coverage": None,
    "coverage run -m pytest": Run(1),
    "uv run coverage run --data-file a --data-file=b -a -m pytest -p x": Run(3, data_file="b", append=True),
    "python -m coverage run --rcfile c.toml bin/pytest -a": Run(3, config="c.toml"),
}


@pytest.mark.parametrize("words", COMMANDS)
def test_coverage_is_found_in_a_command(words: str) -> None:
    assert COMMANDS[words] == run_in(words.split())


@pytest.mark.parametrize("words", ["python -m pytest --cov", "coverage report"])
def test_what_measures_nothing_before_pytest_is_started_as_it_is(words: str) -> None:
    assert (words.split(), {"A": "b"}) == measuring_into(words.split(), {"A": "b"}, Path("/data"))


@pytest.mark.parametrize(
    "words, expected",
    [
        ("coverage run --source x -m pytest", "coverage run --source x -m pytest"),
        ("coverage run --data-file a --source x -m pytest", "coverage run --data-file a --source x {} -m pytest"),
        ("coverage run --data-file=a pytest", "coverage run --data-file=a {} pytest"),
    ],
)
def test_a_file_that_the_command_names_is_outdone(words: str, expected: str) -> None:
    told, environ = measuring_into(words.split(), {}, Path("/data"))

    assert (expected.format("--data-file=/data").split(), {"COVERAGE_FILE": "/data"}) == (told, environ)


def test_processes_that_a_person_lets_coverage_start_in_are_measured_too() -> None:
    environ = {"COVERAGE_PROCESS_START": "c.cfg"}

    assert {**environ, "COVERAGE_FILE": "/data"} == measuring_into(["pytest"], environ, Path("/data"))[1]


# What a shard says


def of_round(number: int, **more: Any) -> Round:
    attempts = (Attempt("t.py::test", number, "passed"),)
    return Round(number, 1, 0.0, "8", "3", Ended("finished"), attempts=attempts, **more)


def told_by(folder: Path, rounds: Sequence[Round], command: Sequence[str] = ("pytest",)) -> Any:
    settings = Settings(Suite(".", command=tuple(command)), file=folder / "pipeline.yml")
    return measured(settings, folder, rounds, folder, {})


def test_a_round_that_was_killed_lost_its_data_and_the_next_one_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage" / "pytest-1").write_bytes(b"")
    (tmp_path / "coverage" / "pytest-1-journal").write_bytes(b"")
    rounds = [of_round(0, coverage=Wishes()), of_round(1, coverage=Wishes(), coverage_file="pytest-1")]

    found = told_by(tmp_path, rounds)

    assert (("coverage/pytest-1",), (0,)) == (tuple(found.files), found.lost)


def test_data_that_were_saved_and_are_gone_are_lost(tmp_path: Path) -> None:
    assert (0,) == told_by(tmp_path, [of_round(0, coverage=Wishes(), coverage_file="pytest-0")]).lost
    assert () == told_by(tmp_path, [of_round(0, coverage=Wishes(), coverage_file="")]).lost  # nothing to measure


def test_a_round_of_coverage_run_is_lost_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage" / "run-0.host.1").write_bytes(b"")

    found = told_by(tmp_path, [of_round(0), of_round(1)], ["coverage", "run", "-m", "pytest"])

    assert (COVERAGE_RUN, (1,)) == (found.wishes.by, found.lost)


def test_where_nothing_measures_nothing_is_said(tmp_path: Path) -> None:
    assert None is told_by(tmp_path, [of_round(0)])
