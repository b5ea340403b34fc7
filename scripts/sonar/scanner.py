"""Run pysonar, SonarQube's own scanner, in an environment of its own: its versions of packages bind nobody else's.

It fetches the analyser, and a Java to run that, from the server.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence

from ..console import clean, counted, printable, progress, say, uncoloured
from ..environments import environments
from ..environments.environments import Environment
from ..errors import AnalysisError, SettingsError
from ..settings import Settings
from ..system import certificates, programs, proxies
from ..system.files import remove, text_of, write_text
from ..system.programs import ProgramFailed
from . import gate

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
OLDEST_PYTHON = (3, 9)  # of the oldest pysonar in requirements.lock
PARAMETERS = "SONAR_SCANNER_JSON_PARAMS"  # by it the scanner is told properties: command lines are seen by everybody
REPORT_TASK, LOG = "report-task.txt", "scanner.log"
SCANS_IN_S = 2 * 3600.0  # pysonar itself waits for a silent server without end
MOST_LINES = 20  # of the scanner's own words, shown where they matter
JAVA_HINT = (
    "Where the server has no Java for this machine: put one on PATH and set SONAR_SCANNER_SKIP_JRE_PROVISIONING=true, "
    "or name it in SONAR_SCANNER_JAVA_EXE_PATH."
)


def check_python() -> None:
    """Refuse a Python for which there is no scanner.

    Raises:
        SettingsError: it is too old.
    """
    if sys.version_info < OLDEST_PYTHON:
        needed, here = ("{}.{}".format(*version[:2]) for version in (OLDEST_PYTHON, sys.version_info))
        message = f"SonarQube's scanner (pysonar) needs Python {needed} or newer, and this is {here} ({sys.executable})"
        raise SettingsError(message, "Run this step on a newer Python; the tests may run on any.")


def install(settings: Settings) -> Environment:
    """Make the scanner's environment, once.

    Raises:
        InstallError: its packages cannot be had.
    """
    return environments.make(environments.recipe("scanner", REQUIREMENTS, settings.state, REQUIREMENTS.parent))


def parameters(properties: Mapping[str, str], environ: Mapping[str, str]) -> str:
    """Write the properties as the scanner reads them from its variable; those that a person put there count.

    >>> parameters({"sonar.a": "1", "sonar.b": "2"}, {PARAMETERS: '{"sonar.b": "3"}'})
    '{"sonar.a": "1", "sonar.b": "3"}'

    Raises:
        SettingsError: the variable holds something else.
    """
    try:
        theirs = json.loads(environ.get(PARAMETERS) or "{}")
    except ValueError:
        theirs = None
    if not isinstance(theirs, dict):
        raise SettingsError(f'{PARAMETERS}: expected a JSON object of properties, {{"sonar.verbose": "true"}}')
    return json.dumps({**properties, **theirs})


def surroundings(environ: Mapping[str, str], properties: Mapping[str, str], host: str) -> Dict[str, str]:
    """Make the environment in which the scanner runs: a company's certificates count, and loopback needs no proxy."""
    said = any(environ.get(name) for name in certificates.OF_REQUESTS)
    store = "" if said else certificates.store()
    trusted = {"REQUESTS_CA_BUNDLE": store} if store else {}
    own = {PARAMETERS: parameters(properties, environ), "SONAR_HOST_URL": host, "PYTHONUNBUFFERED": "1"}
    return {**environ, **trusted, **own, **proxies.past_proxies(environ, [host])}


def words(environment: Environment, base: Path, folder: Path, work: Path) -> List[str]:
    """Put together its command line, which has only what must be ours: where it finds things, and leaves them."""
    own: Dict[str, Any] = {
        "sonar.projectBaseDir": base,
        "sonar.working.directory": work,
        "sonar.scanner.metadataFilePath": folder / REPORT_TASK,
        "sonar.qualitygate.wait": "false",  # we wait, and say which conditions failed
    }
    return [str(environment.bin / "pysonar"), *(f"-D{name}={value}" for name, value in own.items())]


def scan(
    settings: Settings, environment: Environment, base: Path, folder: Path, environ: Mapping[str, str]
) -> Dict[str, str]:
    """Analyse and upload; its own words are kept in scanner.log.

    Args:
        folder: gets what is left of it.
        environ: see `surroundings`.

    Returns:
        what the scanner says of the task that the server has then: ceTaskId, dashboardUrl and more.

    Raises:
        AnalysisError: it ended with an error, or without having uploaded anything.
    """
    task, log = folder / REPORT_TASK, folder / LOG
    remove(task)  # that of an earlier analysis would be asked for
    command = words(environment, base, folder, settings.state / "scannerwork")
    try:
        with progress("analysing (pysonar)"):
            around = environment.variables(environ)
            output = programs.output(command, SCANS_IN_S, cwd=base, environ=around, merged=True)
    except ProgramFailed as failed:
        write_text(log, clean(failed.output))
        for line in shown(failed.output.splitlines()):
            say(f"  {line}")
        message = f"the scanner ended with an error: {printable(str(failed))}"
        raise AnalysisError(message, f"All it said is in {settings.shown(log)}. {JAVA_HINT}") from failed
    write_text(log, clean(output))
    warned = [line for line in output.splitlines() if line.startswith(("WARN", "ERROR"))]
    for line in shown(warned):
        say(f"  {line}")
    found = gate.report_task(text_of(task))
    if not found.get("ceTaskId"):
        message = f"the scanner ended well, and left no task of the server in {settings.shown(task)}"
        raise AnalysisError(message, f"All it said is in {settings.shown(log)}.")
    return found


def shown(lines: Sequence[str]) -> List[str]:
    """Choose the last lines of what the scanner said, and say how many there are before.

    >>> shown([str(number) for number in range(22)])[:2]
    ['(2 lines before)', '2']
    """
    kept = [printable(uncoloured(line).rstrip()) for line in lines if line.strip()]
    before = len(kept) - MOST_LINES
    return [*([f"({counted(before, 'line')} before)"] if before > 0 else []), *kept[-MOST_LINES:]]
