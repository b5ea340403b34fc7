from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scripts.service import last_words
from scripts.service.last_words import USER_AGENT, is_probe, without_probes
from scripts.system import processes
from tests.unit.service.children import RUN, eventually

HTTP_SERVER = '127.0.0.1 - - [26/Nov/2026 16:33:01] "GET /health HTTP/1.1" 503 -'


@pytest.mark.parametrize(
    "line",
    [
        HTTP_SERVER,
        'INFO:     127.0.0.1:42032 - "GET /health HTTP/1.1" 503 Service Unavailable',
        f'127.0.0.1 [26/Nov/2026:16:33:01 +0000] "GET /health HTTP/1.1" 200 149 "-" "{USER_AGENT}"',
        "GET /health 503 1.234 ms - 17",
        '[GIN] 2026/11/26 - 16:33:01 | 503 | 12.5us | 127.0.0.1 | GET      "/health"',
        '{"event": "request", "path": "/health", "status": 503}',
        f'{{"request": {{"uri": "/health?x", "agent": "{USER_AGENT}"}}, "status": 200}}',
    ],
    ids=["http.server", "uvicorn", "aiohttp", "morgan", "gin", "JSON", "by its agent"],
)
def test_lines_of_our_probes_are_known(line: str) -> None:
    assert is_probe(line, ["/health"])


@pytest.mark.parametrize(
    "line",
    [
        '127.0.0.1 - - [26/Nov/2026 16:33:01] "POST /health HTTP/1.1" 503 -',
        '127.0.0.1 - - [26/Nov/2026 16:33:01] "GET /healthy HTTP/1.1" 503 -',
        "ERROR in GET /health HTTP/1.1: RuntimeError: no model",
        '{"event": "error", "path": "/health", "why": "no model"}',
        f"Exception while answering {USER_AGENT}",
        "",
    ],
)
def test_what_others_ask_and_what_says_why_is_kept(line: str) -> None:
    assert not is_probe(line, ["/health"])


def test_without_a_probe_of_ours_nothing_is_left_out() -> None:
    assert not is_probe(HTTP_SERVER, [])


def test_the_refusal_that_a_server_logs_before_a_line_of_ours_goes_with_it() -> None:
    refusal = "127.0.0.1 - - [26/Nov/2026 16:33:01] code 503, message no model"

    assert ([refusal, "x"], 2) == without_probes([refusal, "x", refusal, HTTP_SERVER], ["/health"])


def test_what_is_written_anew_at_each_probe_is_shown_once() -> None:
    lines = ["RuntimeError", *(f"16:33:{second:02} WARNING no model" for second in range(30)), "step 1", "step 2"]

    assert ["RuntimeError", "16:33:29 WARNING no model (30 times)", "step 1", "step 2"] == without_probes(
        lines, []
    ).lines


def test_the_last_words_are_of_this_start_and_before_however_many_probes(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("of another start\n")
    program = f"print('no model'); [print({HTTP_SERVER!r}) for _ in range(3000)]"
    process = processes.start([sys.executable, "-c", program], tmp_path, os.environ, RUN, log)
    process.probed.add("/health")
    eventually(lambda: process.poll() is not None)

    assert (["no model"], 3000) == last_words.last_words(process)
    assert "(3000 lines of our own probes left out):\n  | no model" in last_words.shown(process)


def test_a_log_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    process = processes.start([sys.executable, "-c", ""], tmp_path, os.environ, RUN, tmp_path / "service.log")
    eventually(lambda: process.poll() is not None)
    process.log.unlink()

    assert "cannot read the log" in last_words.last_words(process).lines[0]
