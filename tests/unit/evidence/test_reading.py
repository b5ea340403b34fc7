"""What lies in a reports folder is read as far as it can be believed, whatever it is, and nothing without a limit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from scripts.evidence import reading
from scripts.evidence.record import RunRecord, ShardRecord
from scripts.proof import outcome_history, receipt
from scripts.proof.outcomes import Attempt
from scripts.proof.receipt import Receipt, Selected
from scripts.settings import Settings, Suite
from tests.unit.proof.test_journal_short import COLLECTED, LOAD, trial, written

SAMPLE: Dict[str, Any] = {
    **{"t": 5.0, "name": "service", "start": 0, "test": "", "rss": 1, "memory": 1, "uss": None, "cpu": 1.0},
    **{"threads": 1, "files": None, "gpu": None, "latency_ms": 2.0},
}
REQUEST = {"t": 5.0, "test": "t.py::a", "method": "POST", "path": "/tts", "status": 500, "ms": 20}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "reports" / "shard-0").mkdir(parents=True)
    return Settings(Suite("tests"), file=tmp_path / "pipeline.yml")


def folder(settings: Settings, index: int = 0) -> Path:
    return settings.reports / f"shard-{index}"


def leave(settings: Settings, outcome: str, index: int = 0) -> Receipt:
    """What a shard leaves that ran the test `a`."""
    folder(settings, index).mkdir(exist_ok=True)
    lines = written(LOAD, *COLLECTED, *trial(0, {"message": "no"}), {"event": "finish", "status": 1})
    (folder(settings, index) / "journal.jsonl").write_bytes(b"".join(lines))
    name = "a.py::one"
    tests = (Selected(name, outcome, (Attempt(name, 0, outcome),)),)
    codes = (int(outcome != "passed"),)
    result = Receipt("r", "p", index, 2, "d", 1, "t", tests, start="me", exit_codes=codes)
    receipt.write(folder(settings, index) / receipt.FILE_NAME, result)
    return result


def only(record: RunRecord) -> ShardRecord:
    (shard,) = record.shards
    return shard


def test_the_journal_is_read_of_what_is_not_green(settings: Settings) -> None:
    leave(settings, "passed")
    leave(settings, "failed", 1)

    green, red = reading.read_run(settings).shards

    assert ((), ["failed"]) == (green.rounds, [attempt.outcome for attempt in red.rounds[0].attempts])


def test_of_a_shard_that_was_killed_the_journal_tells(settings: Settings) -> None:
    leave(settings, "failed")
    (folder(settings) / receipt.FILE_NAME).unlink()
    (folder(settings) / "selection.json").write_text('{"schema": 1, "start": "me"}')
    journal = folder(settings) / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-100])

    shard = only(reading.read_run(settings))

    assert ("it left no result", "a.py::one") == (shard.why_no_result, shard.rounds[0].attempts[0].nodeid)
    assert shard.rounds[0].ended.running and "teardown" == shard.rounds[0].ended.running.phase


def test_one_shard_alone_is_told_without_the_verdict_of_all(settings: Settings) -> None:
    results = [leave(settings, "failed", index) for index in (0, 1)]
    (settings.reports / "merge.json").write_text("{}")

    record = reading.read_run(settings, only=1)

    assert ([1], None) == ([shard.index for shard in record.shards], record.verdict)
    assert results[1].tests == only(record).result.tests  # type: ignore[union-attr]


def test_what_changed_is_read_from_the_runs_before(settings: Settings) -> None:
    leave(settings, "passed")
    outcome_history.learn(settings, outcome_history.Run("before", 1), {"a.py::one": "failed"})

    assert {"a.py::one": "fixed"} == reading.read_run(settings).changes


@pytest.mark.parametrize(
    "line, samples",
    [
        (json.dumps(SAMPLE), 1),
        (json.dumps({**SAMPLE, "memory": "x"}), 0),
        (json.dumps({**SAMPLE, "memory": None}), 0),
        (json.dumps({**SAMPLE, "t": float("nan")}), 0),
        (json.dumps({**SAMPLE, "t": 10**400}), 0),
        (json.dumps({**SAMPLE, "rss": [1]}), 0),
        (json.dumps({**SAMPLE, "name": 1}), 0),
        ("[" * 3_000, 0),
        ("[]", 0),
        ("\udcff", 0),
        (json.dumps(SAMPLE)[:-20], 0),
        ("", 0),
    ],
)
def test_a_line_that_is_no_sample_is_passed_over(settings: Settings, line: str, samples: int) -> None:
    content = f"{line}\n{json.dumps(SAMPLE)}\n".encode("utf-8", "surrogateescape")
    (folder(settings) / "monitor.jsonl").write_bytes(content)

    assert samples + 1 == len(only(reading.read_run(settings)).samples)


@pytest.mark.parametrize("wrong", [{"t": "x"}, {"t": float("inf")}, {"method": None, "t": None}, {"status": [1]}])
def test_a_line_that_is_no_request_is_passed_over(settings: Settings, wrong: Dict[str, Any]) -> None:
    lines = [json.dumps(REQUEST), json.dumps({**REQUEST, **wrong})]
    (folder(settings) / "requests.jsonl").write_text("\n".join(lines) + "\n")

    (request,) = only(reading.read_run(settings)).requests

    assert ("POST /tts -> 500", 0.02, 500) == (request.text, request.seconds, request.status)


def pipe(path: Path) -> None:
    os.mkfifo(str(path))


def loop(path: Path) -> None:
    path.symlink_to(path)


def brackets(path: Path) -> None:
    path.write_bytes(b"[" * 3_000 + b"\n")


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("put", [Path.mkdir, pipe, loop, brackets, sparse])
@pytest.mark.parametrize("name", ["journal.jsonl", "receipt.json", "requests.jsonl", "service.log", "ending.json"])
def test_whatever_lies_in_the_place_of_a_file_costs_that_file(
    settings: Settings, name: str, put: Callable[[Path], None]
) -> None:
    leave(settings, "failed")
    (folder(settings) / name).unlink() if (folder(settings) / name).exists() else None
    (folder(settings) / "selection.json").write_text('{"schema": 1, "start": "me"}')
    put(folder(settings) / name)

    shard = only(reading.read_run(settings))

    assert name != "journal.jsonl" or not shard.rounds
    assert (name == "receipt.json") is (shard.result is None)


def test_of_a_shard_that_there_is_no_time_for_the_result_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(settings, "failed")
    monkeypatch.setattr(reading, "MOST_S", -1.0)

    record = reading.read_run(settings)

    assert (True, ()) == (only(record).result is not None, only(record).rounds)
    assert "shard-0: only its result was read" in "".join(record.unread)


def test_what_a_shard_printed_in_a_run_before_is_not_of_this_one(settings: Settings) -> None:
    (folder(settings) / "selection.json").write_text("{}")
    (settings.reports / "shard-0.log").write_text("old")
    names = [log.name for log in only(reading.read_run(settings)).logs]
    os.utime(settings.reports / "shard-0.log", (5, 5))

    assert (["output.log"], ()) == (names, only(reading.read_run(settings)).logs)


def test_folders_that_are_links_or_no_shards_are_left_alone(settings: Settings, tmp_path: Path) -> None:
    for name in ("shard-x", "shard-01", "repair", "shard-99999999999"):
        (settings.reports / name).mkdir()
    (folder(settings) / "artifacts").symlink_to(tmp_path)

    assert () == only(reading.read_run(settings)).artifacts
