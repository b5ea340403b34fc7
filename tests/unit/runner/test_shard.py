"""What a shard says at its end, and what it refuses before it begins."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import List

import pytest

from scripts.ci import Node
from scripts.errors import PipelineError, SettingsError
from scripts.planning import plan as planning
from scripts.planning.estimates import Estimates
from scripts.proof import outcomes, receipt
from scripts.proof.outcomes import Attempt, Ended, Fixture, Round, SharedCost
from scripts.runner import claims, shard
from scripts.runner.decisions import Exit, FinishedRound, next_step
from scripts.runner.rounds import ShardRun
from scripts.runner.selection import Selection
from scripts.settings import Distribution, Settings, Suite, load
from scripts.steps import verdict
from tests.unit.proof.results import ran
from tests.unit.proof.results import shard as result

ANSWER = {
    "plan": "p1",
    "timings": "t1",
    "shared": {"count": 9, "digest": "d9", "forms": "f9"},
}


def told(number: int = 0, **more: object) -> Round:
    facts = {"selected": ("a", "b"), "attempts": (Attempt("a", 0, "passed"), Attempt("b", 0, "passed")), "status": 0}
    return Round(number, 1, 1000.0, "9", "3", Ended(outcomes.FINISHED), **{**facts, **more})  # type: ignore[arg-type]


@pytest.fixture
def run(tmp_path: Path) -> ShardRun:
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml")
    selection = Selection("5f3a", 1, 3, "", "", "m")
    return ShardRun(settings, Node(1, 3), tmp_path / "shard-1", selection)


def test_a_result_comes_from_what_the_plugin_told(run: ShardRun) -> None:
    outcome = next_step(
        [FinishedRound(Exit(0), told(answer=ANSWER, files="f1", cache="/c", rootdir=str(run.settings.project)))]
    )

    result = shard.result_of(run, outcome)

    assert ("5f3a", 1, 3, "p1", "t1") == (
        result.start,
        result.index,
        result.total,
        result.plan_id,
        result.timings_digest,
    )
    assert ("d9", 9, "f9", "f1") == (
        result.collected_digest,
        result.collected_count,
        result.forms_digest,
        result.files_digest,
    )
    assert ((0,), 1000.0, "finished", ".", "/c") == (
        result.exit_codes,
        result.began_s,
        result.ended,
        result.folder,
        result.cache,
    )


def test_a_result_of_a_shard_that_told_nothing_claims_nothing(run: ShardRun) -> None:
    result = shard.result_of(run, next_step([FinishedRound(Exit(3))]))

    assert ("", 0, "", (), (3,)) == (
        result.collected_digest,
        result.collected_count,
        result.files_digest,
        result.tests,
        result.exit_codes,
    )
    assert ["pytest"] == [error.name for error in result.errors]


def test_set_ups_teach_unless_they_failed() -> None:
    module, failed = Fixture("module", "", "m", "a.py"), Fixture("module", "", "x", "a.py")
    session = Fixture("session", "", "s", "")
    costs = (
        SharedCost(module, 1, 1.0, 0.5),
        SharedCost(failed, 1, 9.0, 0.0, failed=True),
        SharedCost(session, 1, 2.0, 0),
    )

    taught = shard.set_up_of([told(shared=tuple(costs), selected=("a.py::t",), attempts=())])

    assert (2000, {"a.py": 1500}) == (taught.session_ms, dict(taught.scopes_ms))


def test_what_an_earlier_run_left_in_the_folder_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "shard-0"
    shard.fresh(folder)
    (folder / "receipt.json").touch()

    assert [] == list(shard.fresh(folder).iterdir())


def test_a_folder_that_cannot_be_made_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file in its place")

    with pytest.raises(PipelineError, match=r"cannot make .*/shard-0: Not a directory"):
        shard.fresh(tmp_path / "reports" / "shard-0")


@pytest.mark.parametrize(
    "words", [["--tests", "gone.txt"], ["tests/gone.py"], ["--tests"]], ids=["a list", "a path", "no list"]
)
def test_what_is_named_and_not_there_is_refused_before_anything_is_taken_away(tmp_path: Path, words: List[str]) -> None:
    (tmp_path / "tests").mkdir()

    with pytest.raises(PipelineError, match=r"gone|expected a file"):
        shard.check(Settings(Suite("tests"), file=tmp_path / "pipeline.yml"), words)


def test_a_suite_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"suite\.path"):
        shard.check(Settings(Suite("tests"), file=tmp_path / "pipeline.yml"), [])


def test_weights_that_nobody_has_looked_up_are_refused_where_a_service_needs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t").mkdir()
    text = "suite: {path: t}\nservice: {command: [x]}\nmodels: {wanted: [{sources: [hf://org/a]}]}\n"
    (tmp_path / "pipeline.yml").write_text(text)
    project = load(None, {}, tmp_path)

    shard.check(project, [])  # of a plan, say
    with pytest.raises(SettingsError, match="hf://org/a"):
        shard.check_run(project, [])
    monkeypatch.setenv("SERVICE_URL", "http://127.0.0.1:1")
    shard.check_run(project, [])
    with pytest.raises(SettingsError, match=r"models\.wanted"):  # what else would want them than the tests
        shard.check_run(dataclasses.replace(project, service=None), [])


def test_the_commit_is_git_s_or_the_ci_s_or_none(tmp_path: Path) -> None:
    assert "" == shard.commit_of(tmp_path, {})
    assert "c1" == shard.commit_of(tmp_path, {"CIRCLE_SHA1": "c1"})
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "a"], check=True)

    assert 40 == len(shard.commit_of(tmp_path, {"CIRCLE_SHA1": "c1"}))


def test_a_shard_that_comes_when_all_is_claimed_is_green_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDLINE_RUN", "monday")
    monkeypatch.setenv("SHARDLINE_STORE", "")
    distribution = Distribution(str(tmp_path / "store"))
    settings = Settings(Suite("tests"), file=tmp_path / "pipeline.yml", distribution=distribution)
    plan = planning.make(["t.py::a", "t.py::b"], Estimates({}), 2)
    planning.save(plan, settings.reports / planning.FILE_NAME)
    other, _ = claims.of_run(settings, Node(0, 2), plan)
    assert other
    other.offer(plan.id, [piece for part in plan.shards for piece in part.pieces], ["t.py::a", "t.py::b"], {})
    after = ""
    while "piece" in (answer := other.next(20.0, after)):
        after = answer["piece"]["name"]

    result = shard.execute(settings, Node(1, 2), [])

    assert (plan.id, str(tmp_path / "store"), (), "finished") == (
        result.plan_id,
        result.store,
        result.tests,
        result.ended,
    )
    assert 0 == verdict.exit_code(settings, result)
    assert result == receipt.read(tmp_path / "reports" / "shard-1" / "receipt.json")
    assert not (tmp_path / "reports" / "shard-1" / "journal.jsonl").exists()


def test_a_shard_that_comes_after_a_red_test_runs_nothing_though_no_plan_was_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARDLINE_RUN", "monday")
    monkeypatch.setenv("SHARDLINE_STORE", "")
    settings = Settings(
        Suite("tests"), file=tmp_path / "pipeline.yml", distribution=Distribution(str(tmp_path / "store"))
    )
    store = claims.store_of_run(settings, 2, os.environ)
    assert store
    store.claim("red/1", "t.py::a")

    result = shard.execute(settings, Node(1, 2), [], fail_fast=True)

    assert ("", str(tmp_path / "store"), (), "stopped") == (result.plan_id, result.store, result.tests, result.ended)


def test_what_a_shard_did_not_run_is_left_to_others_unless_it_stopped_at_a_failure() -> None:
    tests = [ran("a", outcomes.FAILED), ran("b", outcomes.NOT_RUN)]
    ended = [receipt.GAVE_UP, receipt.INTERRUPTED, receipt.STOPPED]

    assert [["b"], ["b"], []] == [shard.left_to_others(result(0, *tests, ended=each)) for each in ended]
