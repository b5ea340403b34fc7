"""HTTP as weights need it: answers, patience, and GET over real connections."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Dict, List, Mapping, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.models.addresses import SourceError
from scripts.models.http import (
    PATIENT,
    Extent,
    Interrupted,
    Patience,
    Remote,
    Web,
    extent_of,
    may_pass,
    ordered_pause_s,
    pause_s,
    request_headers,
    validator_of,
)
from tests.unit.models.loopback import Answer, content, serve, then_wait

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "headers, extent",
    [
        ({"Content-Range": "bytes 5-9/10", "Content-Length": "5"}, Extent(5, 10)),
        ({"Content-Range": "bytes 5-9/*", "Content-Length": "5"}, Extent(5, None)),
        ({"Content-Range": "bytes */10", "Content-Length": "0"}, Extent(0, 0)),
        ({"Content-Range": "lines 1-2/3", "Content-Length": "7"}, Extent(0, 7)),
        ({"Content-Length": "-7"}, Extent(0, None)),
        ({}, Extent(0, None)),
    ],
)
def test_where_an_answer_begins_and_how_long_the_file_is(headers: Mapping[str, str], extent: Extent) -> None:
    assert extent == extent_of(headers)


def test_the_first_bytes_are_asked_for_without_a_range() -> None:
    assert {"Accept-Encoding": "identity"} == request_headers(0, '"v1"')


@pytest.mark.parametrize(
    "headers, validator",
    [
        ({"ETag": '"v1"', "Last-Modified": "then"}, '"v1"'),
        ({"ETag": 'W/"v1"', "Last-Modified": "then"}, "then"),
        ({"ETag": 'W/"v1"'}, ""),
    ],
)
def test_a_weak_etag_is_no_validator(headers: Mapping[str, str], validator: str) -> None:
    assert validator == validator_of(headers)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_may_pass(status: int) -> None:
    assert may_pass(status)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 416, 451, 501, 505])
def test_these_will_not(status: int) -> None:
    assert not may_pass(status)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        (format_datetime(NOON + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOON - timedelta(seconds=90), usegmt=True), 0.0),
        ("", None),
        ("-1", None),
        ("in a minute", None),
    ],
)
def test_what_retry_after_means(text: str, seconds: Optional[float]) -> None:
    assert seconds == ordered_pause_s(text, NOON)


chances = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), chances)
def test_a_pause_is_never_longer_than_the_longest(failures: int, chance: float) -> None:
    assert 0 <= pause_s(PATIENT, failures, None, chance) <= PATIENT.longest_pause_s


@given(st.integers(1, 100), chances, st.floats(0, 1000))
def test_a_server_is_not_asked_before_the_time_it_gave(failures: int, chance: float, ordered_s: float) -> None:
    assert pause_s(PATIENT, failures, ordered_s, chance) >= ordered_s


# Over real connections: redirects, secrets, failures in words --------------------------------------


TOKEN = {"Authorization": "Bearer secret"}


@pytest.fixture
def web() -> Web:
    return Web(Patience(connect_s=5, stall_s=0.2))


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def asked(url: str, headers: Dict[str, str]) -> Remote:
    return Remote(url, headers, lambda *_: "")


def get(web: Web, url: str, headers: Dict[str, str], with_netrc: bool = True) -> bytes:
    with web.get(asked(url, headers), {"Accept-Encoding": "identity"}, with_netrc) as answer:
        return b"".join(iter(lambda: web.read(answer, 100), b""))


def log_in_of(requests: List[str]) -> Answer:
    """Answers abc, and notes the Authorization of each request."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        requests.append(handler.headers.get("Authorization", ""))
        content(b"abc")(handler)

    return answer


