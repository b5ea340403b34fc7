"""What a journal that grows tells of a shard that runs."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof.journal import Progress, Tail, all_left_s
from scripts.proof.receipt import Selected

START = "5f3a"
NOBODY: Mapping[str, int] = {}


def lines(*events: Dict[str, object], of: str = f"{START}.0") -> bytes:
    marked = ({"of": of, "n": number, **event} for number, event in enumerate(events))
    return b"".join(json.dumps(event).encode() + b"\n" for event in marked)


def following(journal: Path, times: Mapping[str, int] = NOBODY, **more: Any) -> Progress:
    return Progress(Tail(journal, START), times, **more)


def start(nodeid: str, phase: str = "setup") -> Dict[str, object]:
    return {"event": "start", "id": nodeid, "phase": phase}


def end(nodeid: str, phase: str, outcome: str = "passed") -> Dict[str, object]:
    return {"event": "end", "id": nodeid, "phase": phase, "outcome": outcome}


WHOLE = lines(
    {"event": "load", "schema": 3},
    {"event": "collect", "id": "a.py"},
    *(start("a"), end("a", "setup"), start("a", "call"), end("a", "call", "failed"), end("a", "teardown")),
    *(start("b"), end("b", "setup", "failed"), end("b", "teardown", "failed")),
    *(start("c"), end("c", "setup", "skipped"), end("c", "teardown")),
    start("d"),
)


def test_it_tells_what_ended_what_failed_and_what_runs(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(WHOLE)
    progress = following(journal, {"a": 30, "b": 10, "c": 10, "d": 50})

    assert [("a", "failed"), ("b", "error")] == progress.read()
    assert ({"a", "b", "c"}, "d", 0.5) == (progress.done, progress.now, progress.share)


def test_a_journal_that_is_not_there_yet_tells_nothing(tmp_path: Path) -> None:
    progress = following(tmp_path / "journal.jsonl", {})

    assert ([], set(), 0.0) == (progress.read(), progress.done, progress.share)


def test_a_line_that_a_kill_tore_is_passed_over(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(
        b'{"of": "5f3a.0", "n": 0, "event": "st\n[]\n{"of": "5f3a.0", "n": 1, "event": "end"}\n' + lines(start("a"))
    )
    progress = following(journal, {})
    progress.read()

    assert "a" == progress.now


def test_lines_of_another_start_tell_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(lines(start("a")) + lines(end("a", "call", "failed"), end("a", "teardown"), of="5f3b.0"))
    progress = following(journal, {"a": 1})

    assert ([], set(), "a") == (progress.read(), progress.done, progress.now)


def test_its_own_pace_says_how_long_it_still_takes(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b"")
    now = 100.0
    progress = following(journal, {"a": 1, "b": 1, "c": 2}, clock=lambda: now)
    seen = []
    for at, events in (
        (100.0, [start("a")]),
        (108.0, []),
        (110.0, [end("a", "teardown"), start("b")]),
        (115.0, []),
        (199.0, []),
    ):
        now = at
        journal.write_bytes(journal.read_bytes() + lines(*events))
        progress.read()
        seen.append(progress.left_s(20.0))

    assert [20.0, 12.0, 30.0, 25.0, 0.0] == seen  # the estimate; less 8 s; 4 times 10 s but the first; less 5 s


def test_before_its_tests_begin_the_estimate_stands(tmp_path: Path) -> None:
    assert 20.0 == following(tmp_path / "journal.jsonl", {"a": 1}).left_s(20.0)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=8).map(sorted))
def test_however_it_is_cut_while_it_grows_it_tells_the_same(cuts: List[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.jsonl"
        progress = following(journal, {"a": 1, "d": 1})
        failures = []
        for cut in [*cuts, len(WHOLE)]:
            journal.write_bytes(WHOLE[:cut])
            failures += progress.read()

    assert [("a", "failed"), ("b", "error")] == failures
    assert ({"a", "b", "c"}, "d", 0.5) == (progress.done, progress.now, progress.share)


def test_the_result_knows_of_a_test_that_killed_its_process(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(lines(start("a"), end("a", "call", "failed"), end("a", "teardown"), start("b")))
    progress = following(journal, {})
    progress.read()
    tests = (Selected("a", "failed"), Selected("b", "failed"), Selected("c", "not-run"))

    assert [("b", "failed")] == progress.settle(tests)
    assert ({"a", "b"}, ["a", "b"], "") == (progress.done, list(progress.failed), progress.now)


@pytest.mark.parametrize(
    "running, waiting, most, expected",
    [([], [3.0, 2.0, 1.0], 2, 3.0), ([5.0], [3.0], 1, 8.0), ([5.0], [3.0], 2, 5.0), ([0.0], [], 3, 0.0)],
)
def test_what_waits_starts_when_something_has_ended(
    running: List[float], waiting: List[float], most: int, expected: float
) -> None:
    assert expected == all_left_s(running, waiting, most)
