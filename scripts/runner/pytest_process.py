"""Run one round: a pytest process, watched while it runs, of which nothing is left afterwards."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import time
import uuid
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import human_seconds, shell_words
from ..environments.environments import Environment
from ..errors import SuiteError
from ..proof.journal import Tail, in_test
from ..settings import Settings
from ..system import process_tree, records
from ..system.identity import Identity, are_told, identify, is_running
from . import pytest_arguments
from .decisions import Exit
from .plugin_loader import ARGUMENTS
from .pytest_arguments import named_paths, pytests_own, without_paths
from .watchdog import Watchdog

POLL_S = 0.02
PYTEST_STOPS_IN_S = 10.0  # after Ctrl-C: it tears fixtures down and says where it was
STACKS_IN_S = 3.0  # between SIGABRT and SIGKILL
LEFTOVERS_END_IN_S = 2.0  # between SIGTERM and SIGKILL
# Collecting imports models, and the end of a session writes reports: they may take longer than any test.
OUTSIDE_TESTS_TIMEOUT_S = 600.0

NOTHING: Mapping[str, str] = MappingProxyType({})
BY_ITSELF = Exit(0)  # of what is seen of a round while it runs, before its exit code is known

Say = Callable[[str], None]


class StopConditions(NamedTuple):
    """What to look for while a round runs.

    `signalled`: somebody wants us to end. `death`: how the service died, empty as long as it runs; `death_ago_s`: how
    many seconds ago that was, 0 where it is not known better than by the look.
    """

    signalled: Callable[[], bool] = lambda: False
    death: Callable[[], str] = str
    death_ago_s: Callable[[], float] = float


class Supervision(NamedTuple):
    """Where a process is known, so that it ends with its runner: the project's state folder, and the watchdog."""

    state: Path
    watchdog: Watchdog


@dataclass(frozen=True)
class Limits:
    """How long silence may last, in a test or shared fixture and elsewhere, and how long pytest may take to stop."""

    test_s: float
    outside_s: float
    stop_s: float = PYTEST_STOPS_IN_S


def limits_for(pytest_arguments: Sequence[str], test_timeout_s: float) -> Limits:
    """Set the limits of each round; none where a person sits at pytest's debugger, whose silence is thinking.

    >>> limits_for(["-v"], 5.0), limits_for(["--pdb"], 5.0)
    (Limits(test_s=5.0, outside_s=600.0, stop_s=10.0), Limits(test_s=inf, outside_s=inf, stop_s=inf))
    """
    for_ever = float("inf")
    if not {"--pdb", "--trace"}.isdisjoint(pytest_arguments):  # where Ctrl-C opens the debugger
        return Limits(for_ever, for_ever, for_ever)
    if not test_timeout_s:
        return Limits(for_ever, for_ever)
    return Limits(test_timeout_s, max(test_timeout_s, OUTSIDE_TESTS_TIMEOUT_S))


class Heartbeat:
    """Since when a journal has not grown, and whether its last line says that a test or shared fixture runs."""

    def __init__(self, journal: Tail, clock: Callable[[], float] = time.monotonic) -> None:
        self._journal, self._clock = journal, clock
        self._grown_at = clock()
        self.in_test = False

    def silent_s(self) -> float:
        """Tell how many seconds ago the last line was written."""
        event = self._journal.latest()
        if event:
            self._grown_at = self._clock()
            self.in_test = in_test(event)
        return self._clock() - self._grown_at


def run(
    words: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    heartbeat: Heartbeat,
    limits: Limits,
    stop: StopConditions,
    supervision: Supervision,
    say: Say,
    output: Optional[Path] = None,
) -> Exit:
    """Run pytest in a session of its own; afterwards nothing of it is left.

    A session keeps what it started together, and a terminal's Ctrl-C away: that comes through us, once.

    Args:
        output: the file that what it prints is appended to; None for our own output.
    """
    started, now = time.monotonic(), steady_clock()
    with output.open("ab") if output else nullcontext() as sink:
        popen, record = _start(words, cwd, environ, supervision, sink)
    seen: Optional[Exit] = None
    try:
        seen = _watched(record.process, heartbeat, limits, stop, say, now)
    finally:  # before its pid is given back: as long as it is ours, so is the session of that number
        # Daemons that tests leave after a round that came to its own end may be meant for the next one.
        _end_leftovers(record.process, record.run_id if seen != BY_ITSELF else "", say)
        records.remove(supervision.state, record)
        supervision.watchdog.forget(record.run_id)
        with suppress(subprocess.TimeoutExpired):  # what SIGKILL does not end hangs in the kernel
            popen.wait(LEFTOVERS_END_IN_S)
    returncode = -signal.SIGKILL if popen.returncode is None else popen.returncode
    seconds, ended_at = round(time.monotonic() - started, 3), now()
    death = "" if seen.interrupted else stop.death()
    died_at = seen.died_at or (now() - stop.death_ago_s() if death else ended_at)
    return replace(seen, returncode=returncode, seconds=seconds, ended_at=ended_at, service=death, died_at=died_at)


def _start(
    words: Sequence[str], cwd: Path, environ: Mapping[str, str], supervision: Supervision, sink: Optional[IO[bytes]]
) -> Tuple[subprocess.Popen[bytes], records.Record]:
    """Start a process that ends with its runner, and record it: should the watchdog die too, the next start ends it."""
    mark = uuid.uuid4().hex[:12]
    supervision.watchdog.expect(mark)
    try:
        popen = subprocess.Popen(  # noqa: S603 - pytest, with what a person typed
            words,
            cwd=str(cwd),
            env={**environ, process_tree.MARKER: mark},
            stdin=subprocess.DEVNULL if sink else None,
            stdout=sink,
            stderr=subprocess.STDOUT if sink else None,
            start_new_session=True,
        )
    except OSError as error:
        supervision.watchdog.forget(mark)
        raise cannot_start(error) from error
    supervision.watchdog.watch(mark, popen.pid)
    record = records.started("pytest", mark, identify(popen.pid) or Identity(popen.pid, time.time()), tuple(words))
    with suppress(OSError):  # a disk that is full, or not ours: the watchdog ends it all the same
        records.write(supervision.state, record)
    return popen, record


