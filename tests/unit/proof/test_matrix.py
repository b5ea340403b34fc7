from __future__ import annotations

from typing import Any, Dict, List, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof import findings as f
from scripts.proof import matrix as m
from scripts.proof import matrix_text, merged, outcomes
from scripts.proof.findings import Verdict
from scripts.proof.legs import Leg, code_of
from scripts.proof.matrix import Matrix, compare
from scripts.proof.receipt import SourceState
from tests.unit.proof.results import judged, ran, shard

OUTCOMES = ("passed", "failed", "skipped")


def leg(on: str, outcomes: Dict[str, str], **facts: Any) -> Leg:
    """What a run of these tests is on a Python."""
    own: Dict[str, Any] = {"python": f"{on}.1", "commit": "c0ffee", "files_digest": "files", **facts}
    result = shard(0, *(ran(*test) for test in outcomes.items()), of=1, collected=list(outcomes), **own)
    verdict: Verdict = judged([result], list(outcomes))
    return Leg(on, verdict.ended, code_of(verdict), verdict=verdict, run=merged.run_of([result]))


def told(matrix: Matrix) -> List[str]:
    return [finding.text for finding in matrix.findings]


def lines(matrix: Matrix) -> List[str]:
    return matrix_text.lines(matrix, lambda *words: " ".join(words))


def test_what_is_red_or_differs_is_named_and_the_rest_counted() -> None:
    old = leg("3.8", {"t.py::a": "passed", "t.py::b": "failed", "t.py::c": "skipped", "t.py::d": "passed"})
    new = leg("3.11", {"t.py::a": "passed", "t.py::b": "passed", "t.py::c": "passed", "t.py::e": "passed"})

    whole = compare([new, old], ["3.8", "3.11"])

    assert ["t.py::b", "t.py::c", "t.py::d", "t.py::e"] == list(whole.differing)
    assert {"passed": 1} == whole.same
    assert ("tests failed", 1, ["3.8"]) == (whole.ended, whole.exit_code, whole.red)
    assert [
        "",
        "Python                          tests   took  ended",
        "------  -----------------------------  -----  ------------",
        "   3.8  1 failed, 1 skipped, 2 passed  0.0 s  tests failed",
        "  3.11                       4 passed  0.0 s  green",
        "",
        "3.8        3.11       test",
        "---------  ---------  -------",
        "FAILED     passed     t.py::b",
        "skipped    passed     t.py::c",
        "passed     not there  t.py::d",
        "not there  passed     t.py::e",
        "and the same on 2 Pythons, 3.8, 3.11: 1 passed",
        "next: nox -s integration-3.8 -- --reports reports/python-3.8 --last-failed    (what failed there)",
    ] == lines(whole)


def test_a_leg_that_is_missing_is_red_and_named() -> None:
    whole = compare([leg("3.8", {"a": "passed"})], ["3.8", "3.9"], dict.fromkeys(["3.6", "3.7"], "x requires 3.8"))

    assert ["Python 3.9: left no result"] == told(whole)
    assert ("incomplete", 6, ["3.9"]) == (whole.ended, whole.exit_code, whole.red)
    assert "not run on Python 3.6, 3.7: x requires 3.8" in lines(whole)
    assert "nox -s integration-3.9 -- --reports reports/python-3.9    (that leg again)" in lines(whole)[-1]


def test_nothing_is_not_green() -> None:
    assert (6, ["there is no leg: nothing ran"]) == (compare([], []).exit_code, told(compare([], [])))


def test_the_exit_code_is_the_highest_of_a_leg() -> None:
    broken = Leg("3.9", "packages missing", 3, "no wheel for it")

    whole = compare([leg("3.8", {"a": "failed"}), broken], ["3.8", "3.9"])

    assert ("packages missing", 3) == (whole.ended, whole.exit_code)
    assert ["Python 3.9: packages missing: no wheel for it (exit code 3)"] == told(whole)


