"""What a folder of source holds, by content: the files that a build may take, in git or not, and no litter of builds.

The same files have the same digest wherever they lie. What git tracks counts, what it does not ignore, and code that it
ignores inside a package, which is generated and installed all the same. Outside git it is what lies there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Callable, Collection, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Set

from ...system import programs
from ..requirements import BUILD_FILES
from . import git, package_files
from .digests import LARGE_BYTES, Memory, sha256
from .source_files import NEW, TRACKED, listed

_CODE = (".py", ".pyi", ".pyx", ".pxd", ".toml", ".cfg")
_COMPILED = re.compile(
    r".*(\.(c|cc|cpp|cxx|h|hh|hpp|cu|cuh|pyx|pxd|rs|f|f90|go|proto|cmake|build)|CMakeLists\.txt|Cargo\.(toml|lock))",
    re.DOTALL,
)
_CONSTANT = re.compile(r"(?m)^(?i:\w*version\w*)[ \t]*(?::[^=\n]*)?=.*")
_TOP_INIT = re.compile(r"(src/)?\w+/__init__\.py")
_ABOVE = re.compile(r"(?<![\w./])(?:\.\./)+\w[\w.-]*(?:/[\w.-]+)*")  # a path out of the folder


class Tree(NamedTuple):
    """The files of a folder by their names from there on: the digest of each, and which are code, or tracked."""

    digests: Mapping[str, str]
    code: Collection[str]
    head: str  # what is checked out, as a person reads it: " at 1a2b3c4 (main)"


# Reading ------------------------------------------------------------------------------------------


def read(folder: Path, memory: Memory) -> Tree:
    """Read all files of a folder."""
    found = list(_entries(str(folder), memory, {os.path.realpath(str(folder))}))
    code = {entry.name for entry in found if entry.kind == TRACKED or entry.name.endswith(_CODE)}
    new = sum(entry.kind == NEW for entry in found)
    head = _head(folder, new) if any(entry.kind == TRACKED for entry in found) else _why_not_in_git(folder)
    outside = {entry.name: entry.digest for entry in _outside(folder, memory)}
    return Tree({**{entry.name: entry.digest for entry in found}, **outside}, code | outside.keys(), head)


class _Entry(NamedTuple):
    name: str
    digest: str
    kind: str


def _entries(folder: str, memory: Memory, seen: Set[str]) -> Iterator[_Entry]:
    """Read the files of a folder, those of submodules and of code that links lead to included."""
    for name, kind in listed(folder).items():
        path = os.path.join(folder, name)
        digest = _held(path, memory)
        if digest is not None:
            yield _Entry(name, digest, kind)
        if digest is None or digest.startswith("link"):
            place = os.path.realpath(path)
            if _is_to_be_entered(path, place, seen):
                for entry in _entries(path, memory, seen | {place}):
                    yield entry._replace(name=f"{name.rstrip('/')}/{entry.name}")


def _outside(folder: Path, memory: Memory) -> Iterator[_Entry]:
    """Read what the files of the build name outside of the folder: a readme, shared modules; not other packages."""
    words = {word for name in BUILD_FILES for word in _ABOVE.findall(package_files.text(folder / name))}
    for name in sorted(words):
        path = os.path.normpath(folder / name)
        digest = _held(path, memory)
        if digest is not None:
            yield _Entry(name, digest, NEW)
        elif Path(path).is_dir() and not any(Path(path, file).is_file() for file in BUILD_FILES):
            for entry in _entries(path, memory, {os.path.realpath(path), os.path.realpath(folder)}):
                yield entry._replace(name=f"{name}/{entry.name}")


def _is_to_be_entered(path: str, place: str, seen: Collection[str]) -> bool:
    """Tell whether the files of a folder count too: a submodule's, or those outside that a link leads to.

    Of these only code, and what a link in a package makes its data: beside the packages may hang any data of a person.
    """
    if not Path(path).is_dir() or place in seen:
        return False
    if not Path(path).is_symlink():
        return True
    with suppress(OSError):
        is_around = any((other + os.sep).startswith(place + os.sep) for other in seen)
        is_inside = any(place.startswith(other + os.sep) for other in seen)
        is_data = any((parent / "__init__.py").is_file() for parent in Path(path).parents)
        is_taken = is_data or any(file.suffix == ".py" for file in Path(path).iterdir())
        return is_taken and not is_around and not is_inside
    return False


def _held(path: str, memory: Memory) -> Optional[str]:
    """Take the digest of a file and whether it can be run, or of where a link leads; None where nothing is."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EMLINK):
            return "unreadable" if os.path.lexists(path) else None
        return _held_by_link(path, memory)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb", buffering=0) as file:
        mode = "x" if status.st_mode & stat.S_IXUSR else "-"
        small = status.st_size < LARGE_BYTES
        return mode + (sha256(file) if small else memory.digest(path, status, lambda: sha256(file)))


