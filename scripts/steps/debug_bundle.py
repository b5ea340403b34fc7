"""Put what a person needs to see why a run failed into one file: `invoke debug-bundle`.

It needs no network and no service, and takes what is there: before any run, after a killed one, and with a
pipeline.yml that cannot be read.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import __version__, settings
from ..console import counted, human_bytes, say
from ..errors import SettingsError
from ..evidence import allowlist, bundle, facts, redact
from ..evidence.bundle import Bundle
from ..evidence.files import Member, Note, Project, Weights
from ..models import store
from ..proof import receipt, report_text
from ..settings import Settings, Suite

COLLECT_S = 12.0  # with facts and packing, a bundle is there within 30 s


class Subject(NamedTuple):
    """What a bundle is about: a project, and what is wrong with its settings, which are then no more than its place."""

    settings: Settings
    problem: str = ""

    @property
    def command(self) -> Callable[..., str]:
        """What writes a command about this project."""
        return self.settings.command


def load(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str] = None) -> Subject:
    """The project; arguments as those of `settings.load`.

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
        SettingsError: others have run, and that shard has not.
        PipelineError: it cannot be written.
    """
    _check_shard(subject, index)
    now = time.time()
    name = "debug-bundle" if index is None else f"debug-bundle-shard-{index}"
    file = place(output, subject.settings.reports, f"{name}.tar.gz")
    made = gather(subject, index)
    title = f"Debug bundle of {subject.settings.name}, {_utc(now, '%Y-%m-%d %H:%M:%S')} UTC, shardline {__version__}"
    page = bundle.summary_text(title, made, verdicts(made.members)).encode("utf-8", "backslashreplace")
    members = [Member("summary.txt", page, int(now)), *made.members]
    size_bytes = bundle.write(file, f"{name}-{_utc(now, '%Y%m%d-%H%M%S')}", members, now)
    say(f"debug bundle: {_shown(file)}, {human_bytes(size_bytes)}, {counted(len(members), 'file')}")
    notes = [("missing", made.missing), ("left out", made.left_out)]
    for line in report_text.told([f"{word}: {line}" for word, said in notes for line in bundle.notes(said)]):
        say(line)


def _check_shard(subject: Subject, index: Optional[int]) -> None:
    """Refuse a shard that is not here where others are; where none is, the bundle says so."""
    there = [name for name in shards(subject.settings.reports) if name.startswith("shard-")]
    if index is not None and there and f"shard-{index}" not in there:
        here = ", ".join(name.partition("-")[2] for name in there)
        raise SettingsError(
            f"--shard: no shard {index} has run here, but {here}", "Name one of them, or leave --shard out."
        )


def place(output: Optional[Path], reports: Path, name: str) -> Path:
    """The file to write."""
    if output is None:
        return reports / name
    return output / name if output.is_dir() else output


def _shown(file: Path) -> str:
    """A path as short as it can be typed here."""
    here = Path.cwd()
    return str(file.relative_to(here) if here in file.parents else file)


def gather(subject: Subject, index: Optional[int] = None) -> Bundle:
    """All that goes in: files of the list, and facts that stand in none."""
    project = subject.settings
    there = shards(project.reports)
    wanted = there if index is None else [f"shard-{index}"]
    logs = project.service.logs if project.service else ()
    deadline = time.monotonic() + COLLECT_S

    def late() -> bool:
        return time.monotonic() > deadline

    listed = allowlist.rules(wanted, logs, whole_run=index is None)
    places = Project(project.project, project.reports, project.file, weights(project))
    collected = bundle.collect(places, listed, allowlist.CAP_BYTES, late)
    told, unknown = facts.gather(project, subject.problem, lambda: store.found(project))
    hidden = redact.secrets(project, os.environ)
    members = (each._replace(content=redact.blotted(each.content, hidden)) for each in (*collected.members, *told))
    missing = [*_unknown(subject), *_not_run(wanted, there), *collected.missing, *unknown]
    return Bundle(tuple(members), tuple(missing), collected.left_out)


def shards(reports: Path) -> List[str]:
    """The names of the shards and repairs that left something, in order."""
    folders = [path.name for path in reports.glob("*-*") if re.fullmatch(r"(shard|repair)-\d+", path.name)]
    logs = [path.stem for path in reports.glob("shard-*.log") if re.fullmatch(r"shard-\d+", path.stem)]
    return sorted({*folders, *logs}, key=lambda name: (name.startswith("repair"), int(name.partition("-")[2])))


def _unknown(subject: Subject) -> List[Note]:
    why = "cannot be read, see settings-error.txt; so nothing is known of service.logs"
    return [Note(subject.settings.file.name, why)] if subject.problem else []


def _not_run(wanted: Sequence[str], there: Sequence[str]) -> List[Note]:
    if not there:
        return [Note("reports/shard-*", "no shard has run here")]
    return [Note(f"reports/{name}", f"here are {', '.join(there)}") for name in wanted if name not in there]


def weights(project: Settings) -> Weights:
    """What must stay out: the folder of the weights, and the files of the manifest wherever they turn up."""
    folder, reports = (Path(os.path.realpath(path)) for path in (project.models_directory, project.reports))
    around = folder in (reports, *reports.parents)  # models.directory: . would keep everything out
    return Weights(None if around else folder, _identities(project))


def _identities(project: Settings) -> FrozenSet[Tuple[int, int]]:
    found = set()
    for file in project.models.files if project.models else ():
        with suppress(OSError):  # not fetched yet
            status = (project.models_directory / file.path).stat()
            found.add((status.st_dev, status.st_ino))
    return frozenset(found)


def verdicts(members: Sequence[Member]) -> List[str]:
    """What became of each shard whose result is there, and why it is red."""
    lines = []
    for member in members:
        if member.name.endswith(f"/{receipt.FILE_NAME}"):
            try:
                result = receipt.from_json(json.loads(member.content))
                lines += [f"{result.name}: {report_text.summary(result)}", *report_text.told(receipt.reasons(result))]
            except (ValueError, RecursionError) as error:
                lines.append(f"{member.name}: no result of this version: {error}")
    return lines


def _utc(now: float, form: str) -> str:
    return time.strftime(form, time.gmtime(now))
