"""Which files were verified before: a file is hashed once, and again only after it changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, NamedTuple

from .parts import temporary

SCHEMA = 1


class Stamp(NamedTuple):
    """A file as it was when its content had this digest."""

    size_bytes: int
    mtime_ns: int
    inode: int
    sha256: str


def stamp(status: os.stat_result, sha256: str) -> Stamp:
    """The stamp of a file from its `os.stat` and its digest."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ino, sha256)


class Stamps:
    """The stamps in one JSON file; one that cannot be read holds none."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamps = self._saved = _load(file)

    def hold(self, name: str, path: Path, sha256: str) -> bool:
        """Whether `path` is a file that was seen to have this digest, and has not changed since."""
        known = self._stamps.get(name)
        try:
            return known is not None and known == stamp(path.stat(), sha256)
        except OSError:
            return False

    def put(self, name: str, new: Stamp) -> None:
        """Remember a stamp under a name, for `save`."""
        self._stamps = {**self._stamps, name: new}

    def save(self) -> None:
        """Write them if there are new ones. Where that is not possible, files are hashed again next time."""
        if self._stamps == self._saved:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with temporary(self._file) as part:
                part.write_text(_dump(self._stamps), encoding="utf-8")
                part.replace(self._file)
        except OSError:
            return
        self._saved = self._stamps


def _dump(stamps: Dict[str, Stamp]) -> str:
    return json.dumps({"schema": SCHEMA, "files": stamps}, indent=1, sort_keys=True)


def _load(file: Path) -> Dict[str, Stamp]:
    try:
        data: Any = json.loads(file.read_text(encoding="utf-8"))
        files = data["files"].items() if data["schema"] == SCHEMA else ()
        return {str(name): Stamp(*values) for name, values in files}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}
