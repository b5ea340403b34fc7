"""Weights that nobody wants any more: which of the files below the models folder can go.

Only what is certainly ours: a file that was verified against the manifest once and has not changed
since (its stamp stands), or a part of a download that nobody came back for. Whatever else lies there
belongs to a person. Links are neither followed nor removed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Iterator, List, NamedTuple, Sequence

from ..settings import Models, Settings
from ..system.files import is_leftover
from .store import stamps_of

DAY_S = 86400


class Unwanted(NamedTuple):
    """A file that can go, and why."""

    path: Path
    size_bytes: int
    why: str


def find(settings: Settings, days: float, now: float) -> List[Unwanted]:
    """Find the files that can go, by path.

    Args:
        days: how long a file must be unused (neither read nor written, as far as its file system
            records it) that is no longer in the manifest.
        now: in seconds since 1970.
    """
    return sorted([*_dropped(settings, days, now), *_dead_parts(settings.models_directory, now)])


def _dropped(settings: Settings, days: float, now: float) -> Iterator[Unwanted]:
    """Find files that an earlier manifest named."""
    folder = settings.models_directory
    wanted = {file.path for file in (settings.models or Models(files=())).files}
    for name in stamps_of(settings).unchanged(folder):
        path = folder / name
        if name in wanted or not _lies_below(path, folder):
            continue
        status = path.stat()
        unused_days = (now - max(status.st_atime, status.st_mtime)) / DAY_S
        if unused_days >= days:
            yield Unwanted(path, status.st_size, f"not in the manifest, unused for {unused_days:.0f} days")


def _lies_below(path: Path, folder: Path) -> bool:
    """Tell whether a path is a file of the folder itself, reached without a link."""
    return path.is_file() and path.resolve() == folder.resolve() / path.relative_to(folder)


def _dead_parts(folder: Path, now: float) -> Iterator[Unwanted]:
    for parent, _, names in os.walk(str(folder)):
        for path in (Path(parent, name) for name in names):
            with suppress(OSError):  # a download that ends just now takes its part away
                status = path.lstat()
                # The time alone: who writes it may be on another machine.
                if is_leftover(path.name, now - status.st_mtime, lambda pid: True):
                    yield Unwanted(path, status.st_size, "of a download that was given up")


def remove(unwanted: Sequence[Unwanted], folder: Path) -> None:
    """Remove the files, and the folders below `folder` that are empty then.

    Raises:
        OSError: one cannot be removed.
    """
    for file in unwanted:
        file.path.unlink()
        for parent in file.path.parents:
            if parent == folder:
                break
            with suppress(OSError):  # not empty
                parent.rmdir()
