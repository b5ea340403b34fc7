"""Run the tests of one shard in rounds, one pytest process each, until none remains, and book what ended them.

`run` starts the processes; `next_step` decides after each, from what the journal tells and how the process ended.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .. import console
from ..console import counted, human_seconds
from ..environment import Environment
from ..errors import SuiteError
from ..service.process import Identity, end_tree, exit_words, identify, is_running, tree
from ..settings import Settings
from ..sharding import journal, junit, loading, receipt
from ..sharding import outcomes as o
from ..sharding.outcomes import Attempt, Fate, Fixture, Round
from ..sharding.receipt import ExtraError, Selected
from . import select as select_step

POLL_S = 0.02
PYTEST_STOPS_IN_S = 10.0  # after Ctrl-C: it tears fixtures down and says where it was
STACKS_IN_S = 3.0  # between SIGABRT and SIGKILL
LEFTOVERS_END_IN_S = 2.0  # between SIGTERM and SIGKILL
# Collecting imports models, and the end of a session writes reports: they may take longer than any test.
OUTSIDE_TESTS_TIMEOUT_S = 600.0
MOST_DEATHS = 5  # in a row, without a test that came to its end
FIXTURE_DEATHS = 2

_JUNIT = {o.XFAILED: junit.SKIPPED, o.XPASSED: junit.PASSED, receipt.NOT_RUN: junit.ERROR}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Exit:
    """How a round's process ended. `hung_s`: it was ended by us after so long a silence; 0 where not."""

    returncode: int
    seconds: float = 0.0
    hung_s: float = 0.0
    interrupted: bool = False  # by a person, through us


@dataclass(frozen=True)
class Ran:
    """A round that is over: how its process ended, and what it told; None where it told nothing."""

    exit: Exit
    told: Optional[Round] = None

    @property
    def kind(self) -> str:
        """How it ended, as the journal tells: one of the constants of `outcomes`."""
        return self.told.ended.kind if self.told else o.ENDED_BEFORE_COLLECTION

    @property
    def interrupted(self) -> bool:
        """Whether a person stopped it."""
        return self.exit.interrupted or self.kind == o.INTERRUPTED

    @property
    def nodeid(self) -> str:
        """The test that was running when it ended."""
        running = self.told.ended.running if self.told else None
        return running.nodeid if running else ""

    @property
    def fixture(self) -> Optional[Fixture]:
        """The shared fixture that was being set up or torn down when it ended."""
        running = self.told.ended.running if self.told else None
        return running.fixture if running else None

    @property
    def died(self) -> bool:
        """Whether a test, or what happened between two, ended the process, so that the rest can go on without it."""
        broke = self.kind in (o.EXIT, o.INTERNAL_ERROR) and bool(self.nodeid)
        return not self.interrupted and (broke or self.kind in (o.DIED_IN_TEST, o.DIED_BETWEEN_TESTS))


@dataclass(frozen=True)
class Outcome:
    """What became of a shard's tests in its rounds so far.

    Args:
        selected: the ids in the order of the first round, an id as often as tests share it; None where no
            round came so far.
        fates: one for each id, in that order; without attempts where it has not run.
        remaining: the ids that have yet to run.
        errors: what went wrong outside tests.
        ended: one of the endings of `receipt`; empty as long as another round is due.
    """

    history: Tuple[Ran, ...]
    selected: Optional[Tuple[str, ...]] = None
    fates: Tuple[Fate, ...] = ()
    remaining: Tuple[str, ...] = ()
    errors: Tuple[ExtraError, ...] = ()
    ended: str = ""

    @property
    def rounds(self) -> Tuple[Round, ...]:
        """What the rounds told, for timings: measured costs, python, pytest, notes."""
        return tuple(ran.told for ran in self.history if ran.told)

    @property
    def tests(self) -> Tuple[Selected, ...]:
        """The selected tests as the receipt lists them."""
        counts, remaining = Counter(self.selected or ()), set(self.remaining)
        return tuple(_selected(fate, counts[fate.nodeid], fate.nodeid in remaining) for fate in self.fates)

    @property
    def collected_digest(self) -> str:
        """The digest of what the first round collected; empty where it did not come so far."""
        return next((told.digest for told in self.rounds), "")

    @property
    def collected_count(self) -> int:
        """How many tests the first round collected."""
        return next((told.collected or 0 for told in self.rounds), 0)

    @property
    def suite_s(self) -> float:
        """How long the processes ran."""
        return sum(ran.exit.seconds for ran in self.history)

    @property
    def own_s(self) -> float:
        """How long the tests ran, without the fixtures that they share."""
        return sum(attempt.own_s for fate in self.fates for attempt in fate.attempts)


