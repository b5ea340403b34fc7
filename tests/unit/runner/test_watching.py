"""What is judged of a service is what the runner saw; what a suite wrote is read with care."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from scripts.proof.journal import Tail
from scripts.proof.outcomes import FINISHED, Attempt, Ended, Round
from scripts.runner.watching import NOT_OURS, REQUESTS, RunningTest, judged, requests_in
from scripts.service.monitor import FILE_NAME, Monitor
from scripts.settings import Budgets, Service, Settings
from scripts.system.usage import Sample
from scripts.typed_yaml import Bytes

START = "5f3a"
ROUND = Round(0, 1, 1000.0, "8", "3.11", Ended(FINISHED), attempts=(Attempt("t.py::a", 0, "passed", 1.0, call_s=2.0),))


def settings(**services: int) -> Settings:
    """Settings of services by name, each with a budget for memory in bytes."""
    found = {
        name: Service(command=("serve",), budgets=Budgets(memory_bytes=Bytes(limit)))
        for name, limit in services.items()
    }
    return Settings(services=found) if len(found) > 1 else Settings(service=found["service"])


def monitor(folder: Path, **memory: int) -> Monitor:
    """A monitor that has seen services take so much."""
    seen = Monitor(folder / FILE_NAME)
    seen.samples = [Sample(1002.0, name, 0, "", 1, size, 1, 1.0, 1, 1, None, 1.0) for name, size in memory.items()]
    seen.ready_s = dict.fromkeys(memory, 1.0)
    return seen


def test_each_service_is_judged_by_its_own_samples_and_budgets(tmp_path: Path) -> None:
    with monitor(tmp_path, tts=9, db=5) as seen:
        found = judged(settings(tts=5, db=5, cache=5), seen, [ROUND], tmp_path)

    texts = {breach.service: breach.text for breach in found["breaches"]}
    assert {"tts", "cache"} == set(texts) and {"tts", "db", "cache"} == set(found["services"])
    assert "memory 9 bytes at" in texts["tts"] and "during t.py::a, services.tts.budgets.memory" in texts["tts"]
    assert NOT_OURS in texts["cache"]


def test_what_a_test_wrote_into_the_file_is_not_what_is_judged(tmp_path: Path) -> None:
    with monitor(tmp_path, service=9) as seen:
        (tmp_path / FILE_NAME).write_text(json.dumps(seen.samples[0]._replace(memory=1)._asdict()) + "\n")
        found = judged(settings(service=5), seen, [ROUND], tmp_path)

    assert ["memory"] == [breach.budget for breach in found["breaches"]]


def test_a_shard_without_a_test_says_nothing_of_services(tmp_path: Path) -> None:
    with monitor(tmp_path) as seen:
        assert {} == judged(settings(service=5), seen, [], tmp_path)


def line(n: int, event: str, **more: Any) -> str:
    return json.dumps({"of": f"{START}.0", "n": n, "event": event, **more}) + "\n"


def test_the_last_test_that_the_journal_tells_of_is_the_one_that_runs(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    running = RunningTest(Tail(journal, START))
    names = [running()]
    for event in (
        line(0, "load") + line(1, "start", id="t.py::a"),
        line(2, "end", id="t.py::a", phase="setup") + line(3, "fixture start", name="f"),
        "",
        line(4, "end", id="t.py::a", phase="teardown"),
        line(5, "start", id="t.py::b") + line(6, "finishing"),
    ):
        with journal.open("a") as file:
            file.write(event)
        names.append(running())

    assert ["", "t.py::a", "t.py::a", "t.py::a", "", ""] == names


@pytest.mark.parametrize(
    "content, times",
    [
        (b'{"t": 2.5}\n{"t": 1, "path": "/tts"}\n', [1.0, 2.5]),
        (b'{"t": 2.5}\n{"t": \n[]\n\xff\n{"t": "x"}\n{"t": null}\n' + b"[" * 100_000, [2.5]),
        (b"", None),
    ],
    ids=["requests", "hostile", "none"],
)
def test_requests_count_by_their_time(tmp_path: Path, content: bytes, times: Any) -> None:
    (tmp_path / REQUESTS).write_bytes(content)

    assert times == requests_in(tmp_path / REQUESTS)


def test_without_a_file_of_requests_none_were_counted(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / REQUESTS))

    assert (None, None) == (requests_in(tmp_path / REQUESTS), requests_in(tmp_path / "no"))
