"""Send sources, tests, coverage and findings to SonarQube, and end as its quality gate does: `nox -s sonar`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Dict, List, Mapping, Optional

from .. import ci, console
from ..console import printable, progress, say
from ..errors import AnalysisError, GateError, SettingsError
from ..runner import preparation, shard
from ..settings import Settings
from ..sonar import change, gate, linters, project_files, properties, results, scanner, scope
from ..sonar.gate import Gate
from ..sonar.project_files import Said
from ..sonar.properties import Analysis
from ..sonar.server import Access, Server, access_of

FOLDER = "sonar"  # in the reports: all that is sent


def run(settings: Settings, dry_run: bool = False, without_tests: bool = False) -> Optional[int]:
    """Analyse a project with the results of its last run, and wait for the quality gate.

    Args:
        dry_run: only print what would be sent.
        without_tests: there was no run: neither its tests nor their coverage are sent.

    Returns:
        0 where the gate is passed, None where nobody was asked.

    Raises:
        SettingsError: the server or its token is not named, or there are no results of a run.
        InstallError: the scanner cannot be had.
        AnalysisError: it is not known whether the quality gate is passed.
        GateError: it is not passed.
    """
    said = project_files.said(scope.base_of(settings))
    if dry_run:
        for line in lines(properties.told(gathered(settings, said, without_tests)), said):
            say(line)
        return None
    access = access_of(os.environ, said.get(properties.HOST, Said("", "")).value)
    scanner.check_python()
    with Server(access) as server:
        knows_branches = server.knows_branches()
        analysis = replace(gathered(settings, said, without_tests), knows_branches=knows_branches)
        check_branch(analysis, access)
        task = _scan(settings, analysis, access)
        with progress("waiting for the quality gate"):
            found = _gate(server, task["ceTaskId"], time.monotonic() + settings.sonar.gate_timeout_s)
    conclude(found, printable(task.get("dashboardUrl", access.shown)))
    return 0


def gathered(settings: Settings, said: Mapping[str, Said], without_tests: bool) -> Analysis:
    """Write all that is sent below the reports, and say what it is.

    Raises:
        SettingsError: there are no results of a run, or a source is not there.
    """
    theirs = {**{name: each.value for name, each in said.items()}, **settings.sonar.properties}
    chosen = scope.of(settings, theirs)
    suite = preparation.install(settings, with_service=False).suite
    folder = shard.fresh(settings.reports / FOLDER)
    sent = {} if without_tests else results.written(settings, str(suite.python), chosen, folder, theirs)
    sent = {**sent, **linters.written(suite, chosen, folder, theirs)}
    state = change.of(settings.project, os.environ)
    return Analysis(
        name=settings.name if "name" in settings.lines else chosen.base.name,  # all have the same that give none
        scope=chosen,
        change=state,
        key=settings.sonar.key or "",
        results={name: os.path.relpath(str(file), str(chosen.base)) for name, file in sent.items()},
        version=change.version(settings.project, state),
        run=ci.run_id(os.environ) if ci.is_ci(os.environ) else "",
        more=settings.sonar.properties,
        said=tuple(said),
    )


def lines(told: Mapping[str, str], said: Mapping[str, Said]) -> List[str]:
    """Show the properties as a properties file has them; what stands in files of the project may be a secret.

    >>> lines({"sonar.projectKey": "a"}, {"sonar.token": Said("abc", "sonar-project.properties")})
    ['', 'sonar.projectKey=a', 'sonar.token: as sonar-project.properties has it']
    """
    rows = {name: f"{name}={value}" for name, value in told.items()}
    theirs = {name: f"{name}: as {each.file} has it" for name, each in said.items() if name not in told}
    return ["", *(printable(row) for _, row in sorted({**rows, **theirs}.items()))]


def check_branch(analysis: Analysis, access: Access) -> None:
    """Say that a server without branches takes the code for that of the project; refuse it that of a request.

    Raises:
        SettingsError: its figures would count as the project's.
    """
    state = analysis.change
    if analysis.knows_branches or not (state.request or state.branch):
        return
    if state.request:
        message = f"{access.shown} analyses no requests (a Community Build), and this is request {state.request}"
        raise SettingsError(message, "Run this step for the main branch only.")
    say(f"{access.shown} knows no branches: {printable(state.branch)} counts as the project")


def _scan(settings: Settings, analysis: Analysis, access: Access) -> Dict[str, str]:
    environment = scanner.install(settings)
    told = properties.told(analysis)
    say(f"analysis: {told[properties.KEY]} at {access.shown}")
    surroundings = scanner.surroundings(os.environ, told, access.url)
    folder = settings.reports / FOLDER
    return scanner.scan(settings, environment, analysis.scope.base, folder, surroundings)


def _gate(server: Server, task: str, deadline_s: float) -> Gate:
    return server.gate(server.task(task, deadline_s).analysis, deadline_s)


def conclude(found: Gate, where: str) -> None:
    """Say how the quality gate ended.

    Args:
        where: the page that shows it.

    Raises:
        GateError: conditions fail; they are printed.
        AnalysisError: there is no gate, or one in a state that we do not know.
    """
    rows = gate.failed_rows(found)
    if found.status == gate.PASSED:
        say(f"quality gate: passed ({console.counted(len(found.conditions), 'condition')}); {where}")
    elif found.status == gate.FAILED:
        for line in ["", *console.table(("metric", "is", "should be"), rows)]:
            say(line)
        failing = console.counted(len(rows), "condition")
        raise GateError(
            f"the quality gate is not passed: {failing} {'fails' if len(rows) == 1 else 'fail'}", f"See {where}"
        )
    else:
        message = f"the quality gate is {printable(found.status)}: expected {gate.PASSED} or {gate.FAILED}"
        raise AnalysisError(message, f"Does the project have a quality gate? See {where}")
