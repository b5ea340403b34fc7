"""Make a lock: let uv resolve a requirements file for all platforms, and write what it found as a lock has it."""

from __future__ import annotations

import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from ...console import counted, human_bytes, progress
from ...errors import InstallError
from ...system import files, programs
from .. import file_options, installers, pip_settings, requirements
from ..requirements import Line, Source
from ..sources import local_sources
from . import lock_files, uv_output
from .python_versions import OldestPython
from .uv_output import Entry

MOST_TRIALS = 4  # of newer Pythons, for the message of a failure
TOKEN_CHARACTERS = 20  # nobody's name is so long


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


def make(request: Request) -> Path:
    """Lock a requirements file; versions stay unless an upgrade is ordered.

    Returns:
        the lock.

    Raises:
        InstallError: no uv here, no index, or no versions that fit together.
    """
    uv = installers.find_uv()
    if not uv:
        raise InstallError("locks are made by uv, and none is here", "Install it: pip install uv")
    lines = local_sources.lines_of(request.file, request.project)
    _refuse_passwords(lines)
    with tempfile.TemporaryDirectory() as folder:
        with progress(f"locking {request.file.name}"):
            found = _resolved(request, [uv, "pip", "compile"], lines, Path(folder))
        files.write_text(request.lock, found.as_lock())
    return request.lock


def _resolved(request: Request, uv: List[str], lines: Sequence[Line], folder: Path) -> _Making:
    """Resolve by the main index, or else by all that this machine is set to.

    Raises:
        InstallError: neither can.
    """
    every = pip_settings.options(os.environ)
    alone = main_index_alone(every)
    for options in [alone] if alone == every else [alone, every]:
        making = _Making(request, uv, lines, file_options.in_force(options, lines), folder)
        try:
            making.resolve()
            return making
        except programs.ProgramFailed as failed:
            error = failed
    raise making.failure(error)


def main_index_alone(options: Mapping[str, str]) -> Dict[str, str]:
    """Give pip's options without this machine's further indexes and folders.

    uv takes a release's files, and so its hashes, from one index; a further one may hold only those
    that fit this machine, and the lock would fail on every other. A project that needs one falls back.
    """
    if pip_settings.is_without_index(options):
        return dict(options)
    return {name: value for name, value in options.items() if name not in ("extra-index-url", "find-links")}


def _refuse_passwords(lines: Sequence[Line]) -> None:
    """Refuse what would be written into the lock with its password.

    Raises:
        InstallError: by file and line, without the password.
    """
    for line in lines:
        if line.option in ("", "--editable") and holds_password(line.written):
            message = f"{line.file}:{line.number} holds a password, which would stand in the lock"
            raise InstallError(message, "Write a variable there, ${TOKEN}, and set it where it is installed.")


def holds_password(written: str) -> bool:
    """Tell whether an address in a line has a password, or a token that stands for a user.

    >>> [holds_password(f"x @ git+https://{user}@h/r") for user in ("git", "me:${TOKEN}", "me:hunter2", "g" * 40)]
    [False, False, True, True]
    """
    found = re.search(r"://([^/\s:@]*)(:?)([^/\s@]*)@", written)
    if not found or re.fullmatch(r"\$\{\w+\}", found[3] or found[1]):
        return False
    return bool(found[2]) or len(found[1]) >= TOKEN_CHARACTERS


