"""Make the environments of the suite and the service, once per checksum of what defines them: `nox -s deps`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Optional

from ..console import human_bytes, progress, say
from ..environments import bytecode
from ..environments.environments import Environment
from ..runner import preparation
from ..runner.preparation import Environments
from ..service.names import title
from ..settings import Settings
from ..system import files
from . import models


def run(settings: Settings, prune_days: Optional[float] = None, compiled: bool = False) -> None:
    """Make what is missing and say where it lies; or only remove what no run used for so many days.

    Args:
        compiled: compile their modules too, as pays where many machines take them from a cache.

    Raises:
        InstallError: a requirements file is missing, its lock is stale, or packages cannot be had.
    """
    if prune_days is not None:
        if not preparation.prune(settings, prune_days):
            say(f"no environment was unused for {prune_days:g} days")
        return
    made = preparation.install(settings)
    made.tell()
    if compiled:
        _compile(settings, made)
    say(f"suite: {made.suite.folder}")
    for name, environment in made.services.items():
        say(f"{title(name)}: {environment.folder}")


def _compile(settings: Settings, made: Environments) -> None:
    """Compile what of the environments lies in the project, and so in its caches: ours too."""
    folders = {environment.folder for environment in [made.suite, *made.services.values()]} | {Path(sys.prefix)}
    for folder in sorted(folder for folder in folders if settings.project in folder.parents):
        with progress(f"compiling the modules in {settings.shown(folder)}"):
            done = bytecode.compile(Environment(folder))
        if done:
            say(f"compiled: {settings.shown(folder)}, {human_bytes(files.size_below(folder))} in all")


def write_digests(settings: Settings, folder: Path) -> None:
    """Write the digests that are the keys of CI's caches, of the packages and of the weights; make and fetch nothing.

    Raises:
        InstallError: a requirements file is missing, or its lock is stale.
    """
    write_digest(settings, folder / "packages.sha256")
    models.run(settings, digest_file=folder / "weights.sha256")


def write_digest(settings: Settings, file: Path) -> None:
    """Write the digest of what decides the environments, which is the key of CI's cache of them; make none.

    Raises:
        InstallError: a requirements file is missing, or its lock is stale.
    """
    files.write_text(file, preparation.digest(settings) + "\n")
    say(f"digest of the packages: {file}")
