"""What was resolved, as a lock has it: a heading, what is from indexes with hashes, and all else as it stands."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ...console import counted, human_bytes, progress
from ...errors import InstallError
from ...system import programs
from .. import pip_config, pip_settings, requirements
from ..requirements import Line, Source
from ..sources import local_sources
from . import lock_files
from .python_versions import OldestPython
from .uv_output import Entry


class Request(NamedTuple):
    """What is to be locked."""

    file: Path  # of requirements; its lock lies beside it
    project: Path  # whose folder paths count from
    oldest: OldestPython
    is_upgrade: bool = False  # versions need not stay

    @property
    def lock(self) -> Path:
        """The file that is made."""
        return self.file.with_suffix(".lock")


class Resolution(NamedTuple):
    """The packages that uv chose, and for what."""

    request: Request
    lines: Sequence[Line]  # of the requirements file
    options: Mapping[str, str]  # of pip, in force
    before: str  # the lock that was there; empty where there was none
    entries: Sequence[Entry]


def written(found: Resolution) -> str:
    """Write a resolution as a lock has it.

    Raises:
        InstallError: it is not to be seen which local package one of them needs.
    """
    kept = "".join(entry.text for entry in found.entries if not entry.source)
    tail = _tail(found)
    text = f"{_heading(found, kept)}\n{kept}"
    return text + (f"\n{lock_files.TAIL}\n" + "".join(f"{line}\n" for line in tail) if tail else "")


# The end: what is not from an index ---------------------------------------------------------------


def _tail(found: Resolution) -> List[str]:
    """Write what is not from an index: the person's lines as they stand, then what their packages name."""
    request = found.request
    resolved = [entry.source for entry in found.entries if entry.source]
    own = [source for source in map(requirements.source, _wanted(found.lines)) if source]
    tail: Dict[str, None] = {}
    for source in own:
        if source.is_local:
            tail[_as_it_stands(source, request)] = None
        else:
            written = lock_files.as_written(source)
            same = [one for one in resolved if _without_revision(one) == _without_revision(written)]
            resolved = [one for one in resolved if one not in same]
            tail.update((_locked(written, one), None) for one in same[:1])
    tail.update((requirements.at_revision(one, one.revision), None) for one in resolved if not one.is_local)
    is_project = request.file.name in requirements.BUILD_FILES
    places = [request.file.parent] if is_project else []
    places += [local_sources.place_of(source, request.project) for source in own if source.is_local]
    for path, is_editable in _further([one for one in resolved if one.is_local], places, request.file):
        tail[("-e " if is_editable else "") + requirements.shown(path, request.project)] = None
    return list(tail)


def _wanted(lines: Iterable[Line]) -> Iterator[Line]:
    return (line for line in lines if not line.is_constraint)


def _as_it_stands(source: Source, request: Request) -> str:
    """Write a line of the person's, its path such that it means the same in the lock."""
    written = lock_files.as_written(source)
    text = re.sub(r"\s+--hash[\s=]\S+", "", written.line.written)
    meant = local_sources.place_of(source, request.project)
    if requirements.place(source.location, request.lock, request.project) == meant:
        return text
    return text.replace(written.location, requirements.shown(meant, request.project))


def _further(found: Sequence[Source], places: Iterable[Path], file: Path) -> Iterator[Tuple[Path, bool]]:
    """Find the local packages that local packages need, of which uv tells the path as their own files have it.

    Yields:
        (place, whether it is editable).

    Raises:
        InstallError: it is not to be seen which one is meant.
    """
    known, open_ = dict.fromkeys(places), list(found)
    while open_:
        left = []
        for source in open_:
            path = _beside(source.location, known)
            if path is None:
                left.append(source)
            elif path not in known:
                known[path] = None
                yield path, source.is_editable
        if len(left) == len(open_):
            message = f"cannot lock {file}: a package of it needs {left[0].location}, which is not found"
            raise InstallError(message, f"Name it in {file.name}, too.")
        open_ = left


def _beside(location: str, known: Iterable[Path]) -> Optional[Path]:
    """Find a package by a path that one of the known packages wrote."""
    for folder in [Path("/"), *known]:
        found = Path(os.path.normpath(folder / location))
        if requirements.place(str(found), found, found):
            return found
    return None


def _locked(written: Source, found: Source) -> str:
    """Write a line of version control with its commit, and behind it what the person wrote."""
    named = written._replace(name=written.name or found.name)
    comment = "" if written.names_commit else f"  # {written.revision or 'HEAD'}"
    return requirements.at_revision(named, found.revision) + comment


def _without_revision(source: Source) -> Tuple[str, str]:
    return source.location, source.fragment


# The heading --------------------------------------------------------------------------------------


def _heading(found: Resolution, kept: str) -> str:
    """Write the lines at the top of the lock; what was measured for the same packages is not measured again."""
    request, file = found.request, found.request.file
    lines = [f"# Made from {file.name} by the step `lock`; do not edit."]
    lines += [f"# requirements: {lock_files.digest(file)}", f"# python: {request.oldest.version} and newer"]
    local = lock_files.local_digests(file, request.project)
    lines += [f"# local: {lock_files.written_digests(local)}"] if local else []
    lines += _needs_indexes(found)
    same = found.before and lock_files.packages(found.before) == lock_files.packages(kept)
    download = lock_files.header_of(found.before).get("download", "") if same else ""
    download = download or _download(kept, request.lock.name, found.options)
    return "".join(f"{line}\n" for line in [*lines, *([f"# download: {download}"] if download else [])])


def _needs_indexes(found: Resolution) -> List[str]:
    """Say which packages only a further index has, without naming its host."""
    main = _host_and_path(pip_settings.main_index(found.options, os.environ))
    elsewhere = [entry for entry in found.entries if entry.found_in and _host_and_path(entry.found_in) != main]
    if not elsewhere or not found.options.get("extra-index-url"):
        return []
    names = ", ".join(dict.fromkeys(re.split(r"[\s\\]", entry.text, maxsplit=1)[0] for entry in elsewhere))
    named = any(line.option == "--extra-index-url" for line in found.lines)
    return [f"# indexes: {found.request.file.name if named else 'pip config'} names the one of {names}"]


def _host_and_path(url: str) -> Tuple[Optional[str], str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path.rstrip("/")


def _download(kept: str, name: str, options: Mapping[str, str]) -> str:
    """Measure what a fresh machine like this one downloads for a lock; empty where that cannot be."""
    pip = pip_config.find_pip()
    if not pip or not kept.strip():
        return ""
    with TemporaryDirectory() as scratch, progress(f"measuring the download of {name}"):
        wheels, file = Path(scratch, "wheels"), Path(scratch, "kept.txt")
        wheels.mkdir()
        file.write_text(kept, encoding="utf-8")
        command = [*pip, "download", "-q", "--require-hashes", "--no-deps", "-d", str(wheels), "-r", str(file)]
        environ = {**os.environ, **pip_settings.for_pip(options, os.environ, Path(scratch))}
        try:
            programs.output(command, None, environ=environ, merged=True)
        except programs.ProgramFailed:
            return ""
        sizes = [file.stat().st_size for file in wheels.iterdir()]
    where = f"Python {'.'.join(platform.python_version_tuple()[:2])}, {platform.system()} {platform.machine()}"
    return f"{counted(len(sizes), 'package')}, {human_bytes(sum(sizes))} (on {where})"