def redirect(to: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def test_the_body_comes_as_it_is_sent(web: Web) -> None:
    with serve({"/a": content(b"abc")}) as server:
        assert b"abc" == get(web, f"{server.url}/a", {})


@pytest.mark.parametrize("to", ["/b", "b"])
def test_a_redirect_on_one_host_takes_the_log_in_along(web: Web, to: str) -> None:
    seen: List[str] = []
    with serve({"/a": redirect(to), "/b": log_in_of(seen)}) as server:
        get(web, f"{server.url}/a", TOKEN)

    assert ["Bearer secret"] == seen


def test_a_redirect_to_another_host_does_not_nor_back(web: Web) -> None:
    seen: List[str] = []
    first: Dict[str, Answer] = {"/back": log_in_of(seen)}
    second: Dict[str, Answer] = {"/b": log_in_of(seen)}
    with serve(first) as one, serve(second) as other:
        first.update({"/a": redirect(f"{other.url}/b"), "/c": redirect(f"{other.url}/d")})
        second["/d"] = redirect(f"{one.url}/back")
        get(web, f"{one.url}/a", TOKEN)
        get(web, f"{one.url}/c", TOKEN)

    assert ["", ""] == seen


def test_a_log_in_of_netrc_is_sent_where_there_is_no_other(web: Web, netrc: None) -> None:
    seen: List[str] = []
    with serve({"/a": log_in_of(seen)}) as server:
        get(web, f"{server.url}/a", {})
        get(web, f"{server.url}/a", TOKEN)
        get(web, f"{server.url}/a", {}, with_netrc=False)

    assert (True, "Bearer secret", "") == (seen[0].startswith("Basic "), *seen[1:])


def test_a_loop_of_redirects_ends(web: Web) -> None:
    with serve({"/a": redirect("/a")}) as server, pytest.raises(SourceError, match="more than 10 times"):
        get(web, f"{server.url}/a", {})

    assert 10 == len(server.asked)


@pytest.mark.parametrize("to", ["file:///etc/passwd", "http://[::1/a", "https://:x/"])
def test_a_redirect_that_leads_nowhere_is_refused(web: Web, to: str) -> None:
    with serve({"/a": redirect(to)}) as server, pytest.raises(SourceError):
        get(web, f"{server.url}/a", {})


@pytest.mark.parametrize("url", ["http://[::1/a.bin", "http://", "https://:x/", "http://a:b:c/"])
def test_a_url_that_is_none_is_refused(web: Web, url: str) -> None:
    with pytest.raises(SourceError):
        get(web, url, {})


def test_no_server_is_said_in_a_few_words(web: Web) -> None:
    with serve({}) as server:
        url = server.url

    with pytest.raises(Interrupted) as failure:
        get(web, f"{url}/a.bin?token=secret", {})

    assert "Connection refused" == str(failure.value)


def test_silence_is_said_before_and_after_the_head(web: Web) -> None:
    released = threading.Event()
    with serve({"/a": then_wait(b"abc", released), "/b": lambda _: released.wait(30)}) as server:
        for path in "ab":
            with pytest.raises(Interrupted, match=r"no byte came for 0\.2 s"):
                get(web, f"{server.url}/{path}", {})
        released.set()


def test_a_certificate_that_is_not_trusted_is_final_and_names_the_remedy(web: Web, certificate: Path) -> None:
    words = r"not trusted: self.signed certificate; a company's own root belongs .* REQUESTS_CA_BUNDLE"
    with serve({"/a": content(b"abc")}, certificate) as server, pytest.raises(SourceError, match=words):
        get(web, f"{server.url}/a", {})


def test_certificates_are_trusted_that_the_machine_or_the_source_names(
    web: Web, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve({"/a": content(b"abc")}, certificate) as server:
        request = asked(f"{server.url}/a", {})._replace(certificates=str(certificate))
        with web.get(request, {}, with_netrc=False) as answer:
            assert b"abc" == web.read(answer, 100)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert b"abc" == get(web, f"{server.url}/a", {})


def test_certificates_that_are_not_there_are_named(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/none/ca.pem")

    with pytest.raises(SourceError, match=r"certificate.*/none/ca\.pem"):
        get(web, "https://127.0.0.1:9/a", {})
