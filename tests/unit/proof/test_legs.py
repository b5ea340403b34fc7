from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from scripts.proof import legs, receipt, report_text
from scripts.proof.legs import DAMAGED, MISSING
from scripts.proof.receipt import ExtraError, Receipt, seal
from tests.unit.proof.results import judged, ran, shard

GREEN = shard(0, ran("a"), ran("b"), of=1, python="3.8.18", commit="c0ffee", arguments=("-k", "x", "-q"))


def leave(folder: Path, *results: Receipt) -> Path:
    """The reports of a run: its merge, and the results beside it."""
    for result in results:
        receipt.write(folder / f"shard-{result.index}" / receipt.FILE_NAME, result)
    report_text.write(folder / report_text.FILE_NAME, judged(results), results)
    return folder


def changed(folder: Path, change: Callable[[Dict[str, Any]], Any], is_sealed: bool = False) -> Path:
    file = folder / report_text.FILE_NAME
    data = json.loads(file.read_text())
    change(data)
    if is_sealed:
        data["seal"] = seal({name: value for name, value in data.items() if name != "seal"})
    file.write_text(json.dumps(data))
    return folder


def test_a_merge_says_what_run_it_judged(tmp_path: Path) -> None:
    leg = legs.read(leave(tmp_path, GREEN), "3.8")

    assert ("green", 0, "") == leg[1:4]
    assert (("3.8.18",), ("c0ffee",), ("run",), (("-k", "x"),)) == leg.run[:4]  # -q changes nothing of the tests
    assert ["shard index 0 of 1"] == list(leg.run.results)
    assert leg.verdict and {"a": "passed", "b": "passed"} == leg.verdict.outcomes


@pytest.mark.parametrize(
    "facts, ended, code",
    [
        ({"tests": (ran("a"), ran("b", "failed"))}, "tests failed", 1),
        ({"tests": (ran("a"),)}, "incomplete", 6),
        ({"errors": (ExtraError("service", "warm-up failed: it answered 500"),)}, "service died", 13),
        ({"errors": (ExtraError("service", "it ended with exit code 1"),)}, "service died", 10),
    ],
)
def test_a_leg_ends_as_its_merge_did(tmp_path: Path, facts: Dict[str, Any], ended: str, code: int) -> None:
    result = shard(0, **{"tests": (ran("a"), ran("b")), "of": 1, **facts})  # type: ignore[misc]

    assert (ended, code) == legs.read(leave(tmp_path, result), "3.8")[1:3]


def test_a_leg_without_a_merge_is_missing(tmp_path: Path) -> None:
    assert (MISSING, 6, f"no merge.json in {tmp_path.name}") == legs.read(tmp_path, "3.8")[1:4]


@pytest.mark.parametrize("is_sealed", [False, True])
def test_an_edited_merge_proves_nothing(tmp_path: Path, is_sealed: bool) -> None:
    folder = leave(tmp_path, shard(0, ran("a"), ran("b", "failed"), of=1))

    leg = legs.read(changed(folder, lambda data: data.update(findings=[], ended="green"), is_sealed), "3.8")

    assert (DAMAGED, 6) == leg[1:3]
    assert ("green, and b is in it" if is_sealed else "digest does not fit") in leg.why
    assert leg.verdict is None


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda data: data.pop("seal"), "an earlier version wrote it"),
        (lambda data: data.update(schema=99), "expected schema 1"),
        (lambda data: data.update(findings=[{"kind": "joy"}]), "digest does not fit"),
    ],
)
def test_a_merge_that_cannot_be_read_says_why(tmp_path: Path, change: Callable[[Any], Any], why: str) -> None:
    leg = legs.read(changed(leave(tmp_path, GREEN), change), "3.8")

    assert DAMAGED == leg.ended
    assert why in leg.why


@pytest.mark.parametrize(
    "change, why",
    [
        (lambda data: data.update(outcomes=[]), "no verdict of a merge"),
        (lambda data: data.update(ended="tests failed"), 'says that it ended "tests failed"'),
        (lambda data: data.update(counts={"passed": 1}), "counts fewer tests"),
        (lambda data: data.update(outcomes={}), "no test is in it"),
        (lambda data: data["outcomes"].update(a="great"), "great is no outcome"),
        (lambda data: data["run"].update(pythons=[]), "made of 1 results of 1 shards"),
        (lambda data: data["run"].update(results={}), "made of 0 results of 1 shards"),
        (lambda data: data["run"].pop("pythons"), "cannot be read"),
    ],
)
def test_a_merge_that_contradicts_itself_is_refused(tmp_path: Path, change: Callable[[Any], Any], why: str) -> None:
    leg = legs.read(changed(leave(tmp_path, GREEN), change, is_sealed=True), "3.8")

    assert DAMAGED == leg.ended
    assert why in leg.why


def test_a_result_that_was_left_after_the_merge_makes_that_doubtful(tmp_path: Path) -> None:
    leave(tmp_path, GREEN)
    receipt.write(tmp_path / "shard-0" / receipt.FILE_NAME, shard(0, ran("a", "failed"), ran("b"), of=1))

    assert "not made of the results that lie beside it: shard index 0 of 1" in legs.read(tmp_path, "3.8").why


def test_a_merge_stands_also_where_the_results_were_not_kept(tmp_path: Path) -> None:
    report_text.write(tmp_path / report_text.FILE_NAME, judged([GREEN]), [GREEN])

    assert "green" == legs.read(tmp_path, "3.8").ended
