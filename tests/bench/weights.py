"""Files as large as weights, and the project whose manifest names them."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple, Sequence

from scripts.console import human_bytes
from scripts.errors import PipelineError

from .measuring import project

GIB = 1 << 30
BLOCK_BYTES = 1 << 24


class Weights(NamedTuple):
    """A file of random bytes, what it holds, and where clients find it."""

    file: Path
    size_bytes: int
    sha256: str


def written(file: Path, size_bytes: int) -> Weights:
    """Write such a file."""
    block, digest, left = os.urandom(BLOCK_BYTES), hashlib.sha256(), size_bytes
    with file.open("wb") as out:
        while left:
            part = block[:left]
            out.write(part)
            digest.update(part)
            left -= len(part)
    return Weights(file, size_bytes, digest.hexdigest())


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse to fill a disk.

    Raises:
        PipelineError: there is not so much free.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        need, free = human_bytes(needed_bytes), human_bytes(free_bytes)
        raise PipelineError(f"this part needs {need} in {folder}, which has {free}", "Ask for less: --gib 1")


def manifest(folder: Path, files: Sequence[Weights], url: str, directory: str = "weights") -> Path:
    """A project in the folder whose models are these files, in `directory` of it; its pipeline.yml."""
    models = f"models:\n  directory: {directory}\n  files:\n{entries(files, url)}"
    return project(folder, f"suite:\n  path: suite\n{models}", {})


def entries(files: Sequence[Weights], url: str) -> str:
    """The files as they stand in pipeline.yml below `models: files:`, each from a server that has them by name."""
    return "".join(
        f"  - {{path: {each.file.name}, size: {each.size_bytes}, sha256: {each.sha256}, "
        f"sources: ['{url}/{each.file.name}']}}\n"
        for each in files
    )
