"""The fixtures that a suite can use, in real pytest processes, against a service on this machine."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple

import pytest

from scripts.proof.journal import parse
from scripts.runner import plugin_loader
from scripts.runner.plugin_loader import Order
from scripts.runner.shardline_pytest import request_evidence
from scripts.runner.shardline_pytest.exchange import BODY_BYTES, Exchange, Request, body_of
from scripts.runner.shardline_pytest.http_clients import watch_requests
from scripts.runner.shardline_pytest.request_evidence import Evidence
from scripts.runner.shardline_pytest.service_requests import MOST_SEEN, ServiceRequests
from tests.unit.compiled import compiled_plugin

PYTHON = os.environ.get("PYTHON_OF_SUITES", sys.executable)  # another one, to try the plugin with its pytest
SECRET = "sk-hunter2"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers /tts with sound, /moved with a redirect to it, /closed with nothing, and fails at anything else."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        if path == "/closed":
            return
        status = {"/tts": 200, "/moved": 307}.get(path, 500)
        body, kind = (
            (b"RIFF\x00\xff", "audio/wav") if path == "/tts" else (b'{"error": "no model"}', "application/json")
        )
        self.send_response(status)
        self.send_header("Location", "/tts") if status == 307 else None
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Run(NamedTuple):
    status: int
    out: str
    requests: List[Dict[str, Any]]
    artifacts: Path

    def kept(self) -> Dict[str, bytes]:
        files = sorted(path for path in self.artifacts.rglob("*") if path.is_file())
        return {path.relative_to(self.artifacts).as_posix(): path.read_bytes() for path in files}


def run(folder: Path, files: Dict[str, str], *arguments: str, before: List[str] = [], **more: str) -> Run:  # noqa: B006
    """Run a suite as a round of a shard is run."""
    shard, suite = folder / "shard-0", folder / "suite"
    suite.mkdir()
    for name, text in files.items():
        (suite / name).write_text(textwrap.dedent(text), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environ.update(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", SHARDLINE_ARTIFACTS=str(shard / "artifacts"), **more)
    shard.mkdir()
    words = [PYTHON, "-m", "pytest", *before, *plugin_loader.ARGUMENTS, "-q", "-p", "no:cacheprovider", *arguments]
    with compiled_plugin(folder / "plugin"):
        environ = plugin_loader.variables(environ, folder / "plugin", Order(shard / "journal.jsonl", "5f3a"))
        done = subprocess.run(words, cwd=str(suite), env=environ, stdout=subprocess.PIPE, text=True, timeout=120)
    print(done.stdout)
    record = shard / "requests.jsonl"
    lines = record.read_text().splitlines() if record.exists() else []
    return Run(done.returncode, done.stdout, list(map(json.loads, lines)), shard / "artifacts")


SUITE = """
    import os, threading
    import pytest, requests

    KEY = {"Authorization": "Bearer sk-hunter2"}

    def test_where(service, service_url):
        assert os.environ["SERVICE_URL"] == service.url + "/" == service_url + "/"
        assert (service.pid, service.log.name) == (7, "service.log")
        assert service.urls == {"my_asr": "http://127.0.0.1:9"}

    def test_speaks(service_url, service_requests):
        requests.post(service_url + "/tts?key=sk-hunter2", json={"text": "hi"}, headers=KEY)
        assert [str(each).partition(" in ")[0] for each in service_requests.seen] == ["POST /tts -> 200"]

    def test_fails(service_url):
        answer = requests.post(service_url + "/other", json={"text": "hi"}, headers=KEY)
        with pytest.raises(requests.ConnectionError):
            requests.get(service_url.replace("127.0.0.1", "localhost") + "/closed")
        assert requests.get(service_url + "/moved").content == b"RIFF\\x00\\xff"
        assert answer.status_code == 200

    def test_others(service_url, service_requests):
        with pytest.raises(requests.ConnectionError):
            requests.get("http://127.0.0.1:1/elsewhere")
        service_requests.note("CALL", "grpc://h/Speak", 0, 2.5, b"abc", None)
        asking = threading.Thread(target=requests.get, args=[service_url + "/tts"])
        asking.start()
        asking.join()
"""


# What service_fixtures.py advises.
WHERE_IT_IS = """
    import pytest

    @pytest.fixture(autouse=True)
    def recorded(request):
        if request.config.pluginmanager.hasplugin("shardline_pytest"):
            request.getfixturevalue("service_requests")