def _held_by_link(path: str, memory: Memory) -> Optional[str]:
    with suppress(OSError):
        target = os.readlink(path)
        real = os.path.realpath(path)
        content = _held(real, memory) if Path(real).is_file() else None
        return "link" + hashlib.sha256(f"{target}\0{content}".encode("utf-8", "surrogateescape")).hexdigest()
    return None


def _head(folder: Path, new: int) -> str:
    try:
        head = git.head(str(folder))
        return str(head._replace(changed=head.changed + new))
    except programs.ProgramFailed as failed:
        return f", git does not tell its commit: {git.why(failed)}"


def _why_not_in_git(folder: Path) -> str:
    try:
        git.files(str(folder))
    except programs.ProgramFailed as failed:
        why = git.why(failed)
        return ", not in git" if "not a git repository" in why else f", git does not tell its files: {why}"
    return ", not in git"


# Digests ------------------------------------------------------------------------------------------


def digest(digests: Mapping[str, str], more: Iterable[str] = ()) -> str:
    """Take the sha-256 of files by name and content, and of what else is said."""
    lines = [f"{name}\0{digests[name]}\n" for name in sorted(digests)]
    return hashlib.sha256("".join([*lines, *more]).encode("utf-8", "surrogateescape")).hexdigest()


def content(tree: Tree) -> str:
    """Take the digest of what is under test: code, and what git tracks; not what else machines write there."""
    return digest({name: tree.digests[name] for name in tree.code})


def metadata(tree: Tree, folder: Path) -> str:
    """Take the digest of what decides an editable installation: what it needs, provides and compiles."""
    wanted = deciding(tree.digests, lambda name: package_files.text(folder / name))
    told = sorted(_told_by(tree.digests, folder))
    constants = [f"{name} {_CONSTANT.findall(package_files.text(folder / name))}" for name in told]
    return digest({name: tree.digests[name] for name in wanted}, [*top_level(tree.digests), *constants])


def _told_by(names: Collection[str], folder: Path) -> Set[str]:
    """Choose the code in packages that a build may read a version from, by its path or as an attribute."""
    words = {word for name in BUILD_FILES for word in re.findall(r"[\w./-]+", package_files.text(folder / name))}
    modules = {word.rpartition(".")[0].replace(".", "/") for word in words}
    paths = {f"{top}{module}{end}" for module in modules for top in ("", "src/") for end in (".py", "/__init__.py")}
    ends = tuple(f"/{word}" for word in words if word.endswith(".py"))
    code = (name for name in names if name.endswith(".py"))
    return {name for name in code if name in paths or f"/{name}".endswith(ends) or _TOP_INIT.fullmatch(name)}


def deciding(names: Collection[str], text: Callable[[str], str]) -> List[str]:
    """Choose the files that metadata are made from: those of the build, what these name, and what is compiled.

    >>> texts = {"setup.py": "open('needs.txt')", "needs.txt": "-r more.txt", "more.txt": "a", "x.txt": ""}
    >>> deciding(texts, texts.__getitem__)
    ['more.txt', 'needs.txt', 'setup.py']
    """
    found = {name for name in (*BUILD_FILES, "MANIFEST.in", "hatch_build.py") if name in names}
    new = set(found)
    while new:
        words = {word for name in new for word in re.findall(r"[\w./-]+", text(name))}
        named = {name for name in map(os.path.normpath, words) if name in names} - found
        named = {name for name in named if not ("/" in name and name.endswith(_CODE))}
        found |= named
        new = {name for name in named if name.endswith((".txt", ".in"))}
    return sorted({*found, *(name for name in names if _COMPILED.fullmatch(name))})


def top_level(names: Iterable[str]) -> List[str]:
    """List the modules and packages at the top of a folder, or of its src/: an editable installation may name them.

    >>> top_level(["a/b/c.py", "src/d/e.py", "f.py", "data/x.json"])
    ['a', 'f.py', 'src/d']
    """
    code = (name.split("/") for name in names if name.endswith(".py"))
    return sorted({"/".join(parts[:2]) if parts[0] == "src" else parts[0] for parts in code})
