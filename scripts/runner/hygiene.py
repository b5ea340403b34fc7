"""Keep what a run leaves on disk free of secrets: CI stores all of it, and people send it on.

A shard cleans what it left before it writes its result, and its services' logs when these have ended. What a killed
runner left raw is cleaned by whatever comes next: another run, `verdict`, `merge`, `debug-bundle`.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator, List, Sequence

from ..console import say
from ..errors import AlreadyRunning
from ..evidence import cleaning
from ..evidence.redaction.redactor import Redactor
from ..proof import receipt
from ..settings import Settings
from ..system import process_tree, records
from . import outputs, ownership, sharing

# What runs make in the reports. The folder may be a person's, who has other files there.
FOLDERS = re.compile(rf"(shard|repair)-[0-9]+|{sharing.FOLDER}")
FILES = re.compile(
    r"shard-[0-9]+\.log|(serve|background|prepare)[\w.-]*\.log|junit\.xml|ending\.json|index\.html|summary\.md"
)


def redactor(settings: Settings, words: Sequence[str] = ()) -> Redactor:
    """Make what takes out the secrets that are known to this process.

    Args:
        words: that were typed.
    """
    return cleaning.redactor(settings, os.environ, words)


def before_result(folder: Path, by: Redactor) -> None:
    """Clean what a result holds digests of, which must not change afterwards."""
    _clean([folder / name for name in receipt.BESIDE], by)


def of_folder(settings: Settings, folder: Path, by: Redactor) -> None:
    """Clean all that a shard left; what its result has sealed has been cleaned before."""
    _clean([folder], by, [*_sealed(folder), folder / outputs.FOLDER, *_written(settings)])


def of_run(settings: Settings, by: Redactor) -> None:
    """Clean all that runs left in the reports. For whoever owns these, when nothing writes there any more.

    What `suite.outputs` names is the suite's own, as plain pytest leaves it, and stays so.
    """
    for path in _made(settings.reports):
        of_folder(settings, path, by)


@contextmanager
def at_end(clean: Callable[[], None]) -> Iterator[None]:
    """Clean when the block has ended, however it did: its error is not hidden, nor its exit code changed."""
    try:
        yield
    finally:
        try_to(clean)


def try_to(clean: Callable[[], None]) -> None:
    """Clean, and only say it where that fails as a whole: what comes next counts for more."""
    try:
        clean()
    except Exception as error:
        with suppress(Exception):  # nobody reads on
            say(f"not cleaned: secrets may stand in what runs left: {type(error).__name__}: {error}")


def of_services(settings: Settings) -> None:
    """Clean the logs of the services that a person started, but for those that still run."""
    logs = [path for path in _made(settings.reports) if path.name.startswith(("serve", "background", "prepare"))]
    _clean(logs, redactor(settings), _written(settings))


def left_behind(settings: Settings) -> None:
    """Clean what a killed runner left; where somebody runs, nothing is touched: that cleans at its end."""
    try_to(lambda: _left_behind(settings))


def _left_behind(settings: Settings) -> None:
    if not any(_made(settings.reports)):
        return
    records.sweep(settings.state)
    with suppress(AlreadyRunning), ownership.of_all(settings):
        of_run(settings, redactor(settings))


def _made(reports: Path) -> Iterator[Path]:
    """Find what runs made in the reports."""
    try:
        entries = sorted(reports.iterdir())
    except OSError:
        return
    for path in entries:
        pattern = FOLDERS if path.is_dir() else FILES
        if pattern.fullmatch(path.name) and not path.is_symlink():
            yield path


def _sealed(folder: Path) -> List[Path]:
    return [folder / name for name in receipt.BESIDE] if (folder / receipt.FILE_NAME).exists() else []


def _written(settings: Settings) -> List[Path]:
    """List the logs that a service still writes to: its lines would go to a file that is not there any more."""
    known = [record for record in records.read_all(settings.state) if record.log]
    return [Path(record.log) for record in known if process_tree.tree(record.process, record.run_id)]


def _clean(paths: Sequence[Path], by: Redactor, spared: Sequence[Path] = ()) -> None:
    for line in cleaning.clean(paths, by, spared):
        say(line)