"""


def test_what_a_suite_asks_is_recorded_and_of_a_failed_test_the_bodies_are_kept(tmp_path: Path, url: str) -> None:
    service = {"SERVICE_URL": f"{url}/", "SERVICE_PID": "7", "SERVICE_LOG": "/r/service.log"}
    done = run(
        tmp_path, {"conftest.py": WHERE_IT_IS, "test_it.py": SUITE}, **service, SERVICE_MY_ASR_URL="http://127.0.0.1:9"
    )

    told = [(each["test"][12:], each["method"], each["path"], each.get("status")) for each in done.requests]
    assert [
        ("test_speaks", "POST", "/tts", 200),
        ("test_fails", "POST", "/other", 500),
        ("test_fails", "GET", "/closed", None),
        ("test_fails", "GET", "/tts", 200),
        ("test_fails", "GET", "/moved", 307),
        ("test_others", "CALL", "/Speak", 0),
        ("test_others", "GET", "/tts", 200),
    ] == told
    assert (14, 6) == (done.requests[0]["sent"], done.requests[0]["received"])
    assert "ConnectionError" == done.requests[2]["error"]
    assert all(each["ms"] > 0 and each["t"] > 1e9 for each in done.requests)

    folder = "requests/test_it.py-test_fails"
    kept = done.kept()
    assert b'{"text": "hi"}' == kept[f"{folder}/001-POST-other.sent.json"]
    assert b'{"error": "no model"}' == kept[f"{folder}/001-POST-other.got.json"]
    assert b"RIFF\x00\xff" == kept[f"{folder}/003-GET-tts.got.wav"]
    assert {folder} == {name.rpartition("/")[0] for name in kept}
    assert SECRET not in (tmp_path / "shard-0" / "requests.jsonl").read_text()
    assert not any(SECRET.encode() in content for content in kept.values())

    assert (1, True) == (done.status, "1 failed, 3 passed" in done.out)
    assert "requests to the service" in done.out
    assert "POST /other -> 500 in " in done.out


OWN = """
    import pytest

    @pytest.fixture
    def service(service_url):
        return f"own {service_url}"
"""
FOREIGN = """
    import pytest

    @pytest.fixture
    def service_url():
        return "foreign"
"""
USES = """
    import pytest

    def test_own(service):
        assert service == "own foreign"

    @pytest.mark.parametrize("service_requests", ["b", "a"])
    def test_parameter(service_requests):
        assert service_requests in "ab"

    def pytest_generate_tests(metafunc):
        if "service" in metafunc.fixturenames and metafunc.function.__name__ == "test_generated":
            metafunc.parametrize("service", ["d", "c"])

    def test_generated(service):
        assert service in "cd"
"""


def test_a_suites_own_fixtures_and_parameters_come_first_and_its_tests_stay_as_they_are(tmp_path: Path) -> None:
    files = {"conftest.py": OWN, "foreign.py": FOREIGN, "test_it.py": USES}
    before = ["-p", "foreign"]  # named before our plugin; pytest takes what was registered last
    done = run(tmp_path, files, "-vv", before=before, PYTHONPATH=str(tmp_path / "suite"), SERVICE_URL="http://h")

    tests = ["own", "parameter[b]", "parameter[a]", "generated[d]", "generated[c]"]
    assert [f"test_it.py::test_{name} PASSED" for name in tests] == [
        line.partition(" [")[0].rstrip() for line in done.out.splitlines() if line.startswith("test_it.py::")
    ]
    assert 0 == done.status


HTTPX = """
    class Message:
        def __init__(self, url, body, request=None):
            self.url, self._content, self.headers, self.history = url, body, {}, []
            self.method, self.status_code, self.request = "POST", 200, request

    class Client:
        def send(self, request, stream=False):
            return Message(request.url, b"answer", request)

    class AsyncClient:
        async def send(self, request, stream=False):
            raise OSError("gone")
"""
USES_HTTPX = """
    import asyncio, httpx, pytest

    def test_it(service_requests):
        assert httpx.Client().send(httpx.Message("http://h/a", b"abc"), stream=True)._content == b"answer"
        with pytest.raises(OSError):
            asyncio.run(httpx.AsyncClient().send(httpx.Message("http://h/b", b"")))
