from __future__ import annotations

import hashlib
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Dict
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import ModelError
from scripts.models import modelscope, store
from scripts.models.addresses import HubPath, SourceError
from scripts.models.http import Remote
from scripts.models.listing import Answer, Listed
from tests.unit.models.hubs import model_scope
from tests.unit.models.loopback import Answer as Served
from tests.unit.models.loopback import serve
from tests.unit.models.manifests import entry, project
from tests.unit.models.misbehaving import Weights

PLACE = "/api/v1/models/org/voice/repo?Revision=master&FilePath=a.bin"
SOURCE = "modelscope://org/voice@master/a.bin"


@given(st.text(st.characters(blacklist_categories=["Cs"]), min_size=1))
def test_any_path_reaches_the_server_as_it_was_written(path: str) -> None:
    url = urlsplit(modelscope.request(f"modelscope://org/voice@v1/{path}", {}).url)

    assert {"Revision": ["v1"], "FilePath": [path]} == parse_qs(url.query, keep_blank_values=True)
    assert ("/api/v1/models/org/voice/repo", "") == (url.path, url.fragment)


@pytest.mark.parametrize(
    "environ, begin",
    [
        ({}, "https://modelscope.cn/api/"),
        ({"MODELSCOPE_ENDPOINT": "https://mirror.test/ms/"}, "https://mirror.test/ms/api/"),
        ({"MODELSCOPE_DOMAIN": "www.modelscope.ai"}, "https://www.modelscope.ai/api/"),
    ],
)
def test_the_endpoint_is_named_as_for_its_own_client(environ: Dict[str, str], begin: str) -> None:
    assert modelscope.request(SOURCE, environ).url.startswith(begin)


def test_the_host_that_has_the_bytes_does_not_get_the_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_of, tokens = Weights(b"abc"), []

    def sends_on(handler: BaseHTTPRequestHandler) -> None:
        tokens.append((handler.headers.get("Authorization"), handler.headers.get("Cookie")))
        handler.send_response(302)
        handler.send_header("Location", f"{elsewhere.url}/b")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    answers: Dict[str, Served] = {PLACE: sends_on}
    with serve({"/b": bytes_of}) as elsewhere, serve(answers) as hub:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_API_TOKEN", "ms-x")
        fetched = store.fetch(project(tmp_path, entry(b"abc", SOURCE)))

    assert (1, [("Bearer ms-x", "m_session_id=ms-x")]) == (fetched.files, tokens)
    assert [False] == ["ms-x" in str(headers) for headers in bytes_of.requests]


@pytest.mark.parametrize(
    "status, token, told",
    [
        (
            401,
            False,
            "private, gated or not there: set MODELSCOPE_API_TOKEN, of an account "
            "that may read https://ms.test/models/org/voice",
        ),
        (403, True, "the account of MODELSCOPE_API_TOKEN may not read https://ms.test/models/org/voice"),
        (404, True, "what is there: https://ms.test/models/org/voice/files"),
        (502, True, ""),
    ],
)
def test_a_refusal_says_what_to_do(status: int, token: bool, told: str) -> None:
    assert told == modelscope.explain("https://ms.test/models/org/voice", token, status, b"<html>")


def test_its_own_words_come_first() -> None:
    assert "The model is gone; what" in modelscope.explain("x", True, 404, b'{"Message": "The model\\nis gone."}')


def test_a_hub_takes_the_place_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve({}) as hub, serve(model_scope({"a.bin": b"abc"})) as mirror:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", mirror.url)
        fetched = store.fetch(project(tmp_path, entry(b"abc", "hf://org/voice@main/a.bin", SOURCE)))

    assert 1 == fetched.files


def test_a_list_that_may_be_cut_off_is_refused() -> None:
    file = '{"Type": "blob", "Path": "a", "Size": 1, "Sha256": ""}'

    def ask(asked: Remote) -> Answer:
        return Answer({}, f'{{"Data": {{"Files": [{", ".join([file] * 3000)}]}}}}'.encode())

    with pytest.raises(SourceError, match="3000 files at most: name a folder"):
        modelscope.listed(HubPath.read("modelscope://org/voice"), ask, {})


@pytest.mark.parametrize("body", [b"<html>", b'{"Data": null}', b'{"Data": {"Files": [{"Path": "a"}]}}'])
def test_what_is_no_list_is_called_so(body: bytes) -> None:
    with pytest.raises(SourceError, match="something else than a list of files"):
        modelscope.listed(HubPath.read("modelscope://org/voice"), lambda asked: Answer({}, body), {})


def test_a_digest_may_be_missing() -> None:
    body = b'{"Data": {"Files": [{"Type": "blob", "Path": "a", "Size": 1, "Sha256": null}]}}'
    place, found = modelscope.listed(HubPath.read("modelscope://org/voice"), lambda asked: Answer({}, body), {})

    assert ("master", [Listed("a", 1)]) == (place.revision, found)


def test_a_branch_that_moved_is_told_with_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest refuses what came; why, the revision says."""
    data = b"new"
    with serve(model_scope({"a.bin": data})) as hub, pytest.raises(ModelError) as failure:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
        store.fetch(project(tmp_path, entry(b"old", SOURCE)))

    assert "the revision master may have moved, and the digest here is of another" in failure.value.message
    assert f"models.add {SOURCE}` prints the entry of now" in failure.value.message
    assert hashlib.sha256(data).hexdigest() in failure.value.message
