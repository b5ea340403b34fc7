"""Size and digest of what a source has, for a manifest that does not name it yet.

The bytes go through a part in the folder of the weights, so that a download of hours can be
interrupted; in the end the file is either kept there, under its name, or gone.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import closing
from functools import partial
from typing import Optional

from .. import console
from ..settings import ModelFile, Models, Settings
from ..typed_yaml import Bytes
from .addresses import is_remote, printable
from .answers import PATIENT, extent_of, request_headers
from .failures import SourceError
from .inventory import remember
from .parts import Part, open_part
from .refusals import check_room
from .remote import remote
from .scratch import scratch
from .sources import Sources
from .stamps import stamp
from .web import Interrupted, Web


def describe(settings: Settings, source: str, path: str, keep: bool = False) -> ModelFile:
    """Read a source through to its end.

    Args:
        path: of the file, below the models folder.
        keep: leave the file there, verified, so that it need not come again.

    Returns:
        the file as the manifest names it.

    Raises:
        SourceError: the source cannot give it.
        OSError: the folder of the weights cannot be written.
    """
    size_bytes = announced_bytes(source) if is_remote(source) else None
    folder, place = settings.models_directory, settings.models_directory / path
    folder.mkdir(parents=True, exist_ok=True)
    check_room(folder, size_bytes or 0)
    shown = printable(source)
    waiting = partial(console.say, f"waiting for another process that reads {shown}")
    key = hashlib.sha256(source.encode()).hexdigest()  # of the part: the digest is what we are looking for
    with console.progress(f"reading {shown}", size_bytes) as advance, open_part(folder, key, waiting, advance) as part:
        if not part.origin.validator:  # no digest would tell that its file has changed since
            part.restart()
        _read(settings, part, _asked_for(path, source, size_bytes), advance)
        content = part.content()
        file = ModelFile(Bytes(content.size_bytes), path, content.sha256, (source,))
        if keep:
            place.parent.mkdir(parents=True, exist_ok=True)
            remember(settings, file, stamp(part.publish(place), file.sha256))
        else:
            part.restart()
    return file


def _read(settings: Settings, part: Part, file: ModelFile, advance: console.Advance) -> None:
    wheels = (settings.models or Models(files=())).wheels
    with scratch(settings.models_directory / "wheels") as folder:
        Sources(settings.project, folder, wheels, advance).fill(part, file.sources[0], file)


def _asked_for(path: str, source: str, size_bytes: Optional[int]) -> ModelFile:
    """What a transfer is told of the file; without a size, all that comes belongs to it."""
    return ModelFile(Bytes(sys.maxsize if size_bytes is None else size_bytes), path, "", (source,))


def announced_bytes(source: str) -> int:
    """The size that a server says its file has.

    Raises:
        SourceError: it refuses, or says none.
    """
    asked = remote(source, os.environ)
    web = Web(PATIENT)
    try:
        with closing(web.get(asked, request_headers(0, ""), with_netrc=source.startswith("http"))) as answer:
            if answer.status_code != 200:
                why = asked.explain(answer.status_code, web.read(answer, 4096))
                raise SourceError(": ".join(filter(None, [f"HTTP {answer.status_code} {answer.reason}", why])))
            size_bytes = extent_of(answer.headers).total_bytes
    except Interrupted as error:
        raise SourceError(str(error)) from error
    if size_bytes is None:
        raise SourceError("the server does not say how large it is: download it, and take it as a file: source")
    return size_bytes
