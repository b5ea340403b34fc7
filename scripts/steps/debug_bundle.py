"""Put what a person needs to see why a run failed into one file: `invoke debug-bundle`.

It needs no network and no service, and takes what is there: before any run, after a killed one, and with a
pipeline.yml that cannot be read.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence

from .. import __version__, settings
from ..console import counted, human_bytes, say
from ..errors import SettingsError
from ..evidence import bundle
from ..evidence.files import Member
from ..models import store
from ..proof import receipt, report_text
from ..runner import hygiene
from ..settings import Settings, Suite


class Subject(NamedTuple):
    """What a bundle is about: a project, and what is wrong with its settings, which are then no more than its place."""

    settings: Settings
    problem: str = ""

    @property
    def command(self) -> Callable[..., str]:
        """Give what writes a command about this project."""
        return self.settings.command


def load(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str] = None) -> Subject:
    """Find the project; arguments as those of `settings.load`.

    Raises:
        SettingsError: there is no settings file, so nobody knows which project is meant.
    """
    file = settings.find(named or environ.get("PIPELINE_SETTINGS"), start)
    try:
        loaded, problem = settings.load(str(file), {}, start), ""
    except SettingsError as error:
        loaded, problem = Settings(Suite(path="."), name=file.parent.name), error.message
    return Subject(settings.located(loaded, file, named, start, reports), problem)


def run(subject: Subject, index: Optional[int] = None, output: Optional[Path] = None) -> None:
    """Write the bundle, and say where it is, how large, and what is not in it.

    Args:
        index: of the only shard wanted; else all that are there, and their merge.
        output: the file, or a folder for it. Default: reports/debug-bundle.tar.gz.

    Raises:
        SettingsError: that shard is not here, but others are.
        PipelineError: it cannot be written.
    """
    hygiene.left_behind(subject.settings)
    now = time.time()
    name = "debug-bundle" if index is None else f"debug-bundle-shard-{index}"
    file = place(output, subject.settings.reports, f"{name}.tar.gz")
    contents = gather(subject, index)
    title = f"Debug bundle of {subject.settings.name}, {_utc(now, '%Y-%m-%d %H:%M:%S')} UTC, shardline {__version__}"
    page = bundle.summary_text(title, contents, verdicts(contents.members)).encode("utf-8", "backslashreplace")
    members = [Member("summary.txt", page, int(now)), *contents.members]
    size_bytes = bundle.write(file, f"{name}-{_utc(now, '%Y%m%d-%H%M%S')}", members, now)
    say(f"debug bundle: {_shown(file)}, {human_bytes(size_bytes)}, {counted(len(members), 'file')}")
    notes = [("missing", contents.missing), ("left out", contents.left_out)]
    for line in report_text.reason_lines(
        [f"{word}: {line}" for word, some in notes for line in bundle.note_lines(some)]
    ):
        say(line)


def place(output: Optional[Path], reports: Path, name: str) -> Path:
    """Choose the file to write."""
    if output is None:
        return reports / name
    return output / name if output.is_dir() else output


def gather(subject: Subject, index: Optional[int] = None) -> bundle.Bundle:
    """Gather all that goes in; arguments and errors as in `run`."""
    project = subject.settings
    return bundle.gather(project, index, subject.problem, lambda: store.inventory(project), os.environ)


def verdicts(members: Sequence[Member]) -> List[str]:
    """Say what became of each shard whose result is there, and why it is red."""
    lines = []
    for member in members:
        if member.name.endswith(f"/{receipt.FILE_NAME}"):
            try:
                result = receipt.from_json(json.loads(member.content))
                lines += [
                    f"{result.name}: {report_text.summary(result)}",
                    *report_text.reason_lines(receipt.reasons(result)),
                ]
            except (ValueError, RecursionError) as error:
                lines.append(f"{member.name}: no result of this version: {error}")
    return lines


def _shown(file: Path) -> str:
    """Write a path as short as it can be typed here."""
    here = Path.cwd()
    return str(file.relative_to(here) if here in file.parents else file)


def _utc(now: float, form: str) -> str:
    return time.strftime(form, time.gmtime(now))
