"""Keep what a suite writes by itself into the folders that `suite.outputs` names, with the result of its shard."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, Iterator, NamedTuple, Tuple

from ..ci import Node
from ..console import counted, human_bytes, printable
from ..settings import SHARD, Settings

FOLDER = "outputs"  # in a shard's folder
MOST_BYTES = 1_000_000_000  # of all that a shard keeps: CI carries it from node to node
MOST_FILES = 50_000

Stamp = Tuple[int, int, int]
Seen = Dict[str, Stamp]  # by path: what tells that a file was written since


def name_of(output: str, index: int) -> str:
    """Name the folder of a shard.

    >>> name_of("out-{shard}", 2), name_of("out", 2)
    ('out-2', 'out')
    """
    return output.replace(SHARD, str(index))


def files_of(place: Path) -> Iterator[Path]:
    """Find the plain files below a folder, or the one that it is, in order; links are not followed, nor named."""
    try:
        mode = place.lstat().st_mode
    except OSError:
        return
    if stat.S_ISREG(mode):
        yield place
    elif stat.S_ISDIR(mode):
        for folder, folders, names in os.walk(str(place)):
            folders.sort()
            for name in sorted(names):
                with suppress(FileNotFoundError):
                    if stat.S_ISREG(Path(folder, name).lstat().st_mode):
                        yield Path(folder, name)


def seen(settings: Settings, node: Node) -> Seen:
    """Note what lies in the folders before a shard runs."""
    found: Seen = {}
    for file in (file for output in settings.suite.outputs for file in _own(settings, output, node)):
        with suppress(OSError):
            found[str(file)] = _stamp(file)
    return found


def _own(settings: Settings, output: str, node: Node) -> Iterator[Path]:
    """Find the files of an output, but for what a run writes for us, should that lie in it."""
    kept = (settings.reports, settings.state)
    place = settings.suite_directory / name_of(output, node.index)
    inside = [folder for folder in kept if place == folder or place in folder.parents]
    return (file for file in files_of(place) if not any(folder in file.parents for folder in inside))


def _stamp(file: Path) -> Stamp:
    status = file.lstat()
    return status.st_mtime_ns, status.st_size, status.st_ino


class _Kept(NamedTuple):
    files: int = 0
    size_bytes: int = 0


def keep(settings: Settings, node: Node, before: Seen, folder: Path, say: Callable[[str], None]) -> None:
    """Copy what a shard wrote since into its folder; what cannot be copied, or is too much, costs a line."""
    kept = _Kept()
    for output in settings.suite.outputs:
        name = name_of(output, node.index)
        try:
            for file in _own(settings, output, node):
                with suppress(FileNotFoundError):  # something goes on writing there
                    if before.get(str(file)) != _stamp(file):
                        kept = _copied(settings, file, folder / FOLDER, kept)
        except OSError as error:
            say(f"not kept of suite.outputs: {printable(name)}: {error.strerror or error}")


def _copied(settings: Settings, file: Path, folder: Path, kept: _Kept) -> _Kept:
    """Copy a file.

    Raises:
        OSError: it cannot be copied, or the shard wrote too much.
    """
    size = file.lstat().st_size
    if kept.files >= MOST_FILES or kept.size_bytes + size > MOST_BYTES:
        most = f"{counted(MOST_FILES, 'file')} and {human_bytes(MOST_BYTES)}"
        raise OSError(f"a shard keeps at most {most}; the rest from {settings.shown(file)} on stays where it is")
    target = folder / file.relative_to(settings.suite_directory)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(str(file), str(target), follow_symlinks=False)
    return _Kept(kept.files + 1, kept.size_bytes + size)
