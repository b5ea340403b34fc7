"""Files on ModelScope, the hub of many models in China: the URL, the token, and refusals in plain words.

As its own client does (modelscope_hub 0.5.1, _legacy_api.py and config.py). MODELSCOPE_ENDPOINT and
MODELSCOPE_API_TOKEN mean what they mean to it; the log-in that it keeps is a pickle, which nobody should load.
"""

from __future__ import annotations

from functools import partial
from typing import Dict, List, Mapping, Tuple
from urllib.parse import quote, quote_plus

from ..system.files import parse_json
from .addresses import HubPath, SourceError
from .http import Remote
from .listing import Ask, Listed

DEFAULT_ENDPOINT = "https://modelscope.cn"
DEFAULT_REVISION = "master"
LISTED_FILES = 3000  # at most, and the hub does not say that there are more


def request(source: str, environ: Mapping[str, str]) -> Remote:
    """Make the request for modelscope://ORG/REPO@REVISION/PATH.

    >>> request("modelscope://org/voice@master/a/b.bin", {}).url
    'https://modelscope.cn/api/v1/models/org/voice/repo?Revision=master&FilePath=a%2Fb.bin'
    """
    place = HubPath.read(source)
    query = f"Revision={quote_plus(place.revision or DEFAULT_REVISION)}&FilePath={quote_plus(place.path)}"
    return _asked(place, f"repo?{query}", environ)


def listed(place: HubPath, ask: Ask, environ: Mapping[str, str]) -> Tuple[HubPath, List[Listed]]:
    """List the files below the folder of a place; the hub states the sha256 of each.

    Raises:
        SourceError: it refuses, or answers something else, or more than it lists.
    """
    place = place._replace(revision=place.revision or DEFAULT_REVISION)
    root = f"&Root={quote_plus(place.folder)}" if place.folder else ""
    body = ask(_asked(place, f"repo/files?Revision={quote_plus(place.revision)}&Recursive=True{root}", environ)).body
    try:
        files = parse_json(body)["Data"]["Files"]
        found = [Listed(str(file["Path"]), int(file["Size"]), str(file.get("Sha256") or "").lower())
                 for file in files if file["Type"] != "tree"]  # fmt: skip
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"ModelScope answers with something else than a list of files: {error!r}") from error
    if len(files) >= LISTED_FILES:
        raise SourceError(f"ModelScope lists {LISTED_FILES} files at most: name a folder of the repository")
    return place, found


def _asked(place: HubPath, what: str, environ: Mapping[str, str]) -> Remote:
    endpoint = environ.get("MODELSCOPE_ENDPOINT") or environ.get("MODELSCOPE_DOMAIN") or DEFAULT_ENDPOINT
    endpoint = (endpoint if "://" in endpoint else f"https://{endpoint}").rstrip("/")
    token = environ.get("MODELSCOPE_API_TOKEN", "").strip()
    url = f"{endpoint}/api/v1/models/{quote(place.repository)}/{what}"
    return Remote(url, _headers(token), partial(explain, f"{endpoint}/models/{place.repository}", bool(token)))


def _headers(token: str) -> Dict[str, str]:
    """Log in both ways, as its client does: older addresses know the cookie only."""
    return {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"} if token else {}


def explain(page: str, with_token: bool, status: int, body: bytes) -> str:
    """Say why the hub refused: its own words, and what to do.

    >>> explain("https://modelscope.cn/models/org/voice", True, 404, b'{"Code": 1, "Message": "not found"}')
    'not found; what is there: https://modelscope.cn/models/org/voice/files'
    """
    return "; ".join(filter(None, [_words(body), _advice(page, with_token, status)]))


def _words(body: bytes) -> str:
    try:
        return " ".join(str(parse_json(body)["Message"]).split()).rstrip(".")[:200]
    except (ValueError, KeyError, TypeError):
        return ""


def _advice(page: str, with_token: bool, status: int) -> str:
    if status in (401, 403) and not with_token:
        return f"private, gated or not there: set MODELSCOPE_API_TOKEN, of an account that may read {page}"
    if status in (401, 403):
        return f"the account of MODELSCOPE_API_TOKEN may not read {page}"
    return f"what is there: {page}/files" if status == 404 else ""