def run(
    settings: Settings,
    environment: Environment,
    environ: Mapping[str, str],
    folder: Path,
    select: Sequence[str],
    pytest_arguments: Sequence[str],
    signalled: Callable[[], bool],
    test_timeout_s: float = 600.0,
    say: Say = console.say,
) -> Outcome:
    """Run the selected tests to their end, in as many rounds as it takes.

    To be called while signals are held back (`with held_back() as signalled`), so that the caller can write the
    receipt of an interrupted shard before the signal is raised.

    Args:
        environ: all variables of the suite.
        folder: gets journal.jsonl and, after each round, junit.xml; an earlier run's are taken away.
        select: the command that answers "which tests next?" for the first round; empty to run all.
        signalled: whether somebody wants us to end; pytest then gets Ctrl-C and says where it was.
        test_timeout_s: how long one phase of a test, or a shared fixture, may take; 0 for as long as it likes.

    Raises:
        SuiteError: pytest cannot be started, or the journal is not what the plugin writes.
    """
    record = _fresh(folder)
    limit = _most_failures(pytest_arguments)
    limits = limits_for(pytest_arguments, test_timeout_s)
    words = _words(settings, environment, pytest_arguments)
    ended: List[Exit] = []
    while True:
        number = len(ended)
        variables = loading.variables(environ, settings.state / "plugin", record, number, select)
        ended.append(_round(words, settings.project, variables, Pulse(record), limits, signalled, say))
        told = {each.number: each for each in journal.read(record)}
        outcome = next_step([Ran(exit, told.get(index)) for index, exit in enumerate(ended)], limit)
        junit.write(folder / "junit.xml", results(outcome))
        if outcome.ended:
            return outcome
        say(_progress(outcome))
        select = _select_remaining(folder, outcome.remaining)


def _words(settings: Settings, environment: Environment, pytest_arguments: Sequence[str]) -> List[str]:
    """The command line of every round; faulthandler shows where a crash or a hang was, from the first import on."""
    path = ["-o", f"testpaths={shlex.quote(settings.suite.path)}"]
    pytest = [str(environment.python), "-X", "faulthandler", "-m", "pytest"]
    return [*pytest, *path, *loading.arguments(), *pytest_arguments]


