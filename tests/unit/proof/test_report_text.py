from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, List, NamedTuple, Sequence

import pytest

from scripts.proof import report_text
from scripts.proof.claimed import STOLEN, TAKEN_OVER, ClaimedPiece
from scripts.proof.outcomes import FAILED
from scripts.proof.receipt import ExtraError, Receipt
from scripts.proof.report_text import Ending, next_lines, run_lines
from tests.unit.proof.results import judged, lines, ran, shard


def test_at_most_twenty_of_a_kind_are_named() -> None:
    many = [f"t.py::test_{number:02d}" for number in range(23)]
    found = lines(judged([shard(0, of=1, collected=many)], many))

    assert ["23 tests ran nowhere:", "  t.py::test_00"] == found[:2]
    assert ["  t.py::test_19", "  and 3 more"] == found[20:22]


def test_twenty_one_missing_shards_are_told_in_as_many_lines() -> None:
    found = lines(judged([], [], plan=[[]] * 21))

    assert ["shard index 19 of 21 left no result", "and 1 more"] == found[19:21]


def test_the_lines_say_what_to_do_next() -> None:
    a, b = shard(0, ran("a")), shard(1, ran("b"))
    error = (ExtraError("test_c.py", "broken"),)
    some_lost = "next: nox -s merge -- --run-missing    (runs 1 test without a result)"

    def steps(*receipts: Receipt) -> List[str]:
        return next_lines(Ending(judged(receipts), receipts, command=lambda *words: " ".join(words)))

    assert ["next: nox -s integration -- a    (only the slowest file)"] == steps(a, b)
    assert [some_lost] == steps(a)
    assert ["next: nox -s merge -- --run-missing    (every test has a result; this settles the rest)"] == steps(a, b, b)
    assert [
        "next: nox -s integration -- b    (only what failed)",
        "next: nox -s isolation    (where that passes: which tests need which)",
    ] == steps(a, shard(1, ran("b", FAILED)))
    assert ["next: nox -s shard -- 1 2    (that shard again)", some_lost] == steps(a, shard(1, errors=error))
    assert ["next: nox -s integration    (all of it again)"] == steps(
        replace(a, errors=error), replace(b, errors=error)
    )


def test_few_tests_are_named_by_the_command_that_runs_them_again_and_many_are_not() -> None:
    def what(*nodeids: str) -> str:
        return report_text.again(nodeids).partition(" -- ")[2]

    assert "'t.py::a[x y]' t.py::b" == what("t.py::a[x y]", "t.py::b")
    assert "--last-failed" == what("t.py::a[\n]") == what(*(f"t.py::a[{number}]" for number in range(4)))


def test_ids_are_shown_readable_and_in_one_line() -> None:
    odd = ["t.py::test[\\u4f60]", "t.py::\n\ud800"]

    assert ["  t.py::test[你]", "  t.py::\\n\\ud800"] == lines(judged([shard(0, of=1, collected=odd)], odd))[1:3]


def test_the_verdict_is_written_for_programs(tmp_path: Path) -> None:
    shards = [shard(0, ran("a"))]

    report_text.write(tmp_path / "reports" / "merge.json", judged(shards, ["a", "\ud800"]), shards, "a was lost")

    data = json.loads((tmp_path / "reports" / "merge.json").read_bytes())
    mark = data.pop("repairs")
    lost = {"kind": "lost", "text": "", "nodeid": "\ud800", "shards": [], "repaired": False, "red": True}
    assert lost in data.pop("findings")
    assert (64, 64) == (len(mark), len(data.pop("seal")))
    assert ["shard index 0 of 2"] == list(data.pop("run")["results"])
    assert {
        "schema": 1,
        "happened": "a was lost",
        "ended": "incomplete",
        "total": 2,
        "counts": {"not-run": 1, "passed": 1},
        "to_run": ["\ud800"],
        "repair_index": 0,
        "outcomes": {"a": "passed", "\ud800": "not-run"},
        "services": {},
    } == data


def ending(*receipts: Receipt, **facts: Any) -> Ending:
    return Ending(judged(receipts, **facts), receipts, command=lambda *words: " ".join(words))


def test_a_run_of_a_part_is_repaired_and_repeated_with_its_arguments() -> None:
    missing = Ending(judged([shard(0, ran("a"))]), command=lambda *words: " ".join(words), arguments=["-k", "x"])
    nobody = replace(missing, verdict=judged([shard(0, ran("a"), files_digest="old")], files="new"))

    assert "next: nox -s merge -- --run-missing -k x    (runs 1 test without a result)" in next_lines(missing)
    assert "next: nox -s shard -- 0 2 -k x    (that shard again)" in next_lines(nobody)


