"""The HTTP around the speech: broken bodies, wrong methods and paths get a JSON error, never a 500."""

from __future__ import annotations

import pytest

from tests.integration.refusal import check_refused
from tests.integration.service import Service

GOOD = '{"text": "今天心情不好。"}'.encode()
DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(GOOD[:-1], id="unclosed"),
        pytest.param(GOOD + b"x", id="trailing"),
        pytest.param(b"text=hello", id="form"),
        pytest.param(b"\xff\xfe\x00", id="not-utf-8"),
        pytest.param(b'{"text": "\xc3\x28"}', id="broken-utf-8"),
        pytest.param('{"text": "你好"}'.encode("gbk"), id="gbk"),
        pytest.param("{'text': '你好'}".encode(), id="single-quotes"),
        pytest.param(b"[" * DEEP + b"]" * DEEP, id="deep-array"),
        pytest.param(b'{"a":' * DEEP + b"1" + b"}" * DEEP, id="deep-object"),
        pytest.param(b"[]", id="array"),
        pytest.param('["你好"]'.encode(), id="array-of-text"),
        pytest.param('"你好"'.encode(), id="string"),
        pytest.param(b"17", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"true", id="true"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(service: Service, body: bytes) -> None:
    check_refused(service.post(body))


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""],
    ids=["plain", "form", "multipart", "none"],
)
def test_another_content_type_is_refused(service: Service, content_type: str) -> None:
    check_refused(service.post(GOOD, content_type))


@pytest.mark.parametrize("size_mib", [1, 12])
def test_a_huge_body_is_refused(service: Service, size_mib: int) -> None:
    check_refused(service.post(b'{"text": "' + b"a" * (size_mib << 20) + b'"}'))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_speech_is_only_for_post(service: Service, method: str) -> None:
    response = service.call(method, "/tts")

    assert 405 == response.status_code
    check_refused(response)


def test_health_is_not_for_post(service: Service) -> None:
    response = service.call("POST", "/health", json={})

    assert 405 == response.status_code
    check_refused(response)


@pytest.mark.parametrize("path", ["/nowhere", "/tts/", "/tts/extra", "/TTS", "/%00", "/../etc/passwd"])
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    response = service.call("POST", path, data=GOOD)

    assert 404 == response.status_code
    check_refused(response)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/tts", "/health", "/nowhere"])
def test_asking_about_a_path_does_not_crash(service: Service, method: str, path: str) -> None:
    assert service.call(method, path).status_code < 500


def test_a_long_query_string_does_no_harm(service: Service) -> None:
    assert service.call("GET", "/health?" + "x" * 4000).status_code < 500


def test_it_still_speaks_after_all_this(service: Service) -> None:
    for body in (b"", b"{", b"[" * DEEP, b"\xff"):
        service.post(body)

    assert 200 == service.post(GOOD).status_code
