"""S3 as a store: the words of each kind of server, its refusals, and proxies on the way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from typing import Callable, Dict, Iterator, List, Tuple
from urllib.parse import parse_qs, urlsplit

import pytest

from scripts.distribution.store import StoreError, Unreached
from scripts.errors import SettingsError
from tests.unit.distribution.conftest import opened
from tests.unit.models.loopback import Listener

pytest.importorskip("botocore")

# The header by which each kind of server makes an object only where there is none, and how it says that there is one.
KINDS = {
    "s3": ("if-none-match", "*", 412, "PreconditionFailed"),
    "gcs": ("x-goog-if-generation-match", "0", 412, "PreconditionFailed"),
    "oss": ("x-oss-forbid-overwrite", "true", 409, "FileAlreadyExists"),
    "cos": ("x-cos-forbid-overwrite", "true", 409, "FileAlreadyExists"),
}


class Bucket:
    """A bucket of one kind; it answers with each of `refusals`, (status, code or text), before it does as it should."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.kind = "s3"
        self.objects: Dict[str, bytes] = {}
        self.refusals: List[Tuple[int, str]] = []
        self.always: List[Tuple[int, str]] = []
        self.signed: List[str] = []  # headers that the last PUT's signature vouches for

    def answer(self, method: str, path: str, headers: Dict[str, str], body: bytes) -> Tuple[int, str]:
        name = urlsplit(path).path
        if self.refusals or self.always:
            return self.refusals.pop(0) if self.refusals else self.always[0]
        if method == "GET":
            return (200, self.objects[name].decode()) if name in self.objects else (404, "NoSuchKey")
        self.signed = parse_qs(urlsplit(path).query).get("X-Amz-SignedHeaders", [""])[0].split(";")
        header, word, status, code = KINDS[self.kind]
        if headers.get(header) == word and name in self.objects:
            return status, code
        self.objects[name] = body
        return 200, ""


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text = bucket.answer(self.command, self.path, headers, body)
            content = (text if status == 200 else f"<Error><Code>{text}</Code></Error>").encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT

        def log_message(self, *_: object) -> None:
            pass

    http = Listener(("127.0.0.1", 0), Handler)
    bucket = Bucket(http.server_port)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield bucket
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def bucket(server: Bucket, lead_to: Callable[[int], None]) -> Bucket:
    lead_to(server.port)
    server.kind, server.objects, server.refusals, server.always = "s3", {}, [], []
    return server


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_server_is_told_in_its_own_words(bucket: Bucket, kind: str) -> None:
    bucket.kind = kind
    opened("s3://bucket", put_if_absent=kind, trying=True)

    assert KINDS[kind][0] in bucket.signed


@pytest.mark.parametrize("kind", ["gcs", "oss", "cos"])
def test_a_server_that_is_told_in_other_words_is_refused(bucket: Bucket, kind: str) -> None:
    bucket.kind = kind
    with pytest.raises(SettingsError, match="lets everybody claim"):
        opened("s3://bucket", trying=True)


@pytest.mark.parametrize("refusal", [(409, "ConditionalRequestConflict"), (503, "SlowDown"), (500, "InternalError")])
def test_what_may_pass_is_asked_again(bucket: Bucket, refusal: Tuple[int, str]) -> None:
    store = opened("s3://bucket")
    bucket.refusals = [refusal]

    assert "ours" == store.claim("claims/a", "ours")


@pytest.mark.parametrize(
    "refusal, words",
    [
        ((403, "AccessDenied"), "s3:PutObject"),
        ((403, "SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"),
        ((404, "NoSuchBucket"), "no such bucket"),
        ((301, "PermanentRedirect"), "another region"),
        ((501, "NotImplemented"), "NotImplemented"),
    ],
)
def test_a_refusal_is_told_at_once_and_without_the_signature(
    bucket: Bucket, refusal: Tuple[int, str], words: str
) -> None:
    store = opened("s3://bucket")
    bucket.refusals = [refusal]
    with pytest.raises(StoreError, match=words) as caught:
        store.claim("claims/a", "ours")

    assert (False, False) == (isinstance(caught.value, Unreached), "X-Amz-" in str(caught.value))


def test_a_page_for_logging_in_is_no_store(bucket: Bucket) -> None:
    bucket.always = [(200, "<html>Log in</html>")]
    with pytest.raises(SettingsError, match="s3://bucket"):
        opened("s3://bucket", trying=True)


def test_what_is_on_this_machine_is_reached_past_proxies(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert "ours" == opened("s3://bucket").claim("claims/a", "ours")
