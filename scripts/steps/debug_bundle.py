"""Put what a person needs to see why a run failed into one file: `invoke debug-bundle`.

It needs no network and no service, and takes what is there: before any run, after a killed one, and with a
pipeline.yml that cannot be read.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import __version__, settings
from ..console import say
from ..errors import PipelineError, SettingsError
from ..evidence import bundle, contents
from ..evidence.facts import Asked
from ..evidence.files import Member
from ..evidence.record import PAGE, RunRecord
from ..local import concurrency
from ..models import store
from ..proof import report_text
from ..runner import hygiene
from ..settings import Settings, Suite
from ..system import machine
from ..system.apart import Gone, apart

UNTOLD = "what happened could not be found out"
MOST_S = 28.0  # whatever lies there; the command's start comes before
CLEAN_S = 5.0  # of it, before all else


def as_read(record: RunRecord) -> RunRecord:
    """Add nothing to what was read of a run."""
    return record


class Subject(NamedTuple):
    """What a bundle is about: a project, and what is wrong with its settings, which are then no more than its place.

    Args:
        known: adds to what was read of its last run what the caller knows of it.
    """

    settings: Settings
    problem: str = ""
    known: Callable[[RunRecord], RunRecord] = as_read

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
    """Write the bundle, and say where it is, how large, what happened, and what is not in it.

    Args:
        index: of the only shard wanted; else all that are there, and their merge.
        output: the file, or a folder for it. Default: reports/debug-bundle.tar.gz.

    Raises:
        SettingsError: that shard is not here, but others are.
        PipelineError: it cannot be written, or not within `MOST_S`.
    """
    for item in apart(lambda send: make(subject, send, index, output), MOST_S, time.monotonic() + MOST_S):
        if isinstance(item, Gone):
            raise PipelineError(f"no debug bundle could be made: {item.why}", "Name another place: --output PATH")
        say(item)


def make(
    subject: Subject,
    tell: Callable[[str], None],
    index: Optional[int] = None,
    output: Optional[Path] = None,
    pace: float = 1.0,
) -> None:
    """Write the bundle, and tell where it is and what happened, in a line; then what is not in it.

    Errors, and arguments but one, are those of `run`.

    Args:
        pace: less than 1 where there is less time than usual.
    """
    _clean(subject.settings, CLEAN_S * pace)
    name = "debug-bundle" if index is None else f"debug-bundle-shard-{index}"
    made = gather(subject, index, pace)
    title = f"Debug bundle of {subject.settings.name}, shardline {__version__}"
    page = bundle.summary_text(title, made).encode("utf-8", "backslashreplace")
    first = [member for member in made.members if member.name == PAGE]
    rest = [member for member in made.members if member.name != PAGE]
    members = [*first, Member("summary.txt", page, 0.0), *rest]
    usual = place(output, subject.settings.reports, f"{name}.tar.gz")
    file, size_bytes, why = _written(usual, name, members, may_be_elsewhere=output is None)
    tell(bundle.one_line(f"{_shown(file)}{why}", size_bytes, len(members), made.sentence or UNTOLD))
    notes = [("missing", made.missing), ("left out", made.left_out)]
    listed = [f"{word}: {line}" for word, some in notes for line in bundle.note_lines(some)]
    for line in report_text.reason_lines(listed):
        tell(line)


def _clean(settings: Settings, most_s: float) -> None:
    """Clean what a killed runner left, as far as there is time; what goes into the bundle is cleaned in any case."""
    for _ in apart(lambda send: hygiene.left_behind(settings), most_s, time.monotonic() + most_s):
        pass  # it did not come to its end


def _written(file: Path, name: str, members: Sequence[Member], may_be_elsewhere: bool) -> Tuple[Path, int, str]:
    """Write the archive; where the reports take none, to a folder for temporary files.

    Returns:
        where it is, its size in bytes, and why it is not in the usual place.

    Raises:
        PipelineError: it can be written in neither place.
    """
    try:
        return file, bundle.write(file, name, members), ""
    except OSError as error:
        if not may_be_elsewhere:
            raise bundle.unwritable(file, error) from error
        try:
            other = Path(tempfile.mkdtemp(prefix="shardline-")) / file.name
            return other, bundle.write(other, name, members), f" (not in {file.parent}: {error.strerror or error})"
        except OSError:
            raise bundle.unwritable(file, error) from error


def place(output: Optional[Path], reports: Path, name: str) -> Path:
    """Choose the file to write."""
    if output is None:
        return reports / name
    return output / name if output.is_dir() else output


def gather(subject: Subject, index: Optional[int] = None, pace: float = 1.0) -> bundle.Bundle:
    """Gather all that goes in; arguments and errors as in `make`."""
    project = subject.settings
    asked = Asked(
        weights=lambda: store.inventory(project),
        limits=lambda: _limits(project),
        environ=os.environ,
    )
    return contents.gather(project, index, subject.problem, asked, subject.known, pace)


def _limits(project: Settings) -> Dict[str, Any]:
    """Tell what planning takes this machine to bear, GPUs aside: their driver may take long to answer."""
    memory, peak_bytes = machine.memory(), concurrency.remembered(project)
    here = machine.Capacity(machine.cores(), memory)
    borne = concurrency.bearable(0, here, peak_bytes)
    return {
        "cores": here.cores,
        "memory": memory._asdict(),
        "a_shard_took_bytes": peak_bytes,
        "shards_at_once": borne.shards,
        "why": str(borne),
        "control_groups": machine.groups(),
    }


def _shown(file: Path) -> str:
    """Write a path as short as it can be typed here."""
    here = Path.cwd()
    return str(file.relative_to(here) if here in file.parents else file)
