"""A run that a CI tries again does what the try before left, and all of it where that does not settle it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof import findings as f
from scripts.proof.findings import Finding, Verdict
from scripts.proof.measured import Measured, Wishes
from scripts.proof.outcomes import FAILED, NOT_RUN, PASSED, RED, SKIPPED, WORST_FIRST
from scripts.proof.receipt import Receipt, Selected
from scripts.runner import rerun, subset
from scripts.settings import Settings, Suite
from tests.unit.proof.results import ran, shard
from tests.unit.steps import projects

CI = {"CIRCLECI": "true", "CIRCLE_WORKFLOW_WORKSPACE_ID": "first", "CIRCLE_WORKFLOW_ID": "first", "CIRCLE_SHA1": "abc"}
AGAIN = {**CI, "CIRCLE_WORKFLOW_ID": "second"}
OPTION = [subset.RERUN_FAILED]


def verdict(tests: Sequence[Selected], *kinds: str) -> Verdict:
    return Verdict(1, tuple(tests), {}, tuple(Finding(kind, "") for kind in kinds), (), "")


def with_outcomes(outcomes: Dict[str, str]) -> List[Selected]:
    return [ran(nodeid, outcome) for nodeid, outcome in outcomes.items()]


TWO = with_outcomes({"t.py::a": FAILED, "t.py::b": NOT_RUN, "t.py::c": PASSED, "t.py::d": SKIPPED})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def leave(settings: Settings, told: Verdict, receipts: Sequence[Receipt] = (), words: Sequence[str] = ()) -> None:
    rerun.leave(settings, told, receipts, [], words, CI)


@given(st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(WORST_FIRST)))
def test_what_is_red_or_has_no_result_is_left_in_the_order_of_the_collection(outcomes: Dict[str, str]) -> None:
    tests = with_outcomes(outcomes)

    assert [test.nodeid for test in tests if test.proven in RED] == rerun.of(verdict(tests, f.RED_TEST))


def test_what_stays_together_is_run_again_together() -> None:
    assert ["t.py::a", "t.py::b", "t.py::c"] == rerun.of(verdict(TWO), [["t.py::c", "t.py::a"]])


@pytest.mark.parametrize("kind", f.KINDS)
def test_all_is_run_again_where_more_than_single_tests_is_in_doubt(kind: str) -> None:
    is_harmless = not Finding(kind, "").red and kind not in rerun.UNNAMED

    assert (kind in rerun.SETTLED or is_harmless) == bool(rerun.of(verdict(TWO, kind)))


def test_the_next_try_is_told_what_is_left_and_a_fresh_run_that_all_is(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [] == rerun.heeded(settings, OPTION, CI)
    leave(settings, verdict(TWO, f.RED_TEST, f.LOST))
    assert '"Rerun workflow from failed" in CircleCI runs 2 tests' in capsys.readouterr().out

    assert [*OPTION, "-v"] == rerun.heeded(settings, [*OPTION, "-v"], AGAIN)
    assert "2 of 4 tests" in capsys.readouterr().out
    assert ["t.py::a", "t.py::b"] == subset.entries(settings.state / subset.RERUN)
    for other in ("CIRCLE_WORKFLOW_WORKSPACE_ID", "CIRCLE_SHA1"):  # what lies on a machine that is used again
        assert [] == rerun.heeded(settings, OPTION, {**AGAIN, other: "other"})
    assert [] == rerun.heeded(settings, OPTION, {})


def test_a_third_try_has_what_the_second_left_of_what_the_first_one_had(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(settings, verdict(TWO, f.RED_TEST, f.LOST))
    leave(settings, verdict(TWO[:1], f.RED_TEST), words=OPTION)

    assert OPTION == rerun.heeded(settings, OPTION, AGAIN)
    assert "1 of 4 tests" in capsys.readouterr().out


def test_all_is_run_again_where_a_part_would_cover_too_little(settings: Settings) -> None:
    leave(settings, verdict(TWO, f.RED_TEST), [shard(0, coverage=Measured(Wishes(fail_under=90.0)))])

    assert [] == rerun.heeded(settings, OPTION, AGAIN)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1, "run": "first", "commit": "abc"}', "\0"])
def test_a_list_that_cannot_be_read_says_nothing(settings: Settings, text: str) -> None:
    settings.state.mkdir()
    (settings.state / subset.RERUN).write_text(text)

    assert [] == rerun.heeded(settings, OPTION, AGAIN)


def test_a_shard_and_the_merge_of_a_second_try_are_of_what_is_left(tmp_path: Path) -> None:
    claimed = "suite: {path: checks}\ndistribution: {store: /nowhere/at/all}\n"  # by the first try
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): assert 0\n", service=None, settings=claimed)
    settings = Settings(Suite("checks"), file=project / "pipeline.yml")
    a, b = (f"checks/test_it.py::test_{name}" for name in "ab")
    leave(settings, verdict(with_outcomes({a: NOT_RUN, b: PASSED}), f.LOST))

    done = [projects.run(project, "shard", str(index), "2", "--rerun-failed", **AGAIN) for index in (0, 1)]
    merged = projects.run(project, "merge", **AGAIN)

    assert [0, 0, 0] == [each.returncode for each in (*done, merged)]
    assert not any("/nowhere" in each.stdout for each in done)
    assert (
        "1 test in 2 shards (indices 0-1): 1 passed" in merged.stdout
        and "1 of 2 tests; the others were proven green" in merged.stdout
    )
    assert [] == json.loads((settings.state / subset.RERUN).read_text())["tests"]
