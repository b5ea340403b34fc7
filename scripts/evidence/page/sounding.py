"""The sound that a page holds: read while there is room, else linked from where it lies."""

from __future__ import annotations

import base64
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional
from urllib.parse import quote

from markupsafe import Markup

from ...system import files
from .kept import SOUND
from .text import as_json

MOST_BYTES = 12_000_000  # of all; a third more in the page, as base64


class Sound(NamedTuple):
    """A recording of a page.

    Args:
        picture: what `audio.pictures` drew of it; None where there is no recording.
        embedded: the key of its content in the page; empty where it is only linked.
    """

    name: str
    kind: str
    link: str
    picture: Optional[Mapping[str, Any]]
    embedded: str = ""
    letter: str = ""
    gain_db: float = 0.0


class Room:
    """What a page has room for; the first that ask get it."""

    def __init__(self, base: Path, most_bytes: int = MOST_BYTES) -> None:
        self._base, self._left_bytes = base, most_bytes
        self._contents: Dict[str, str] = {}
        self._keys: Dict[str, str] = {}

    def sound(self, path: str, picture: Optional[Mapping[str, Any]], name: str = "", **more: Any) -> Sound:
        """Take a recording in, once however often it is shown."""
        file = Path(path)
        kind = SOUND.get(file.suffix.lower(), "audio/wav")
        link = quote(os.path.relpath(path, str(self._base)).encode("utf-8", "surrogateescape"))
        return Sound(name or file.name, kind, link, picture, self._taken(path) if picture else "", **more)

    def _taken(self, path: str) -> str:
        if path not in self._keys:
            with suppress(OSError):
                content = files.read_bytes(Path(path), self._left_bytes)
                self._left_bytes -= len(content)
                self._keys[path] = f"s{len(self._keys)}"
                self._contents[self._keys[path]] = base64.b64encode(content).decode("ascii")
        return self._keys.get(path, "")

    def contents(self) -> Markup:
        """Write all that was taken in, for a script element."""
        return Markup(as_json(self._contents))  # noqa: S704 - as_json writes no < or &
