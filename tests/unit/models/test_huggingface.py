from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import ModelError
from scripts.models import huggingface, listing, store
from scripts.models.addresses import HubPath, SourceError
from scripts.models.http import Remote
from scripts.models.listing import Answer
from tests.unit.models.hubs import COMMIT
from tests.unit.models.loopback import content, serve
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Weights

FILE = huggingface.HubFile("https://hub.test", "org/voice", "main", "a.bin")


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1))
def test_any_path_reaches_the_server_as_it_was_written(path: str) -> None:
    url = urlsplit(huggingface.parse(f"hf://org/voice@main/{path}", {}).url)

    assert (f"/org/voice/resolve/main/{path}", "", "") == (unquote(url.path), url.query, url.fragment)


def test_a_mirror_takes_the_place_of_the_hub() -> None:
    file = huggingface.parse("hf://org/voice@v1/a.bin", {"HF_ENDPOINT": "https://mirror.test/hf/"})

    assert "https://mirror.test/hf/org/voice/resolve/v1/a.bin" == file.url


@pytest.mark.parametrize(
    "status, with_token, told",
    [
        (
            401,
            False,
            "gated, private or not there: accept its licence at https://hub.test/org/voice, then set HF_TOKEN",
        ),
        (401, True, "is not valid: make one at https://hub.test/settings/tokens"),
        (403, True, "accept its licence at https://hub.test/org/voice with the token's account"),
        (404, True, "what is there: https://hub.test/org/voice/tree/main"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, with_token: bool, told: str) -> None:
    assert told in huggingface.explain(FILE, with_token, status, b"")


@pytest.mark.parametrize("body", [b"Too many\nrequests.", json.dumps({"error": "Too many requests."}).encode()])
def test_the_hub_s_own_words_come_first_in_one_line(body: bytes) -> None:
    assert "Too many requests" == huggingface.explain(FILE, True, 429, body)


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b'{"detail": 1}', b'{"cut off', b"[]", b"\xff\xfe"])
def test_what_is_no_answer_of_the_hub_adds_no_markup(body: bytes) -> None:
    assert not {"<", "{"} & set(huggingface.explain(FILE, True, 502, body))


def test_the_host_that_has_the_bytes_does_not_get_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    bytes_of, tokens = Weights(b"abc"), []

    def sends_on(handler: BaseHTTPRequestHandler) -> None:
        tokens.append(handler.headers.get("Authorization"))
        handler.send_response(302)
        handler.send_header("Location", f"{elsewhere.url}/b")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with serve({"/b": bytes_of}) as elsewhere, serve({"/org/voice/resolve/v1/a.bin": sends_on}) as mirror:
        for name, value in {"HF_ENDPOINT": mirror.url, "HF_TOKEN": "hf_x", "NETRC": str(tmp_path / "netrc")}.items():
            monkeypatch.setenv(name, value)
        fetched = store.fetch(project(tmp_path, entry(b"abc", "hf://org/voice@v1/a.bin")))

    assert (1, ["Bearer hf_x"]) == (fetched.files, tokens)
    assert ["Authorization" in headers for headers in bytes_of.requests] == [False]


def test_a_gated_repository_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gated(handler: BaseHTTPRequestHandler) -> None:
        body = b"Access to model org/voice is restricted. You must have access to it."
        handler.send_response(403)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with serve({"/org/voice/resolve/v1/a.bin": gated}) as mirror, pytest.raises(ModelError) as failure:
        monkeypatch.setenv("HF_ENDPOINT", mirror.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        store.fetch(project(tmp_path, entry(b"abc", "hf://org/voice@v1/a.bin")))
    line = next(line for line in str(failure.value).splitlines() if "HTTP 403" in line)

    assert f"is restricted. You must have access to it; accept its licence at {mirror.url}/org/voice" in line
    assert "hf_secret" not in str(failure.value)


# Revisions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"new", b"longer"])
def test_a_branch_that_moved_is_told_with_its_commit_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    def moved(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(307)
        for name, value in {"Location": "/there", "X-Repo-Commit": COMMIT, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()

    with serve({"/org/voice/resolve/main/a.bin": moved, "/there": content(data)}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        with pytest.raises(ModelError, match=f"revision main may have moved and is at {COMMIT} now, and the digest"):
            store.fetch(project(tmp_path, entry(b"old", "hf://org/voice@main/a.bin")))


def test_a_commit_never_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve({f"/org/voice/resolve/{COMMIT}/a.bin": content(b"new")}) as hub, pytest.raises(ModelError) as failure:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        store.fetch(project(tmp_path, entry(b"old", f"hf://org/voice@{COMMIT}/a.bin")))

    assert "moved" not in failure.value.message


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"sha": "main"}', b"{}", b'[{"type": "file"}]'])
def test_what_is_no_answer_about_a_repository_is_called_so(body: bytes) -> None:
    for revision in ("main", COMMIT):
        with pytest.raises(SourceError, match=r"the hub (answers with something else|does not say|says that)"):
            huggingface.listed(HubPath.read(f"hf://org/voice@{revision}/"), lambda asked: Answer({}, body), {})


@pytest.mark.parametrize("following, told", [("a", "no end"), ("{}", "more than 3 pages: name a folder")])
def test_a_list_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, following: str, told: str) -> None:
    monkeypatch.setattr(listing, "MOST_PAGES", 3)
    number = count()

    def ask(asked: Remote) -> Answer:
        return Answer({"Link": f'<https://hub.test/tree?cursor={following.format(next(number))}>; rel="next"'}, b"[]")

    with pytest.raises(SourceError, match=told):
        huggingface.listed(HubPath.read(f"hf://org/voice@{COMMIT}/"), ask, {})
