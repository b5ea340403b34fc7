"""Read a foreign project's texts, within limits, and write files into it without touching what is there."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Sequence

from ..errors import PipelineError, SettingsError, shortened
from ..system import files

MARK = "`shardline adopt`"  # near the top of all that we made
BESIDE = ".shardline"  # what we would have written where a person's own file is
MARKED_WITHIN = 400  # characters
MOST_FILES = 3000  # more do not say more about how a service starts
MOST_BYTES = 400_000  # of one file; larger sources are made by programs
DEEPEST = 8
SKIPPED = {
    "node_modules",
    "site-packages",
    "build",
    "dist",
    "reports",
    "cache_hub",
    "venv",
    "env",
    "third_party",
    "vendor",
}
NAMES = {"Procfile", "pyproject.toml", ".python-version", "docker-compose.yml", "docker-compose.yaml", "compose.yml",
         "compose.yaml", "environment.yml", "setup.cfg"}  # fmt: skip
LOCKS = {"uv.lock", "poetry.lock", "pdm.lock"}  # only whether they are there


@dataclass(frozen=True)
class Wanted:
    """A file that the project should have: its path and text, what it is for, and what of it a person must edit.

    With `appended`, lines that are missing are added to a file of theirs.
    """

    path: str
    text: str
    purpose: str
    appended: bool = False


@dataclass(frozen=True)
class Written:
    """What became of a wanted file: made, added to, kept (ours, from before) or beside (theirs is left)."""

    wanted: Wanted
    outcome: str
    place: str
    detail: str = ""


# Reading ------------------------------------------------------------------------------------------


def read(folder: Path) -> Dict[str, str]:
    """Read the texts that tell about a service, by their paths from the folder; none of what we made.

    Raises:
        SettingsError: no such folder.
    """
    if not folder.is_dir():
        raise SettingsError(
            f"no such folder: {shortened(str(folder), 300)}", "Name the folder of the service's project."
        )
    texts: Dict[str, str] = {}
    for path in _paths(folder):
        text = "" if path.name in LOCKS else _text(path)
        if text is not None and MARK not in text[:MARKED_WITHIN]:
            texts[path.relative_to(folder).as_posix()] = text
        if len(texts) >= MOST_FILES:
            break
    return texts


def _paths(folder: Path) -> Iterator[Path]:
    """List the files that may tell something, those of upper folders first."""
    level = [folder]
    for _ in range(DEEPEST):
        below: List[Path] = []
        for each in level:
            entries = _entries(each)
            yield from (Path(entry.path) for entry in entries if _tells(entry.name) and _is_file(entry))
            below += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False) and _is_own(entry)]
        level = below


def _entries(folder: Path) -> List[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_file(entry: os.DirEntry[str]) -> bool:
    with suppress(OSError):  # a link to itself
        return entry.is_file()
    return False


def _tells(name: str) -> bool:
    if not name.isprintable():  # no name of a program's author; a line's end in it would end a comment of ours
        return False
    ends = name.endswith((".py", ".sh")) or (name.endswith(".txt") and "requirements" in name)
    in_folder = name in ("base.txt", "prod.txt", "production.txt", "dev.txt", "test.txt", "tests.txt")
    return ends or in_folder or name in NAMES or name in LOCKS or name.startswith("Dockerfile")


def _is_own(entry: os.DirEntry[str]) -> bool:
    is_environment = os.path.lexists(os.path.join(entry.path, "pyvenv.cfg"))
    is_hidden = entry.name.startswith((".", "__")) or not entry.name.isprintable()
    return not (is_hidden or entry.name in SKIPPED or is_environment)


def _text(path: Path) -> str | None:
    """Read a file as text; None where it is large, no text, or cannot be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        return None if len(content) > MOST_BYTES or b"\0" in content else content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None


def there(folder: Path, paths: Iterable[str]) -> List[str]:
    """Give those of the paths that the project has."""
    return [path for path in paths if os.path.lexists(folder / path)]


def theirs(folder: Path, paths: Iterable[str]) -> List[str]:
    """Give those of the paths that the project has, and not from us."""
    return [path for path in there(folder, paths) if MARK not in (_text(folder / path) or "")[:MARKED_WITHIN]]


def host(folder: Path) -> str:
    """Read the name of the host that the repository was cloned from, or is pushed to; "" where there is none."""
    url = r"(?:[\w+.-]+://)?(?:[^@/\s]*@)?([\w.-]+)[:/]"  # https://NAME:TOKEN@HOST/..., git@HOST:...
    found = re.search(rf"(?m)^\s*url\s*=\s*{url}", _text(folder / ".git" / "config") or "")
    return found[1] if found else ""


# Writing ------------------------------------------------------------------------------------------


def write(folder: Path, wanted: Sequence[Wanted], dry_run: bool) -> List[Written]:
    """Write each file that is not there yet; a person's own stays as it is, and ours goes beside it.

    Raises:
        PipelineError: the folder cannot be written, or a link in it leads out of it.
    """
    for each in wanted:
        place = folder / each.path
        _check_inside(folder, place if each.appended else place.parent)
    return [_append(folder, each, dry_run) if each.appended else _write(folder, each, dry_run) for each in wanted]


def _check_inside(folder: Path, place: Path) -> None:
    """Refuse to write where a link leads out of the folder: what lies there is somebody else's.

    Raises:
        PipelineError: it names the place.
    """
    with suppress(ValueError, OSError, RuntimeError):  # the last two: a link to itself
        place.resolve().relative_to(folder.resolve())
        return
    message = f"{place}: a link leads out of the project's folder, and nothing is written there"
    raise PipelineError(message, "Put a file or folder of the project's own in its place.")


def _write(folder: Path, wanted: Wanted, dry_run: bool) -> Written:
    place = folder / wanted.path
    if not os.path.lexists(place):
        return _made(folder, wanted, "made", wanted.path, dry_run)
    if MARK in (_text(place) or "")[:MARKED_WITHIN]:
        return Written(wanted, "kept", wanted.path)
    beside = wanted.path + BESIDE
    if os.path.lexists(folder / beside):
        return Written(wanted, "kept", beside)
    return _made(folder, wanted, "beside", beside, dry_run)


def _made(folder: Path, wanted: Wanted, outcome: str, path: str, dry_run: bool) -> Written:
    if not dry_run:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / path, wanted.text)
    return Written(wanted, outcome, path)


def _append(folder: Path, wanted: Wanted, dry_run: bool) -> Written:
    """Add the lines that a file of theirs lacks, at its end."""
    place = folder / wanted.path
    if not os.path.lexists(place):
        return _made(folder, wanted, "made", wanted.path, dry_run)
    there = _text(place)
    if there is None:
        raise PipelineError(f"cannot read {place} as text", "Save it as UTF-8, or move it away, and run again.")
    known = {_plain(line) for line in there.splitlines()}
    missing = [line for line in wanted.text.splitlines() if not line.startswith("#") and _plain(line) not in known]
    if not missing:
        return Written(wanted, "kept", wanted.path)
    if not dry_run:
        gap = "" if there.endswith("\n") or not there else "\n"
        comment = wanted.text.splitlines()[0]
        files.write_text(place.resolve(), f"{there}{gap}{comment}\n" + "".join(f"{line}\n" for line in missing))
    return Written(wanted, "added to", wanted.path, ", ".join(missing))


def _plain(line: str) -> str:
    return line.strip().strip("/")
