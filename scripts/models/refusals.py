"""Why a fetch cannot bring the weights: what is said to whoever has to put it right."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import List, NamedTuple, Sequence

from .. import console
from ..errors import ModelError
from ..settings import ModelFile, Settings
from .inventory import MISSING, Missing


class Refused(NamedTuple):
    """A file that no source gave, and what each said."""

    missing: Missing
    refusals: Sequence[str]


def check_places(folder: Path, missing: Sequence[Missing]) -> None:
    """Refuse to write where a link leads out of the folder, or over a folder.

    Raises:
        ModelError: with the path in the way.
    """
    for each in missing:
        path = folder / each.file.path
        if folder.resolve() not in (path.parent.resolve(), *path.parent.resolve().parents):
            raise ModelError(f"{path} leads out of {folder}, by a link", f"Remove the link above {path}.")
        if path.is_dir() and not path.is_symlink():
            raise ModelError(f"expected a file, got a folder: {path}", f"Move {path} away.")


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises:
        ModelError: with the bytes needed and free.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < needed_bytes:
        need, free = console.human_bytes(needed_bytes), console.human_bytes(free_bytes)
        raise ModelError(f"the weights need {need} free, and {existing} has {free}", _other_folder("Free some space"))


def not_ready(settings: Settings, missing: Sequence[Missing]) -> ModelError:
    """Files are missing, and nothing may be fetched."""
    lines = [f"  {shown(settings, each.file)}: {each.fault}" for each in missing]
    count = f"{len(missing)} of {len(settings.models.files if settings.models else ())}"
    message = "\n".join([f"{count} model files are not ready, and nothing may be fetched:", *lines])
    return ModelError(message, f"Fetch them where there is a network: {_again()}")


def cannot_write(folder: Path, error: OSError) -> ModelError:
    """The folder, or its disk, does not take what came."""
    where = error.filename or folder
    begin = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Give it room and permissions"
    hint = f"{_other_folder(begin)} What has come is kept: {_again()} goes on from there."
    return ModelError(f"cannot write the weights to {where}: {error.strerror or error}", hint)


def cannot_fetch(settings: Settings, refused: Sequence[Refused]) -> ModelError:
    """No source gave these files."""
    lines: List[str] = []
    for missing, refusals in refused:
        file = missing.file
        size = console.human_bytes(file.size_bytes)
        lines += [f"cannot fetch {file.path} ({size}, sha256 {file.sha256}):", *(f"  {line}" for line in refusals)]
        if missing.fault != MISSING:
            lines.append(f"  in its place lies another file: {missing.fault}")
    if len(refused) == 1:
        what, place = "the file", shown(settings, refused[0].missing.file)
    else:
        what, place = "each file", f"its path below {relative(settings.models_directory, settings.project)}"
    return ModelError("\n".join(lines), f"Put {what} at {place} and run {_again()}: it is taken if its digest matches.")


def shown(settings: Settings, file: ModelFile) -> str:
    """The place of a file, as people know it."""
    return relative(settings.models_directory / file.path, settings.project)


def relative(path: Path, folder: Path) -> str:
    """A path as people know it: from the project's folder where it lies below that."""
    return str(path.relative_to(folder) if folder in path.parents else path)


def _other_folder(first: str) -> str:
    return f"{first}, or name a folder on another disk in pipeline.yml, models: directory."


def _again() -> str:
    return console.command("nox", "-s", "models")