def test_a_repair_is_not_offered_where_it_cannot_help() -> None:
    def offers(end: Ending) -> bool:
        return any("--run-missing" in line for line in next_lines(end))

    old, new = ["t.py::test_a[0x1]"], ["t.py::test_a[0x2]"]
    assert offers(ending(shard(0, ran("a"))))
    assert not offers(ending(shard(0, *map(ran, old), of=1, collected=old), collection=new))
    assert not offers(ending(shard(0, ran("a"), files_digest="old"), files="new"))
    assert not offers(ending(shard(0, ran("a")), shard(1, ran("b")), changed={"shard index 0 of 2": ["junit.xml"]}))


def test_one_shard_and_many_end_with_a_table_reports_and_a_next_line() -> None:
    one = shard(0, ran("a"), ran("b"), of=1, seconds={"packages": 1.0, "tests": 2.0})
    two = [shard(0, ran("a"), seconds={"tests": 2.0}), shard(1, ran("b"), seconds={"tests": 3.0})]

    for receipts, columns in (([one], ["step", "time"]), (two, ["shard", "tests", "about", "took"])):
        text = run_lines(replace(ending(*receipts), reports=["reports/junit.xml"]))
        assert columns in [line.split() for line in text]
        assert "reports: reports/junit.xml" in text
        assert text[-1].startswith("next: ")


def test_a_red_end_names_the_logs_with_the_tracebacks() -> None:
    failed = replace(ending(shard(0, ran("a", FAILED)), shard(1, ran("b"))), logs=["reports/shard-0.log"])

    assert "tracebacks: reports/shard-0.log" in run_lines(failed)


def test_a_verdict_that_was_written_is_read_again_but_for_attempts(tmp_path: Path) -> None:
    verdict = judged([shard(0, ran("a"))], ["a", "\ud800"])
    report_text.write(tmp_path / "merge.json", verdict)

    read = report_text.read(tmp_path / "merge.json")

    assert read == replace(verdict, tests=tuple(replace(test, attempts=()) for test in verdict.tests))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": 1, "outcomes": []}'])
def test_what_is_no_verdict_is_not_read(tmp_path: Path, content: str) -> None:
    (tmp_path / "merge.json").write_text(content, encoding="utf-8")

    assert None is report_text.read(tmp_path / "merge.json")


def test_what_moved_from_shard_to_shard_is_told_in_a_line() -> None:
    pieces = (ClaimedPiece("1-00", STOLEN, 1, 1), ClaimedPiece("2-00", TAKEN_OVER, 2, 1))
    thief = shard(0, ran("a"), ran("b"), of=3, store="redis://here", pieces=pieces)

    told = run_lines(Ending(judged([thief]), [thief]))

    over = "shard 0 took over 1 test of shard 2, which was silent or gave up"
    assert f"moved: shard 0 ran 1 test of shard 1; {over}" in told


def test_a_shard_says_over_which_store_it_shared_out_and_what_came_of_that() -> None:
    def said(*tests: str, **facts: Any) -> str:
        result = shard(0, *map(ran, tests), of=3, store="redis://here", **facts)
        told = report_text.shard_lines(result, "reports/shard-0", lambda *words: " ".join(words))
        return next(line for line in told if line.startswith("shared out over"))

    pieces = (ClaimedPiece("1-00", STOLEN, 1, 1), ClaimedPiece("2-00", TAKEN_OVER, 2, 1))
    moved = "ran 1 test of shard 1; took over 1 test of shard 2, which was silent or gave up"
    assert f"shared out over redis://here: {moved}; lost it: no" == said("a", "b", pieces=pieces, store_gone="no")
    assert "shared out over redis://here: it ran its own tests" == said("a")
    assert "shared out over redis://here: nothing was left for it" == said()


def test_where_nobody_knew_how_long_tests_take_a_shard_without_any_has_no_estimate() -> None:
    class Planned(NamedTuple):
        nodeids: Sequence[str]
        estimate_ms: int = 0

    table = report_text.compared([Planned(["a"]), Planned(["b"]), Planned([])], [shard(1, of=3), shard(2, of=3)])

    assert ["-", "0.0"] == [row.split()[2] for row in table[2:]]
