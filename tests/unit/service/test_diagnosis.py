from __future__ import annotations

import http.server
import socket
import threading
from contextlib import contextmanager
from typing import Dict, Iterator, Tuple

import pytest

from scripts.service import diagnosis, ports
from scripts.service.asking import REFUSED, SILENT, Answer, Target
from scripts.service.diagnosis import Address, Seen, cause_of, look, speaks_tls
from scripts.service.ports import Listener
from scripts.settings import Probe
from scripts.settings.service import Expected
from scripts.system.processes import Process

# Where a service of ours listens is looked up by `look` alone; `cause_of` is given what was seen.
OURS = Target("http://127.0.0.1:8000", Process.__new__(Process))
THEIRS = Target("http://127.0.0.1:8000", setting="SERVICE_URL")
REFUSES = Answer(problem="refused the connection", kind=REFUSED)
SILENCE = Answer(problem="did not answer", kind=SILENT)
PROXY = Listener(4711, "docker-proxy")
ALERT = b"\x15\x03\x03\x00\x02\x02\x46"  # TLS: protocol version


@pytest.mark.parametrize(
    "seen, words, hint",
    [
        (Seen(REFUSES, []), "it listens nowhere else", "service.ready.timeout"),
        (Seen(REFUSES, [Address("127.0.0.1", 17860)]), "it listens on 127.0.0.1:17860", "set service.port: 17860"),
        (Seen(REFUSES, [Address("::1", 8000)]), "it listens on [::1]:8000", "set service.host: '::1'"),
        (Seen(REFUSES, None), "", "service.ready.timeout"),
        (Seen(SILENCE, [Address("127.0.0.1", 8000)]), "", "listens, but does not serve"),
        (Seen(SILENCE, [], other=PROXY), "pid 4711 (docker-proxy), none of its processes", "a container's proxy"),
        (Seen(REFUSES, [], taken=[(7860, PROXY)]), "port 7860 is in use by pid 4711", "Stop what has the port"),
        (Seen(Answer(problem="closed"), [], speaks_tls=True), "it speaks TLS", "without its certificate"),
        (Seen(Answer(503)), "", "It answers that it cannot serve"),
        (Seen(Answer(404)), "", "set service.ready.path in pipeline.yml"),
        (Seen(Answer(404), paths=[("/docs", 200)]), "/docs answers 200 OK", "set service.ready.path: /docs"),
        (Seen(Answer(404), paths=[("/", 401)]), "/ answers 401 Unauthorized", "service.ready.path in pipeline.yml"),
        (Seen(Answer(204)), "", "service.ready: {path: /health, expect: {status: 204}}"),
        (Seen(Answer(401)), "", "service.ready: {path: /health, expect: {status: 401}}"),
        (Seen(Answer(307)), "", "service.ready: {path: /health, expect: {status: 307}}"),
    ],
)
def test_each_cause_is_told_apart_and_has_its_own_hint(seen: Seen, words: str, hint: str) -> None:
    cause = cause_of(OURS, Probe(), seen)

    assert words in cause.words
    assert hint in cause.hint


def test_an_answer_that_is_not_the_expected_one_is_said_to_be_that() -> None:
    probe = Probe(expect=Expected(json={"ready": True}))

    assert "not what service.ready.expect says" in cause_of(OURS, probe, Seen(Answer(200, b"{}"))).hint


def test_a_service_of_others_is_named_by_its_setting() -> None:
    assert "SERVICE_URL names this service" in cause_of(THEIRS, Probe(), Seen(REFUSES)).hint
    assert "Write https:// in SERVICE_URL." == cause_of(THEIRS, Probe(), Seen(REFUSES, speaks_tls=True)).hint


@contextmanager
def site(statuses: Dict[str, int]) -> Iterator[Target]:
    """A web server in this process, one that we did not start, with a status for each path, else 404."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.get(self.path, 404))
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Target(f"http://127.0.0.1:{server.server_port}", setting="service.url")
        server.shutdown()


def test_where_a_path_is_not_found_the_usual_ones_are_asked() -> None:
    with site({"/": 302, "/docs": 200}) as target:
        seen = look(target, Probe("/health"), Answer(404))

    assert [("/", 302), ("/docs", 200)] == seen.paths


@contextmanager
def saying(words: bytes) -> Iterator[Tuple[str, int]]:
    """A server that says these words to whoever comes, and hangs up."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(words)

        thread = threading.Thread(target=answer)
        thread.start()
        yield server.getsockname()
        thread.join()


@pytest.mark.parametrize("words, expected", [(ALERT, True), (b"HTTP/1.1 400 Bad Request\r\n\r\n", False), (b"", False)])
def test_tls_is_known_by_its_answer_to_a_handshake(words: bytes, expected: bool) -> None:
    with saying(words) as address:
        assert expected is speaks_tls(*address)


def test_where_nothing_listens_there_is_no_tls() -> None:
    assert not speaks_tls("127.0.0.1", ports.free_port())
    assert not speaks_tls(*diagnosis.address_of("http://127.0.0.1:99999"))


def test_all_addresses_are_listed() -> None:
    listens = [Address("0.0.0.0", 1), Address("127.0.0.1", 2), Address("::1", 3)]

    assert "0.0.0.0:1, 127.0.0.1:2 and [::1]:3" in cause_of(OURS, Probe(), Seen(REFUSES, listens)).words
