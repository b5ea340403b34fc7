from __future__ import annotations

import http.server
import json
import os
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, NamedTuple, Tuple

import pytest

from scripts.errors import PipelineError, ServiceDied, WarmUpFailed
from scripts.service import ports, readiness, warm_up
from scripts.service.asking import Answer, Target
from scripts.service.warm_up import Surroundings
from scripts.settings import Expected, Probe, WarmUp
from scripts.system import processes
from scripts.typed_yaml import Bytes, Seconds
from tests.unit.service.children import RUN, SOON_S, listener, marked, service

SHORT_S = Seconds(0.5)
EVENTS = {"Content-Type": "text/event-stream"}
COMPLETE, ERROR = b'event: complete\ndata: ["hi"]\n\n', b'event: error\ndata: {"error": null}\n\n'
HEARTBEAT = b"event: heartbeat\ndata: null\n\n"


class Request(NamedTuple):
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Reply = Callable[[Request], Tuple[int, Mapping[str, str], bytes]]


class Server:
    """A service in this process: what it was asked, and what it answers to each path."""

    def __init__(self, answers: Mapping[str, Any], goes_on: threading.Event) -> None:
        self.asked: List[Request] = []
        self._answers, self._goes_on = answers, goes_on
        self.target = Target("")

    def paths(self) -> List[str]:
        return [f"{request.method} {request.path}" for request in self.asked]

    def reply(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        self.asked.append(Request(handler.command, handler.path, dict(handler.headers), body))
        status, headers, content = self._answers.get(handler.path, (404, {}, b"no such path"))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)
        if headers.get("X-Then") == "goes on":
            self._goes_on.wait(SOON_S)


@contextmanager
def serving(answers: Mapping[str, Any]) -> Iterator[Server]:
    """A service whose answers are a status, headers and a body each; it hangs up after each answer."""
    goes_on = threading.Event()
    server = Server(answers, goes_on)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.reply(self)

        do_POST = do_PUT = do_GET

        def log_message(self, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}).start()
        server.target = Target(f"http://127.0.0.1:{listening.server_address[1]}")
        try:
            yield server
        finally:
            goes_on.set()
            listening.shutdown()


def around(folder: Path = Path(), **environ: str) -> Surroundings:
    return Surroundings(folder, folder, {**os.environ, **environ}, {"port": 80})


def failure(target: Target, *steps: WarmUp, folder: Path = Path()) -> PipelineError:
    with pytest.raises(PipelineError) as caught:
        warm_up.run(target, steps, around(folder))
    return caught.value


# One request


def test_json_is_posted_and_without_a_body_it_is_a_get() -> None:
    with serving({"/tts": (200, {}, b"RIFF"), "/voices": (200, {}, b"[]")}) as served:
        warm_up.run(served.target, [WarmUp("/tts", json={"text": "你好"}), WarmUp("/voices")], around())

    assert ["POST /tts", "GET /voices"] == served.paths()
    assert {"text": "你好"} == json.loads(served.asked[0].body)


def test_method_and_headers_are_as_they_are_said() -> None:
    with serving({"/x": (200, {}, b"ok")}) as served:
        warm_up.run(served.target, [WarmUp("/x", method="PUT", headers={"X-Key": "k"}, json=[])], around())

    assert ("PUT /x", "k") == (served.paths()[0], served.asked[0].headers["X-Key"])


def test_a_form_is_sent_as_a_form() -> None:
    with serving({"/x": (200, {}, b"ok")}) as served:
        warm_up.run(served.target, [WarmUp("/x", form={"text": "a b"})], around())

    assert ("POST", b"text=a+b") == (served.asked[0].method, served.asked[0].body)


def test_files_are_sent_with_the_form_as_multipart_with_name_and_type(tmp_path: Path) -> None:
    (tmp_path / "hello.wav").write_bytes(b"RIFF\x00\xff")
    with serving({"/asr": (200, {}, b'{"text": "hello"}')}) as served:
        step = WarmUp("/asr", files={"audio": "hello.wav"}, form={"language": "en"})
        warm_up.run(served.target, [step], around(tmp_path))

    body = served.asked[0].body
    assert served.asked[0].headers["Content-Type"].startswith("multipart/form-data")
    assert b'name="audio"; filename="hello.wav"\r\nContent-Type: audio/' in body
    assert b"RIFF\x00\xff" in body
    assert b'name="language"\r\n\r\nen' in body


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    error = failure(Target("http://127.0.0.1:1"), WarmUp("/asr", files={"audio": "gone.wav"}), folder=tmp_path)

    assert isinstance(error, WarmUpFailed)
    assert f"cannot send {tmp_path / 'gone.wav'}: No such file" in error.message


