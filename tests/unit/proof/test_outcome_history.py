"""What is new, fixed or flaky follows from a letter a run of the few tests that were red."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.errors import PipelineError
from scripts.proof import outcome_history as oh
from scripts.proof import outcomes as o
from scripts.proof.outcome_history import BROKE, FIXED, FLAKY, NEW, History, Run, added, changes, dump, load
from scripts.settings import Settings

OUTCOMES = {"p": o.PASSED, "f": o.FAILED, "e": o.ERROR, "s": o.SKIPPED, "-": o.NOT_RUN}


def outcomes(text: str) -> Dict[str, str]:
    """Outcomes of the tests a, b, c ... by letter; a space for a test that is not there."""
    return {name: OUTCOMES[each] for name, each in zip("abcdefgh", text) if each != " "}


def after(*runs: str, state: str = "", whole: bool = True) -> History:
    """What is remembered after such runs."""
    known = History()
    for number, text in enumerate(runs):
        known = added(known, Run(str(number), number, state, whole), outcomes(text))
    return known


NOW = Run("now", 99)


@pytest.mark.parametrize(
    "runs, now, change",
    [
        ([], "f", ""),  # nothing to compare with
        (["p"], "f", BROKE),
        ([" "], "f", NEW),
        ([" "], "p", NEW),
        (["f", " "], "p", NEW),
        (["p", "-"], "p", ""),
        (["f"], "f", ""),
        (["f"], "p", FIXED),
        (["f", "p"], "p", ""),
        (["f", "p"], "f", BROKE),
        (["f"], "s", ""),
        (["f"], "-", ""),
        (["f", "-"], "p", FIXED),
        (["f", "-"], "e", ""),
        (["p", "p"], "p", ""),
    ],
)
def test_a_test_is_compared_with_the_last_run_that_had_it(runs: List[str], now: str, change: str) -> None:
    assert ({"a": change} if change else {}) == changes(after(*runs), NOW, outcomes(now))


@pytest.mark.parametrize("runs, now", [(["p"], "f"), (["f"], "p"), (["f", "p"], "p")])
def test_a_test_that_was_red_and_passed_at_the_same_state_is_flaky(runs: List[str], now: str) -> None:
    known = after(*runs, state="s")

    assert {"a": FLAKY} == changes(known, NOW._replace(state="s"), outcomes(now))
    assert FLAKY not in changes(known, NOW._replace(state="t"), outcomes(now)).values()
    assert FLAKY not in changes(after(*runs), NOW, outcomes(now)).values()  # nobody knows the state


def test_of_a_part_of_the_suite_nothing_follows_for_the_rest() -> None:
    part = after(" p", state="s", whole=False)

    assert {"a": NEW} == changes(part, NOW._replace(state="s"), outcomes("f"))
    assert {} == changes(added(part, Run("all", 9, "s"), outcomes("pp")), NOW._replace(state="s"), outcomes("pp"))


def test_a_test_that_passed_only_when_it_was_tried_again_is_flaky_and_remembered() -> None:
    known = added(History(), NOW, outcomes("pp"), {"b"})

    assert {"b": FLAKY} == changes(History(), NOW, outcomes("pp"), {"b"})
    assert {"b": "r"} == known.letters


def test_a_run_that_is_told_again_is_not_compared_with_itself() -> None:
    known = added(after("p"), NOW, outcomes("fp"))

    assert {"a": BROKE, "b": NEW} == changes(known, NOW, outcomes("fp"))
    assert {} == changes(known, Run("next", 100), outcomes("fp"))


@settings(max_examples=40)
@given(st.lists(st.text("pfe", min_size=3, max_size=3), max_size=15))
def test_little_is_kept_however_many_runs_there_were(runs: List[str]) -> None:
    known = after(*runs)

    assert len(known.runs) == min(len(runs), oh.MOST_RUNS)
    assert all(len(known.runs) == len(word) and oh.RED in word for word in known.letters.values())
    assert known == (added(known, known.runs[-1], outcomes(runs[-1])) if runs else known)  # twice is once
    kept = ["".join(oh.letter(outcomes(text)[name]) for text in runs[-oh.MOST_RUNS :]) for name in "abc"]
    assert {name: word for name, word in zip("abc", kept) if oh.RED in word} == known.letters


def test_tests_that_only_passed_cost_nothing() -> None:
    known = added(after("ppf"), NOW, {f"t.py::{n}": o.PASSED for n in range(30_000)})

    assert ["c"] == list(known.letters) and len(dump(known)) < 170_000


def test_it_is_kept_from_run_to_run(tmp_path: Path) -> None:
    project = Settings(file=tmp_path / "pipeline.yml")
    for key, now in (("1", "fp"), ("2", "pp"), ("2", "pp")):
        oh.learn(project, Run(key, 5, "s"), outcomes(now))

    known = load(oh.file_of(project))

    assert (["1", "2"], {"a": "fp"}) == ([run.key for run in known.runs], known.letters)
    assert known == oh.past(oh.file_of(project))


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 1, "runs": [{}], "tests": {}}', "[" * 5000])
def test_a_file_that_is_none_of_ours_is_refused_and_set_aside(tmp_path: Path, text: str) -> None:
    project = Settings(file=tmp_path / "pipeline.yml")
    file = oh.file_of(project)
    file.parent.mkdir()
    file.write_text(text)

    with pytest.raises(PipelineError):
        load(file)
    assert History() == oh.past(file)
    oh.learn(project, NOW, outcomes("f"))
    assert {"a": "f"} == load(file).letters


def test_letters_that_do_not_fit_the_runs_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.json"
    file.write_text(dump(History((NOW,), {"a": "f", "b": "ff", "c": ""}, frozenset([7]), frozenset([2**32 - 1]))))

    assert History((NOW,), {"a": "f"}, frozenset([7]), frozenset([2**32 - 1])) == load(file)