class _Making:
    """One attempt, with pip's options in force."""

    def __init__(
        self, request: Request, uv: List[str], lines: Sequence[Line], options: Mapping[str, str], folder: Path
    ) -> None:
        self.request, self.lines, self.folder = request, lines, folder
        self.options = {name: value for name, value in options.items() if name != "require-hashes"}  # we make them
        self.environ = {**os.environ, **pip_settings.variables(self.options, os.environ, is_locked=False)}
        self.before = request.lock.read_text(encoding="utf-8") if request.lock.is_file() else ""
        self.draft = folder / request.lock.name
        self.uv = [*uv, *pip_settings.uv_options(self.environ), "--universal", "-q", "--no-header"]
        self.uv += ["--generate-hashes", "--emit-index-annotation", "--emit-build-options"]
        self.uv += ["--python", sys.executable]  # else uv would look for one of that age
        self.uv += ["--upgrade"] if request.is_upgrade else []
        self.uv += [*self._input(folder), "-o", str(self.draft)]

    def as_lock(self) -> str:
        """Write what was resolved as a lock has it."""
        entries = list(uv_output.parted(self._body()))
        kept = "".join(entry.text for entry in entries if not entry.source)
        tail = self._tail(entries)
        heading = self._heading(entries, kept)
        text = f"{heading}\n{kept}"
        return text + (f"\n{lock_files.TAIL}\n" + "".join(f"{line}\n" for line in tail) if tail else "")

    # Asking uv ------------------------------------------------------------------------------------

    def resolve(self) -> None:
        """Let uv write the draft.

        Raises:
            ProgramFailed: by what uv printed; see `failure`.
        """
        if self.before:  # pins that still fit are kept
            self.draft.write_text(lock_files.from_index(self.before), encoding="utf-8")
        self._compile(self.request.oldest.version)

    def _body(self) -> str:
        body = self.draft.read_text(encoding="utf-8").replace(f"{self.folder}{os.sep}", "")
        for path in self.environ.get("UV_CONSTRAINT", "").split():  # of this machine's pip
            body = body.replace(path, Path(path).name)
        return body

    def _input(self, folder: Path) -> List[str]:
        """Say what to resolve: the file itself; rewritten where its lines mean other things to uv than to us."""
        sources = [requirements.source(line) for line in self.lines]
        if not any(sources) and not any(map(file_options.names_a_place, self.lines)):
            return [self.request.file.name]
        names = {False: self.request.file.name, True: f"{self.request.file.stem}-constraints.txt"}
        for constrains, name in names.items():
            texts = [self._for_uv(line) for line in self.lines if line.is_constraint == constrains]
            (folder / name).write_text("\n".join(filter(None, texts)) + "\n", encoding="utf-8")
        # uv remembers what a folder needs by the time of its pyproject.toml, whatever files that names
        fresh = ["--refresh"] if any(source and source.is_local for source in sources) else []
        return [*fresh, str(folder / names[False]), "-c", str(folder / names[True])]

    def _for_uv(self, line: Line) -> str:
        """Write a line so that uv reads it as we do: paths in full, and a commit that is locked stays."""
        if file_options.names_a_place(line) or line.names_file:
            return ""
        source = requirements.source(line)
        if source is None:
            return line.written
        if not source.is_local:
            written = lock_files.as_written(source)
            return requirements.at_revision(written, self._locked_commit(written) or source.revision)
        uri = local_sources.place_of(source, self.request.project).as_uri()
        uri += f"#{source.fragment}" if source.fragment.startswith("subdirectory=") else ""
        marker = f" ; {source.marker}" if source.marker else ""
        if source.name and not source.is_editable and not source.fragment:
            return f"{source.name}{source.extras} @ {uri}{marker}"
        return f"{'-e ' if source.is_editable else ''}{uri}{source.extras}{marker}"

    def _locked_commit(self, source: Source) -> str:
        for pinned in [] if self.request.is_upgrade else lock_files.pinned(self.before):
            same = (pinned.source.location, pinned.source.fragment) == (source.location, source.fragment)
            if same and pinned.wanted == (source.revision or "HEAD"):
                return pinned.source.revision
        return ""

    def _compile(self, oldest: str) -> None:
        command = [*self.uv, "--python-version", oldest]
        programs.output(command, None, cwd=self.request.file.parent, environ=self.environ, merged=True)

    def failure(self, failed: programs.ProgramFailed) -> InstallError:
        """Say why it failed, in uv's words; and with which Python it would not, where that is the reason."""
        said = failed.output.replace(f"{self.folder}{os.sep}", "")
        why = installers.explain(said) if failed.returncode is not None else failed
        message = f"cannot lock {self.request.file}: {why}"
        oldest = self.request.oldest
        needed = uv_output.needs_newer_python(failed.output, oldest.version)
        for version in sorted(set(needed.values()), key=lock_files.version)[:MOST_TRIALS]:
            try:
                self._compile(version)
            except programs.ProgramFailed:
                continue
            package = next(name for name, least in needed.items() if least == version)
            return InstallError(message, *_for_newer_python(package, version, oldest))
        return InstallError(message, "Correct it and run again.")

    # Writing what it found ------------------------------------------------------------------------

    def _tail(self, entries: Sequence[Entry]) -> List[str]:
        """Write what is not from an index: the person's lines as they stand, then what their packages name."""
        found = [entry.source for entry in entries if entry.source]
        tail: Dict[str, None] = {}
        is_project = self.request.file.name in requirements.BUILD_FILES
        places = dict.fromkeys([self.request.file.parent] if is_project else [])
        for line in self.lines:
            source = None if line.is_constraint else requirements.source(line)
            if source and source.is_local:
                places[local_sources.place_of(source, self.request.project)] = None
                tail[self._as_it_stands(source)] = None
            elif source:
                written = lock_files.as_written(source)
                same = [one for one in found if _without_revision(one) == _without_revision(written)]
                found = [one for one in found if one not in same]
                tail.update((_locked(written, one), None) for one in same[:1])
        for source in found:
            if not source.is_local:
                tail[requirements.at_revision(source, source.revision)] = None
        for path, is_editable in self._further([one for one in found if one.is_local], places):
            tail[("-e " if is_editable else "") + requirements.shown(path, self.request.project)] = None
        return list(tail)

    def _as_it_stands(self, source: Source) -> str:
        """Write a line of the person's, its path such that it means the same in the lock."""
        written = lock_files.as_written(source)
        line = written.line
        text = re.sub(r"\s+--hash[\s=]\S+", "", line.written)
        meant = local_sources.place_of(source, self.request.project)
        if requirements.place(source.location, self.request.lock, self.request.project) == meant:
            return text
        return text.replace(written.location, requirements.shown(meant, self.request.project))

    def _further(self, found: Sequence[Source], places: Dict[Path, None]) -> Iterator[Tuple[Path, bool]]:
        """Find the local packages that local packages need, of which uv tells the path as their own files have it.

        Raises:
            InstallError: it is not to be seen which one is meant.
        """
        known, open_ = dict(places), list(found)
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
                message = (
                    f"cannot lock {self.request.file}: a package of it needs {left[0].location}, which is not found"
                )
                raise InstallError(message, f"Name it in {self.request.file.name}, too.")
            open_ = left

    def _heading(self, entries: Sequence[Entry], kept: str) -> str:
        """Write the lines at the top of the lock; what was measured for the same packages is not measured again."""
        file = self.request.file
        lines = [f"# Made from {file.name} by the step `lock`; do not edit."]
        lines += [f"# requirements: {lock_files.digest(file)}", f"# python: {self.request.oldest.version} and newer"]
        local = lock_files.local_digests(file, self.request.project)
        lines += [f"# local: {lock_files.written_digests(local)}"] if local else []
        lines += self._needs_indexes(entries)
        same = self.before and lock_files.packages(self.before) == lock_files.packages(kept)
        download = lock_files.header(self.request.lock).get("download", "") if same else ""
        download = download or self._download(kept)
        return "".join(f"{line}\n" for line in [*lines, *([f"# download: {download}"] if download else [])])

    def _needs_indexes(self, entries: Sequence[Entry]) -> List[str]:
        """Say which packages only a further index has, without naming its host."""
        elsewhere = [entry for entry in entries if entry.found_in and not self._is_main(entry.found_in)]
        if not elsewhere or not self.options.get("extra-index-url"):
            return []
        names = ", ".join(dict.fromkeys(re.split(r"[\s\\]", entry.text, maxsplit=1)[0] for entry in elsewhere))
        named = any(line.option == "--extra-index-url" for line in self.lines)
        return [f"# indexes: {self.request.file.name if named else 'pip config'} names the one of {names}"]

    def _is_main(self, index: str) -> bool:
        return _host_and_path(index) == _host_and_path(pip_settings.main_index(self.options, os.environ))

    def _download(self, kept: str) -> str:
        """Measure what a fresh machine like this one downloads; empty where that cannot be."""
        pip = pip_settings.find_pip()
        if not pip or not kept.strip():
            return ""
        wheels = self.folder / "wheels"
        wheels.mkdir()
        (self.folder / "kept.txt").write_text(kept, encoding="utf-8")
        command = [*pip, "download", "-q", "--require-hashes", "--no-deps", "-d", str(wheels)]
        environ = {**os.environ, **pip_settings.for_pip(self.options, os.environ, self.folder)}
        try:
            with progress(f"measuring the download of {self.request.lock.name}"):
                programs.output([*command, "-r", str(self.folder / "kept.txt")], None, environ=environ, merged=True)
        except programs.ProgramFailed:
            return ""
        sizes = [file.stat().st_size for file in wheels.iterdir()]
        where = f"Python {'.'.join(platform.python_version_tuple()[:2])}, {platform.system()} {platform.machine()}"
        return f"{counted(len(sizes), 'package')}, {human_bytes(sum(sizes))} (on {where})"


