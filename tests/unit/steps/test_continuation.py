"""A set-up workflow goes on once, with as many shards as the plan advises, between limits."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import pytest

from scripts.__main__ import main
from scripts.ci import CONTINUATION_KEY
from scripts.errors import PipelineError, SettingsError
from scripts.planning import history, timings
from scripts.planning.timings import Sample, Source
from scripts.settings import load
from scripts.steps import continuation
from scripts.system.machine import machine_class
from tests.unit.steps import projects

KEY = "a-secret-of-this-pipeline"
CONFIG = "version: 2.1\nparameters: {shards: {type: integer, default: 4}}\n"
Told = List[Tuple[str, str, Dict[str, Any]]]


@contextmanager
def circleci(*answers: Tuple[int, str]) -> Iterator[Tuple[str, Told]]:
    """A server that gives these answers in turn; its address, and what it was told: path, kind, body."""
    told: Told = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            told.append((self.path, self.headers["Content-Type"], json.loads(content)))
            status, text = answers[min(len(told), len(answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = projects.make(tmp_path, "".join(f"def test_{name}(): pass\n" for name in "abcdefgh"), service=None)
    (project / "continue.yml").write_text(CONFIG)
    return project


def know(project: Path, took_ms: int) -> None:
    """Let each test have taken so long in a run before."""
    source = Source(1_700_000_001, "before", 0, machine_class())
    samples = [Sample(f"checks/test_it.py::test_{name}", took_ms) for name in "abcdefgh"]
    history.learn(load(str(project / "pipeline.yml"), {}, project), timings.learned(source, samples))


def words(project: Path, server: str) -> List[str]:
    named = ["--settings", str(project / "pipeline.yml"), "--config", str(project / "continue.yml")]
    return ["continuation", *named, "--server", server, "--most", "4", "--start", "0"]


def test_it_goes_on_with_the_shards_that_pay(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(CONTINUATION_KEY, KEY)
    know(project, took_ms=60_000)
    with circleci((200, "{}")) as (server, told):
        code = main(words(project, server))
    said = "".join(capsys.readouterr())

    assert (0, 1) == (code, len(told)), said
    (path, kind, body) = told[0]
    assert ("/api/v2/pipeline/continue", "application/json") == (path, kind)
    assert {"continuation-key": KEY, "configuration": CONFIG, "parameters": {"shards": 4}} == body
    assert "4 of 1 to 4 shards" in said and "shards: 4" in said and KEY not in said


def test_where_nothing_is_known_the_config_says_how_many(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "checks" / "test_it.py").write_text("import nothing_of_this_name\n")
    monkeypatch.setenv(CONTINUATION_KEY, KEY)
    with circleci((200, "{}")) as (server, told):
        code = main(words(project, server))

    assert (0, [{}]) == (code, [body["parameters"] for _, _, body in told])
    assert "how many nodes pay cannot be said: " in capsys.readouterr().out


def test_a_refusal_is_told_in_its_own_words_and_not_asked_again() -> None:
    refusal = pytest.raises(PipelineError, match=r"HTTP 400: Conflicting pipeline parameters")
    with circleci((400, '{"message": "Conflicting pipeline parameters"}')) as (server, told), refusal as caught:
        continuation.go_on(server, continuation.body(KEY, "", {}))

    assert 1 == len(told)
    assert KEY not in str(caught.value)


def test_a_server_that_cannot_now_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    with circleci((503, "busy"), (200, "{}")) as (server, told):
        continuation.go_on(server, {}, pauses_s=(0,))

    assert 2 == len(told)
    assert "HTTP 503: busy; trying again" in capsys.readouterr().out


def test_nobody_there_is_an_error_after_the_last_try() -> None:
    with circleci() as (server, _):
        pass

    with pytest.raises(PipelineError, match="does not go on"):
        continuation.go_on(server, {}, pauses_s=(0,))


@pytest.mark.parametrize(
    "text, why",
    [
        ("setup: true\n" + CONFIG, "of a set-up workflow itself"),
        ("version: 2.1\n", "no parameter shards"),
        ("parameters: [shards]\n", "no parameter shards"),
        ("[", "cannot read"),
        ("\0", "cannot read"),
    ],
)
def test_a_config_that_cannot_be_gone_on_with_is_refused_before_anything_runs(
    tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "continue.yml").write_text(text)

    with pytest.raises(SettingsError, match=why):
        continuation.checked(tmp_path / "continue.yml")


def test_without_the_key_of_a_set_up_workflow_it_says_what_is_missing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(CONTINUATION_KEY, raising=False)

    assert 2 == main(words(project, "http://127.0.0.1:9"))
    assert "setup: true" in capsys.readouterr().err
