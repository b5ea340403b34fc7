"""S3 as a store, or what speaks its protocol: keys are objects, and a claim is a PUT that must not find one there.

Endpoint, region, credentials and certificates are found as for weights in `s3:` (models/s3.py), proxies as everywhere.
Objects stay: a rule of the bucket (lifecycle) may delete them after a day or two.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Dict, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from ..errors import SettingsError
from ..models import s3
from ..models.addresses import SourceError
from ..models.http import Interrupted, Patience, Remote, Web
from ..models.listing import Answer
from .store import Store, StoreError, Unreached

if TYPE_CHECKING:
    import requests

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_PATIENCE = Patience(connect_s=3.0, stall_s=3.0)
_AT_ONCE = 16  # objects that are read at the same time
_PASSING = (408, 429, 500, 502, 503, 504)
_RIGHTS = "The credentials need s3:PutObject and s3:GetObject below the prefix, and s3:ListBucket of the bucket."


class _Words(NamedTuple):
    """How a kind of server is told to make an object only where there is none, and how it says that there is one.

    Args:
        taken: pairs of HTTP status and code of the answer; "" is any code.
    """

    header: Mapping[str, str]
    taken: FrozenSet[Tuple[int, str]]


_PUT_IF_ABSENT = {
    # Also R2, MinIO, Ceph, Scaleway. Its 409 ConditionalRequestConflict says neither: another is writing just now.
    "s3": _Words({"If-None-Match": "*"}, frozenset({(412, "")})),
    "gcs": _Words({"x-goog-if-generation-match": "0"}, frozenset({(412, "")})),
    "oss": _Words({"x-oss-forbid-overwrite": "true"}, frozenset({(409, "FileAlreadyExists")})),
    "cos": _Words({"x-cos-forbid-overwrite": "true"}, frozenset({(409, "FileAlreadyExists")})),
}


class S3Store(Store):
    """Each call has connections of its own: no answer is ever taken for that to another question."""

    def __init__(self, url: str, put_if_absent: str, place: str) -> None:
        super().__init__()
        self.where = url
        self._bucket, _, prefix = url[len("s3://") :].partition("/")
        self._root = "".join(f"{part}/" for part in (prefix.strip("/"), place) if part)
        self._words = _PUT_IF_ABSENT[put_if_absent]
        if find_spec("botocore") is None:
            install = "Add botocore to requirements.txt, or install shardline[s3]."
            raise SettingsError("distribution.store: s3:// needs botocore, which is not installed", install)
        # All that takes a while the first time: it shall not count in the deadline of the first call.
        self._signed("get_object", "")
        s3.certificates()
        Web(_PATIENCE).close()

    def _claim(self, key: str, value: str) -> str:
        answer = self._ask("PUT", key, value, self._words.header)
        code = s3.code_of(answer.content)
        if answer.status_code in (200, 201, 204):
            return value
        if not {(answer.status_code, code), (answer.status_code, "")} & self._words.taken:
            raise self._refused(answer)
        there = self._get(key)  # ours, where the answer to our first try was lost
        if there is None:
            raise Unreached(f"{self.where}: {key} is there, and cannot be read")
        return there

    def _put(self, key: str, value: str) -> None:
        answer = self._ask("PUT", key, value)
        if answer.status_code not in (200, 201, 204):
            raise self._refused(answer)

    def _get(self, key: str) -> Optional[str]:
        answer = self._ask("GET", key)
        if answer.status_code == 404 and s3.code_of(answer.content) != "NoSuchBucket":
            return None
        if answer.status_code != 200:
            raise self._refused(answer)
        return answer.content.decode("utf-8", "replace")

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        root = f"{self._root}{folder}/"
        try:
            keys = [each.path[len(root) :] for each in s3.listed(self._bucket, root, self._listed)]
        except SourceError as error:
            raise StoreError(f"{self.where}: {error}") from error
        new = [key for key in keys if key not in known]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            values = list(pool.map(lambda key: self._get(f"{folder}/{key}"), new))
        read = {key: value for key, value in zip(new, values) if value is not None}
        return {**{key: known[key] for key in keys if key in known}, **read}

    def _listed(self, asked: Remote) -> Answer:
        answer = self._send("GET", asked, b"")
        if answer.status_code != 200:
            raise self._refused(answer)
        return Answer(answer.headers, answer.content)

    def _ask(
        self, method: str, key: str, value: str = "", headers: Mapping[str, str] = _NO_HEADERS
    ) -> requests.Response:
        url = self._signed("put_object" if method == "PUT" else "get_object", key, headers)
        return self._send(method, Remote(url, headers, lambda status, body: "", s3.certificates()), value.encode())

    def _signed(self, operation: str, key: str, headers: Mapping[str, str] = _NO_HEADERS) -> str:
        try:
            return s3.presigned(operation, {"Bucket": self._bucket, "Key": self._root + key}, headers)
        except SourceError as error:
            raise StoreError(f"{self.where}: {error}") from error

    def _send(self, method: str, asked: Remote, body: bytes) -> requests.Response:
        web = Web(_PATIENCE)
        try:
            return web.ask(method, asked, body)
        except Interrupted as error:
            raise Unreached(f"{self.where}: {error}") from error
        except SourceError as error:
            raise StoreError(f"{self.where}: {error}") from error
        finally:
            web.close()

    def _refused(self, answer: requests.Response) -> StoreError:
        """Say why an answer is none."""
        why = s3.explain(s3.is_signed(answer.url), answer.status_code, answer.content) or answer.reason
        code = s3.code_of(answer.content)
        is_passing = answer.status_code in _PASSING or (answer.status_code, code) == (409, "ConditionalRequestConflict")
        hint = _RIGHTS if code == "AccessDenied" else ""
        return (Unreached if is_passing else StoreError)(f"{self.where}: HTTP {answer.status_code}: {why}", hint)
