"""What to GET for a source that lies on a server: its URL, the secrets it takes, and what a refusal means.

    https://..., http://...        as it stands; a log-in comes from the URL or from ~/.netrc
    s3://BUCKET/KEY                signed with what AWS tools find on this machine, see s3.py
    hf://ORG/REPO@REVISION/PATH    with the token of the Hugging Face tools, see hub.py

No server is asked here: that is the transfer's work.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Mapping, NamedTuple

from . import huggingface, s3
from .addresses import SourceError


class Remote(NamedTuple):
    """One request, made anew for every attempt, because signatures expire.

    Whoever sends it must see to three things: `url` is never printed as it stands (`addresses.printable`);
    `headers` go to this URL's host only, and are dropped on a redirect to another scheme, host or port;
    and ~/.netrc adds no log-in where there is one already: neither in place of an Authorization of
    `headers`, as `requests` would by itself, nor beside a signature in `url`, which S3 refuses.
    """

    url: str  # may hold a signature or a password
    headers: Mapping[str, str]
    explain: Callable[[int, bytes], str]  # (status, start of the body) -> why, in one line; "" if no more is known
    certificates: str = ""  # a file of those to trust, where other tools for such sources have one of their own


def remote(source: str, environ: Mapping[str, str]) -> Remote:
    """The request for an http:, https:, s3: or hf: source.

    Args:
        environ: where HF_* variables are looked up; botocore reads those of the process itself.

    Raises:
        SourceError: it cannot be asked for: no botocore, a profile that is not there, another scheme.
    """
    scheme = source.partition(":")[0]
    if scheme == "s3":
        url = s3.signed_url(source)
        return Remote(url, {}, partial(s3.explain, s3.is_signed(url)), s3.certificates())
    if scheme == "hf":
        file, token = huggingface.parse(source, environ), huggingface.find_token(environ)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Remote(file.url, headers, partial(huggingface.explain, file, bool(token)))
    if scheme in ("http", "https"):
        return Remote(source, {}, explain)
    raise SourceError(f"no server has a source of the kind {scheme}:")


def explain(status: int, body: bytes) -> str:
    """What a web server's refusal means, where the status alone does not say it."""
    return "it wants a log-in; a line for its host in ~/.netrc is sent" if status == 401 else ""
