"""The main job: packages, weights, service, suite, and one table at the end."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import Dict, List, Mapping, Optional, Sequence

from ..console import command, counted, human_seconds, readable, say, table
from ..environment import Environment
from ..errors import SuiteError
from ..service import Service
from ..settings import Settings
from ..sharding import junit
from . import deps, models
from .around import running_service, starts_service, suite_variables, timed

SHOWN_FAILURES = 20
PYTEST_STOPS_IN_S = 10


def run(settings: Settings, pytest_arguments: Sequence[str]) -> int:
    """Run the suite, against a freshly started service where the project has one.

    Returns:
        0 when every test passed or was skipped, 1 when one did not.

    Raises:
        PipelineError: a step could not do its work; each kind has its own exit code.
    """
    ours = starts_service(settings)
    seconds: Dict[str, float] = {}
    with timed(seconds, "packages"):
        environments = deps.run(settings, with_service=ours)
    if ours:
        with timed(seconds, "weights"):
            models.run(settings)
    _clear(settings)
    with running_service(settings, environments.service, settings.reports / "service.log") as running:
        if running:
            seconds.update({"service ready": running.ready_s, "warm-up": running.warm_up_s})
        with timed(seconds, "tests"):
            status = _pytest(settings, environments.suite, running, pytest_arguments)
    results = junit.read(settings.reports / "junit.xml")
    check(status, results, pytest_arguments)
    for line in summary(results or [], seconds, settings):
        say(line)
    return 0 if status == 0 else 1


def _clear(settings: Settings) -> None:
    """Take away an earlier run's reports, so that none of them is taken for this one's."""
    settings.reports.mkdir(parents=True, exist_ok=True)
    for name in ("junit.xml", "service.log"):
        file = settings.reports / name
        file.unlink() if file.exists() else None


def _pytest(settings: Settings, environment: Environment, running: Optional[Service], arguments: Sequence[str]) -> int:
    """Run pytest in the suite's environment; its exit status."""
    paths = ["-o", f"testpaths={shlex.quote(settings.suite.path)}"]
    report = ["-o", "junit_family=xunit1", f"--junitxml={settings.reports / 'junit.xml'}"]
    words = [str(environment.python), "-m", "pytest", *paths, *arguments, *report]
    environ = suite_variables(environment.variables(os.environ), running, settings.reports / "artifacts")
    child = subprocess.Popen(words, cwd=settings.project, env=environ)
    try:
        return child.wait()
    except KeyboardInterrupt:  # the terminal told pytest too: let it say where it was
        _end(child)
        raise
    except SystemExit:
        child.send_signal(signal.SIGINT)
        _end(child)
        raise


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(PYTEST_STOPS_IN_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def check(status: int, results: Optional[List[junit.Result]], arguments: Sequence[str]) -> None:
    """Refuse a run that proves nothing: pytest's exit status alone is no evidence.

    Raises:
        SuiteError: there is no report, no test in it, or pytest itself failed.
    """
    if results is None:
        raise SuiteError(
            f"pytest ended with status {status} and left no report: a test may have ended the process",
            f"Find it: {command('nox', '-s', 'integration', '--', '-v', *arguments)}",
        )
    if status not in (0, 1, 2):
        reason = "no test was selected" if status == 5 else f"pytest ended with status {status}"
        raise SuiteError(f"{reason}: {shlex.join(['pytest', *arguments])}", "See pytest's own lines above.")
    red = [result for result in results if result.outcome in (junit.FAILED, junit.ERROR)]
    if not results or (status == 0) == bool(red):
        raise SuiteError(
            f"pytest ended with status {status}, but its report holds {junit.counts(results) or 'no test'}"
        )


def summary(results: List[junit.Result], seconds: Mapping[str, float], settings: Settings) -> List[str]:
    """The lines at the end of a run: outcomes, seconds per step, reports, what to run next."""
    red = [result for result in results if result.outcome in (junit.FAILED, junit.ERROR)]
    told = [f"  {result.outcome}  {readable(result.nodeid)}" for result in red[:SHOWN_FAILURES]]
    if len(red) > SHOWN_FAILURES:
        told.append(f"  and {len(red) - SHOWN_FAILURES} more")
    rows = [(step, human_seconds(value)) for step, value in seconds.items()]
    rows.append(("total", human_seconds(sum(seconds.values()))))
    reports = [settings.reports / name for name in ("junit.xml", "service.log", "artifacts")]
    there = [str(file.relative_to(settings.project)) for file in reports if file.exists()]
    return [
        "",
        f"{counted(len(results), 'test')}: {junit.counts(results)}",
        *told,
        "",
        *table(("step", "time"), rows),
        "",
        f"reports: {', '.join(there)}",
        again(results, bool(red)),
    ]


def again(results: Sequence[junit.Result], red: bool) -> str:
    """The command to run next: what failed, or the part that took longest."""
    if red:
        return f"next: {command('nox', '-s', 'integration', '--', '--last-failed')}    (only what failed)"
    seconds: Dict[str, float] = {}
    for result in results:
        file = result.nodeid.split("::")[0]
        seconds[file] = seconds.get(file, 0.0) + result.seconds
    slowest = max(seconds, key=lambda file: seconds[file])
    return f"next: {command('nox', '-s', 'integration', '--', slowest)}    (only the slowest file)"