def _locked(written: Source, found: Source) -> str:
    """Write a line of version control with its commit, and behind it what the person wrote."""
    named = written._replace(name=written.name or found.name)
    comment = "" if written.names_commit else f"  # {written.revision or 'HEAD'}"
    return requirements.at_revision(named, found.revision) + comment


def _without_revision(source: Source) -> Tuple[str, str]:
    return source.location, source.fragment


def _beside(location: str, known: Mapping[Path, None]) -> Optional[Path]:
    """Find a package by a path that one of the known packages wrote."""
    for folder in [Path("/"), *known]:
        found = Path(os.path.normpath(folder / location))
        if requirements.place(str(found), found, found):
            return found
    return None


def _host_and_path(url: str) -> Tuple[Optional[str], str]:
    parts = urlsplit(url)
    return parts.hostname, parts.path.rstrip("/")


def _for_newer_python(package: str, version: str, oldest: OldestPython) -> Tuple[str, Tuple[str, ...]]:
    """Say what to do where a package needs a newer Python: a hint and its command."""
    hint = f"{package} needs Python {version} or newer; the lock is for {oldest.version} and newer ({oldest.why})."
    here = "{}.{}".format(*sys.version_info)
    if lock_files.version(version) > lock_files.version(here):
        hint += f" This is Python {here}, which could not install it: take an older version, or a newer Python."
    return f"{hint} Run: {{command}}", ("nox", "-s", "lock", "--", "--oldest-python", version)
