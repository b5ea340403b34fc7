"""The properties of an analysis: what the scanner is told of a project, its results and its change. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, Iterable, Mapping

from ..ci import Change
from .scope import EXCLUSIONS, SOURCES, TEST_INCLUSIONS, TESTS, Scope

KEY, NAME, VERSION = "sonar.projectKey", "sonar.projectName", "sonar.projectVersion"
HOST, TOKEN = "sonar.host.url", "sonar.token"
RESULTS = {  # by what is sent: the property that names its file
    "executions": "sonar.testExecutionReportPaths",
    "coverage": "sonar.python.coverage.reportPaths",
    "ruff": "sonar.python.ruff.reportPaths",
    "mypy": "sonar.python.mypy.reportPaths",
}


@dataclass(frozen=True)
class Analysis:
    """All that decides what is told.

    Args:
        name: of the project, for people.
        key: as pipeline.yml says it; empty where it does not.
        results: the files that are sent, from the folder that is analysed, by the names of RESULTS.
        version: the release that the code is of, or comes after; empty where there is none.
        knows_branches: whether the server analyses branches and requests.
        more: what pipeline.yml says beside it.
        said: what stands in the project's own files, and is left to these.
    """

    name: str
    scope: Scope
    change: Change = Change()
    key: str = ""
    results: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    run: str = ""
    knows_branches: bool = True
    more: Mapping[str, str] = field(default_factory=dict)
    said: Iterable[str] = ()


def told(analysis: Analysis) -> Dict[str, str]:
    """Put together the properties, by name; nothing in them is a secret."""
    scope, said = analysis.scope, set(analysis.said)
    of_scope = {
        SOURCES: listed(scope.sources),
        TESTS: listed(scope.tests),
        EXCLUSIONS: listed(scope.exclusions),
        TEST_INCLUSIONS: listed(scope.test_inclusions),
    }
    usual = {
        KEY: analysis.key or key_of(analysis.name),
        NAME: analysis.name,
        VERSION: analysis.version,
        "sonar.sourceEncoding": "UTF-8",
        # Of a request the CI may have made a commit of its own: the scanner finds the one that is on its branch.
        "sonar.scm.revision": "" if analysis.change.request else analysis.change.commit,
        "sonar.buildString": analysis.run,
        **({} if {"sonar.branch.name", "sonar.pullrequest.key"} & said else _of_change(analysis)),
        **{RESULTS[name]: file for name, file in analysis.results.items()},
    }
    own = {KEY: analysis.key} if analysis.key else {}
    kept = {name: value for name, value in usual.items() if name not in said}
    whole = {**kept, **own, **analysis.more, **of_scope}  # `of_scope` has heard what anybody said
    return {name: value for name, value in whole.items() if value}


def _of_change(analysis: Analysis) -> Dict[str, str]:
    """Say which branch, or which request, is analysed; nothing to a server that knows one state of the code only.

    >>> _of_change(Analysis("a", None, Change(branch="fix", request="7", base="main")))["sonar.pullrequest.base"]
    'main'
    >>> _of_change(Analysis("a", None, Change(branch="fix")))
    {'sonar.branch.name': 'fix'}
    """
    change = analysis.change
    if not analysis.knows_branches:
        return {}
    if change.request:
        names = {"key": change.request, "branch": change.branch, "base": change.base}
        return {f"sonar.pullrequest.{name}": value for name, value in names.items() if value}
    return {"sonar.branch.name": change.branch} if change.branch else {}


def key_of(name: str) -> str:
    """Make a project's key from its name.

    >>> key_of("reference text-to-speech"), key_of("语音"), key_of("7")
    ('reference-text-to-speech', 'project', 'project-7')
    """
    key = re.sub(r"[^A-Za-z0-9_.:-]+", "-", name).strip("-")[:400]
    return f"project-{key}" if key.isdigit() else key or "project"


def listed(paths: Iterable[str]) -> str:
    """Write a list as SonarQube splits it: at commas, but for those between quotes.

    >>> listed(["a", "b,c"])
    'a,"b,c"'
    """
    return ",".join(f'"{path}"' if "," in path else path for path in paths)
