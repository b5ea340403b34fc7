"""Which files of a project may go into a bundle, and what is in them: those of the list that are plain files.

No links and no weights go in; of a long log, head and tail.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Callable, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

from ..settings import Settings
from .allowlist import HEAD_BYTES, TAIL_BYTES, WEIGHTS, Rule

TIME_IS_UP = "there was no time left"
MOST_FILES = 3_000  # of one pattern; a bundle of more is read by nobody
MOST_ENTRIES = 30_000  # of one folder, and of one pattern: a million take 10 s on a busy machine


class Candidate(NamedTuple):
    """A file that may go in; `size_bytes` is how much of it would."""

    name: str  # from the project's folder, with slashes
    path: Path
    rule: Rule
    size_bytes: int


class Note(NamedTuple):
    """A file that is not in the bundle, or not whole, and why."""

    name: str
    why: str


class Member(NamedTuple):
    """A file of the bundle. `cut_bytes` of the original are not in it."""

    name: str
    content: bytes
    mtime: float
    about: str = ""
    cut_bytes: int = 0
    taken_out: Tuple[Tuple[str, int], ...] = ()  # secrets, by kind; never a value


@dataclass
class Matches:
    """Of a rule: what may go in; what is expected and not there; what is there and must stay out."""

    files: List[Candidate] = field(default_factory=list)
    missing: List[Note] = field(default_factory=list)
    left_out: List[Note] = field(default_factory=list)


class Weights(NamedTuple):
    """What must not go in, whatever the list says: the models folder, and its files under any other name.

    Args:
        folder: resolved; None where the reports lie in it too.
        identities: (st_dev, st_ino) of each file.
    """

    folder: Optional[Path] = None
    identities: FrozenSet[Tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Project:
    """Where files may come from, and which never do.

    Only `reports` may itself be a link, to a larger disk perhaps; below it and elsewhere none is followed.

    Args:
        settings: the file with the values of `service.environment`.
    """

    folder: Path
    reports: Path
    settings: Path
    weights: Weights = Weights()


def shards(reports: Path) -> List[str]:
    """List the names of the shards and repairs that left something, in order."""
    folders = [path.name for path in reports.glob("*-*") if re.fullmatch(r"(shard|repair)-\d+", path.name)]
    logs = [path.stem for path in reports.glob("shard-*.log") if re.fullmatch(r"shard-\d+", path.stem)]
    return sorted({*folders, *logs}, key=lambda name: (name.startswith("repair"), int(name.partition("-")[2])))


def weights(settings: Settings) -> Weights:
    """Name what must stay out: the folder of the weights, and the files of the manifest wherever they turn up."""
    folder, reports = (Path(os.path.realpath(path)) for path in (settings.models_directory, settings.reports))
    around = folder in (reports, *reports.parents)  # models.directory: . would keep everything out
    return Weights(None if around else folder, _identities(settings))


def _identities(settings: Settings) -> FrozenSet[Tuple[int, int]]:
    identities = set()
    for file in settings.models.files if settings.models else ():
        with suppress(OSError):  # not fetched yet
            status = (settings.models_directory / file.path).stat()
            identities.add((status.st_dev, status.st_ino))
    return frozenset(identities)


def find(project: Project, rule: Rule, late: Callable[[], bool]) -> Matches:
    """Look for the files of a rule.

    Args:
        late: whether there is no time left; then the rest is left out, and it is said so.
    """
    matches = Matches()
    try:
        paths, more = matching(*_searched(project, rule.pattern), late)
        for path in paths:
            _look(project, rule, path, matches)
        if more:
            at_least = "at least " if more >= MOST_ENTRIES - MOST_FILES else ""
            matches.left_out.append(Note(rule.pattern, f"{at_least}{more} more files, which were not looked at"))
        if rule.expected and not paths:
            matches.missing.append(Note(rule.pattern, rule.about))
    except (OSError, ValueError) as error:
        matches.left_out.append(Note(rule.pattern, str(error)))
    return matches


def _searched(project: Project, pattern: str) -> Tuple[Path, str]:
    """Return the folder to search, and the pattern below it: the reports may lie anywhere (`--reports DIR`)."""
    first, _, rest = pattern.partition("/")
    return (project.reports, rest) if first == "reports" and rest else (project.folder, pattern)


def _name(project: Project, path: Path) -> str:
    """Return what a file is called in the bundle, wherever the reports lie."""
    if project.reports in path.parents:
        return f"reports/{path.relative_to(project.reports).as_posix()}"
    return path.relative_to(project.folder).as_posix()


def matching(folder: Path, pattern: str, late: Callable[[], bool]) -> Tuple[List[Path], int]:
    """List what a pattern finds below a folder, by name, and how many more. As in a shell, * finds nothing hidden.

    Beyond `MOST_FILES` files are counted only, and beyond `MOST_ENTRIES` not even that.

    Raises:
        ValueError: the pattern leads out of the folder, or is none.
        TimeoutError: it is late.
    """
    parts = PurePosixPath(pattern).parts
    if not parts or PurePosixPath(pattern).is_absolute() or ".." in parts:
        raise ValueError("expected a pattern below the project's folder")
    everything = parts[-2:] == ("**", "*")
    paths = below(folder.joinpath(*parts[:-2])) if everything else folder.glob(pattern)
    matches: List[Path] = []
    more = 0
    for path in paths:
        if late():
            raise TimeoutError(TIME_IS_UP)
        hidden = {part for part in path.relative_to(folder).parts if part.startswith(".")}
        if not hidden <= set(parts):
            continue
        if len(matches) < MOST_FILES:
            matches.append(path)
            continue
        more += 1
        if more >= MOST_ENTRIES:
            break
    return sorted(matches), more


def below(top: Path) -> Iterator[Path]:
    """Walk what lies below a folder, by name; a folder that cannot be read comes itself, one that is hidden too."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                some = itertools.islice(entries, MOST_ENTRIES)
                listed = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in some)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:
            yield folder
            continue
        entered = {name for name, is_folder in listed if is_folder and not name.startswith(".")}
        yield from (folder / name for name, _ in listed if name not in entered)
        waiting += [folder / name for name in sorted(entered, reverse=True)]


