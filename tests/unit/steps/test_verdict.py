"""The verdict of a shard is about this run's result, and as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

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
