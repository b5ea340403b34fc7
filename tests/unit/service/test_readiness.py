from __future__ import annotations

import os
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Iterator, List

import pytest

from scripts.errors import PipelineError, PortInUse, ServiceDied, ServiceNotReady
from scripts.service import asking, ports, readiness
from scripts.service.asking import Target
from scripts.settings import Probe
from scripts.system import processes
from scripts.typed_yaml import Seconds
from tests.unit.service.children import READY, RUN, SLEEP, SOON_S, listener, marked, service

PROBE = Probe("/health", Seconds(SOON_S))
SHORT_S = Seconds(0.6)
SHORT = Probe("/health", SHORT_S)


class Starter:
    """Starts a service's code as a process of ours and says where it should answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: List[processes.Process] = []

    def __call__(self, code: str) -> Target:
        port = ports.free_port()
        argv = [sys.executable, "-u", "-c", code, str(port)]
        self.started.append(processes.start(argv, self.folder, os.environ, RUN, self.folder / "service.log"))
        return Target(f"http://127.0.0.1:{port}", self.started[-1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    for started in starter.started:
        started.stop(0.0)
    assert [] == marked(RUN)


def ready_error(target: Target, probe: Probe = PROBE) -> PipelineError:
    with pytest.raises(PipelineError) as caught:
        readiness.wait_until_ready(target, probe)
    return caught.value


def test_a_service_that_answers_200_is_ready(start: Starter) -> None:
    assert 0 < readiness.wait_until_ready(start(service(READY)), PROBE) < SOON_S


def test_a_service_that_says_503_is_not_ready_yet(start: Starter, tmp_path: Path) -> None:
    code = """
        asked = []
        def reply(path, received):
            asked.append(path)
            open("asked", "w").write(str(len(asked)))
            return (503, b"loading") if len(asked) < 3 else (200, b"")
        serve()
    """
    readiness.wait_until_ready(start(service(code)), PROBE)

    assert "3" == (tmp_path / "asked").read_text()


def test_a_redirect_is_not_ready(start: Starter) -> None:
    target = start(service("def reply(path, received): return (200 if path == '/health' else 302), b''\nserve()"))
    readiness.wait_until_ready(target, PROBE)

    assert "it answered 302 Found, expected 200 OK" in ready_error(Target(target.url), Probe("/", SHORT_S)).message


def test_a_death_is_reported_long_before_the_time_is_over(start: Starter) -> None:
    target = start("import sys, time; time.sleep(0.3); sys.exit(3)")
    began = time.monotonic()
    error = ready_error(target, Probe("/", Seconds(60)))

    assert isinstance(error, ServiceDied)
    assert time.monotonic() - began < SOON_S


def test_a_death_is_told_with_its_code_and_the_last_words(start: Starter) -> None:
    target = start("import sys, time; print('loading'); time.sleep(0.3); sys.exit('no weights')")
    error = ready_error(target)

    assert "ended with exit code 1 after" in error.message
    assert error.message.endswith("  | loading\n  | no weights")


def test_the_last_words_cannot_steer_the_terminal(start: Starter) -> None:
    error = ready_error(start(r"print('\x1b[31mno \x1b]52;c;cm0=\x07weights\x9b0m'); raise SystemExit(3)"))

    assert error.message.endswith(r"  | no \x1b]52;c;cm0=\x07weights")


def test_a_death_without_words_says_so(start: Starter) -> None:
    assert ready_error(start("raise SystemExit(3)")).message.endswith("(it wrote nothing)")


def test_only_the_last_20_lines_are_told(start: Starter) -> None:
    lines = ready_error(start("for i in range(30): print(i)\nraise SystemExit(3)")).message.splitlines()

    assert (["  | 10", "  | 29"], 20) == ([lines[2], lines[-1]], len(lines[2:]))


def test_a_kill_from_outside_hints_at_memory(start: Starter) -> None:
    error = ready_error(start("import os; os.kill(os.getpid(), 9)"))

    assert "signal SIGKILL (9)" in error.message
    assert "memory" in error.hint


def test_a_service_that_goes_to_the_background_is_told_to_stay(start: Starter) -> None:
    assert "foreground" in ready_error(start("pass")).hint


def test_the_hint_names_the_log(start: Starter, tmp_path: Path) -> None:
    assert str(tmp_path / "service.log") in ready_error(start("raise SystemExit(3)")).hint


def test_a_service_that_never_listens_is_not_ready_in_time(start: Starter) -> None:
    error = ready_error(start("print('loading')\n" + SLEEP), SHORT)

    assert isinstance(error, ServiceNotReady)
    assert "was not ready within 0.6 s: it refused the connection: nothing listens there" in error.message
    assert error.message.endswith("  | loading")
    assert "service.ready.timeout" in error.hint


def test_a_service_that_accepts_but_never_answers_is_not_ready() -> None:
    with listener() as port:
        error = ready_error(Target(f"http://127.0.0.1:{port}"), Probe("/", Seconds(1.2)))

    assert isinstance(error, ServiceNotReady)
    assert "it accepted the connection but did not answer" in error.message


def test_a_service_that_hangs_up_is_not_ready() -> None:
    with answering(b"") as port:
        error = ready_error(Target(f"http://127.0.0.1:{port}"), SHORT)

    assert "it closed the connection without an answer" in error.message


def test_a_probe_that_hangs_does_not_hide_a_death(start: Starter) -> None:
    # The listener outlives the service and never answers, so that only the process tells of the death.
    with listener() as port:
        target = start("import time; time.sleep(0.3); raise SystemExit(3)")
        error = ready_error(target._replace(url=f"http://127.0.0.1:{port}"), Probe("/", Seconds(60)))

    assert isinstance(error, ServiceDied)
    assert target.process is not None
    assert target.process.age_s() < SOON_S


def test_an_answer_that_drips_does_not_hold_up_the_end_of_the_time(start: Starter) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b".") as port:
        began = time.monotonic()
        error = ready_error(Target(f"http://127.0.0.1:{port}"), SHORT)

    assert isinstance(error, ServiceNotReady)
    assert time.monotonic() - began < SOON_S


def test_another_service_on_the_port_is_not_taken_for_ours(start: Starter) -> None:
    target = start(service("""def reply(path, received): return 200, b'{"run_id": "another"}'\nserve()"""))

    assert isinstance(ready_error(target), PortInUse)


def test_a_service_that_says_our_run_id_is_ours(start: Starter) -> None:
    code = """
        def reply(path, received): return 200, json.dumps({"run_id": os.environ["SHARDLINE_RUN_ID"]}).encode()
        serve()
    """
    assert readiness.wait_until_ready(start(service(code)), PROBE)


@pytest.mark.parametrize("body", [b"", b"fine", b"[]", b'{"run_id": null}', b'{"run_id": 7}', b"\xff\xfe"])
def test_a_body_without_a_run_id_is_nobody_elses(body: bytes) -> None:
    assert not readiness.is_foreign(body, "ours")


def test_a_proxy_of_the_environment_does_not_capture_loopback(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)

    assert readiness.wait_until_ready(start(service(READY)), PROBE)


def test_a_service_of_others_that_does_not_answer_is_named_by_its_setting() -> None:
    target = Target(f"http://127.0.0.1:{ports.free_port()}", setting="SERVICE_URL")
    error = ready_error(target, SHORT)

    assert isinstance(error, ServiceNotReady)
    assert "SERVICE_URL" in error.hint


def test_a_url_that_nobody_can_ask_is_an_answer_too() -> None:
    error = ready_error(Target("http://127.0.0.1:99999"), SHORT)

    assert "it could not be asked" in error.message


@pytest.mark.parametrize("waited_s, expected", [(0.0, 0.05), (4.0, 0.2), (100.0, 0.5)])
def test_probes_grow_rarer(waited_s: float, expected: float) -> None:
    assert expected == readiness.pause_s(waited_s)


def test_a_body_cannot_steer_the_terminal_or_add_lines() -> None:
    body = b"\x1b[31mno model\x1b[0m\r\n\x1b]0;owned\x07ended: green"

    assert r"no model \x1b]0;owned\x07ended: green" == asking.body_words(body)


def test_a_long_body_of_wide_characters_is_cut_between_them() -> None:
    assert "好" * 300 == asking.body_words("好".encode() * 5000)


@contextmanager
def answering(first: bytes, drip: bytes = b"") -> Iterator[int]:
    """A port whose every answer begins with `first`; then it hangs up, or goes on and on with `drip`."""
    over = threading.Event()

    def answer() -> None:
        while not over.is_set():
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(4096)
                connection.sendall(first)
                while drip and not over.wait(0.1):
                    connection.sendall(drip)

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        port = server.getsockname()[1]
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield port
        finally:
            over.set()
            socket.create_connection(("127.0.0.1", port)).close()  # wakes the accept
            thread.join()


def test_a_password_in_the_url_is_not_shown() -> None:
    assert "http://host:80/health" == Target("http://me:secret@host:80").shown("/health")
