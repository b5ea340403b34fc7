"""What requirements install from this machine or from version control, and in which state that is.

An index has one content for a version. A folder, an archive on disk or a branch may hold another one each time, under
the same name: what they hold is part of what defines an environment, and of what a result is about.
"""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Iterable, List, Mapping, NamedTuple, Optional
from urllib.parse import unquote, urlsplit

from ...console import bare_urls, counted, printable
from ...errors import InstallError
from ...system import programs
from ...system.files import expand_user
from .. import requirements
from ..requirements import ARCHIVES, BUILD_FILES, Line, Source
from . import digests, git, package_files, source_trees
from .digests import Memory

_SHORT_COMMIT = re.compile("[0-9a-f]{7,39}")


class State(NamedTuple):
    """What a source holds.

    Attributes:
        key: the digest of what decides the installation. Of an editable one that is no code, which is used where it is.
        content: the digest of what is tested, or the commit; the same on every machine that has the same.
        text: both as a person reads them, to be put behind a name: " at 1a2b3c4 (main), 2 files changed".
    """

    key: str
    content: str
    text: str


_UNSEEN = State("", "", "")


class LocalSource(NamedTuple):
    """Where a line has its package from, in which state. `place` is an absolute path, or a URL of version control."""

    source: Source
    place: str
    label: str  # as a person knows it
    state: State

    @property
    def identity(self) -> str:
        """Name it for whoever looked at it before us."""
        how = "editable" if self.source.is_editable else "built"
        return f"{bare_urls(self.place)} {how if self.source.is_local else self.source.revision}"

    @property
    def is_archive(self) -> bool:
        """Whether it is a wheel or the like, or a folder of them."""
        return self.source.line.option == "--find-links" or Path(self.place).is_file()

    @property
    def names(self) -> List[str]:
        """List the packages that come from it, none where that does not show before it is built."""
        place = Path(self.place)
        if self.source.line.option == "--find-links":
            return sorted({package_files.name_of(place / archive) for archive in archives(place)}) or ["none"]
        name = self.source.name or (package_files.name_of(place) if self.source.is_local else "")
        return [name] if name else []

    def __str__(self) -> str:
        return f"{self.label}{self.state.text}"


def lines_of(file: Path, project: Path) -> List[Line]:
    """Read a requirements file and those that it names; ${PROJECT_ROOT} is the project's folder, as for uv.

    A file that describes a project has no lines, and means what that project needs.

    Raises:
        InstallError: one cannot be read.
    """
    if file.name in BUILD_FILES:
        return []
    try:
        return requirements.read(file, {"PROJECT_ROOT": str(project), **os.environ})
    except OSError as error:
        message = f"cannot read {printable(error.filename or str(file))}, which {file} names: {error.strerror}"
        raise InstallError(message, "Correct the line that names it: such a path counts from its own file.") from error
    except UnicodeDecodeError as error:
        raise InstallError(f"{file}, or a file that it names, is not UTF-8: {error}", "Save it as UTF-8.") from error


def find(
    lines: Iterable[Line],
    project: Path,
    memory: Memory,
    known: Mapping[str, State] = {},
    may_be_gone: bool = False,
) -> List[LocalSource]:
    """Find what lines of requirements have from elsewhere than an index, and look at what is there.

    Args:
        known: states by identity that somebody saw before us, for whom we work: that is what is to be installed.
        may_be_gone: leave out what is not there.

    Raises:
        InstallError: a path leads nowhere, or a server does not tell its commit.
    """
    states = dict(known)
    found = []
    for line in lines:
        entry = _entry(line, project, may_be_gone)
        if entry:
            if entry.identity not in states or entry.source.is_editable:
                states[entry.identity] = _state(entry, memory, known.get(entry.identity))
            found.append(entry._replace(state=states[entry.identity]))
    return found


def _entry(line: Line, project: Path, may_be_gone: bool) -> Optional[LocalSource]:
    """Find the place of what a line installs, if that is not an index."""
    source = _folder_of_archives(line) or requirements.source(line)
    if source is None:
        return None
    if not source.is_local:
        name = source.name or printable(Path(source.location).stem)
        return LocalSource(source, source.location, name, _UNSEEN)
    is_optional = bool(source.marker) or may_be_gone
    place = place_if_there(source, project) if is_optional else place_of(source, project)
    return LocalSource(source, str(place), printable(requirements.shown(place, project)), _UNSEEN) if place else None


def _folder_of_archives(line: Line) -> Optional[Source]:
    """Take `--find-links FOLDER` for a source: the archives there may be built anew under the same names."""
    if line.option != "--find-links" or "://" in line.value.replace("file://", ""):
        return None
    path = unquote(urlsplit(line.value).path) if line.value.startswith("file:") else line.value
    return Source(line, path, False, marker="may not be there")