def test_what_is_expected_is_judged_and_told_with_step_and_request() -> None:
    with serving({"/a": (200, {}, b"ok"), "/ocr": (200, {}, b'{"lines": []}')}) as served:
        expected = Expected(json={"lines.0": "hello"}, size_bytes=Bytes(5))
        error = failure(served.target, WarmUp("/a"), WarmUp("/ocr", json={}, expect=expected))

    assert isinstance(error, WarmUpFailed)
    assert error.message.startswith(
        f"the service is ready but cannot work: step 2 of 2 of the warm-up, POST {served.target.url}/ocr answered "
        "200 OK with no field lines.0 in its JSON, expected"
    )
    assert '{"lines": []}' in error.message


def test_a_step_that_fails_is_the_last() -> None:
    with serving({"/b": (200, {}, b"ok")}) as served:
        failure(served.target, WarmUp("/a"), WarmUp("/b"))

    assert ["GET /a"] == served.paths()


def test_a_warm_up_that_takes_too_long_fails() -> None:
    with listener() as port:
        error = failure(Target(f"http://127.0.0.1:{port}"), WarmUp("/tts", json={}, timeout_s=SHORT_S))

    assert isinstance(error, WarmUpFailed)
    assert "did not answer" in error.message
    assert "service.warm_up" in error.hint


@pytest.mark.parametrize(
    "answer, wrong",
    [
        (Answer(200, b"RIFF"), ""),
        (Answer(200, b'{"error": null, "text": "hi"}'), ""),
        (Answer(200, b'{"error": "no model"}'), 'answered 200 OK, but with an error: {"error": "no model"}'),
        (Answer(200, b'{"error": null}'), 'answered 200 OK, but with an error: {"error": null}'),
        (Answer(204, b""), "answered 204 No Content with an empty body"),
        (Answer(302, b""), "answered 302 Found, expected 2xx: (empty body)"),
        (Answer(500, b"RIFF\x00\x01"), "answered 500 Internal Server Error, expected 2xx: (6 bytes that are no text)"),
        (Answer(599, "没有".encode()), "answered 599, expected 2xx: 没有"),
        (Answer(200, HEARTBEAT + ERROR, headers=EVENTS), 'answered with event: error data: {"error": null}'),
        (Answer(200, HEARTBEAT + COMPLETE, headers=EVENTS), ""),
        (Answer(200, b"the words event: error"), ""),
        (Answer(problem="closed the connection"), "closed the connection"),
    ],
)
def test_what_is_wrong_with_an_answer_of_which_nothing_is_expected(answer: Answer, wrong: str) -> None:
    assert wrong == warm_up.wrong_with(answer, Expected())


LOGIN = Answer(200, b"<form><input type=password></form>Log in", headers={"Content-Type": "text/html; charset=utf-8"})


@pytest.mark.parametrize(
    "answer, sends, right",
    [
        (LOGIN, False, False),
        (LOGIN._replace(body=b"<p>Gradio</p>"), False, True),
        (LOGIN._replace(body=b"<p>Gradio</p>"), True, False),  # a page for whatever is asked, not what was asked for
        (LOGIN._replace(body=b"RIFF\x00\x01WAVE"), True, True),  # Flask calls whatever a handler returns text/html
        (LOGIN._replace(body=b"hello"), True, True),
        (Answer(200, b'{"success": false, "message": "no model"}'), True, False),
    ],
)
def test_a_page_is_no_answer_to_what_was_sent_nor_one_that_wants_a_password(
    answer: Answer, sends: bool, right: bool
) -> None:
    assert right is (not warm_up.wrong_with(answer, Expected(), sends))
    assert "" == warm_up.wrong_with(answer, Expected(status=200), sends)


def test_who_says_what_is_expected_accepts_what_else_would_be_wrong() -> None:
    assert "" == warm_up.wrong_with(Answer(204, b""), Expected(status=204))
    assert "" == warm_up.wrong_with(Answer(200, b'{"error": "busy"}'), Expected(json={"error": "busy"}))


# What one answer says, the next request uses


def test_kept_values_are_used_in_path_headers_form_and_json() -> None:
    made = b'{"id": "a b/c", "data": [{"n": 7}], "token": "t"}'
    answers = {"/made": (200, {}, made), "/of/a%20b/c": (200, {}, b"ok"), "/form": (200, {}, b"ok")}
    steps = [
        WarmUp("/made", keep={"id": "id", "first": "data.0", "token": "token"}),
        WarmUp("/of/{id}", headers={"X-Token": "Bearer {token}"}, json={"in": "{first}", "text": "{id} {other} {}"}),
        WarmUp("/form", form={"first": "{first}"}),
    ]
    with serving(answers) as served:
        warm_up.run(served.target, steps, around())

    _, used, form = served.asked
    assert "Bearer t" == used.headers["X-Token"]
    assert {"in": {"n": 7}, "text": "a b/c {other} {}"} == json.loads(used.body)
    assert b"first=%7B%22n%22%3A+7%7D" == form.body


