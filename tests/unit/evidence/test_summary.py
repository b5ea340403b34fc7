"""A summary says first what happened, and shows what tests wrote as code, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict

import pytest

from scripts.evidence import summary
from scripts.evidence.diagnosis.diagnosis import Diagnosis
from scripts.evidence.record import RunRecord, ShardRecord
from scripts.proof import findings as f
from scripts.proof.findings import Finding, Verdict
from scripts.proof.outcomes import DIED_IN_TEST, Attempt, Ended, Round
from scripts.proof.receipt import Receipt, Selected


def run(outcomes: Dict[str, str], **facts: Any) -> RunRecord:
    """A run of two shards, the first of which left a result."""
    tests = tuple(
        Selected(name, outcome, (Attempt(name, 0, outcome, call_s=2.0, message="no" if outcome == "failed" else ""),))
        for name, outcome in outcomes.items()
    )
    red = tuple(Finding(f.RED_TEST, "failed: no", test.nodeid, (0,)) for test in tests if test.outcome == "failed")
    counts = {outcome: list(outcomes.values()).count(outcome) for outcome in outcomes.values()}
    verdict = Verdict(2, tests, counts, red, (), "")
    result = Receipt("r", "p", 0, 2, "d", 1, "t", tests, seconds={"tests": 4.0})
    shards = (ShardRecord(0, Path("shard-0"), result), ShardRecord(1, Path("shard-1"), why_no_result="it | left"))
    return RunRecord(verdict=verdict, shards=shards, **facts)


def test_what_happened_stands_first_and_what_to_type_follows() -> None:
    record = run({"t.py::a": "failed", "t.py::b": "passed"}, changes={"t.py::a": "broke"})
    happened = [Diagnosis("x", "t.py::a failed: no", ("line 1", "line 2"), "look at `a`")]

    lines = summary.markdown(record, happened, ["The page: reports/index.html"]).splitlines()

    assert "## t.py::a failed: no" == lines[0]
    assert "2 tests: 1 failed, 1 passed; slowest shard 4.0 s; against the runs before: 1 broke" == lines[2]
    assert ["- `line 1`", "- `line 2`"] == lines[4:6]
    next_lines = lines[lines.index("Next:") + 2 :]
    assert ["```", "look at `a`"] == next_lines[:2] and "t.py::a" in next_lines[2]
    assert ["- failed (broke): `t.py::a`", "  `no`"] == lines[lines.index("### 1 test red") + 2 :][:2]
    assert "| 1 | it \\| left | - | - | - |" in lines
    assert "| `t.py::a` | 2.0 s |" in lines
    assert "The page: reports/index.html  " == lines[-1]


def test_a_green_run_is_said_to_be_so_and_asks_for_nothing() -> None:
    text = summary.markdown(run({"t.py::b": "passed"}), [])

    assert text.startswith("## 1 test and none of them red, in 2 shards\n")
    assert "Next:" not in text and "red\n" not in text.split("\n", 1)[1]


def test_a_run_that_no_merge_judged_is_told_from_its_shards() -> None:
    text = summary.markdown(replace(run({"t.py::a": "failed"}), verdict=None), [])

    assert text.startswith("## no merge has judged this run\n") and "- failed: `t.py::a`" in text


@pytest.mark.parametrize(
    "name", ["a|b", "a``b", "`", "<script>", "@me #1 **x**", "a\nb\u2028c\x1b[31m", "\ud800", "&lt;"]
)
def test_an_id_of_any_kind_stays_in_its_code(name: str) -> None:
    text = summary.markdown(run({name: "failed", "t.py::b": "passed"}), [])

    text.encode("utf-8")
    assert "\x1b" not in text and "\u2028" not in text
    for line in text.splitlines():
        if line.startswith("| `"):
            cells = line.replace("\\|", "").split(" | ")
            assert 2 == len(cells) and cells[0].startswith("| `") and cells[0].endswith("`")
    shown = next(line for line in text.splitlines() if line.startswith("- failed: "))[len("- failed: ") :]
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    assert shown.endswith(fence) and fence not in shown[len(fence) : -len(fence)]


def test_of_a_shard_that_was_killed_the_journal_names_what_failed() -> None:
    attempts = (Attempt("t.py::a", 0, "failed", message="no"), Attempt("t.py::b", 0, "passed"))
    told = Round(0, 1, 5.0, "9", "3.11", Ended(DIED_IN_TEST), attempts=attempts)

    text = summary.markdown(RunRecord(shards=(ShardRecord(0, Path("shard-0"), rounds=(told,)),)), [])

    assert "### 1 test red\n\n- failed: `t.py::a`\n  `no`\n" in text


def test_of_many_failures_some_are_named() -> None:
    text = summary.markdown(run({f"t.py::{n}": "failed" for n in range(summary.MOST_FAILED + 3)}), [])

    assert summary.MOST_FAILED == text.count("- failed: ") and "- ... and 3 more" in text


def test_github_gets_no_more_than_it_shows(tmp_path: Path) -> None:
    file = tmp_path / "step.md"
    file.write_text("before\n")

    summary.append_to(file, "你" * summary.STEP_BYTES)

    content = file.read_bytes()
    assert content.startswith("before\n你".encode()) and content.endswith(b"(cut: GitHub shows no more)\n")
    assert len(content) <= summary.STEP_BYTES and content.decode("utf-8")