def steady_clock() -> Callable[[], float]:
    """Make a clock that tells the time of day, and goes on as it began where the system's is set meanwhile.

    What a journal says of a round is reckoned from its start, too; and a machine that slept has not worked.
    """
    began, started = time.time(), time.monotonic()
    return lambda: began + time.monotonic() - started


def cannot_start(error: OSError) -> SuiteError:
    """Say that the suite's command names no program, or none that may run."""
    return SuiteError(f"pytest cannot be started: {error}", "Correct suite.command in pipeline.yml.")


def _watched(
    root: Identity, heartbeat: Heartbeat, limits: Limits, stop: StopConditions, say: Say, now: Callable[[], float]
) -> Exit:
    """Wait for the process's end, or bring it about; say whether it hung, and whether a person stopped it."""
    while is_running(root):
        interrupted = stop.signalled()
        if interrupted or stop.death():  # without the service, every further test would fail
            died_at = now() - stop.death_ago_s()
            with suppress(ProcessLookupError, PermissionError):  # gone meanwhile
                os.killpg(root.pid, signal.SIGINT)  # all of it, as a terminal does
            _wait(root, limits.stop_s)
            return Exit(0, interrupted=interrupted, died_at=died_at)
        silent_s = heartbeat.silent_s()
        if silent_s > (limits.test_s if heartbeat.in_test else limits.outside_s):
            say(f"\npytest has been silent for {human_seconds(silent_s)}: it is ended, where it was stands below")
            with suppress(ProcessLookupError, PermissionError):
                os.kill(root.pid, signal.SIGABRT)
            _wait(root, STACKS_IN_S)
            return Exit(0, hung_s=round(silent_s, 1))
        time.sleep(POLL_S)
    return BY_ITSELF


def _wait(root: Identity, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while is_running(root) and time.monotonic() < until:
        time.sleep(POLL_S)


def _end_leftovers(root: Identity, mark: str, say: Say) -> None:
    """End what still runs of a process that has ended, or should have; with SIGKILL where that did not help.

    Args:
        mark: of what has to end also where it has left the session; empty for none.
    """
    left = process_tree.tree(root, mark)
    if not left and are_told():
        return
    others = [process for process in left if process.pid != root.pid]
    if others:
        say(f"\npytest left running, and we end: {', '.join(str(process.pid) for process in others)} (pid)")
    process_tree.end(root, mark, LEFTOVERS_END_IN_S)


def pytest_words(
    settings: Settings, environment: Environment, arguments: Sequence[str], plugin: Sequence[str] = ARGUMENTS
) -> List[str]:
    """Put together the suite's command, with our plugin: what a person adds comes last.

    The suite's paths come before that, as if typed, so that options which a conftest.py below them declares are known
    and plugins see which part of the suite this is; unless a person names others. faulthandler shows where a crash or
    a hang was, from the first import on.
    """
    folder = settings.suite_directory
    program, *words = settings.suite.command
    if program == "python":
        program, words = str(environment.python), ["-X", "faulthandler", *words]
    pyargs = takes_modules(settings, arguments)
    named = named_paths(arguments, folder, pyargs)
    start = pytests_own(words)
    # Options follow, ours too: no `--` of pytest's may stand before them.
    words = [*words[:start], *(word for word in words[start:] if word != "--")]
    theirs = without_paths(words, folder, pyargs)
    paths = [] if named else [path for path in paths_of(settings) if path not in words[start:]]
    return [program, *(theirs if named else words), *plugin, *paths, *arguments]


def takes_modules(settings: Settings, arguments: Sequence[str]) -> bool:
    """Tell whether the suite's paths may be names of modules: its command, configuration or a person says --pyargs."""
    folder = settings.suite_directory
    above = [
        folder,
        *(parent for parent in folder.parents if parent == settings.project or settings.project in parent.parents),
    ]
    return pytest_arguments.takes_modules([*settings.suite.command, *arguments], os.environ, above)


def paths_of(settings: Settings) -> List[str]:
    """Name the suite's paths, patterns spelt out; none where that is the whole folder: its own configuration says what
    to collect there.
    """
    if settings.suite.paths == (".",):
        return []
    return [path for named in settings.suite.paths for path in _spelt_out(named, settings.suite_directory)]


def _spelt_out(path: str, folder: Path) -> List[str]:
    """Find what a pattern stands for; a path that is there is none, whatever its letters."""
    if not re.search(r"[*?\[]", path.partition("::")[0]) or (folder / path.partition("::")[0]).exists():
        return [path]
    with suppress(NotImplementedError, ValueError):  # a pattern from the root on
        return sorted(os.path.relpath(str(found), str(folder)) for found in folder.glob(path)) or [path]
    return [path]


def by_hand(
    settings: Settings, environment: Environment, arguments: Sequence[str], variables: Mapping[str, str] = NOTHING
) -> str:
    """Write the same for a person to type, whose shell does not know our plugin, nor the variables."""
    words = pytest_words(settings, environment, arguments, plugin=())
    given = "".join(f"{name}={shlex.quote(value)} " for name, value in variables.items())
    return f"cd {shlex.quote(str(settings.suite_directory))} && {given}{' '.join(shell_words(words))}"