def test_a_field_that_is_not_there_cannot_be_kept() -> None:
    with serving({"/made": (200, {}, b'{"ids": []}')}) as served:
        error = failure(served.target, WarmUp("/made", keep={"id": "ids.0"}), WarmUp("/of/{id}"))

    assert 'answered with no field ids.0, which id is to be kept of: {"ids": []}' in error.message


# A Gradio queue: POST says that the call was accepted, a stream of events how it went


def gradio(*events: bytes, then: str = "") -> Mapping[str, Any]:
    headers = {**EVENTS, "X-Then": then}
    return {"/call/f": (200, {}, b'{"event_id": "5f"}'), "/call/f/5f": (200, headers, b"".join(events))}


TWO_STEPS = (
    WarmUp("/call/f", json={"data": []}, keep={"event": "event_id"}, timeout_s=Seconds(SOON_S)),
    WarmUp("/call/f/{event}", expect=Expected(text="event: complete"), timeout_s=Seconds(SOON_S)),
)


@pytest.mark.parametrize(
    "path, body, followed",
    [
        ("/gradio_api/call/v2/f/", b'{"event_id": "a/b"}', "/gradio_api/call/v2/f/a%2Fb"),
        ("/queue/join", b'{"event_id": "5f"}', ""),
        ("/call/f", b'{"event_id": "5f", "data": []}', ""),
        ("/call/f", b'{"event_id": 5}', ""),
        ("/call/f", b"[]", ""),
    ],
)
def test_what_is_taken_for_a_queued_call(path: str, body: bytes, followed: str) -> None:
    assert followed == warm_up.gradio_event(path, Answer(200, body))


@pytest.mark.parametrize("steps", [TWO_STEPS, (WarmUp("/call/f", json={"data": []}),)])
def test_a_call_that_completes_is_warm_and_is_read_once(steps: Tuple[WarmUp, ...]) -> None:
    with serving(gradio(HEARTBEAT, COMPLETE)) as served:
        warm_up.run(served.target, steps, around())

    assert ["POST /call/f", "GET /call/f/5f"] == served.paths()


@pytest.mark.parametrize("steps", [TWO_STEPS, (WarmUp("/call/f", json={"data": []}, timeout_s=Seconds(SOON_S)),)])
def test_a_call_that_fails_is_told_though_the_stream_goes_on(steps: Tuple[WarmUp, ...]) -> None:
    began = time.monotonic()
    with serving(gradio(ERROR, then="goes on")) as served:
        error = failure(served.target, *steps)

    assert isinstance(error, WarmUpFailed)
    assert f"GET {served.target.url}/call/f/5f answered" in error.message
    assert 'event: error data: {"error": null}' in error.message
    assert time.monotonic() - began < SOON_S


def test_the_expected_event_ends_the_wait_though_the_stream_goes_on() -> None:
    began = time.monotonic()
    with serving(gradio(HEARTBEAT, COMPLETE, then="goes on")) as served:
        warm_up.run(served.target, TWO_STEPS, around())

    assert time.monotonic() - began < SOON_S


def test_a_stream_that_ends_without_either_is_no_success() -> None:
    with serving(gradio(HEARTBEAT)) as served:
        error = failure(served.target, WarmUp("/call/f", json={"data": []}))

    assert "event: heartbeat" in error.message


def test_a_stream_that_never_ends_ends_with_the_timeout() -> None:
    with serving(gradio(HEARTBEAT, then="goes on")) as served:
        error = failure(served.target, WarmUp("/call/f", json={"data": []}, timeout_s=SHORT_S))

    assert "did not answer in time, or not to the end" in error.message


@pytest.mark.parametrize(
    "expected, body, enough",
    [
        (Expected(), HEARTBEAT, False),
        (Expected(), COMPLETE, False),
        (Expected(text="event: complete"), COMPLETE[:-1], False),
        (Expected(text="event: complete"), COMPLETE, True),
        (Expected(text="event: complete"), COMPLETE.replace(b"\n", b"\r\n"), True),
        (Expected(text="event: complete"), ERROR[:-1], False),
        (Expected(text="event: complete"), HEARTBEAT + ERROR, True),
        (Expected(text="event: complete"), b"data: event: error\n\n", False),
    ],
)
def test_how_far_a_stream_is_read(expected: Expected, body: bytes, enough: bool) -> None:
    assert enough == warm_up.is_enough(expected, body)


