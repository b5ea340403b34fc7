"""Which Python a project is for at least, by what its files say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterable, Iterator, Mapping, NamedTuple, Tuple

from ..running import HERE
from .lock_files import version

_LEAST = r"(?:>=|>|~=|~|\^|===?)\s*(3\.\d+)"
_REQUIRES = {  # file -> where it says which Pythons it is for
    "pyproject.toml": rf"""(?m)^\s*(?:requires-python|python)\s*=\s*["'][^"'\n]*?{_LEAST}""",
    "setup.cfg": rf"(?m)^\s*python_requires\s*=[^\n]*?{_LEAST}",
    "setup.py": rf"""python_requires\s*=\s*["'][^"'\n]*?{_LEAST}""",
}
_PYTHON = r"(3\.(?:[7-9]|[1-9]\d))"  # a noxfile may have Django's versions, too
_RUNS_ON = {  # file -> where it says which it is run by
    ".python-version": rf"(?m)^(?:cpython-)?{_PYTHON}\b",
    "noxfile.py": rf"""["']{_PYTHON}["']""",
    "Dockerfile": rf"(?mi)^FROM\s+\S*python:{_PYTHON}\b",
    ".circleci/config.yml": rf"python:{_PYTHON}\b",
    ".github/workflows/*.yml": rf"""python-version\S*[\s\["']*{_PYTHON}\b""",
    ".gitlab-ci.yml": rf"python:{_PYTHON}\b",
}


class OldestPython(NamedTuple):
    """The Python that a lock is for at least."""

    version: str
    why: str  # it is this one


def oldest(project: Path, locked: str, running: str = HERE) -> OldestPython:
    """Decide for which Pythons a lock is made, where nobody says it.

    What the project requires decides; else the oldest of the Pythons that it is run by, this one included. A lock for
    older ones stays so: it is not to depend on who makes it.

    Args:
        locked: the oldest Python of the lock that is there; empty where there is none.
        running: the Python that suite and services run on here.
    """
    required = [OldestPython(least, f"{file} requires it") for file, least in _said(folders(project), _REQUIRES)]
    if required:
        return required[0]
    named = [OldestPython(least, f"{file} names it") for file, least in _said([project], _RUNS_ON)]
    before = [OldestPython(locked, "as before")] if locked else []
    return min(
        [*named, *before, OldestPython(running, f"this is Python {running}")], key=lambda one: version(one.version)
    )


def folders(project: Path) -> Iterator[Path]:
    """Give the folders whose pyproject.toml is about the project: its own, and those up to the repository's."""
    above = [project, *project.parents]
    top = next((number for number, folder in enumerate(above) if (folder / ".git").exists()), 0)
    return iter(above[: top + 1])


def _said(folders: Iterable[Path], patterns: Mapping[str, str]) -> Iterator[Tuple[str, str]]:
    """Yield (file, Python), as the files have it."""
    for folder in folders:
        for name, pattern in patterns.items():
            for file in sorted(folder.glob(name)):
                for least in re.findall(pattern, file.read_text(encoding="utf-8", errors="replace")):
                    yield name, least
