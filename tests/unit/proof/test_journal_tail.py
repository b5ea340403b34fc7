"""Following a journal: what is passed over says nothing that the follower needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest

from scripts.proof.journal import Progress, Tail
from scripts.runner.pytest_process import Heartbeat

STRANGE = 'a[{"phase": "call", "outcome": "failed"}]'


def line(number: int, event: str, of: str = "me.0", **more: Any) -> bytes:
    return json.dumps({"of": of, "n": number, "event": event, "at": 0.0, **more}).encode() + b"\n"


def phase(nodeid: str, name: str, outcome: str) -> List[Dict[str, Any]]:
    same = {"id": nodeid, "phase": name}
    return [{"event": "start", **same}, {"event": "end", **same, "outcome": outcome, "seconds": 0.0}]


@pytest.mark.parametrize("nodeid", ["a", STRANGE])
@pytest.mark.parametrize("failing, outcome", [("setup", "error"), ("call", "failed"), ("teardown", "error"), ("", "")])
def test_progress_misses_nothing_by_what_it_passes_over(
    tmp_path: Path, nodeid: str, failing: str, outcome: str
) -> None:
    events = [
        event
        for name in ("setup", "call", "teardown")
        for event in phase(nodeid, name, "failed" if name == failing else "passed")
    ]
    (tmp_path / "j").write_bytes(b"".join(line(number, **event) for number, event in enumerate(events)))
    progress = Progress(Tail(tmp_path / "j", "me"), {nodeid: 1})

    failures = progress.read()

    assert ([(nodeid, outcome)] if failing else []) == failures
    assert ({nodeid}, nodeid, 1.0) == (progress.done, progress.now, progress.share)


def test_the_latest_line_is_of_ours_and_whole(tmp_path: Path) -> None:
    journal = tmp_path / "j"
    journal.write_bytes(line(0, "load") + line(1, "start") + line(9, "finish", of="other.0") + b'{"of": "me.0", "n')
    tail = Tail(journal, "me")

    assert ("start", None) == ((tail.latest() or {}).get("event"), tail.latest())


def test_lines_of_others_do_not_break_a_silence(tmp_path: Path) -> None:
    now = [10.0]
    journal = tmp_path / "j"
    journal.write_bytes(line(0, "start"))
    heartbeat = Heartbeat(Tail(journal, "me"), lambda: now[0])
    heartbeat.silent_s()

    now[0] = 13.0
    journal.write_bytes(journal.read_bytes() + line(0, "start", of="other.0"))

    assert (3.0, True) == (heartbeat.silent_s(), heartbeat.in_test)