# A command


def command(code: str, timeout_s: float = SOON_S) -> WarmUp:
    return WarmUp(command=(sys.executable, "-c", code), timeout_s=Seconds(timeout_s))


def test_a_command_is_told_the_url_in_its_folder_and_the_services_environment(tmp_path: Path) -> None:
    code = "import os; open('said', 'w').write(os.environ['SERVICE_URL'] + os.environ['KEY'])"
    warm_up.run(Target("http://h:1"), [command(code)], around(tmp_path, KEY="k"))

    assert "http://h:1k" == (tmp_path / "said").read_text()


def test_a_command_that_fails_is_told_with_its_last_lines_and_exit_code() -> None:
    error = failure(Target("http://h:1"), command("print('no voice'); raise SystemExit(3)"))

    assert isinstance(error, WarmUpFailed)
    assert "cannot work: the warm-up " in error.message
    assert "ended with 3, expected exit code 0\n  | it printed last:\n  | no voice" in error.message


def test_a_command_that_hangs_or_is_not_there_fails() -> None:
    hung = failure(Target("http://h:1"), command("import time; time.sleep(60)", 0.3))
    missing = failure(Target("http://h:1"), WarmUp(command=("/no/such/program",)))

    assert "timed out after 0.3 s" in hung.message
    assert "/no/such/program cannot be started: No such file" in missing.message


def test_placeholders_of_a_command_are_filled_in(tmp_path: Path) -> None:
    step = WarmUp(command=(sys.executable, "-c", "import sys; open('said', 'w').write(sys.argv[1])", "{port} {{}}"))
    warm_up.run(Target("http://h:80"), [step], around(tmp_path))

    assert "80 {}" == (tmp_path / "said").read_text()


# A service of ours that cannot work, or dies


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[[str], Target]]:
    """Start a service's code as a process of ours."""
    running: List[processes.Process] = []

    def start(code: str) -> Target:
        port = ports.free_port()
        argv = [sys.executable, "-S", "-u", "-c", code, str(port)]
        running.append(processes.start(argv, tmp_path, os.environ, RUN, tmp_path / "service.log"))
        return Target(f"http://127.0.0.1:{port}", running[-1])

    yield start
    for process in running:
        process.stop(0.0)
    assert [] == marked(RUN)


def test_a_service_that_is_ready_but_cannot_work_is_told_with_its_last_words(started: Callable[[str], Target]) -> None:
    code = """
        def reply(path, received):
            if path == "/ocr":
                print("ModuleNotFoundError: No module named 'onnxruntime'")
            return (500, b"no " * 1000) if path == "/ocr" else (200, b"fine")
        serve()
    """
    target = started(service(code))
    readiness.wait_until_ready(target, Probe("/health", Seconds(SOON_S)))
    error = failure(target, WarmUp("/ocr", json={}))

    assert isinstance(error, WarmUpFailed)
    assert "/ocr answered 500 Internal Server Error, expected 2xx: no no" in error.message
    assert error.message.endswith("  | ModuleNotFoundError: No module named 'onnxruntime'")
    assert "no " * 101 not in error.message


@pytest.mark.parametrize("end", ["os._exit(4)", "os.kill(os.getpid(), signal.SIGSEGV); time.sleep(60)"])
def test_a_death_in_the_warm_up_is_a_death(started: Callable[[str], Target], end: str) -> None:
    code = f"""
        def reply(path, received):
            if path == "/tts":
                {end}
            return 200, b"fine"
        serve()
    """
    target = started(service(code))
    readiness.wait_until_ready(target, Probe("/health", Seconds(SOON_S)))
    error = failure(target, WarmUp("/tts", json={}))

    assert isinstance(error, ServiceDied)
    assert "during the warm-up" in error.message


@pytest.mark.parametrize("step", [WarmUp("/tts", timeout_s=Seconds(60)), command("import time; time.sleep(60)", 60)])
def test_a_death_that_a_hanging_step_hides_is_told_at_once(started: Callable[[str], Target], step: WarmUp) -> None:
    with listener() as port:
        target = started("import time; time.sleep(0.3); raise SystemExit(3)")
        error = failure(target._replace(url=f"http://127.0.0.1:{port}"), step)

    assert isinstance(error, ServiceDied)
    assert "exit code 3" in error.message
    assert target.process is not None
    assert target.process.age_s() < SOON_S