@pytest.mark.parametrize(
    "facts, text",
    [
        ({"python": "3.11.7"}, "Python 3.9: its tests ran on 3.11.7"),
        ({"suite_python": "3.11.7"}, "Python 3.9: its tests ran on 3.11.7"),
        ({"commit": "0ld"}, "Python 3.9 tested commit 0ld; here is c0ffee"),
        ({"commit": ""}, "Python 3.9 tested commit one not known; here is c0ffee"),
        ({"arguments": ("-k", "a")}, "Python 3.9 ran with -k a, others with no arguments"),
        ({"files_digest": "edited"}, "ran the tests as they were before, or after, an edit: its files are others"),
        ({"sources": {"service: ./pkg": SourceState("2", "")}}, "tested another state of service: ./pkg than others"),
    ],
)
def test_legs_that_did_not_test_the_same_prove_nothing_together(facts: Dict[str, Any], text: str) -> None:
    usual: Dict[str, Any] = {"sources": {"service: ./pkg": SourceState("1", "")}}
    legs = [leg(python, {"t.py::a": "passed"}, **usual) for python in ("3.8", "3.10", "3.11")]
    other = leg("3.9", {"t.py::a": "passed"}, **{**usual, **facts})

    whole = compare([*legs, other], [], commit="c0ffee")
    red = [finding for finding in whole.findings if finding.red]

    assert (6, ["3.9"]) == (whole.exit_code, whole.red)
    assert 1 == len(red)
    assert text in red[0].text


def test_a_leg_of_an_older_commit_is_red_also_where_all_are() -> None:
    assert 6 == compare([leg("3.8", {"a": "passed"})], ["3.8"], commit="decaf").exit_code


def test_other_files_of_tests_are_no_edit_where_a_python_collects_others() -> None:
    more = leg("3.9", {"t.py::a": "passed", "new.py::b": "passed"}, files_digest="more")

    assert 0 == compare([leg("3.8", {"t.py::a": "passed"}), more], []).exit_code


@pytest.mark.parametrize("runs, found", [(("local-1", "local-2"), []), (("7", "8"), ["the legs are of 2 runs"])])
def test_legs_of_several_runs_of_a_ci_are_told(runs: Sequence[str], found: List[str]) -> None:
    legs = [leg(python, {"a": "passed"}, run_id=run) for python, run in zip(("3.8", "3.9"), runs)]
    whole = compare(legs, ["3.8", "3.9"])

    assert (0, found) == (whole.exit_code, told(whole))


def test_two_results_of_one_python_are_red() -> None:
    assert "Python 3.8: 2 results" in told(compare([leg("3.8", {"a": "passed"})] * 2, ["3.8"]))


def test_a_leg_that_nobody_expected_counts() -> None:
    whole = compare([leg("3.8", {"a": "failed"})], [])

    assert (1, [m.UNEXPECTED]) == (whole.exit_code, [finding.kind for finding in whole.findings])


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["3.8", "3.9", "3.10"]),
        st.dictionaries(st.sampled_from("abcd"), st.sampled_from(OUTCOMES), min_size=1),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_every_test_is_named_or_counted_and_red_is_red(results: Dict[str, Dict[str, str]], random: Any) -> None:
    legs = [leg(python, those) for python, those in results.items()]
    mixed = random.sample(legs, len(legs))
    whole = compare(legs, list(results))

    everywhere = {nodeid for those in results.values() for nodeid in those}
    assert len(everywhere) == len(whole.differing) + sum(whole.same.values())
    assert (f.GREEN == whole.ended) == (0 == whole.exit_code)
    assert whole.red == [each.python for each in whole.legs if "failed" in results[each.python].values()]
    assert {nodeid for those in results.values() for nodeid, out in those.items() if out in outcomes.RED} <= {
        *whole.differing
    }
    assert m.to_json(whole) == m.to_json(compare(mixed, list(results)))
