"""What to GET for a source that lies on a server: its URL, the secrets it takes, and what a refusal means.

    https://..., http://...        as it stands; a log-in comes from the URL or from ~/.netrc
    s3://BUCKET/KEY                signed with what AWS tools find on this machine, see s3.py
    hf://ORG/REPO@REVISION/PATH    with the token of the Hugging Face tools, see huggingface.py
    modelscope://ORG/REPO@REVISION/PATH    with the token of ModelScope's, see modelscope.py

No server is asked here: that is the work of download.py.
"""

from __future__ import annotations

from typing import Callable, Dict, Mapping

from . import huggingface, modelscope, s3
from .addresses import SourceError, scheme_of
from .http import Remote

Request = Callable[[str, Mapping[str, str]], Remote]


def remote(source: str, environ: Mapping[str, str]) -> Remote:
    """Make the request for a source on a server.

    Args:
        environ: where HF_* and MODELSCOPE_* variables are looked up; botocore reads those of the process itself.

    Raises:
        SourceError: it cannot be asked for: no botocore, a profile that is not there, another scheme.
    """
    if not is_remote(source):
        raise SourceError(f"no server has a source of the kind {scheme_of(source)}:")
    return SERVERS[scheme_of(source)](source, environ)


def is_remote(source: str) -> bool:
    """Tell whether a source lies on a server that is asked directly.

    >>> [is_remote(source) for source in ("https://host/a", "file:a", "wheel:a==1#a")]
    [True, False, False]
    """
    return scheme_of(source) in SERVERS


def web(source: str, environ: Mapping[str, str]) -> Remote:
    """Make the request for a URL, as it stands."""
    return Remote(source, {}, explain)


def explain(status: int, body: bytes) -> str:
    """Say what a web server's refusal means, where the status alone does not."""
    return "it wants a log-in; a line for its host in ~/.netrc is sent" if status == 401 else ""


# Kinds of sources on servers: a new one is a file beside s3.py, and a line here and in settings.
SERVERS: Dict[str, Request] = {
    "https": web,
    "http": web,
    "s3": s3.request,
    "hf": huggingface.request,
    "modelscope": modelscope.request,
}
