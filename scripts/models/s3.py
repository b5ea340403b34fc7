"""Files in S3, or in a store that speaks its protocol: the signed URL, and refusals in plain words.

botocore finds endpoint, region and credentials where every AWS tool does: AWS_* variables, profiles
in ~/.aws, the role of the machine. Where it finds no credentials, the bucket is taken to be public.
The signature stands in the URL, not in headers: it fits any Range, and a redirect takes no secret along.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import threading
from functools import lru_cache, partial
from itertools import count
from types import MappingProxyType
from typing import Any, Dict, Iterator, List, Mapping, Tuple
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

from .addresses import SourceError
from .http import Remote
from .listing import Ask, Listed, check_page

EXPIRES_S = 900  # to start a transfer in; it may then last longer

_LOG_IN = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_ADVICE = {
    "NoSuchKey": "the bucket has no such key",
    "NoSuchBucket": "no such bucket; is AWS_ENDPOINT_URL the right server?",
    "AccessDenied": "these credentials may not read it, or there is no such key and they may not list the bucket",
    "SignatureDoesNotMatch": "the secret key is not the right one for this access key: correct AWS_SECRET_ACCESS_KEY "
    "or the profile",
    "InvalidAccessKeyId": "the server does not know this access key: correct AWS_ACCESS_KEY_ID, AWS_PROFILE "
    "or AWS_ENDPOINT_URL",
    "ExpiredToken": "the credentials are no longer valid: log in again, or set a new AWS_SESSION_TOKEN",
    "InvalidToken": "AWS_SESSION_TOKEN does not belong to the access key: set all three again",
    "RequestTimeTooSkewed": "the clocks of this machine and of the server differ: compare `date -u` with the real time",
}
_OTHER_REGION = ("PermanentRedirect", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError")
_NOT_ABOUT_RIGHTS = ("NoSuchKey", "NoSuchBucket", "PermanentRedirect")


def request(source: str, environ: Mapping[str, str]) -> Remote:
    """Make the request for s3://BUCKET/KEY.

    Raises:
        SourceError: no botocore here, or it cannot use what this machine is set to.
    """
    url = signed_url(source)
    return Remote(url, {}, partial(explain, is_signed(url)), certificates())


def signed_url(source: str) -> str:
    """Sign the URL to GET for s3://BUCKET/KEY; the key is taken letter for letter, nothing in it is quoted.

    Raises:
        SourceError: no botocore here, or it cannot use what this machine is set to.
    """
    return presigned("get_object", bucket_and_key(source))


def presigned(operation: str, words: Mapping[str, str], headers: Mapping[str, str] = MappingProxyType({})) -> str:
    """Sign the URL of one of botocore's operations, for a request that has these headers.

    Raises:
        SourceError: no botocore here, or it cannot use what this machine is set to.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        install = "add botocore to requirements.txt, or install shardline[s3]"
        raise SourceError(f"s3: sources need botocore, which is not installed: {install}") from error
    try:
        with _MAKING:
            client = _client()
        _SIGNED.headers = headers
        return str(client.generate_presigned_url(operation, Params=dict(words), ExpiresIn=EXPIRES_S))
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise SourceError(f"the request cannot be signed: {' '.join(str(error).split())}") from error


def listed(bucket: str, prefix: str, ask: Ask) -> Iterator[Listed]:
    """List the objects of a bucket whose keys begin with a prefix; their digests are not said here.

    Raises:
        SourceError: the server refuses, or answers something else.
    """
    following: Dict[str, str] = {}
    for number in count(1):
        url = presigned("list_objects_v2", {"Bucket": bucket, "Prefix": prefix, **following})
        body = ask(Remote(url, {}, partial(explain, is_signed(url)), certificates())).body
        try:
            found, token = _objects(body)
        except (ElementTree.ParseError, ValueError, TypeError) as error:
            raise SourceError(f"the server answers with something else than a list of objects: {error}") from error
        yield from found
        if not token:
            return
        check_page(number, token, following.get("ContinuationToken", ""))
        following = {"ContinuationToken": token}


def _objects(body: bytes) -> Tuple[List[Listed], str]:
    """Read a page of ListObjectsV2: objects, less those that stand for folders, and the token of the next page."""
    if b"<!" in body.partition(b"<ListBucketResult")[0]:
        raise ValueError("it declares entities")
    root = ElementTree.fromstring(body)  # noqa: S314 - without entities it is harmless
    space = root.tag.rpartition("}")[0] + "}" if "}" in root.tag else ""
    if root.tag != f"{space}ListBucketResult":
        raise ValueError(root.tag)
    # botocore asks for keys in this form: XML cannot hold all that a key can.
    decode = unquote_plus if root.findtext(f"{space}EncodingType") == "url" else str
    objects = [
        Listed(decode(each.findtext(f"{space}Key") or ""), int(each.findtext(f"{space}Size") or ""))
        for each in root.iter(f"{space}Contents")
    ]
    return [each for each in objects if not each.path.endswith("/")], root.findtext(f"{space}NextContinuationToken", "")


