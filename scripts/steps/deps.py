"""Make the environments of the suite and the service, once per checksum of what defines them: `nox -s deps`."""

from __future__ import annotations

from typing import Optional

from ..console import say
from ..runner import preparation
from ..service.names import title
from ..settings import Settings


def run(settings: Settings, prune_days: Optional[float] = None) -> None:
    """Make what is missing and say where it lies; or only remove what no run used for so many days.

    Raises:
        InstallError: a requirements file is missing, its lock is stale, or packages cannot be had.
    """
    if prune_days is not None:
        if not preparation.prune(settings, prune_days):
            say(f"no environment was unused for {prune_days:g} days")
        return
    made = preparation.install(settings)
    made.tell()
    say(f"suite: {made.suite.folder}")
    for name, environment in made.services.items():
        say(f"{title(name)}: {environment.folder}")
