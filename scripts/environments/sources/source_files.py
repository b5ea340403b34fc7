"""Which files of a folder a build may take, in git or not: no litter of builds, tests and environments."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Dict, Iterable, Iterator, List

from ...system import programs
from ..requirements import BUILD_FILES
from . import git, package_files

TRACKED, NEW, GENERATED = "tracked", "new", "generated"  # the last by git ignored, but code in a package

_LITTER_FOLDERS = r"__pycache__|.*\.egg-info|\.(git|hg|svn|bzr|tox|nox|eggs|pipeline)|\..*_cache|node_modules"
_LITTER_FILES = r".*\.(pyc|pyo|log)|\.coverage(\..*)?|\.git|\.DS_Store|.*\.cpython-3.*\.so"
_LITTER = re.compile(f"(.*/)?(({_LITTER_FOLDERS})/.*|{_LITTER_FILES})", re.DOTALL)
_BUILT = ("build", "dist")  # at the top, unless it is a package of that name
_VERSION = re.compile(r"_*(\w+_)?version(_info)?_*\.py")  # which builds write
_MARKS = ("pyvenv.cfg", "conda-meta", "CACHEDIR.TAG")  # in a folder that is an environment or a cache


def listed(folder: str) -> Dict[str, str]:
    """List the files of a folder that a build may take, and what each is to git."""
    try:
        found = git.files(folder)
        if not any(name in BUILD_FILES or name.endswith(".py") for name in found):
            raise programs.ProgramFailed("git ignores the folder itself")
        code = _taken_though_ignored(folder, git.ignored(folder))
        new = without_litter(name for name, is_tracked in found.items() if not is_tracked)
        tracked = (name for name, is_tracked in found.items() if is_tracked)
        kinds = ((GENERATED, without_litter(code)), (NEW, new), (TRACKED, tracked))
        return {name: kind for kind, names in kinds for name in names}
    except programs.ProgramFailed:
        return dict.fromkeys(without_litter(_walked(folder)), NEW)


def _taken_though_ignored(folder: str, ignored: Iterable[str]) -> Iterator[str]:
    """List what a build takes of what git ignores: code in packages, and the files that its settings name."""
    settings = [package_files.text(Path(folder, name)) for name in (*BUILD_FILES, "MANIFEST.in")]
    patterns = named_files("\n".join(settings))
    for entry in without_litter(ignored):
        names: Iterable[str] = [entry]
        if entry.endswith("/"):
            is_wanted = _is_in_package(folder, entry) or any(pattern.startswith(entry) for pattern in patterns)
            names = (entry + name for name in _walked(os.path.join(folder, entry))) if is_wanted else []
        for name in names:
            in_package = _is_in_package(folder, name)
            is_code = in_package and name.endswith(".py") and not _VERSION.fullmatch(Path(name).name)
            if is_code or is_named(name, in_package, patterns):
                yield name


def _is_in_package(folder: str, name: str) -> bool:
    """Tell whether a file or folder lies in a Python package, or is one."""
    places = [name, *map(str, Path(name).parents)]
    return any(place != "." and Path(folder, place, "__init__.py").is_file() for place in places)


def named_files(settings: str) -> List[str]:
    """List the words of a build's settings that may mean files; a lone star only where it stands in a list.

    >>> named_files('requests = "*"\\n[tool.setuptools.package-data]\\npkg = ["*.bin", "data/*"]')
    ['*.bin', 'data/*', 'tool.setuptools.package-data']
    >>> named_files("package_data={'': ['*']}")
    ['*']
    """
    words = {word for word in re.findall(r"[^\s\"'=,;:{}()\[\]]+", settings) if re.search(r"\w[./]|[./]\w", word)}
    grafted = [f"{name.rstrip('/')}/*" for name in re.findall(r"(?m)^graft +(\S+)", settings)]  # in a MANIFEST.in
    stars = re.findall(r"(?:\[[^\]]*[\"']|-include [^\n]*)([*/.]*\*)(?=[\"'\s]|$)", settings)
    return sorted({*words, *grafted, *("*" for _ in stars)})


def is_named(name: str, in_package: bool, patterns: Iterable[str]) -> bool:
    """Tell whether one of the patterns means a file: by its path, or in a package by the end of its path.

    >>> [is_named("pkg/data/a.bin", True, [pattern]) for pattern in ("*.bin", "data/*", "pkg/data/a.bin", "b/*", "*")]
    [True, True, True, False, True]
    >>> [is_named("data/a.bin", False, [pattern]) for pattern in ("*.bin", "a.bin", "data/*", "*")]
    [False, False, True, False]
    """
    parts = name.split("/")
    ends = ["/".join(parts[at:]) for at in range(len(parts))] if in_package else [name]
    return any(fnmatchcase(end, pattern) for pattern in patterns if in_package or "/" in pattern for end in ends)


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
        ignores_all = "*" in (folder / ".gitignore").read_text("utf-8", "replace").split()
        return ignores_all and not (folder / "__init__.py").is_file()  # a package that is generated is installed
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
