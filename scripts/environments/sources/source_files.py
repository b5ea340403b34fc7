"""Which files of a folder a build may take, in git or not: no litter of builds, tests and environments."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable, Iterator, List

from ...system import programs
from ..requirements import BUILD_FILES
from . import git

TRACKED, NEW, GENERATED = "tracked", "new", "generated"  # the last by git ignored, but code in a package

_LITTER_FOLDERS = r"__pycache__|.*\.egg-info|\.(git|hg|svn|bzr|tox|nox|eggs|pipeline)|\..*_cache|node_modules"
_LITTER_FILES = r".*\.(pyc|pyo|log)|\.coverage(\..*)?|\.git|\.DS_Store|.*\.cpython-3.*\.so"
_LITTER = re.compile(f"(.*/)?(({_LITTER_FOLDERS})/.*|{_LITTER_FILES})", re.DOTALL)
_BUILT = ("build", "dist")  # at the top, unless it is a package of that name
_MARKS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")  # in a folder that is an environment or a cache


def listed(folder: str) -> Dict[str, str]:
    """List the files of a folder that a build may take, and what each is to git."""
    try:
        found = git.files(folder)
        if not any(name in BUILD_FILES or name.endswith(".py") for name in found):
            raise programs.ProgramFailed("git ignores the folder itself")
        ignored = [name for name in git.ignored(folder) if _is_in_package(folder, name)]
        code = [name for entry in ignored for name in _code_of(folder, entry)]
        new = without_litter(name for name, is_tracked in found.items() if not is_tracked)
        tracked = (name for name, is_tracked in found.items() if is_tracked)
        kinds = ((GENERATED, without_litter(code)), (NEW, new), (TRACKED, tracked))
        return {name: kind for kind, names in kinds for name in names}
    except programs.ProgramFailed:
        return dict.fromkeys(without_litter(_walked(folder)), NEW)


def _is_in_package(folder: str, name: str) -> bool:
    """Tell whether what git ignores lies in a Python package, and is code; the version that a build notes is none."""
    path = Path(folder, name)
    is_wanted = name.endswith("/") or (path.suffix == ".py" and "version" not in path.name)
    return is_wanted and (path.parent / "__init__.py").is_file()


def _code_of(folder: str, entry: str) -> Iterator[str]:
    if not entry.endswith("/"):
        yield entry
    else:
        names = _walked(os.path.join(folder, entry))
        yield from (entry + name for name in names if name.endswith(".py"))


def _walked(folder: str) -> Iterator[str]:
    """List the files below a folder, without going into what is litter."""
    for here, folders, names in os.walk(folder):
        inside = os.path.relpath(here, folder)
        prefix = "" if inside == "." else inside + "/"
        links = [name for name in folders if Path(here, name).is_symlink()]
        marked = [name for name in folders if _is_marked(Path(here, name))]
        built = [name for name in _BUILT if not prefix and not Path(here, name, "__init__.py").is_file()]
        skipped = {*links, *marked, *built}
        folders[:] = [name for name in folders if name not in skipped and not _LITTER.fullmatch(f"{prefix}{name}/")]
        yield from (prefix + name for name in [*names, *links])


def _is_marked(folder: Path) -> bool:
    """Tell whether a folder says of itself that it is an environment, a cache, or not for git."""
    with suppress(OSError):
        if any((folder / mark).exists() for mark in _MARKS):
            return True
        return "*" in (folder / ".gitignore").read_text("utf-8", "replace").split()
    return False


def without_litter(names: Iterable[str]) -> List[str]:
    """Leave out what builds, tests and environments leave in a folder, by its name.

    >>> without_litter(["a.py", "build/lib/a.py", "a/build/b.py", "a.egg-info/PKG-INFO", "v/pyvenv.cfg", "v/bin/x"])
    ['a.py', 'a/build/b.py']
    """
    names = list(names)
    marks = (name.rpartition("/") for name in names)
    marked = tuple(f"{folder}/" for folder, _, name in marks if name in _MARKS and folder)
    built = tuple(f"{folder}/" for folder in _BUILT if f"{folder}/__init__.py" not in names)
    return [name for name in names if not name.startswith((*built, *marked)) and not _LITTER.fullmatch(name)]


def copy(folder: Path, to: Path) -> None:
    """Copy what a build may take to another place, what links lead to as files, all of it to be written by us.

    Raises:
        OSError: a file cannot be read, or there is no space.
    """
    to.mkdir(parents=True, exist_ok=True)
    for name in listed(str(folder)):
        if (folder / name).is_dir():
            copy(folder / name, to / name)
        elif (folder / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(folder / name), str(to / name))
