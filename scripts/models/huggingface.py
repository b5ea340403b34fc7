"""Files on the Hugging Face hub or a mirror of it: the URL, the token, and refusals in plain words.

HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH and HF_HOME mean what they mean to the Hugging Face tools.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Mapping, NamedTuple
from urllib.parse import quote

from .http import Remote

DEFAULT_ENDPOINT = "https://huggingface.co"


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
    file, token = parse(source, environ), find_token(environ)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Remote(file.url, headers, partial(explain, file, bool(token)))


def parse(source: str, environ: Mapping[str, str]) -> HubFile:
    """Read hf://ORG/REPO@REVISION/PATH, for the hub or the mirror that HF_ENDPOINT names.

    >>> parse("hf://org/voice@v1.0/音 色.bin", {"HF_ENDPOINT": "https://mirror.test/"}).url
    'https://mirror.test/org/voice/resolve/v1.0/%E9%9F%B3%20%E8%89%B2.bin'
    """
    repository, _, rest = source[len("hf://") :].partition("@")
    revision, _, path = rest.partition("/")
    endpoint = environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT
    return HubFile(endpoint.rstrip("/"), repository, revision, path)


def find_token(environ: Mapping[str, str]) -> str:
    """Look up the person's token: HF_TOKEN, or the file in which `hf auth login` left it; empty if there is none."""
    if environ.get("HF_TOKEN"):
        return environ["HF_TOKEN"].strip()
    caches = Path(environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(environ.get("HF_HOME") or caches / "huggingface")
    file = Path(environ.get("HF_TOKEN_PATH") or home / "token")
    try:
        return file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError):  # RuntimeError: nobody's home folder
        return ""


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
