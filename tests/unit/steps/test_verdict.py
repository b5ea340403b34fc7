"""The verdict of a shard is about this run's result, and as it was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.ci import Node
from scripts.errors import BudgetError, Deferred, IncompleteError, SettingsError
from scripts.evidence import ending
from scripts.proof import receipt
from scripts.proof.outcomes import FAILED
from scripts.runner import collection, preparation
from scripts.settings import Budgets, Service, Settings, Suite, load
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


# Of all shards ------------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A project whose shards leave their results in a folder."""
    more = "suite: {path: checks}\ndistribution: {store: store}\n"
    project = projects.make(tmp_path / "project", "def test_a(): pass\ndef test_b(): pass\n", None, more)
    monkeypatch.setenv("SHARDLINE_RUN", "one")
    return load(str(project / "pipeline.yml"), {}, tmp_path)


def test_the_last_shard_says_the_verdict_of_all_and_ends_with_it(
    shared: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    collected = collection.collect(shared, preparation.install(shared).suite, [])
    a, b = collected.nodeids
    facts = {"collected": [a, b], "files_digest": collected.files_digest}
    first, last = shard(0, ran(a, FAILED, message="hunter2"), start="0", **facts), shard(1, ran(b), start="1", **facts)

    assert 1 == verdict.of_all(shared, first, [])
    assert "verdict: said by the last shard; still out: 1" in capsys.readouterr().out
    with pytest.raises(Deferred, match="tests failed"):
        verdict.deferred(shared, lambda: verdict.of_all(shared, last, []))
    assert "2 tests in 2 shards (indices 0-1): 1 failed, 1 passed" in capsys.readouterr().out
    assert not any(b"hunter2" in file.read_bytes() for file in shared.project.rglob("*") if file.is_file())


def test_the_step_that_comes_after_a_deferred_verdict_of_all_ends_with_it(tmp_path: Path) -> None:
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml")
    folder = settings.reports / "shard-0"
    folder.mkdir(parents=True)
    receipt.write(folder / receipt.FILE_NAME, shard(0, ran("a"), run_id="one"))
    ending.write(folder, ending.Ending("shard", "incomplete", 6, Deferred.__name__))

    with pytest.raises(IncompleteError, match="the verdict of all shards") as caught:
        verdict.run(settings, Node(0, 2))
    assert ("incomplete", 6) == (caught.value.ended, caught.value.exit_code)


def test_a_shard_that_cannot_leave_its_result_is_red(shared: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (shared.project / "store").write_text("a file")

    with pytest.raises(IncompleteError, match="the verdict of the run cannot be said"):
        verdict.of_all(shared, shard(0, ran("a")), [])
    assert 1 == verdict.of_all(shared, shard(0, ran("a", FAILED)), [])
    assert "cannot be said" in capsys.readouterr().out


def test_to_merge_last_needs_a_store_and_a_name_of_the_run(shared: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="need a store"):
        verdict.check_can_merge(Settings(Suite("tests"), file=shared.file), Node(0, 2))
    monkeypatch.setattr(os, "environ", {})
    with pytest.raises(SettingsError, match="a name of this run"):
        verdict.check_can_merge(shared, Node(0, 2))
