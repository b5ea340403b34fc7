"""The report of a run says what its verdict says."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List
from xml.etree import ElementTree

import pytest

from scripts.proof.findings import Verdict
from scripts.proof.junit import of_doubts, of_errors, of_tests, read, write
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, XFAILED, XPASSED
from scripts.proof.receipt import INTERRUPTED, STOPPED, Damaged, ExtraError, Receipt
from tests.unit.proof.results import judged, ran, repair, shard


def elements(verdict: Verdict, file: Path) -> Dict[str, List[ElementTree.Element]]:
    """What is written of a verdict's tests: by name, what stands in each test case."""
    write(file, of_tests(verdict.tests, {}))
    cases = ElementTree.parse(str(file)).iter("testcase")
    return {str(case.get("name")): [child for child in case if child.tag != "properties"] for case in cases}


def test_a_test_that_ran_twice_is_there_once_with_its_worst_outcome(tmp_path: Path) -> None:
    shards = [shard(0, ran("t.py::a", FAILED, message="no")), shard(1, ran("t.py::a"), ran("t.py::b"))]

    found = elements(judged(shards, ["t.py::a", "t.py::b"]), tmp_path / "junit.xml")

    assert {"a": ["failure"], "b": []} == {name: [child.tag for child in inside] for name, inside in found.items()}
    assert "no" == found["a"][0].get("message")


def test_lost_tests_are_errors_and_those_left_by_x_too(tmp_path: Path) -> None:
    lost = judged([shard(0, collected=["t.py::a"])], ["t.py::a"])
    left = judged([shard(0, ran("t.py::a", FAILED), ran("t.py::b", NOT_RUN), of=1, ended=STOPPED)], ["t.py::b"])

    for verdict in (lost, left):
        ((inside,),) = elements(verdict, tmp_path / "junit.xml").values()
        assert ("error", "not run") == (inside.tag, inside.get("message"))


def test_what_failed_as_expected_is_told_from_what_was_skipped(tmp_path: Path) -> None:
    tests = [ran("t.py::a", XFAILED), ran("t.py::b", SKIPPED), ran("t.py::c", XPASSED)]
    ids = [test.nodeid for test in tests]

    found = elements(judged([shard(0, *tests, of=1, collected=ids)], ids), tmp_path / "junit.xml")

    types = {name: [(child.tag, child.get("type")) for child in inside] for name, inside in found.items()}
    assert {"a": [("skipped", "pytest.xfail")], "b": [("skipped", "pytest.skip")], "c": []} == types


def test_errors_of_two_shards_and_two_of_one_stay_apart(tmp_path: Path) -> None:
    errors = [ExtraError("t.py", "cannot be collected"), ExtraError("t.py", "nor again")]
    write(tmp_path / "junit.xml", [*of_errors(errors, "shard index 0 of 2"), *of_errors(errors, "shard index 1 of 2")])

    results = read(tmp_path / "junit.xml") or []

    assert [("error", "cannot be collected"), ("error", "nor again")] * 2 == [(r.outcome, r.message) for r in results]
    assert 4 == len({result.nodeid for result in results})


DOUBTS = {
    "shard missing": [shard(0, ran("a"), ran("b"))],
    "two results": [shard(0, ran("a")), shard(1, ran("b")), shard(1)],
    "other plan": [shard(0, ran("a")), shard(1, ran("b"), plan_id="other")],
    "other files": [shard(0, ran("a"), files_digest="x"), shard(1, ran("b"), files_digest="y")],
    "doubled": [shard(0, ran("a"), ran("b")), shard(1, ran("b"))],
    "unknown": [shard(0, ran("a"), ran("c")), shard(1, ran("b"))],
    "unknown and red": [shard(0, ran("a"), ran("c", FAILED)), shard(1, ran("b"))],
    "other collection": [shard(0, ran("a")), shard(1, ran("b"), collected=["a"])],
    "cut short": [shard(0, ran("a")), shard(1, ran("b"), ended=INTERRUPTED)],
    "lost": [shard(0, ran("a")), shard(1)],
    "failed": [shard(0, ran("a", FAILED)), shard(1, ran("b"))],
    "error": [shard(0, ran("a", ERROR)), shard(1, ran("b"))],
    "nothing": [],
}


def reds(verdict: Verdict, file: Path) -> List[str]:
    write(file, [*of_tests(verdict.tests, {}), *of_doubts(verdict)])
    return [result.nodeid for result in read(file) or () if result.outcome in (FAILED, ERROR)]


@pytest.mark.parametrize("doubt", DOUBTS)
def test_a_report_of_a_red_verdict_has_something_red(tmp_path: Path, doubt: str) -> None:
    verdict = judged(DOUBTS[doubt])

    assert not verdict.green
    assert reds(verdict, tmp_path / "junit.xml")


def test_damage_and_changes_are_in_the_report(tmp_path: Path) -> None:
    shards: List[Receipt] = [shard(0, ran("a")), shard(1, ran("b"))]
    damaged = judged(shards, damaged=[Damaged(7, "shard index 7", "empty")])
    changed = judged(shards, changed={"shard index 0 of 2": ["junit.xml"]})

    assert ["merge: damaged result: shard index 7: empty"] == reds(damaged, tmp_path / "junit.xml")
    assert 1 == len(reds(changed, tmp_path / "junit.xml"))


def test_a_red_test_is_there_once(tmp_path: Path) -> None:
    assert ["a"] == reds(judged(DOUBTS["failed"]), tmp_path / "junit.xml")
    assert ["b"] == reds(judged([shard(0, ran("a")), shard(1)], plan=[["a"], ["b"]]), tmp_path / "junit.xml")


def test_a_green_verdict_has_nothing_red_nor_has_what_a_repair_settled(tmp_path: Path) -> None:
    shards = [shard(0, ran("a"))]
    repaired = judged([*shards, repair(judged(shards), ran("b"))])
    words = judged([shard(0, ran("a")), shard(1, ran("b"), timings_digest="aged")])

    for verdict in (repaired, words):
        assert verdict.green
        assert [] == reds(verdict, tmp_path / "junit.xml")
        assert {PASSED} == {result.outcome for result in of_tests(verdict.tests, {})}