def stated_digest(source: str, ask: Ask) -> str:
    """Ask for the sha256 that the server keeps of an object as a whole; empty where it keeps none.

    An object that came in parts has a digest of their digests, which says so at its end: "-PARTS".

    Args:
        ask: for headers alone.
    """
    place = bucket_and_key(source)
    url = presigned("get_object", {"ChecksumMode": "ENABLED", **place})
    asked = Remote(url, {"x-amz-checksum-mode": "ENABLED"}, partial(explain, is_signed(url)), certificates())
    headers = ask(asked).headers
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return ""
    try:
        digest = base64.b64decode(headers.get("x-amz-checksum-sha256", ""), validate=True)
    except ValueError:
        return ""
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else ""


def bucket_and_key(source: str) -> Dict[str, str]:
    """Read s3://BUCKET/KEY; the key is taken letter for letter."""
    bucket, _, key = source[len("s3://") :].partition("/")
    return {"Bucket": bucket, "Key": key}


_MAKING = threading.Lock()  # botocore's sessions are for one thread; its clients are not
_SIGNED = threading.local()  # the headers of the URL that this thread signs


@lru_cache(maxsize=None)
def _client() -> Any:
    """Make botocore's client: that takes a tenth of a second, so one for the process."""
    from botocore import UNSIGNED, session
    from botocore.config import Config

    current = session.get_session()
    version = UNSIGNED if current.get_credentials() is None else "s3v4"  # the default for URLs is older, and refused
    make = partial(current.create_client, "s3", os.environ.get("AWS_REGION"))  # botocore: AWS_DEFAULT_REGION only
    client = make(config=Config(signature_version=version))
    if str(urlsplit(client.meta.endpoint_url).hostname).endswith(".amazonaws.com"):
        # Otherwise URLs are signed for s3.amazonaws.com, which sends on to the region's host: another signature.
        client = make(config=Config(signature_version=version, s3={"addressing_style": "virtual"}))
    client.meta.events.register("before-sign.s3", _add_headers)
    return client


def _add_headers(request: Any, **_: object) -> None:
    for name, value in _SIGNED.headers.items():
        request.headers[name] = value


def certificates() -> str:
    """Look up the file of certificates to trust that AWS_CA_BUNDLE or the profile names; empty if none does."""
    return _certificates(*(os.environ.get(name, "") for name in _WHERE_THEY_ARE_NAMED))


_WHERE_THEY_ARE_NAMED = ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONFIG_FILE", "HOME")


@lru_cache(maxsize=None)
def _certificates(*named: str) -> str:
    """Ask botocore once for what these variables say: its session takes 15 ms, each request to a store 5."""
    from botocore import session

    return str(session.get_session().get_config_variable("ca_bundle") or "")


def is_signed(url: str) -> bool:
    """Tell whether credentials were found for a URL."""
    return "X-Amz-Signature=" in url


def explain(signed: bool, status: int, body: bytes) -> str:
    """Say why the server refused, from the XML it answered: its own code, and what to do.

    >>> explain(True, 404, b"<Error><Code>NoSuchKey</Code><Key>a.bin</Key></Error>")
    'NoSuchKey: the bucket has no such key'
    """
    code, message = code_of(body), _element("Message", body)
    if not code:
        return ""
    if code == "AccessDenied" and re.search("expired|request time", message):  # so S3 itself, of a URL, and rclone
        code = "RequestTimeTooSkewed"
    if not signed and code not in _NOT_ABOUT_RIGHTS:
        return f"{code}: asked for without credentials, as none were found: {_LOG_IN}"
    if code in _OTHER_REGION:
        region = _element("Region", body) or _element("Endpoint", body)
        return f"{code}: the bucket is in another region{region and ', ' + region}: set AWS_REGION"
    return ": ".join(filter(None, [code, _ADVICE.get(code, message)]))


def code_of(body: bytes) -> str:
    """Read the code of an answer that refuses; empty where it has none."""
    return _element("Code", body)


def _element(name: str, body: bytes) -> str:
    """Pick the text of an XML element; the body may be cut off, so no parser reads it."""
    match = re.search(f"<{name}>([^<]*)</{name}>".encode(), body)
    return " ".join(match.group(1).decode("utf-8", "replace").split())[:200] if match else ""
