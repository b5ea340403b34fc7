"""Remove what runs made: results and environments, and the model cache where that is wanted."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..console import say
from ..runner import ownership
from ..settings import Settings
from . import integration

# Of a project, and of our own tests.
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")
MADE = (".pipeline/environments", ".pipeline/cache", ".pipeline/reproduce", "reports/reproduced", ".nox", *CACHES)


def run(settings: Settings, weights: bool = False) -> None:
    """Remove it, and say what. Where the results have a place of their own, only they go.

    Args:
        weights: the model cache, too.

    Raises:
        AlreadyRunning: a run owns the results.
    """
    if settings.reports.exists():
        with ownership.of_all(settings):  # nobody runs there now
            integration.clear(settings)
            shutil.rmtree(str(settings.reports / ownership.FOLDER), ignore_errors=True)
        say(f"removed the results in {settings.reports}")
    folders = [] if settings.reports_directory else [settings.project / name for name in MADE]
    if weights:
        folders.append(settings.models_directory)
    for folder in filter(Path.exists, folders):
        shutil.rmtree(str(folder))
        say(f"removed {folder}")
