"""Make the locks anew: `nox -s lock`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

from ..console import say
from ..environments import lock_files
from ..settings import Settings
from ..system import caches


def run(settings: Settings, upgrade: bool = False, oldest_python: str = "3.8") -> None:
    """Lock every requirements file of the project; versions stay unless `upgrade`.

    Raises:
        InstallError: no uv here, no index, or no versions that fit together.
    """
    os.environ.update(caches.for_uv(os.environ, settings.state) or {})
    for requirements in files(settings):
        lock = lock_files.make(requirements, upgrade, oldest_python)
        say(f"{lock.relative_to(settings.project)}: {lock_files.header(lock).get('download', 'made')}")


def files(settings: Settings) -> Iterator[Path]:
    """List the requirements files of a project that are there: its own, the suite's, those of the services."""
    services = [service.requirements for service in settings.all_services.values()]
    for name in dict.fromkeys(("requirements.txt", settings.suite.requirements, *services)):
        if name and (settings.project / name).is_file():
            yield settings.project / name
