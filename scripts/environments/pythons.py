"""Which Pythons a project is for, by what its packaging says, and where they are on this machine.

The list of our own stands in one place, the classifiers of pyproject.toml: noxfile.py reads it by `nox.project`, an
installed Shardline in its own metadata.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import INSTALLED
from ..system import files, programs
from . import installers
from .locks import lock_files
from .locks.lock_files import version
from .locks.python_versions import folders
from .running import HERE

ANSWERS_IN_S = 20.0  # a Python on a slow disk
_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.[0-9]{1,3})(?![\w.])")
_REQUIRES = {  # file -> where it says which Pythons the project is for
    "pyproject.toml": r"""(?m)^\s*(?:requires-python|python)\s*=\s*["']([^"'\n]+)["']""",
    "setup.cfg": r"(?m)^\s*python_requires\s*=\s*([^\n]+)",
    "setup.py": r"""python_requires\s*=\s*["']([^"'\n]+)["']""",
}
_CLAUSE = re.compile(r"(===|==|>=|<=|!=|~=|\^|~|>|<)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")


class Wanted(NamedTuple):
    """The Pythons that a project is to be tested on, why these, and those that it cannot be tested on, with why."""

    versions: List[str]
    why: str
    unfit: Mapping[str, str]


def supported() -> List[str]:
    """List the Pythons that Shardline itself is for, oldest first."""
    if __name__.partition(".")[0] == INSTALLED:
        from importlib import metadata  # which imports email, for all who only want to find a Python

        return classified("\n".join(metadata.metadata(INSTALLED).get_all("Classifier") or ()))
    return classified((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


def classified(text: str) -> List[str]:
    """List the Pythons that classifiers name, oldest first.

    >>> classified('"Programming Language :: Python :: 3.10", "Programming Language :: Python :: 3.9"')
    ['3.9', '3.10']
    """
    return sorted(set(_CLASSIFIER.findall(text)), key=version)


def wanted(project: Path, locks: Sequence[Path] = (), ours: Optional[Sequence[str]] = None) -> Wanted:
    """Decide which Pythons a project is to be tested on: those that its classifiers name, else all of ours.

    What its requires-python, or a lock, is not for is left out, with the reason.

    Args:
        locks: of suite and services; each says which Python it is for at least.
        ours: see `supported`.
    """
    texts = list(_texts(project))
    named = next(((file, found) for file, text in texts for found in [classified(text)] if found), None)
    file, versions = named or ("nothing says otherwise", list(supported() if ours is None else ours))
    unfit = {each: why for each in versions for why in [why_unfit(each, texts, locks)] if why}
    return Wanted([each for each in versions if each not in unfit], file, unfit)


def _texts(project: Path) -> Iterator[Tuple[str, str]]:
    """Yield the name and the text of each file that says which Pythons a project is for; its own come first."""
    for folder in folders(project):
        for name in _REQUIRES:
            if (folder / name).is_file():
                yield name, (folder / name).read_text(encoding="utf-8", errors="replace")


def why_unfit(python: str, texts: Sequence[Tuple[str, str]], locks: Sequence[Path] = ()) -> str:
    """Say why a project cannot be tested on a Python; empty where nothing speaks against it."""
    required = next(
        ((name, said[1]) for name, text in texts for said in [re.search(_REQUIRES[name], text)] if said), None
    )
    if required and not allows(required[1], python):
        return f"{required[0]} requires {required[1].strip()}"
    for lock in locks:
        oldest = lock_files.oldest_python(lock)
        if oldest and version(python) < version(oldest):
            return f"{lock.parent.name}/{lock.name} is for Python {oldest} and newer"
    return ""


def allows(required: str, python: str) -> bool:
    """Tell whether a requires-python, also as poetry writes it, allows a release of a Python such as 3.10.

    >>> [each for each in ("3.9", "3.10", "3.11", "3.12") if allows(">=3.10,<3.12", each)]
    ['3.10', '3.11']
    >>> allows("^3.9", "3.13"), allows("!=3.9.*", "3.9"), allows("==3.11.4", "3.11"), allows("~=3.10.2", "3.11")
    (True, False, True, False)
    """
    here = version(python)
    return all(_fits(here, sign, version(numbers), bool(star)) for sign, numbers, star in _CLAUSE.findall(required))


def _fits(here: Tuple[int, ...], sign: str, numbers: Tuple[int, ...], star: bool) -> bool:
    there = (*numbers, 0)[:2]
    is_same = here == there if len(numbers) > 1 else here[0] == there[0]
    answers: Dict[str, bool] = {
        ">=": here >= there,
        ">": here >= there,
        "<": here < there or (here == there and any(numbers[2:])),
        "<=": here <= there,
        "!=": not (star and is_same),
        "~=": here >= there and (is_same if len(numbers) > 2 else here[0] == there[0]),
        "^": here >= there and here[0] == there[0],
    }
    return answers.get(sign, is_same)


# On this machine ----------------------------------------------------------------------------------------


def find(python: str, environ: Mapping[str, str] = os.environ, answers_in_s: float = ANSWERS_IN_S) -> Optional[str]:
    """Find the interpreter of a Python such as 3.8: on PATH, one of pyenv's, or one that uv keeps; None for none.

    Args:
        answers_in_s: what takes longer is none.
    """
    if python == HERE:
        return sys.executable
    kept = of_pyenv(environ).glob(f"{python}.*/bin/python{python}")
    found = [shutil.which(f"python{python}", path=environ.get("PATH"))]
    found += map(str, sorted(kept, key=_release, reverse=True))
    working = (each for each in found if each and programs.works([each, "-c", ""], answers_in_s))
    return next(working, None) or _of_uv(python, environ, answers_in_s)


def of_pyenv(environ: Mapping[str, str]) -> Path:
    """Name the folder of the Pythons that pyenv keeps, active or not."""
    return Path(environ.get("PYENV_ROOT") or files.expand_user("~/.pyenv"), "versions")


def _release(program: Path) -> Tuple[List[int], str]:
    """Order the programs that pyenv keeps by their release: 3.11.10 is newer than 3.11.9."""
    name = program.parents[1].name
    return [int(number) for number in re.findall(r"[0-9]+", name)], name


def _of_uv(python: str, environ: Mapping[str, str], answers_in_s: float) -> Optional[str]:
    uv = installers.find_uv()
    with suppress(programs.ProgramFailed):
        words = [str(uv), "python", "find", "--no-project", "--no-python-downloads", python]
        return programs.output(words, answers_in_s, environ=environ).strip() or None if uv else None
    return None
