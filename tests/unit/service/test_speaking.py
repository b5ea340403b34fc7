from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from scripts.errors import SettingsError
from scripts.service import speaking
from scripts.service.asking import Target
from scripts.service.speaking import Request, Wanted
from scripts.settings import Service, WarmUp

HEARD: List[bytes] = []


class Speaker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        HEARD.append(self.rfile.read(int(self.headers["Content-Length"])))
        status, body = (500, b"no model") if b"bad" in HEARD[-1] else (200, b"RIFF")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    HEARD.clear()
    with HTTPServer(("127.0.0.1", 0), Speaker) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def service(*steps: WarmUp) -> Service:
    return Service(command=("serve",), warm_up=steps)


@pytest.mark.parametrize(
    "content, words",
    [("", "found none"), ("# only\n\n", "found none"), ("a\n{x", "texts.txt:2"), ('{"text": 1}', "got text 1")],
)
def test_a_list_of_texts_that_cannot_be_spoken_is_refused_with_its_line(content: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        speaking.parse_texts(content, "texts.txt")


def test_a_text_that_is_listed_twice_is_spoken_once() -> None:
    assert [Wanted("a"), Wanted("a", {"n": 1})] == speaking.parse_texts('a\r\n{"text": "a", "n": 1}\na', "x")


def test_the_request_is_that_of_the_warm_up_with_another_text_and_more_fields() -> None:
    login = WarmUp(path="/login", json={"user": "u", "password": "p"})
    say = WarmUp(path="/tts", headers={"X-Key": "k"}, json={"text": "hello", "speed": 1})
    made = speaking.request_of(service(login, say), Wanted("你好。", {"emotion": "sad"}))

    body = {"text": "你好。", "speed": 1, "emotion": "sad"}
    assert Request("POST", "/tts", {"X-Key": "k"}, body, {}) == made


def test_a_form_has_its_field_and_one_that_is_named_counts() -> None:
    form = WarmUp(path="/say", form={"voice": "a", "words": "hello"})

    assert {"voice": "a", "words": "x"} == speaking.request_of(service(form), Wanted("x"), "words").form
    with pytest.raises(SettingsError, match="no request of") as raised:
        speaking.request_of(service(form), Wanted("x"))
    assert "--field NAME" in str(raised.value.hint)


def test_all_texts_are_spoken_and_what_is_not_is_said(url: str, tmp_path: Path) -> None:
    requests = [Request("POST", "/", {}, {"text": text}, {}) for text in ("a", "bad")]
    requests.append(Request("POST", "/", {}, None, {"text": "b"}))
    done: List[int] = []
    problems = speaking.speak_all(Target(url), requests, tmp_path, 5.0, done.append)

    assert ["", "the service answered 500 Internal Server Error: no model", ""] == problems
    assert ["000.wav", "002.wav"] == sorted(path.name for path in tmp_path.iterdir())
    assert [b'{"text": "a"}', b"text=b"] == HEARD[::2]
    assert [1, 1, 1] == done
