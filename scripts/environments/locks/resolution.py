"""Make a lock: let uv resolve a requirements file for all platforms; `lock_text` writes what it found."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, Sequence, Tuple

from ...console import progress
from ...errors import InstallError
from ...system import files, programs
from .. import file_options, installers, pip_settings, requirements
from ..requirements import Line, Source
from ..running import HERE
from ..sources import local_sources
from . import lock_files, lock_text, uv_output
from .lock_text import Request, Resolution
from .python_versions import OldestPython
from .uv_output import Entry

MOST_TRIALS = 4  # of newer Pythons, for the message of a failure
TOKEN_CHARACTERS = 20  # nobody's name is so long
BREAK = " \\"  # a line goes on in the next
_HASH = re.compile(r"--hash[\s=]+(\w+:[0-9a-fA-F]+)")


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
    with tempfile.TemporaryDirectory() as folder, progress(f"locking {request.file.name}"):
        found = _resolved(request, [uv, "pip", "compile"], lines, Path(folder))
    files.write_text(request.lock, lock_text.written(found))
    return request.lock


def _resolved(request: Request, uv: List[str], lines: Sequence[Line], folder: Path) -> Resolution:
    """Resolve by the main index, or else by all that this machine is set to.

    Raises:
        InstallError: neither can.
    """
    every = pip_settings.options(os.environ)
    alone = main_index_alone(every)
    for options in [alone] if alone == every else [alone, every]:
        attempt = _Attempt(request, uv, lines, file_options.in_force(options, lines), folder)
        try:
            entries = [with_stated_hashes(entry, lines) for entry in attempt.resolve()]
            return Resolution(request, lines, attempt.options, attempt.before, entries)
        except programs.ProgramFailed as failed:
            error = failed
    raise attempt.failure(error)


def with_stated_hashes(entry: Entry, lines: Sequence[Line]) -> Entry:
    """Keep of a package's hashes those that the requirements state; uv writes all that the index has.

    Raises:
        InstallError: the requirements state hashes for it, and the index has no such file.
    """
    name = requirements.normalized(_name(entry.text))
    same = [line for line in lines if not line.option and requirements.normalized(_name(line.text)) == name]
    stated = {found for line in same for found in _HASH.findall(line.text)}
    if entry.source or not stated:
        return entry
    first, *rest = entry.text.splitlines()
    kept = [row for row in rest if set(_HASH.findall(row)) & stated]
    if not kept:
        where = next(f"{line.file}:{line.number}" for line in same if _HASH.search(line.text))
        message = f"{where}: no file of {first.rstrip(BREAK)} on the index has a hash that stands there"
        raise InstallError(
            message, "Is it the right index? If you trust it, correct the hash there; a lock takes sha256."
        )
    hashes = f"{BREAK}\n".join(row.rstrip(BREAK) for row in [first, *kept])
    notes = [row for row in rest if not _HASH.search(row)]
    return entry._replace(text="".join(f"{row}\n" for row in [hashes, *notes]))


def _name(text: str) -> str:
    """Read the name that a requirement begins with.

    >>> _name("tiny-thing[x]==1 ; python_version > '3.8'")
    'tiny-thing'
    """
    found = re.match(r"[\w.-]+", text)
    return found[0] if found else ""


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


class _Attempt:
    """Asks uv, with pip's options in force."""

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

    def resolve(self) -> List[Entry]:
        """Let uv choose the packages.

        Raises:
            ProgramFailed: by what uv printed; see `failure`.
        """
        if self.before:  # pins that still fit are kept
            self.draft.write_text(lock_files.from_index(self.before), encoding="utf-8")
        self._compile(self.request.oldest.version)
        body = self.draft.read_text(encoding="utf-8").replace(f"{self.folder}{os.sep}", "")
        for path in self.environ.get("UV_CONSTRAINT", "").split():  # of this machine's pip
            body = body.replace(path, Path(path).name)
        return list(uv_output.parted(body))

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


def _for_newer_python(package: str, version: str, oldest: OldestPython) -> Tuple[str, Tuple[str, ...]]:
    """Say what to do where a package needs a newer Python: a hint and its command."""
    hint = f"{package} needs Python {version} or newer; the lock is for {oldest.version} and newer ({oldest.why})."
    if lock_files.version(version) > lock_files.version(HERE):
        hint += f" This is Python {HERE}, which could not install it: take an older version, or a newer Python."
    return f"{hint} Run: {{command}}", ("nox", "-s", "lock", "--", "--oldest-python", version)
