"""What failed tests of the suite leave: a small suite with its conftest runs against a server that misbehaves."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, Set

import pytest

from tests.integration import evidence
from tests.integration.evidence import Exchange

ROOT = Path(__file__).parents[3]
SOUND = b"RIFF\x24\x00\x00\x00WAVEfmt nothing more"
SUITE = r"""
import pytest
from tests.integration.refusal import check_refused
from tests.integration.service import fault


@pytest.fixture(scope="module")
def spoken_once(say_once):
    return say_once("晚上好。")

def test_good(service, say_once, spoken_once):
    say_once("早上好。")
    service.say("fine")

def test_the_answer_itself(service):
    assert 10_000 < len(service.call("POST", "/tts", json={"text": "今天心情不好。", "emotion": "sad"}).content)

def test_a_refusal_that_did_not_come(service):
    check_refused(service.post(b'{"text": "\xe3\x80\x82"}'))

def test_no_speech(service):
    service.say("error")

def test_half_an_answer(service):
    service.say("half")

def test_no_answer(service):
    service.call("GET", "/gone")

@pytest.fixture
def spoken(service):
    return service.say("error", emotion="../../悲伤")

def test_set_up(spoken):
    pass

@pytest.fixture
def late(service):
    yield
    service.say("error")

def test_end(late):
    pass

def test_what_was_asked_before(say_once):
    assert say_once("早上好。") is None

def test_sends_nothing(spoken_once):
    assert spoken_once is None

def test_broken_sound(service):
    service.say("fine").wav

def test_by_fault(service):
    speech = service.say("fine")
    assert False, fault(speech, "pitch", 1, 2)

@pytest.mark.parametrize("text", ["a/b/../c", "x" * 300, "你好" * 100, "\ud800", "a[b::c] (call)", "\x1b]0;t\x07"])
def test_odd(service, text):
    assert service.say(text) is None
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with sound, unless the request asks for something else."""

    def do_GET(self) -> None:
        self.close_connection = True  # without an answer

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        failed = b'"error"' in request
        body = b'{"error": "no model"}' if failed else SOUND
        self.send_response(500 if failed else 200)
        self.send_header("Content-Type", "application/json" if failed else "audio/wav")
        self.send_header("Content-Length", str(len(body) + 100 * (b'"half"' in request)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def run(folder: Path, url: str, artifacts: Path) -> str:
    """Run the small suite; what pytest printed."""
    (folder / "test_small.py").write_text(SUITE, encoding="utf-8")
    own = {"PYTHONPATH": str(ROOT), "SERVICE_URL": url, "SHARDLINE_ARTIFACTS": str(artifacts), "NO_PROXY": "127.0.0.1"}
    words = [sys.executable, "-m", "pytest", "-p", "tests.integration.conftest", "-p", "no:cacheprovider", "-rA"]
    environ = {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=str(folder), env=environ, stdout=subprocess.PIPE, encoding="utf-8", check=False)
    return done.stdout


def kept(folder: Path) -> Dict[str, Set[str]]:
    """The kinds of files by the test that left them."""
    found: Dict[str, Set[str]] = {}
    for file in sorted(folder.iterdir()):
        told = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        name = told["test"].partition("::")[2].partition("[")[0]
        found.setdefault(name, set()).add(file.suffix)
    return found


def test_whichever_way_a_test_fails_its_request_and_answer_are_kept(tmp_path: Path, url: str) -> None:
    artifacts = tmp_path / "artifacts"
    output = run(tmp_path, url, artifacts)

    assert "15 failed, 2 passed, 2 errors" in output, output
    sound, text = {".json", ".wav"}, {".json"}
    assert {
        "test_the_answer_itself": sound,
        "test_a_refusal_that_did_not_come": sound,
        "test_no_speech": text,
        "test_half_an_answer": text,
        "test_no_answer": text,
        "test_set_up": text,
        "test_end": text,
        "test_what_was_asked_before": sound,
        "test_sends_nothing": sound,  # what its file had sent and got till then
        "test_broken_sound": sound,
        "test_by_fault": sound,
        "test_odd": sound,
    } == kept(artifacts)
    assert 6 == len(list(artifacts.glob("test_small-py-test_odd-*.wav")))
    assert "what it sent and got" in output


def test_what_cannot_be_kept_does_not_hide_why_a_test_failed(tmp_path: Path, url: str) -> None:
    (tmp_path / "file").write_text("")
    output = run(tmp_path, url, tmp_path / "file" / "artifacts")

    assert "pitch: expected 1, came 2" in output
    assert "not kept: [Errno 20] Not a directory" in output


@pytest.mark.parametrize("parameters", ["a/b/../c", "x" * 300, "你好" * 300, "\ud800", "\n\0", "..", "CON:*?"])
def test_a_files_name_is_one_that_every_disk_takes(parameters: str) -> None:
    name = evidence.name_of(Exchange("POST", "/tts"), f"tests/integration/test_a.py::test_b[{parameters}]")

    assert name.startswith("test_a-py-test_b")
    assert len(name) < 130
    assert name.replace("-", "").replace("_", "").isalnum() and name.isascii()


def test_two_answers_of_one_test_have_two_names() -> None:
    names = {evidence.name_of(Exchange("POST", "/tts", body=body), "test_a.py::test_b") for body in (b"1", b"2")}

    assert 2 == len(names)