"""


def test_clients_of_httpx_are_recorded_too(tmp_path: Path) -> None:
    done = run(tmp_path, {"httpx.py": HTTPX, "test_it.py": USES_HTTPX}, SERVICE_URL="http://h")

    told = [[each.get(name) for name in ("path", "status", "sent", "received", "error")] for each in done.requests]
    assert [["/a", 200, 3, 6, None], ["/b", None, 0, None, "OSError"]] == told
    assert 0 == done.status


def test_without_a_service_a_test_that_asks_for_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, {"test_it.py": "def test_it(service_url): pass\ndef test_other(): pass"})

    assert "no service: SERVICE_URL is not set, and pipeline.yml starts none" in done.out
    assert "1 passed, 1 error" in done.out


WRITES = """
    import pytest

    @pytest.fixture
    def later(service):
        yield
        with service.log.open("ab") as log:
            log.write(b"in teardown\\n")
        assert False

    @pytest.mark.parametrize("number, status", [(1, 200), (2, 500), (3, 200)])
    def test_it(service, number, status, request):
        with service.log.open("ab") as log:
            log.write(b'"GET /health HTTP/1.1" 200\\n\\x1b[31mKeyError: %d\\xff\\x1b[0m\\n' % number)
        request.getfixturevalue("later") if number == 3 else None
        assert status == 200, "first\\nsecond"
"""


def test_with_a_failed_test_is_shown_what_the_service_wrote_meanwhile(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text("before\n")
    done = run(tmp_path, {"test_it.py": WRITES}, SERVICE_URL="http://h", SERVICE_LOG=str(log))

    shown = done.out.split(f" service log meanwhile: {log} ")[1:]
    assert [["KeyError: 3\ufffd", "in teardown"], ["KeyError: 2\ufffd"]] == [
        [line for line in text.splitlines()[1:] if line.startswith(("KeyError", "in ", "before", '"GET'))]
        for text in shown
    ]
    assert "1 failed, 2 passed, 1 error" in done.out
    ends = parse((tmp_path / "shard-0" / "journal.jsonl").read_bytes(), "5f3a").events
    assert [
        "AssertionError: first; the service: KeyError: 2\ufffd",
        "assert False; the service: KeyError: 3\ufffd",
    ] == [end["message"].splitlines()[0] for end in ends if end.get("outcome") == "failed"]


# In this process


def exchange(path: str = "/a", body: bytes = b"body") -> Exchange:
    return Exchange(Request("POST", path, 200, 1.0), body_of(body, "text/plain"), body_of(b"", ""), lambda: None)


def test_a_body_is_cut_and_a_shard_keeps_so_much_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_evidence, "SHARD_BYTES", BODY_BYTES + 1000)
    bodies = [b"x" * (BODY_BYTES + 1), b"x" * 2000]
    Evidence(str(tmp_path)).keep("a", [exchange(body=body) for body in bodies])
    kept = [path.stat().st_size for path in tmp_path.rglob("*.sent.txt")]
    Evidence(str(tmp_path)).keep("b", [exchange(body=b"x" * 2000)])  # a later round counts what is there

    assert [BODY_BYTES] == kept == [path.stat().st_size for path in tmp_path.rglob("*.sent.txt")]


def test_each_attempt_of_a_test_keeps_its_own_and_names_are_files(tmp_path: Path) -> None:
    evidence = Evidence(str(tmp_path))
    folders = [Path(evidence.keep(name, [exchange("/../x y")])) for name in ("a[../b c]", "a[../b c]", "a[../b/c]")]

    assert 3 == len(set(folders))
    assert {tmp_path} == {folder.parent for folder in folders}
    assert all(len(list(folder.iterdir())) == 2 for folder in folders)


def test_of_many_requests_the_latest_are_held() -> None:
    recorder = ServiceRequests(["http://h"], None, None)
    for number in range(MOST_SEEN + 5):
        recorder.note("GET", f"http://h/{number}", 200, 1.0)

    assert (MOST_SEEN, "/5") == (len(recorder.seen), recorder.seen[0].path)


def test_what_records_goes_away_unless_somebody_has_come_on_top(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    before = requests.Session.send
    monkeypatch.setattr(requests.Session, "send", before)
    with ServiceRequests([url], None, None):
        assert before is not requests.Session.send
    assert before is requests.Session.send

    recorder = ServiceRequests([url], None, None)
    (undo,) = watch_requests(recorder)
    on_top = lambda self, request, **options: "on top"  # noqa: E731
    requests.Session.send = on_top  # type: ignore[method-assign,assignment]
    undo()
    assert on_top is requests.Session.send
