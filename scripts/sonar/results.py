"""Write what SonarQube is sent of the last run: what became of its tests, and what they covered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

from ..console import counted, printable, progress, say
from ..errors import SettingsError
from ..proof import junit
from ..proof import results as proof
from ..runner import coverage, shard
from ..runner.coverage import Xml
from ..runner.rounds import repository_of
from ..settings import Settings
from ..system import files
from . import executions
from .properties import RESULTS
from .scope import Scope, split

MOST_NAMES = 3


def written(settings: Settings, python: str, scope: Scope, folder: Path, said: Mapping[str, str]) -> Dict[str, Path]:
    """Write the reports of tests and coverage; say what is in them, and what is not.

    Args:
        python: the suite's, which has its `coverage`.
        said: the properties that a person has set: a report of coverage of its own counts.

    Returns:
        the files, by the names of `properties.RESULTS`.

    Raises:
        SettingsError: there are no results of a run.
    """
    root = repository_of(settings.project)
    receipts = proof.gather(settings.reports).receipts
    for line in commit_lines([each.commit for each in receipts], shard.commit_of(settings.project, os.environ)):
        say(line)
    tests = _tests(settings, scope, root, folder / "test-executions.xml")
    own = split(said.get(RESULTS["coverage"], ""))
    if own:
        for line in own_lines(own, scope.base):
            say(line)
        return {"executions": tests}
    xml = folder / "coverage.xml"
    with progress("combining what was measured"):
        measured = coverage.as_xml(settings, python, root, receipts, xml)
    for line in coverage_lines(measured):
        say(line)
    return {"executions": tests, **({"coverage": xml} if measured and not measured.error else {})}


def _tests(settings: Settings, scope: Scope, root: Path, file: Path) -> Path:
    report = settings.reports / "junit.xml"
    found = junit.read(report)
    if found is None:
        message = f"expected the results of a run in {settings.shown(report)}, found none"
        hint = "Run the tests first: {command}. Or say --without-tests: then the code alone is analysed."
        raise SettingsError(message, hint, ("nox", "-s", "integration"))
    below = os.path.relpath(str(scope.base), str(root))
    is_test = lambda path: scope.is_test(path) and (scope.base / path).is_file()  # noqa: E731
    sent = executions.written(found, "" if below == "." else below, is_test)
    files.write_bytes(file, sent.xml)
    outside = f"; not those of {named(sent.left_out)}: outside of sonar.tests" if sent.left_out else ""
    say(f"tests: {counted(sent.tests, 'result')}{outside}")
    return file


def own_lines(paths: Sequence[str], base: Path) -> List[str]:
    """Say which reports of coverage a project names itself, and which of those are not there.

    >>> own_lines(["no.xml", "*/a.xml"], Path("/p"))
    ['coverage: no.xml is not there', 'coverage: */a.xml']
    """
    lost = {path for path in paths if not set("*?") & set(path) and not (base / path).is_file()}
    return [f"coverage: {printable(path)}{' is not there' if path in lost else ''}" for path in paths]


def named(names: Sequence[str]) -> str:
    """Name the first of them, and say how many more there are.

    >>> named(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = len(names) - MOST_NAMES
    return ", ".join(map(printable, names[:MOST_NAMES])) + (f" and {more} more" if more > 0 else "")


def commit_lines(tested: Sequence[str], here: str) -> List[str]:
    """Say that the results are those of another commit; nothing where they are not.

    >>> commit_lines(["0123456789abc"], "abc"), commit_lines(["abc", ""], "abc"), commit_lines(["abc"], "")
    (['tests: of commit 0123456789ab, and this is abc'], [], [])
    """
    others = sorted({commit for commit in tested if commit and here and commit != here})
    return [f"tests: of commit {others[0][:12]}, and this is {here[:12]}"] if others else []


def coverage_lines(measured: Optional[Xml]) -> List[str]:
    """Say what is sent of coverage, or why nothing is.

    >>> coverage_lines(Xml(81.23, ("shard index 1 lost what round 1 measured",)))
    ['coverage: 81.2 %', 'coverage: shard index 1 lost what round 1 measured']
    """
    if measured is None:
        return ["coverage: not sent: the run measured none (pytest-cov in the suite, coverage: true in a service)"]
    if measured.error:
        return [f"coverage: not sent: {printable(measured.error)}"]
    total = "not known" if measured.total is None else f"{measured.total:.1f} %"
    return [f"coverage: {total}", *(f"coverage: {printable(doubt)}" for doubt in measured.doubts)]
