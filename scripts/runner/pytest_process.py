"""Run one round: a pytest process, watched while it runs, of which nothing is left afterwards."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Sequence

from ..console import human_seconds
from ..environments.environments import Environment
from ..errors import SuiteError
from ..settings import Settings
from ..system.processes import Identity, are_told, end_tree, identify, is_running, tree
from . import plugin_loader
from .decisions import Exit

PLUGIN = tuple(plugin_loader.arguments())
POLL_S = 0.02
PYTEST_STOPS_IN_S = 10.0  # after Ctrl-C: it tears fixtures down and says where it was
STACKS_IN_S = 3.0  # between SIGABRT and SIGKILL
LEFTOVERS_END_IN_S = 2.0  # between SIGTERM and SIGKILL
# Collecting imports models, and the end of a session writes reports: they may take longer than any test.
OUTSIDE_TESTS_TIMEOUT_S = 600.0

Say = Callable[[str], None]


class Watch(NamedTuple):
    """What to look for while a round runs.

    `signalled`: somebody wants us to end. `death`: how the service died, empty as long as it runs.
    """

    signalled: Callable[[], bool] = lambda: False
    death: Callable[[], str] = str


@dataclass(frozen=True)
class Limits:
    """How long silence may last, in a test or shared fixture and elsewhere, and how long pytest may take to stop."""

    test_s: float
    outside_s: float
    stop_s: float = PYTEST_STOPS_IN_S


def limits_for(pytest_arguments: Sequence[str], test_timeout_s: float) -> Limits:
    """The limits of each round; none where a person sits at pytest's debugger, whose silence is thinking.

    >>> limits_for(["-v"], 5.0), limits_for(["--pdb"], 5.0)
    (Limits(test_s=5.0, outside_s=600.0, stop_s=10.0), Limits(test_s=inf, outside_s=inf, stop_s=inf))
    """
    for_ever = float("inf")
    if not {"--pdb", "--trace"}.isdisjoint(pytest_arguments):  # where Ctrl-C opens the debugger
        return Limits(for_ever, for_ever, for_ever)
    if not test_timeout_s:
        return Limits(for_ever, for_ever)
    return Limits(test_timeout_s, max(test_timeout_s, OUTSIDE_TESTS_TIMEOUT_S))


class Pulse:
    """Since when a journal has not grown, and whether its last line says that a test or shared fixture runs."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._size_bytes = self._size()
        self._grown_at = clock()
        self.in_test = False

    def _size(self) -> int:
        with suppress(FileNotFoundError):
            return self._file.stat().st_size
        return 0

    def silent_s(self) -> float:
        """Seconds since the last line was written."""
        if self._size() > self._size_bytes:
            with self._file.open("rb") as lines:
                lines.seek(self._size_bytes)
                new = lines.read()
            self._size_bytes += len(new)
            self._grown_at = self._clock()
            self.in_test = says_in_test(new)
        return self._clock() - self._grown_at


def says_in_test(lines: bytes) -> bool:
    r"""Whether the last whole line of a journal leaves us within a test's phase, or a shared fixture.

    >>> says_in_test(b'{"event": "start"}\n'), says_in_test(b'{"event": "start"}\n{"event": "end"}\n')
    (True, False)
    """
    whole = lines.rpartition(b"\n")[0].rpartition(b"\n")[2]
    try:
        event = json.loads(whole)
        return event["event"] in ("start", "fixture start", "fixture end") or "subtest" in event
    except (ValueError, TypeError, KeyError):
        return False


def run(
    words: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    pulse: Pulse,
    limits: Limits,
    watch: Watch,
    say: Say,
) -> Exit:
    """Run pytest in a session of its own; afterwards nothing of it is left.

    A session keeps what it started together, and a terminal's Ctrl-C away: that comes through us, once.
    """
    started = time.monotonic()
    try:
        popen = subprocess.Popen(words, cwd=str(cwd), env=dict(environ), start_new_session=True)
    except OSError as error:
        raise cannot_start(error) from error
    root = identify(popen.pid) or Identity(popen.pid, time.time())
    seen = Exit(0)
    try:
        seen = _watched(root, pulse, limits, watch, say)
    finally:  # before its pid is given back: as long as it is ours, so is the session of that number
        _end_leftovers(root, say)
        with suppress(subprocess.TimeoutExpired):  # what SIGKILL does not end hangs in the kernel
            popen.wait(LEFTOVERS_END_IN_S)
    returncode = -signal.SIGKILL if popen.returncode is None else popen.returncode
    seconds, now = round(time.monotonic() - started, 3), time.time()
    death = "" if seen.interrupted else watch.death()
    died_at = seen.died_at or now
    return replace(seen, returncode=returncode, seconds=seconds, ended_at=now, service=death, died_at=died_at)


def cannot_start(error: OSError) -> SuiteError:
    """That the suite's command names no program, or none that may run."""
    return SuiteError(f"pytest cannot be started: {error}", "Correct suite.command in pipeline.yml.")


def _watched(root: Identity, pulse: Pulse, limits: Limits, watch: Watch, say: Say) -> Exit:
    """Wait for the process's end, or bring it about: whether it hung, and whether a person stopped it."""
    while is_running(root):
        interrupted = watch.signalled()
        if interrupted or watch.death():  # without the service, every further test would fail
            seen_at = time.time()
            with suppress(ProcessLookupError, PermissionError):  # gone meanwhile
                os.killpg(root.pid, signal.SIGINT)  # all of it, as a terminal does
            _wait(root, limits.stop_s)
            return Exit(0, interrupted=interrupted, died_at=seen_at)
        silent_s = pulse.silent_s()
        if silent_s > (limits.test_s if pulse.in_test else limits.outside_s):
            say(f"\npytest has been silent for {human_seconds(silent_s)}: it is ended, where it was stands below")
            with suppress(ProcessLookupError, PermissionError):
                os.kill(root.pid, signal.SIGABRT)
            _wait(root, STACKS_IN_S)
            return Exit(0, hung_s=round(silent_s, 1))
        time.sleep(POLL_S)
    return Exit(0)


def _wait(root: Identity, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while is_running(root) and time.monotonic() < until:
        time.sleep(POLL_S)


def _end_leftovers(root: Identity, say: Say) -> None:
    """End what still runs of a process that has ended, or should have; with SIGKILL where that did not help."""
    left = tree(root, "")
    if not left and are_told():
        return
    others = [process for process in left if process.pid != root.pid]
    if others:
        say(f"\npytest left running, and we end: {', '.join(str(process.pid) for process in others)} (pid)")
    end_tree(root, "", LEFTOVERS_END_IN_S)


def pytest_words(
    settings: Settings, environment: Environment, arguments: Sequence[str], plugin: Sequence[str] = PLUGIN
) -> List[str]:
    """The suite's command, with our plugin: what a person adds comes last.

    faulthandler shows where a crash or a hang was, from the first import on.
    """
    program, *words = settings.suite.command
    if program == "python":
        program, words = str(environment.python), ["-X", "faulthandler", *words]
    path = ["-o", f"testpaths={shlex.quote(settings.suite.path)}"]
    return [program, *words, *path, *plugin, *arguments]


def by_hand(settings: Settings, environment: Environment, arguments: Sequence[str]) -> str:
    """The same for a person to type, whose shell does not know our plugin."""
    words = pytest_words(settings, environment, arguments, plugin=())
    return f"cd {shlex.quote(str(settings.suite_directory))} && {shlex.join(words)}"
