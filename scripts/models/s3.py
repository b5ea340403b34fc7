"""Files in S3, or in a store that speaks its protocol: the signed URL, and refusals in plain words.

botocore finds endpoint, region and credentials where every AWS tool does: AWS_* variables, profiles
in ~/.aws, the role of the machine. Where it finds no credentials, the bucket is taken to be public.
The signature stands in the URL, not in headers: it fits any Range, and a redirect takes no secret along.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache, partial
from typing import Any, Mapping
from urllib.parse import urlsplit

from .addresses import SourceError
from .http import Remote

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
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        install = "add botocore to requirements.txt, or install shardline[s3]"
        raise SourceError(f"s3: sources need botocore, which is not installed: {install}") from error
    bucket, _, key = source[len("s3://") :].partition("/")
    try:
        place = {"Bucket": bucket, "Key": key}
        return str(_client().generate_presigned_url("get_object", Params=place, ExpiresIn=EXPIRES_S))
    except (BotoCoreError, ClientError, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise SourceError(f"the request cannot be signed: {' '.join(str(error).split())}") from error


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
    return client


def certificates() -> str:
    """Look up the file of certificates to trust that AWS_CA_BUNDLE or the profile names; empty if none does."""
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
    code, message = _element("Code", body), _element("Message", body)
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


def _element(name: str, body: bytes) -> str:
    """Pick the text of an XML element; the body may be cut off, so no parser reads it."""
    match = re.search(f"<{name}>([^<]*)</{name}>".encode(), body)
    return " ".join(match.group(1).decode("utf-8", "replace").split())[:200] if match else ""
