from __future__ import annotations

import os
import re
import socket
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Iterator, List

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import PipelineError, PortInUse, ServiceDied, ServiceNotReady, SettingsError
from scripts.service import asking, ports, readiness
from scripts.service.asking import Target
from scripts.settings import Probe
from scripts.settings.service import Expected
from scripts.system import processes
from scripts.typed_yaml import Seconds
from tests.unit.service.children import READY, RUN, SLEEP, SOON_S, listener, marked, service

PROBE = Probe("/health", Seconds(SOON_S))
SHORT_S = Seconds(0.6)
TO_ASK_S = Seconds(2)  # to ask at all takes a busy machine one, the first time
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


def test_an_answer_is_ready_when_it_is_the_expected_one(start: Starter) -> None:
    code = """
        asked = []
        def reply(path, received):
            asked.append(path)
            return 202, json.dumps({"model": {"loaded": len(asked) > 2}}).encode()
        serve()
    """
    target = start(service(code))
    wrong, right = Expected(json={"model.loaded": True}), Expected(status=202, json={"model.loaded": True})

    assert readiness.wait_until_ready(target, Probe("/health", PROBE.timeout_s, right))
    assert target.process
    to_ask_s = Seconds(target.process.age_s() + TO_ASK_S)  # counted from its start, which is past
    assert (
        "it answered 202 Accepted, expected 200 OK: {" in ready_error(target, Probe("/health", to_ask_s, wrong)).message
    )


def test_why_it_is_not_ready_is_shown_and_not_our_probes(start: Starter) -> None:
    code = """
        del Handler.log_message
        print("no checkpoint")
        def reply(path, received): return 503, b"model not loaded"
        serve()
    """
    error = ready_error(start(service(code)), Probe("/health", Seconds(3)))  # to be up at all takes a busy machine one

    assert "it answered 503 Service Unavailable, expected 200 OK: model not loaded" in error.message
    assert "of our own probes left out):\n  | no checkpoint" in error.message
    assert error.message.endswith("  | no checkpoint")


def test_where_it_listens_instead_is_told(start: Starter) -> None:
    code = """
        import socket, subprocess, sys
        listener = socket.create_server(("127.0.0.1", 0))
        print("at", listener.getsockname()[1])
        time.sleep(60)
    """
    target = start("import time\n" + textwrap.dedent(code))
    readiness.wait_until_ready(target, Probe(log="^at", timeout_s=PROBE.timeout_s))
    error = ready_error(target, Probe("/", TO_ASK_S))
    port = error.message.rpartition("at ")[2]

    assert f"nothing listens there; it listens on 127.0.0.1:{port}\n" in error.message
    assert "{host} and {port}" in error.hint


def test_a_port_that_accepts_is_ready_where_that_is_enough(start: Starter) -> None:
    code = "import socket, sys, time\nsocket.create_server(('127.0.0.1', int(sys.argv[1])))"
    held = f"{code.replace('socket.create_server', 'held = socket.create_server')}\n{SLEEP}"
    probe = Probe(tcp=True, timeout_s=PROBE.timeout_s)

    assert readiness.wait_until_ready(start(held), probe)


def test_a_port_that_does_not_accept_is_not_ready() -> None:
    error = ready_error(
        Target(f"http://127.0.0.1:{ports.free_port()}", setting="service.url"), Probe(tcp=True, timeout_s=SHORT_S)
    )

    assert "it refused the connection: nothing listens there" in error.message


def test_a_line_of_its_log_says_that_it_is_ready(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "service.log").write_text("serving (of another start)\n")
    code = "print('loading'); time.sleep(0.3); print('\\x1b[32mserv\\x1b[0ming', flush=True)\n"
    target = start(f"import time\n{code}{SLEEP}")

    assert 0.3 < readiness.wait_until_ready(target, Probe(log="^serving", timeout_s=PROBE.timeout_s))


def test_a_log_without_the_line_is_not_ready(start: Starter) -> None:
    error = ready_error(start("print('loading')\n" + SLEEP), Probe(log="serving", timeout_s=SHORT_S))

    assert "it wrote no line in which 'serving' is found" in error.message
    assert "service.ready.log" in error.hint


def test_the_log_of_a_service_of_others_is_refused() -> None:
    error = ready_error(Target("http://127.0.0.1:1", setting="service.url"), Probe(log="serving"))

    assert isinstance(error, SettingsError)
    assert "service.url names a service that is not started here" in error.message


@pytest.fixture
def log(tmp_path: Path, start: Starter) -> readiness.LogSearch:
    started = start("pass").process
    assert started is not None
    started._popen.wait()
    return readiness.LogSearch(started, "^b+$")


def test_a_log_is_read_once(log: readiness.LogSearch, tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    file.write_text("a" * 999 + "\n")
    seen = [log.found()]
    with file.open("r+") as written:
        written.write("bb\n")
        written.seek(0, 2)
        written.write("bbb")
        written.flush()
        seen += [log.found(), log.found()]

    assert [False, False, True] == seen


@hypothesis.settings(max_examples=40)
@given(st.lists(st.text("ab\r\n", min_size=1, max_size=9), max_size=6))  # a line that does not grow counts
def test_a_line_is_found_however_it_came(pieces: List[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log"
        file.touch()
        search = readiness.LogSearch(SimpleNamespace(log=file, log_start_bytes=0), "^b+$")  # type: ignore[arg-type]
        found = False
        for piece in pieces:
            with file.open("a", newline="") as log:
                log.write(piece)
            found = search.found() or found
        found = search.found() or search.found() or found

    assert found == any(re.search("^b+$", line) for line in re.split("[\r\n]", "".join(pieces)))


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


def test_a_kill_from_outside_says_what_is_known_of_memory(start: Starter) -> None:
    error = ready_error(start("import os; os.kill(os.getpid(), 9)"))

    assert "signal SIGKILL (9)" in error.message
    assert "memory" in error.message + error.hint


def test_a_service_that_goes_to_the_background_is_told_to_stay(start: Starter) -> None:
    assert "foreground" in ready_error(start("pass")).hint


def test_the_hint_names_the_log(start: Starter, tmp_path: Path) -> None:
    assert str(tmp_path / "service.log") in ready_error(start("raise SystemExit(3)")).hint


def test_a_service_that_never_listens_is_not_ready_in_time(start: Starter) -> None:
    target = start("print('loading')\n" + SLEEP)
    readiness.wait_until_ready(target, Probe(log="^loading", timeout_s=PROBE.timeout_s))
    error = ready_error(target, Probe("/health", TO_ASK_S))

    assert isinstance(error, ServiceNotReady)
    assert "was not ready within 2.0 s: it refused the connection: nothing listens there" in error.message
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


def test_who_listened_before_the_service_was_started_is_not_taken_for_it(start: Starter) -> None:
    with listener() as port:
        error = ready_error(start(SLEEP)._replace(url=f"http://127.0.0.1:{port}"), Probe(tcp=True))

    assert isinstance(error, PortInUse)
    assert f"is pid {os.getpid()} (" in error.message


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