def _look(project: Project, rule: Rule, path: Path, matches: Matches) -> None:
    """Sort a path into what was found and what must stay out."""
    name = _name(project, path)
    try:
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and "*" in rule.pattern:
            if not os.access(path, os.R_OK | os.X_OK):
                matches.left_out.append(Note(name, "a folder that may not be read"))
            return
        fault = linked(path, project) or unfit(path, status, rule, project)
    except OSError as error:
        matches.left_out.append(Note(name, error.strerror or str(error)))
        return
    if fault:
        matches.left_out.append(Note(name, fault))
    else:
        matches.files.append(Candidate(name, path, rule, min(status.st_size, rule.limit_bytes)))


def linked(path: Path, project: Project) -> str:
    """Say that a link is on the way to a path, or '' if none is."""
    home = project.reports if project.reports in path.parents else project.folder
    way = [step for step in (path, *path.parents) if home in step.parents]
    link = next((step for step in reversed(way) if step.is_symlink()), None)
    return f"{_name(project, link)} is a link, and none is followed" if link else ""


def unfit(path: Path, status: os.stat_result, rule: Rule, project: Project) -> str:
    """Say why a file must stay out, or '' if it may go in."""
    if not stat.S_ISREG(status.st_mode):
        return "not a plain file but a folder, pipe, socket or device"
    if path == project.settings:
        return "may hold secrets; settings.json has what may be shown"
    if (status.st_dev, status.st_ino) in project.weights.identities:
        return "weights"
    if project.weights.folder and project.weights.folder in path.resolve().parents:
        return "in the folder of the weights"
    if path.suffix.lower() in WEIGHTS:
        return "of a kind that weights are kept in"
    if rule.suffixes and path.suffix.lower() not in rule.suffixes:
        return "not known to be sound, a picture or text"
    if not rule.log and status.st_size > rule.limit_bytes:
        return f"{status.st_size} bytes, more than the {rule.limit_bytes} that one file may have"
    return ""


def read(path: Path, name: str, rule: Rule) -> Member:
    """Read the file, or head and tail of a long log.

    Raises:
        OSError: it cannot be read, or is no plain file any more.
    """
    # What was a file a moment ago may be a link now, or a pipe, which would be waited for.
    descriptor = os.open(str(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "not a plain file any more")
        if rule.log and status.st_size > rule.limit_bytes:
            cut_bytes = status.st_size - rule.limit_bytes
            content = _head_and_tail(file, cut_bytes)
        else:
            cut_bytes, content = 0, file.read(min(status.st_size, rule.limit_bytes))
    return Member(name, content, status.st_mtime, rule.about, cut_bytes)


def _head_and_tail(file: BinaryIO, cut_bytes: int) -> bytes:
    head = file.read(HEAD_BYTES)
    file.seek(HEAD_BYTES + cut_bytes)
    return head + f"\n[... {cut_bytes} bytes are cut here ...]\n".encode("ascii") + file.read(TAIL_BYTES)
