"""The verdict of a shard is about this run's result, and as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.errors import BudgetError
from scripts.settings import Budgets, Service, Settings, Suite
from scripts.steps import verdict
from scripts.typed_yaml import Bytes
from tests.unit.proof.results import ran, shard
from tests.unit.steps import projects


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = projects.make(tmp_path / "project", "def test_a(): pass", service=None)
    assert 0 == projects.run(project, "shard", "0", "1", SHARDLINE_RUN="one").returncode
    return project


def test_a_result_of_this_run_is_believed(project: Path) -> None:
    assert 0 == projects.run(project, "verdict", "0", "1", SHARDLINE_RUN="one").returncode


def test_a_result_of_another_run_or_number_of_shards_is_refused(project: Path) -> None:
    other_run = projects.run(project, "verdict", "0", "1", SHARDLINE_RUN="two")
    other_total = projects.run(project, "verdict", "0", "5", SHARDLINE_RUN="one")

    assert (6, 6) == (other_run.returncode, other_total.returncode)
    assert "expected a result of run two, found one of run one" in other_run.stdout


def test_a_journal_that_was_changed_is_refused(project: Path) -> None:
    with (project / "reports" / "shard-0" / "journal.jsonl").open("a") as journal:
        journal.write("{}\n")

    assert 6 == projects.run(project, "verdict", "0", "1", SHARDLINE_RUN="one").returncode


def test_a_budget_that_was_set_since_is_not_known_to_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(("serve",), budgets=Budgets(memory_bytes=Bytes(1)))
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml", service=service)
    result = shard(0, ran("t.py::test_a"))

    assert 0 == verdict.exit_code(Settings(Suite("tests"), file=tmp_path / "pipeline.yml"), result)
    with pytest.raises(BudgetError):
        verdict.exit_code(settings, result)
    assert "was not judged by the service's budgets" in capsys.readouterr().out
