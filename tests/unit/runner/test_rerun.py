"""A run that a CI tries again does what the try before left, and all of it where that does not settle it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.environments.running import HERE
from scripts.proof import findings as f
from scripts.proof import receipt
from scripts.proof.findings import Finding, Verdict
from scripts.proof.measured import Measured, Wishes
from scripts.proof.outcomes import FAILED, NOT_RUN, PASSED, RED, SKIPPED, WORST_FIRST
from scripts.proof.receipt import Receipt, Selected, SourceState
from scripts.runner import rerun, subset
from scripts.settings import Settings, Suite
from tests.unit.proof.results import ran, shard
from tests.unit.steps import projects

CI = {
    "CIRCLECI": "true",
    "CIRCLE_JOB": "shard",
    "CIRCLE_WORKFLOW_WORKSPACE_ID": "first",
    "CIRCLE_WORKFLOW_ID": "first",
    "CIRCLE_SHA1": "abc",
}
AGAIN = {**CI, "CIRCLE_WORKFLOW_ID": "second"}
OPTION = [subset.RERUN_FAILED]


def verdict(tests: Sequence[Selected], *kinds: str) -> Verdict:
    return Verdict(1, tuple(tests), {}, tuple(Finding(kind, "") for kind in kinds), (), "")


def with_outcomes(outcomes: Dict[str, str]) -> List[Selected]:
    return [ran(nodeid, outcome) for nodeid, outcome in outcomes.items()]


COMMIT, OWN = "abc", "shard, 3.11, pipeline.yml"
TRIED = shard(0, ran("t.py::a", FAILED), commit=COMMIT, files_digest="f", python="3.11.4", run_id="first", job="shard")
TWO = with_outcomes({"t.py::a": FAILED, "t.py::b": NOT_RUN, "t.py::c": PASSED, "t.py::d": SKIPPED})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def leave(settings: Settings, told: Verdict, *receipts: Receipt, words: Sequence[str] = ()) -> None:
    rerun.leave(settings, told, receipts or [TRIED], [], words, CI)


def heeded(settings: Settings, *words: str, own: str = OWN, commit: str = COMMIT, **environ: str) -> List[str]:
    """What a shard of the next try runs with."""
    return rerun.heeded(settings, [*OPTION, *words], {**AGAIN, **environ}, commit, own)


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
    assert [] == heeded(settings)
    leave(settings, verdict(TWO, f.RED_TEST, f.LOST))
    assert '"Rerun workflow from failed" in CircleCI runs 2 tests' in capsys.readouterr().out

    assert [*OPTION, "-v"] == heeded(settings, "-v")
    assert "2 of 4 tests" in capsys.readouterr().out
    assert ["t.py::a", "t.py::b"] == subset.entries(settings.state / subset.RERUN)
    assert [] == heeded(settings, CIRCLE_WORKFLOW_WORKSPACE_ID="other")  # on a machine that is used again
    assert [] == rerun.heeded(settings, OPTION, {}, COMMIT)


def test_what_was_proven_of_another_commit_part_or_job_is_not_left_out(settings: Settings) -> None:
    """A job may check out more than the commit that its CI names, and jobs of one run may share what they leave."""
    leave(settings, verdict(TWO, f.RED_TEST), words=["-k", "sad"])

    assert [*OPTION, "-k", "sad"] == heeded(settings, "-k", "sad")
    assert ["-k", "sad"] == heeded(settings, "-k", "sad", commit="def")
    assert ["-k", "happy"] == heeded(settings, "-k", "happy")
    for other in ("shard, 3.8, pipeline.yml", "on-gpu, 3.11, pipeline.yml", "shard, 3.11, other.yml"):
        assert ["-k", "sad"] == heeded(settings, "-k", "sad", own=other)
    assert [*OPTION, "-k", "sad"] == heeded(settings, "-k", "sad", own="")  # a merge is a job of its own


def test_all_is_run_again_where_it_is_not_known_what_was_tested(settings: Settings) -> None:
    leave(settings, verdict(TWO, f.RED_TEST), replace(TRIED, commit=""))

    assert [] == heeded(settings, commit="")


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        (f.OTHER_FILES, "files of the tests", {"files_digest": "edited"}),
        (f.OTHER_FILES, "commit", {"commit": "def"}),
        (f.OTHER_SOURCE, "service: ./pkg", {"sources": {"service: ./pkg": SourceState("later", "")}}),
        (f.OTHER_SOURCE, "service: ./pkg", {"sources": {}}),
        (f.OTHER_ARGUMENTS, "PYTEST_ADDOPTS", {"addopts": "more"}),
    ],
)
def test_a_try_that_tests_something_else_is_red(
    settings: Settings, kind: str, name: str, other: Dict[str, Any]
) -> None:
    before = replace(TRIED, sources={"service: ./pkg": SourceState("then", "")})
    leave(settings, verdict(TWO, f.RED_TEST), before)
    now = [replace(before, **other), replace(before, index=1, tests=())]

    assert [] == list(rerun.unlike(settings, verdict(TWO), [before], OPTION, AGAIN))
    assert [] == list(rerun.unlike(settings, verdict(TWO), now, [], AGAIN))  # all tests ran
    (found,) = rerun.unlike(settings, verdict(TWO), now, OPTION, AGAIN)
    assert (kind, True) == (found.kind, found.red) and found.text.startswith(f"{name}: not as in the try before")


def test_what_was_red_and_is_skipped_alone_is_not_healed_and_all_is_run_again(settings: Settings) -> None:
    leave(settings, verdict(TWO, f.RED_TEST, f.LOST))
    skipped = verdict(with_outcomes({"t.py::a": SKIPPED, "t.py::b": SKIPPED}))

    (found,) = rerun.unlike(settings, skipped, [TRIED], OPTION, AGAIN)
    assert (f.NOT_RUN, "t.py::a", True) == (found.kind, found.nodeid, found.red)  # nobody knows what b would have been
    leave(settings, replace(skipped, findings=(found,)), words=OPTION)
    assert [] == heeded(settings)


def test_a_third_try_has_what_the_second_left_of_what_the_first_one_had(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(settings, verdict(TWO, f.RED_TEST, f.LOST))
    leave(settings, verdict(TWO[:1], f.RED_TEST), words=OPTION)

    assert OPTION == heeded(settings)
    assert "1 of 4 tests" in capsys.readouterr().out


def test_all_is_run_again_where_a_part_would_cover_too_little(settings: Settings) -> None:
    leave(settings, verdict(TWO, f.RED_TEST), replace(TRIED, coverage=Measured(Wishes(fail_under=90.0))))

    assert [] == heeded(settings)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"schema": 2, "run": "first"}', '{"schema": 2, "run": "first", "tested": []}', "\0"]
)
def test_a_list_that_cannot_be_read_says_nothing(settings: Settings, text: str) -> None:
    settings.state.mkdir()
    (settings.state / subset.RERUN).write_text(text)

    assert [] == heeded(settings)


def test_a_shard_and_the_merge_of_a_second_try_are_of_what_is_left(tmp_path: Path) -> None:
    claimed = "suite: {path: checks}\ndistribution: {store: /nowhere/at/all}\n"  # by the first try
    project = projects.make(tmp_path, "def test_a(): pass\ndef test_b(): assert 0\n", service=None, settings=claimed)
    settings = Settings(Suite("checks"), file=project / "pipeline.yml")
    a, b = (f"checks/test_it.py::test_{name}" for name in "ab")
    tried = replace(TRIED, files_digest="of before an edit", python=HERE)
    leave(settings, verdict(with_outcomes({a: NOT_RUN, b: PASSED}), f.LOST), tried)

    done = [projects.run(project, "shard", str(index), "2", "--rerun-failed", **AGAIN) for index in (0, 1)]
    left = [receipt.read(settings.reports / f"shard-{index}" / receipt.FILE_NAME) for index in (0, 1)]
    judged = projects.run(project, "merge", **AGAIN)
    leave(
        settings,
        verdict(with_outcomes({a: NOT_RUN, b: PASSED}), f.LOST),
        *(replace(each, python=HERE) for each in left),
    )
    merged = projects.run(project, "merge", **AGAIN)

    assert [0, 0, 6, 0] == [each.returncode for each in (*done, judged, merged)]
    assert not any("/nowhere" in each.stdout for each in done)
    assert "files of the tests: not as in the try before" in judged.stdout
    assert (
        "1 test in 2 shards (indices 0-1): 1 passed" in merged.stdout
        and "1 of 2 tests; the others were proven green" in merged.stdout
    )
    assert [] == json.loads((settings.state / subset.RERUN).read_text())["tests"]
