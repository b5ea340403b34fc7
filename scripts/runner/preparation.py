"""Prepare a machine for a shard: the environments of suite and service, and the model weights."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from ..console import counted, human_bytes, say
from ..environments import environments, lock_files
from ..environments.environments import Environment
from ..models import store
from ..settings import Settings


@dataclass(frozen=True)
class Environments:
    """Where the suite and the service run."""

    suite: Environment
    service: Optional[Environment]  # None where it is not ours to start, or its `python` is what PATH says


def install(settings: Settings, with_suite: bool = True, with_service: bool = True) -> Environments:
    """Make the environments that are missing, saying first what will be downloaded and where to.

    Args:
        with_suite: no where only the service is wanted.
        with_service: no for a service that somebody else runs.

    Raises:
        InstallError: a requirements file is missing, its lock is stale, or packages cannot be had.
    """
    own = settings.project / "requirements.txt"
    if own.is_file() and own.with_suffix(".lock").is_file():
        lock_files.check_lock(own, own.with_suffix(".lock"))
    requirements = settings.service.requirements if settings.service and with_service else None
    suite = _make("suite", settings.suite.requirements if with_suite else None, settings)
    own = Path(sys.prefix)
    service = _make("service", requirements, settings) or environments.of_shell(os.environ, own)
    return Environments(suite or Environment(own), service if with_service else None)


def _make(name: str, requirements: Optional[str], settings: Settings) -> Optional[Environment]:
    if requirements is None:
        return None
    recipe = environments.recipe(name, settings.project / requirements, settings.state)
    if recipe.ready:
        return environments.make(recipe)
    folder = recipe.folder.relative_to(settings.project)
    size = lock_files.header(recipe.lock).get("download") if recipe.lock else None
    say(f"packages for the {name}: {size or requirements}, into {folder}")
    made = environments.make(recipe)
    prune(settings)
    return made


def prune(settings: Settings, days: float = environments.KEEP_DAYS) -> List[Path]:
    """Remove the environments that no run used for so many days, say so, and return their folders."""
    gone = environments.prune(settings.state / "environments", days)
    if gone:
        names = ", ".join(folder.name for folder in gone)
        say(f"removed {counted(len(gone), 'environment')} not used for {days:g} days: {names}")
    return gone


def fetch_weights(settings: Settings, offline: bool = False) -> None:
    """Fetch what is missing of the weights; one line when all is there and verified.

    Args:
        offline: verify only, fetch nothing.

    Raises:
        ModelError: a file is missing, cannot be had, or is not what the manifest says.
    """
    if settings.models is None:
        return
    fetched = store.fetch(settings, offline)
    say(verified(fetched.files, fetched.total_bytes))


def verified(files: int, total_bytes: int) -> str:
    """Say that all is well.

    >>> verified(12, 2_600_000_000)
    'weights: 12 files verified, 2.6 GB'
    """
    return f"weights: {counted(files, 'file')} verified, {human_bytes(total_bytes)}"
