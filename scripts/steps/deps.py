"""Make the environments of the suite and the service, once per checksum of what defines them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from .. import environment
from ..console import counted, say
from ..environment import Environment
from ..settings import Settings


@dataclass(frozen=True)
class Environments:
    """Where the suite and the service run."""

    suite: Environment
    service: Optional[Environment]


def run(settings: Settings, with_suite: bool = True, with_service: bool = True) -> Environments:
    """Make what is missing, saying first what will be downloaded and where to.

    Args:
        with_suite: no where only the service is wanted.
        with_service: no for a service that somebody else runs.

    Raises:
        InstallError: a requirements file is missing, its lock is stale, or packages cannot be had.
    """
    own = settings.project / "requirements.txt"
    if own.is_file() and own.with_suffix(".lock").is_file():
        environment.check_lock(own, own.with_suffix(".lock"))
    requirements = settings.service.requirements if settings.service and with_service else None
    suite = _made("suite", settings.suite.requirements if with_suite else None, settings)
    return Environments(suite or Environment(Path(sys.prefix)), _made("service", requirements, settings))


def _made(name: str, requirements: Optional[str], settings: Settings) -> Optional[Environment]:
    if requirements is None:
        return None
    recipe = environment.recipe(name, settings.project / requirements, settings.state)
    if recipe.ready:
        return environment.make(recipe)
    folder = recipe.folder.relative_to(settings.project)
    size = environment.header(recipe.lock).get("download") if recipe.lock else None
    say(f"packages for the {name}: {size or requirements}, into {folder}")
    made = environment.make(recipe)
    prune(settings)
    return made


def prune(settings: Settings, days: float = environment.KEEP_DAYS) -> List[Path]:
    """Remove the environments that no run used for so many days, say so, and return their folders."""
    gone = environment.prune(settings.state / "environments", days)
    if gone:
        names = ", ".join(folder.name for folder in gone)
        say(f"removed {counted(len(gone), 'environment')} not used for {days:g} days: {names}")
    return gone