def place_of(source: Source, project: Path) -> Path:
    """Find the folder or archive that a line means.

    Raises:
        InstallError: it is neither below the project nor beside the file; names both.
    """
    found = place_if_there(source, project)
    if found is None:
        raise _nowhere(source, project)
    return found


def place_if_there(source: Source, project: Path) -> Optional[Path]:
    """Find the folder or archive that a line means; None where it is not there, as what is for another platform."""
    if source.line.option == "--find-links":  # which counts from the file, in pip too
        bases = (source.line.file.parent, project)
        folders = (Path(os.path.normpath(base / expand_user(source.location))) for base in bases)
        return next((folder for folder in folders if folder.is_dir()), None)
    return requirements.place(source.location, source.line.file, project)


def _nowhere(source: Source, project: Path) -> InstallError:
    looked = dict.fromkeys(os.path.normpath(base / source.location) for base in (project, source.line.file.parent))
    which = " nor ".join(printable(path) for path in looked)
    names = f"{', '.join(BUILD_FILES[:-1])} or {BUILD_FILES[-1]}"
    is_none = f"neither {which} is" if len(looked) > 1 else f"{which} is not"
    where = f"{source.line.file}:{source.line.number}: {printable(source.location)}"
    message = f"{where}: {is_none} an archive, or a folder with {names}"
    hint = "A path counts from the folder of pipeline.yml, else from that of the file that names it."
    return InstallError(message, hint)


# States -------------------------------------------------------------------------------------------


def _state(entry: LocalSource, memory: Memory, known: Optional[State]) -> State:
    if not entry.source.is_local:
        return _of_version_control(entry.source)
    try:
        state = _of_path(Path(entry.place), entry.source, memory)
    except OSError as error:
        message = f"{entry.source.line.file}:{entry.source.line.number}: cannot read {printable(entry.place)}"
        raise InstallError(f"{message}: {error.strerror}", "Is it there, and may it be read?") from error
    return state._replace(key=known.key) if known else state


def _of_path(place: Path, source: Source, memory: Memory) -> State:
    if place.is_file():
        key = digests.of_file(place, memory)
        return State(key, _held_by_zip(place) or key, f", sha256 {key[:12]}")
    if source.line.option == "--find-links":
        keys = {name: digests.of_file(place / name, memory) for name in archives(place)}
        content = {name: _held_by_zip(place / name) or key for name, key in keys.items()}
        return State(source_trees.digest(keys), source_trees.digest(content), f", {counted(len(keys), 'archive')}")
    tree = source_trees.read(place, memory)
    key = source_trees.metadata(tree, place) if source.is_editable else source_trees.digest(tree.digests)
    version = tree.head.partition(",")[0] if package_files.is_versioned_by_git(place) else ""
    return State(key + version, source_trees.content(tree), tree.head)


def archives(folder: Path) -> List[str]:
    """List the archives of packages that lie in a folder."""
    return sorted(file.name for file in folder.iterdir() if file.name.lower().endswith(ARCHIVES) and file.is_file())


def _held_by_zip(file: Path) -> str:
    """Take the digest of what a wheel holds, not of when it was built; empty for what is no zip."""
    try:
        with zipfile.ZipFile(str(file)) as archive:
            return source_trees.digest({it.filename: f"{it.CRC:08x} {it.file_size}" for it in archive.infolist()})
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return ""


def _of_version_control(source: Source) -> State:
    """Find the commit that a branch or tag is at now."""
    where = f"{source.line.file}:{source.line.number}"
    url, revision = bare_urls(source.location.partition("+")[2]), source.revision
    if not source.location.startswith("git+"):
        if not re.fullmatch(r"[0-9a-f]{40}|\d+", revision):
            kind = source.location.partition("+")[0]
            message = f"{where}: {kind}+{url}: only git can be asked here what a branch is at"
            raise InstallError(message, "Name a commit (40 digits) or a number of a revision behind an @.")
        commit = revision
    else:
        commit = revision if source.names_commit else _asked(source, where, url)
    named = "" if source.names_commit else revision or "HEAD"
    return State(f"{commit} {source.fragment}", commit, f" at {commit[:7]} ({named + ' ' if named else ''}of {url})")


def _asked(source: Source, where: str, url: str) -> str:
    named = source.revision or "its HEAD"
    try:
        commit = git.commit_of(source.location.partition("+")[2], source.revision)
    except programs.ProgramFailed as failed:
        why = printable(bare_urls(git.why(failed)))
        message = f"{where}: cannot ask {url} for the commit of {named}: {why}"
        hint = (
            "With a commit (40 digits) behind the @ nobody need be asked. Else: is the server there, and lets you in?"
        )
        raise InstallError(message, hint) from None
    if commit or _SHORT_COMMIT.fullmatch(source.revision):
        return commit or source.revision
    raise InstallError(f"{where}: {url} has no branch or tag {named}", "Correct what stands behind the @.")
