"""Coverage is judged once, for what all shards measured; what is not known is never enough."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof import findings as f
from scripts.proof.coverage import Answer, agreed, answer_from_json, doubts, judge, shortfall, unmeasured
from scripts.proof.measured import COVERAGE_RUN, Measured, Wishes
from scripts.proof.outcomes import Attempt
from scripts.proof.receipt import Receipt, Selected

ASKED = Wishes(fail_under=90.0)
ENOUGH, TOO_LITTLE = Answer(total=95.0, below=False), Answer(total=25.0, below=True)


def result(index: int, measured: Optional[Measured], **more: Any) -> Receipt:
    test = Selected("t.py::test", "passed", (Attempt("t.py::test", 0, "passed"),))
    return replace(Receipt("r", "p", index, 2, "d", 1, "t", (test,), coverage=measured), **more)


def texts(results: List[Receipt], **unusable: List[str]) -> List[str]:
    return [text for text, _ in doubts(results, unusable)]


def test_where_nothing_was_measured_nothing_is_asked() -> None:
    assert None is agreed([result(0, None)])


def test_the_highest_of_all_counts() -> None:
    results = [result(index, Measured(Wishes(fail_under=least))) for index, least in enumerate([0.0, 90.0])]

    assert 90.0 == getattr(agreed(results), "fail_under", None)
    assert texts(results) == ["shard index 0 of 2 was run with fail-under 0, others or the merge with 90"]


def test_what_the_merge_asks_for_counts_too_also_where_no_shard_has_measured() -> None:
    results = [result(index, Measured(Wishes(fail_under=10.0))) for index in (0, 1)]

    assert 90.0 == getattr(agreed(results, ASKED), "fail_under", None)
    assert 2 == len(doubts(results, {}, ASKED))
    assert [f.COVERAGE_UNKNOWN] == [finding.kind for finding in unmeasured(ASKED)]
    assert [] == [*unmeasured(None), *unmeasured(Wishes())]


def test_what_all_measured_leaves_no_doubt() -> None:
    assert [] == texts([result(index, Measured(ASKED, f"/{index}", {"coverage/a": "0"})) for index in (0, 1)])


def test_a_shard_that_did_not_measure_is_doubted_unless_it_ran_nothing() -> None:
    silent = result(1, None)

    assert "ran its tests without measuring" in texts([result(0, Measured(ASKED)), silent])[0]
    assert [] == texts([result(0, Measured(ASKED)), replace(silent, tests=())])


def test_other_wishes_lost_rounds_and_missing_data_are_named() -> None:
    odd = result(1, Measured(ASKED._replace(branch=True), lost=(0, 2)))
    results = [result(0, Measured(ASKED)), replace(odd, index=0, repairs="r"), result(2, Measured(ASKED), total=3)]

    found = doubts(results, {"shard index 2 of 3": ["pytest-0"]})

    assert [(), (), (2,)] == [shards for _, shards in found]
    assert found[0][0].startswith("repair 0 was asked for another coverage than the others")
    assert "round 0, 2" in found[1][0] and "damaged: pytest-0" in found[2][0]


def kinds(*arguments: Any) -> List[str]:
    return [finding.kind for finding in judge(*arguments)]


DOUBT = [("shard index 1 of 2 lost something", (1,))]


def test_enough_is_green_and_too_little_is_red() -> None:
    assert [] == kinds(ASKED, [], ENOUGH, True)
    assert [f.COVERAGE_LOW] == kinds(ASKED, [], TOO_LITTLE, True)


def test_a_doubt_is_red_only_where_a_least_is_asked_for() -> None:
    assert [f.COVERAGE_UNKNOWN] == kinds(ASKED, DOUBT, ENOUGH, True)
    assert [f.COVERAGE_NOTE] == kinds(Wishes(), DOUBT, ENOUGH, True)
    assert (1,) == judge(ASKED, DOUBT, ENOUGH, True)[0].shards


def test_where_not_all_tests_have_run_the_total_is_not_judged() -> None:
    assert [f.COVERAGE_NOTE] == kinds(ASKED, DOUBT, TOO_LITTLE, False)


@given(st.booleans(), st.sampled_from(["", "no coverage"]), st.none() | st.floats(0, 100))
def test_only_a_total_that_is_known_and_not_below_passes(below: bool, error: str, total: Optional[float]) -> None:
    red = any(finding.red for finding in judge(ASKED, [], Answer(error, total=total, below=below), True))

    assert red is not (total is not None and not below and not error)


def test_an_answer_that_is_none_is_refused() -> None:
    whole = {"error": "", "unusable": {}, "lines": ["x"], "total": 1, "below": False}

    assert Answer(lines=("x",), total=1, below=False) == answer_from_json(whole)
    for broken in ([], {}, {**whole, "total": "100"}, {**whole, "below": 0}):
        with pytest.raises(ValueError, match="no answer"):
            answer_from_json(broken)


def test_coverage_run_judges_nothing_itself() -> None:
    assert [] == texts([result(0, Measured(Wishes(COVERAGE_RUN))), result(1, None)])


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_shown_total_is_less_than_what_was_asked_for(total: float, least: float) -> None:
    if least - total > 1e-6:
        assert float(shortfall(total, least).split()[1]) < least