def _fresh(folder: Path) -> Path:
    """Where the journal will be; what an earlier run left is taken away."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("journal.jsonl", "junit.xml", "remaining.json"):
        with suppress(FileNotFoundError):
            (folder / name).unlink()
    return folder / "journal.jsonl"


def _select_remaining(folder: Path, remaining: Sequence[str]) -> List[str]:
    """The command that answers "these"."""
    file = folder / "remaining.json"
    file.write_text(json.dumps(remaining), encoding="ascii")  # it escapes whatever the ids are made of
    return select_step.command("--ids", str(file.resolve()))


def _progress(outcome: Outcome) -> str:
    last = outcome.history[-1]
    why = f"{receipt.shown(last.nodeid)}: {_blame(last)}" if last.nodeid else f"something {_deed(last)}"
    number, rest = len(outcome.history), counted(len(outcome.remaining), "test")
    return f"\nround {number - 1}: {why}\nround {number}: {rest} to run\n"


# What to do next: pure ----------------------------------------------------------------------------


def next_step(history: Sequence[Ran], most_failures: int = 0) -> Outcome:
    """What became of the tests, what remains, and whether that is the end.

    Args:
        history: all rounds so far, at least one.
        most_failures: as in pytest's --maxfail; it counts over all rounds, and 0 is no limit.
    """
    told = [ran.told for ran in history if ran.told]
    selected = next((each.selected for each in told if each.selected is not None), None)
    broken = _broken(history)
    left = o.not_run(selected or (), told)
    booked = [replace(ran.told, attempts=_booked(ran)) for ran in history if ran.told]
    attempts = {fate.nodeid: fate.attempts for fate in o.fates(booked)}
    for nodeid in broken.keys() & set(left):
        error = Attempt(nodeid, len(history) - 1, o.ERROR, message=broken[nodeid])
        attempts[nodeid] = (*attempts.get(nodeid, ()), error)
    fates = tuple(Fate(nodeid, attempts.get(nodeid, ())) for nodeid in dict.fromkeys(selected or ()))
    outcome = Outcome(tuple(history), selected, fates, tuple(each for each in left if each not in broken))
    outcome = replace(outcome, errors=tuple(dict.fromkeys(_errors(outcome))))
    return replace(outcome, ended=_ended(outcome, most_failures))


def _ended(outcome: Outcome, most_failures: int) -> str:
    """How the shard ended, one of the endings of `receipt`; empty where another round is due."""
    last = outcome.history[-1]
    cut = outcome.selected is None or any(
        attempt.outcome == o.UNFINISHED for f in outcome.fates for attempt in f.attempts
    )
    if last.interrupted and (cut or outcome.remaining):
        return receipt.INTERRUPTED
    if not outcome.remaining:
        return receipt.STOPPED if last.kind == o.EXIT and outcome.selected is None else receipt.FINISHED
    failures = sum(fate.outcome in (o.FAILED, o.ERROR) for fate in outcome.fates)
    if last.kind == o.STOPPED or (last.kind == o.EXIT and not last.nodeid) or 0 < most_failures <= failures:
        return receipt.STOPPED
    return "" if last.died and _deaths_in_a_row(outcome.history) < MOST_DEATHS else receipt.GAVE_UP


def _deaths_in_a_row(history: Sequence[Ran]) -> int:
    """How often the process died since a test came to its end."""
    deaths = 0
    for ran in history:
        attempts = ran.told.attempts if ran.told else ()
        if any(attempt.outcome not in (o.UNFINISHED, o.RERUN) for attempt in attempts):
            deaths = 0
        deaths += ran.died
    return deaths


def _broken(history: Sequence[Ran]) -> Dict[str, str]:
    """The tests that need a shared fixture in which the process died twice, each with the message that names it."""
    deaths: Dict[Fixture, List[Ran]] = {}
    for ran in history:
        if ran.died and ran.fixture:
            deaths.setdefault(ran.fixture, []).append(ran)
    return {
        nodeid: _blame(rounds[-1])
        for fixture, rounds in deaths.items()
        if len(rounds) >= FIXTURE_DEATHS and rounds[0].told
        for nodeid in o.needing(fixture, rounds[0].told)
    }


def _booked(ran: Ran) -> Tuple[Attempt, ...]:
    """The attempts of a round, those without an end booked by what ended them."""
    attempts = ran.told.attempts if ran.told else ()
    return tuple(_closed(each, ran) if each.outcome == o.UNFINISHED else each for each in attempts)


def _closed(attempt: Attempt, ran: Ran) -> Attempt:
    if attempt.nodeid != ran.nodeid:
        return replace(attempt, outcome=o.ERROR, message="began, and pytest did not say how it ended")
    if ran.interrupted or ran.kind == o.STOPPED:
        return replace(attempt, message="was running when the run was stopped")
    return replace(attempt, outcome=o.ERROR if ran.fixture else o.FAILED, message=_blame(ran))


def _blame(ran: Ran) -> str:
    """What a test, or the fixture that it needs, did to the process."""
    if ran.fixture:
        return f"{_named(ran.fixture)} {_deed(ran)}"
    running = ran.told.ended.running if ran.told else None
    return f"{_deed(ran)} in its {running.phase}" if running else _deed(ran)


def _named(fixture: Fixture) -> str:
    return f"the {fixture.scope} fixture {fixture.name}" + (f" ({fixture.base})" if fixture.base else "")


def _deed(ran: Ran) -> str:
    reason = ran.told.ended.reason if ran.told else ""
    if ran.exit.hung_s:
        return f"hung for {human_seconds(ran.exit.hung_s)}"
    if ran.kind == o.EXIT:
        return f"called pytest.exit ({reason})"
    if ran.kind == o.INTERNAL_ERROR:
        return f"brought pytest to an internal error ({reason})"
    return f"ended the process with {exit_words(ran.exit.returncode)}"


def _errors(outcome: Outcome) -> Iterator[ExtraError]:
    """What went wrong outside tests, over all rounds."""
    for ran in outcome.history:
        for broken in ran.told.collection_errors if ran.told else ():
            yield ExtraError(broken.nodeid, broken.message)
        if not ran.interrupted:
            yield from _errors_of(ran)
    last = outcome.history[-1]
    ending = f"ended with {exit_words(last.exit.returncode)}"
    if last.kind == o.FINISHED and outcome.remaining:
        lost = counted(len(outcome.remaining), "test")
        yield ExtraError("pytest", f"{ending} without running {lost} of this shard (do ids change from run to run?)")
    elif last.kind == o.FINISHED and outcome.selected is None and last.exit.returncode == 0:
        yield ExtraError("pytest", f"{ending} without selecting tests")


def _errors_of(ran: Ran) -> Iterator[ExtraError]:
    """What went wrong in a round outside tests, but for collection errors."""
    if ran.kind == o.FINISHED:
        yield from _unexplained(ran)
        return
    reason = ran.told.ended.reason if ran.told else ""
    more = f": {reason}" if reason else ""
    culprit = _named(ran.fixture) if ran.fixture else "something"
    told = {
        o.NO_SELECTION: ("selection", reason),
        o.DIED_IN_SELECTION: ("selection", f"something {_deed(ran)}"),
        o.ENDED_BEFORE_COLLECTION: ("pytest", f"{_ending(ran)} before it collected a test, see its own lines{more}"),
        o.DIED_IN_COLLECTION: ("collection", f"something {_deed(ran)}{more}"),
        o.DIED_BETWEEN_TESTS: ("between two tests", f"{culprit} {_deed(ran)}"),
        o.DIED_AFTER_LAST: ("after the last test", f"{culprit} {_deed(ran)}"),
    }
    if ran.kind in (o.EXIT, o.INTERNAL_ERROR) and not ran.nodeid:
        yield ExtraError("pytest", f"{culprit} {_deed(ran)}")
    if ran.kind in told:
        yield ExtraError(*told[ran.kind])


def _ending(ran: Ran) -> str:
    return _deed(ran) if ran.exit.hung_s else f"ended with {exit_words(ran.exit.returncode)}"


def _unexplained(ran: Ran) -> Iterator[ExtraError]:
    """What the exit status says of a round that came to its end, and no test explains."""
    status = ran.told.status if ran.told else None
    if ran.exit.hung_s or ran.exit.returncode != status:
        yield ExtraError("after the last test", f"something {_deed(ran)}")
        return
    explained = [attempt for attempt in _booked(ran) if attempt.outcome in (o.FAILED, o.ERROR)]
    if status == 1 and not explained and not (ran.told and ran.told.collection_errors):
        yield ExtraError("pytest", "ended with exit code 1, and no test failed: a plugin's verdict, see its own lines")
    elif status not in (0, 1, 5):
        yield ExtraError("pytest", f"ended with {exit_words(status)}, see its own lines")


def _most_failures(arguments: Sequence[str]) -> int:
    """What -x or --maxfail asks for; pytest counts anew in each round.

    >>> _most_failures(["-x"]), _most_failures(["--maxfail", "3", "-v"]), _most_failures(["-vxs"]), _most_failures([])
    (1, 3, 1, 0)
    """
    text, found = "\n".join(arguments), 0
    for match in re.finditer(r"^(?:-[svqlx]*x[svqlx]*|--exitfirst|--maxfail[=\n](\d+))$", text, re.MULTILINE):
        found = int(match[1]) if match[1] else 1
    return found


# What is written ----------------------------------------------------------------------------------


def _selected(fate: Fate, count: int, remains: bool) -> Selected:
    outcome = receipt.NOT_RUN if fate.outcome == o.UNFINISHED else fate.outcome
    if remains and outcome not in receipt.RED:  # of several tests that share the id, some ran
        outcome = receipt.NOT_RUN
    attempts = tuple(receipt.Attempt(each.outcome, _seconds(each), each.message) for each in fate.attempts)
    return Selected(fate.nodeid, outcome, attempts, count)


def _seconds(attempt: Attempt) -> float:
    return round(attempt.setup_s + attempt.call_s + attempt.teardown_s, 6)


def results(outcome: Outcome) -> List[junit.Result]:
    """The outcome as JUnit knows it: what has not run is an error, and so is what went wrong outside tests."""
    texts = {fate.nodeid: "\n\n".join(each.text for each in fate.attempts if each.text) for fate in outcome.fates}
    found = []
    for test in outcome.tests:
        why = "not run" if test.outcome == receipt.NOT_RUN else test.why
        seconds = sum(attempt.seconds for attempt in test.attempts)
        word = _JUNIT.get(test.outcome, test.outcome)
        found.append(junit.Result(test.nodeid, word, seconds, why, texts[test.nodeid]))
    return [*found, *(junit.Result(error.name, junit.ERROR, 0.0, error.message) for error in outcome.errors)]


# One process --------------------------------------------------------------------------------------


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


def _round(
    words: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    pulse: Pulse,
    limits: Limits,
    signalled: Callable[[], bool],
    say: Say,
) -> Exit:
    """Run pytest in a session of its own; afterwards nothing of it is left.

    A session keeps what it started together, and a terminal's Ctrl-C away: that comes through us, once.
    """
    started = time.monotonic()
    try:
        popen = subprocess.Popen(words, cwd=str(cwd), env=dict(environ), start_new_session=True)
    except OSError as error:
        raise SuiteError(f"pytest cannot be started: {error}", f"Try it by hand: {shlex.join(words[:4])}") from error
    root = identify(popen.pid) or Identity(popen.pid, time.time())
    hung_s, interrupted = 0.0, False
    try:
        hung_s, interrupted = _watch(root, pulse, limits, signalled, say)
    finally:  # before its pid is given back: as long as it is ours, so is the session of that number
        _end_leftovers(root, say)
        with suppress(subprocess.TimeoutExpired):  # what SIGKILL does not end hangs in the kernel
            popen.wait(LEFTOVERS_END_IN_S)
    returncode = -signal.SIGKILL if popen.returncode is None else popen.returncode
    return Exit(returncode, round(time.monotonic() - started, 3), hung_s, interrupted)


def _watch(root: Identity, pulse: Pulse, limits: Limits, signalled: Callable[[], bool], say: Say) -> Tuple[float, bool]:
    """Wait for the process's end: for how long it hung, and whether a person stopped it."""
    while is_running(root):
        if signalled():
            with suppress(ProcessLookupError, PermissionError):  # gone meanwhile
                os.killpg(root.pid, signal.SIGINT)  # all of it, as a terminal does
            _wait(root, limits.stop_s)
            return 0.0, True
        silent_s = pulse.silent_s()
        if silent_s > (limits.test_s if pulse.in_test else limits.outside_s):
            say(f"\npytest has been silent for {human_seconds(silent_s)}: it is ended, where it was stands below")
            with suppress(ProcessLookupError, PermissionError):
                os.kill(root.pid, signal.SIGABRT)
            _wait(root, STACKS_IN_S)
            return round(silent_s, 1), False
        time.sleep(POLL_S)
    return 0.0, False


def _wait(root: Identity, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while is_running(root) and time.monotonic() < until:
        time.sleep(POLL_S)


def _end_leftovers(root: Identity, say: Say) -> None:
    """End what still runs of a process that has ended, or should have; with SIGKILL where that did not help."""
    left = tree(root, "")
    if not left:
        return
    others = [process for process in left if process.pid != root.pid]
    if others:
        say(f"\npytest left running, and we end: {', '.join(str(process.pid) for process in others)} (pid)")
    end_tree(root, "", LEFTOVERS_END_IN_S)
