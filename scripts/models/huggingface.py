"""Files on the Hugging Face hub or a mirror of it: the URL, the token, and refusals in plain words.

HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH and HF_HOME mean what they mean to the Hugging Face tools.
"""

from __future__ import annotations

import json
import re
from functools import partial
from itertools import count
from typing import Any, List, Mapping, NamedTuple, Tuple
from urllib.parse import quote, urlsplit

from ..system.files import parse_json
from .addresses import HubPath, SourceError, is_commit
from .http import Remote
from .hub_token import find_token
from .listing import Ask, Listed, check_page

DEFAULT_ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"


class HubFile(NamedTuple):
    """One file at one revision of a repository."""

    endpoint: str
    repository: str  # ORG/REPO
    revision: str
    path: str

    @property
    def url(self) -> str:
        """Where to GET it; the hub redirects to the host that has the bytes."""
        return f"{self.page}/resolve/{quote(self.revision, safe='')}/{quote(self.path)}"

    @property
    def page(self) -> str:
        """The repository's page, for people."""
        return f"{self.endpoint}/{self.repository}"


def request(source: str, environ: Mapping[str, str]) -> Remote:
    """Make the request for hf://ORG/REPO@REVISION/PATH."""
    file = parse(source, environ)
    return _asked(file, file.url, environ)


def _asked(file: HubFile, url: str, environ: Mapping[str, str]) -> Remote:
    token = find_token(environ)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Remote(url, headers, partial(explain, file, bool(token)))


def listed(place: HubPath, ask: Ask, environ: Mapping[str, str]) -> Tuple[HubPath, List[Listed]]:
    """List the files below the folder of a place, at the commit that its revision is now; returns it with this.

    The hub states the sha256 of what it keeps apart from git, which all weights are.

    Raises:
        SourceError: it refuses, or answers something else.
    """
    file = parse(str(place), environ)
    api = f"{file.endpoint}/api/models/{file.repository}"
    commit = file.revision if is_commit(file.revision) else _commit(file, api, ask, environ)
    url = f"{api}/tree/{commit}/{quote(place.folder)}".rstrip("/")
    found: List[Listed] = []
    query = "recursive=true"
    for number in count(1):
        answer = ask(_asked(file, f"{url}?{query}", environ))
        found += _files(answer.body)
        before, query = query, next_query(answer.headers.get("Link", ""))
        if not query:
            break
        check_page(number, query, before)
    return place._replace(revision=commit), found


def _commit(file: HubFile, api: str, ask: Ask, environ: Mapping[str, str]) -> str:
    body = ask(_asked(file, f"{api}/revision/{quote(file.revision, safe='')}", environ)).body
    try:
        commit = str(parse_json(body)["sha"])
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"the hub does not say which commit {file.revision} is: {error!r}") from error
    if not is_commit(commit):
        raise SourceError(f"the hub says that {file.revision} is {commit[:50]!r}, which is no commit")
    return commit


def _files(body: bytes) -> List[Listed]:
    try:
        listed = parse_json(body)
        if not isinstance(listed, list):
            raise TypeError(type(listed).__name__)
        entries = [entry for entry in listed if entry["type"] == "file"]
        return [Listed(str(entry["path"]), int(entry["size"]), _sha256(entry)) for entry in entries]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"the hub answers with something else than a list of files: {error!r}") from error


def _sha256(entry: Mapping[str, Any]) -> str:
    return str((entry.get("lfs") or {}).get("oid", ""))


def next_query(link: str) -> str:
    """Pick what asks for the next page from a Link header; its host is the hub's, which a mirror's users may not reach.

    >>> next_query('<https://hub.test/api/x?recursive=true&cursor=Zg>; rel="next"'), next_query("")
    ('recursive=true&cursor=Zg', '')
    """
    match = re.search(r'<([^>]*)>\s*;\s*rel="?next', link)
    return urlsplit(match[1]).query if match else ""


def parse(source: str, environ: Mapping[str, str]) -> HubFile:
    """Read hf://ORG/REPO@REVISION/PATH, for the hub or the mirror that HF_ENDPOINT names.

    >>> parse("hf://org/voice@v1.0/音 色.bin", {"HF_ENDPOINT": "https://mirror.test/"}).url
    'https://mirror.test/org/voice/resolve/v1.0/%E9%9F%B3%20%E8%89%B2.bin'
    """
    place = HubPath.read(source)
    endpoint = environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
    return HubFile(endpoint.rstrip("/"), place.repository, place.revision or DEFAULT_REVISION, place.path)


def explain(file: HubFile, with_token: bool, status: int, body: bytes) -> str:
    """Say why the hub refused: its own words, and what to do.

    >>> explain(parse("hf://org/voice@main/a.bin", {}), True, 404, b"Entry not found")
    'Entry not found; what is there: https://huggingface.co/org/voice/tree/main'
    """
    return "; ".join(filter(None, [_words(body).rstrip("."), _advice(file, with_token, status)]))


def _advice(file: HubFile, with_token: bool, status: int) -> str:
    if status == 401 and with_token:
        return f"the token (HF_TOKEN or `hf auth login`) is not valid: make one at {file.endpoint}/settings/tokens"
    if status == 401:  # the hub says so of repositories that are not there, too
        return f"gated, private or not there: accept its licence at {file.page}, then set HF_TOKEN"
    if status == 403:
        return f"accept its licence at {file.page} with the token's account, or use a token that may read it"
    return f"what is there: {file.page}/tree/{quote(file.revision, safe='')}" if status == 404 else ""


def _words(body: bytes) -> str:
    """Pick the hub's own words, from JSON or plain text; nothing of an HTML page."""
    text = body.decode("utf-8", "replace").strip()
    try:
        text = str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        text = "" if text.startswith(("<", "{")) else text
    return " ".join(text.split())[:200]
