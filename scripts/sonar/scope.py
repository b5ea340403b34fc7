"""Which files of a project are its sources, and which its tests: SonarQube wants each in one of the two."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Iterable, List, Mapping, Sequence, Tuple

from ..errors import SettingsError, shortened
from ..settings import Settings

SOURCES, TESTS, EXCLUSIONS = "sonar.sources", "sonar.tests", "sonar.exclusions"
TEST_INCLUSIONS = "sonar.test.inclusions"
TEST_FOLDERS = ("tests", "test", "testing")
TEST_FILES = ("**/test_*.py", "**/*_test.py", "**/conftest.py")  # pytest's, where tests lie among the sources
# What is no source of the project, where all of it is taken for one; git may ignore it, and there may be no git.
NO_SOURCES = ("**/.venv/**", "**/venv/**", "**/.nox/**", "**/.tox/**", "**/site-packages/**", "build/**", "dist/**")


@dataclass(frozen=True)
class Scope:
    """Sources, tests and patterns, all from `base`, the folder that is analysed.

    Args:
        exclusions: patterns of what lies below the sources and is none.
        test_inclusions: patterns of what is a test, where these lie among other files; none where all is.
    """

    base: Path
    sources: Tuple[str, ...]
    tests: Tuple[str, ...]
    exclusions: Tuple[str, ...] = ()
    test_inclusions: Tuple[str, ...] = ()

    def is_test(self, path: str) -> bool:
        """Tell whether a file, from `base`, is one of the tests."""
        chosen = not self.test_inclusions or any(matches(pattern, path) for pattern in self.test_inclusions)
        return chosen and any(is_below(path, folder) for folder in self.tests)


def of(settings: Settings, said: Mapping[str, str]) -> Scope:
    """Decide what of a project is analysed as what.

    Args:
        said: the properties that a person has set.

    Raises:
        SettingsError: a source that pipeline.yml names is not there, or lies outside of what is analysed.
    """
    base = base_of(settings)
    sources = [_source(settings, base, path) for path in settings.sonar.sources]
    below = [os.path.relpath(settings.suite_directory.resolve() / path, str(base)) for path in settings.suite.paths]
    found = tests_of(below, [name for name in TEST_FOLDERS if (base / name).is_dir()])
    tests = split(said.get(TESTS, "")) or [path for path in found if (base / path).exists()]  # it may name a module
    own = [os.path.relpath(folder.resolve(), str(base)) for folder in settings.own_folders]
    patterns = [f"{folder}/**" for folder in own if not folder.startswith("..")]
    scope = arranged(base, sources or split(said.get(SOURCES, "")) or ["."], tests, patterns)
    chosen = tuple(split(said.get(TEST_INCLUSIONS, ""))) or scope.test_inclusions
    return replace(scope, exclusions=(*split(said.get(EXCLUSIONS, "")), *scope.exclusions), test_inclusions=chosen)


def base_of(settings: Settings) -> Path:
    """Choose the folder that is analysed: the one that has both pipeline.yml and what the suite is started in."""
    return Path(os.path.commonpath([settings.project.resolve(), settings.suite_directory.resolve()]))


def arranged(base: Path, sources: Sequence[str], tests: Sequence[str], made_by_us: Iterable[str] = ()) -> Scope:
    """Keep sources and tests apart: a file that is both ends an analysis.

    >>> arranged(Path("/p"), ["."], ["tests"], [".pipeline/**"]).exclusions[:2]
    ('tests/**', '.pipeline/**')
    >>> arranged(Path("/p"), ["src"], ["tests"]).exclusions
    ()
    """
    mixed = () if tests else TEST_FILES
    inside = [test if test.endswith(".py") else f"{test}/**" for test in tests if _is_in(test, sources)]
    others = [*made_by_us, *NO_SOURCES] if "." in sources else []
    return Scope(base, tuple(sources), tuple(tests) or (".",), (*inside, *mixed, *others), mixed)


def split(text: str) -> List[str]:
    """Split a list as SonarQube does.

    >>> split('a, "b,c",')
    ['a', 'b,c']
    """
    return [word.strip() for row in csv.reader([text], skipinitialspace=True) for word in row if word.strip()]


def matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern of SonarQube is one of a file: ** are folders, * and ? stay within a name.

    >>> [matches("**/test_*.py", path) for path in ("test_a.py", "a/b/test_a.py", "a/atest_a.py", "test_a/b.py")]
    [True, True, False, False]
    """
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.fullmatch("".join(kinds.get(part, re.escape(part)) for part in parts), path) is not None


def tests_of(paths: Iterable[str], usual: Sequence[str]) -> List[str]:
    """Choose the folders of tests: those that a suite names, or the whole folder of tests that these lie in.

    Args:
        paths: of the suite, from what is analysed: files, folders, tests or patterns.
        usual: the folders there that are called as folders of tests are.

    >>> tests_of(["tests/integration", "checks/test_a.py::test_b", "more/*/x"], ["tests"])
    ['tests', 'checks/test_a.py', 'more']
    >>> tests_of(["."], ["tests"]), tests_of(["."], [])
    (['tests'], [])
    """
    chosen: List[str] = []
    for path in paths:
        parts = PurePosixPath(re.split(r"::|[*?\[]", path, maxsplit=1)[0]).parts
        if set("*?[") & set(path.partition("::")[0]) and not re.match(r"[^*?\[]*/", path):
            parts = ()
        whole = [part for part in parts[:1] if part in usual]
        chosen += whole or (["/".join(parts)] if parts and ".." not in parts else usual)
    found = list(dict.fromkeys(chosen))
    return [path for path in found if not any(is_below(path, other) and path != other for other in found)]


def is_below(path: str, folder: str) -> bool:
    """Tell whether a path is another one, or lies in it.

    >>> is_below("a/b", "a"), is_below("ab", "a"), is_below("a", "."), is_below("a", "a")
    (True, False, True, True)
    """
    return folder == "." or path == folder or path.startswith(f"{folder}/")


def _is_in(test: str, sources: Sequence[str]) -> bool:
    return any(is_below(test, source) for source in sources)


def _source(settings: Settings, base: Path, path: str) -> str:
    """Name a source from the folder that is analysed."""
    place = Path(os.path.normpath(settings.project.resolve() / path))
    if not place.exists():
        raise SettingsError(f"{settings.place('sonar.sources')}: no such file or folder: {shortened(path)}")
    if base != place and base not in place.parents:
        message = f"{settings.place('sonar.sources')}: {shortened(path)} is not below {base}, which is analysed"
        raise SettingsError(message, "Name a file or folder below that of pipeline.yml, or of suite.directory.")
    return place.relative_to(base).as_posix()
