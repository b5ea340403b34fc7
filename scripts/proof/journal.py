"""Read what the pytest processes of a shard write down: the only reader of the journal's format, live and at the end.

A journal is a file of JSON lines, one for each event, appended by `shardline_pytest`. Each line says whose it is
("of": the start of the shard and the number of the round) and which it is ("n", from 0). So lines of any other process
never count, whatever wrote them between ours, and a line that is missing is noticed. A round is one process.

Most events are an object: {"of": "5f3a.0", "n": 3, "event": "selected", "at": 0.41, "ids": [...]}. The six of each test
are a list, so that 30,000 tests take 16 MB and not 46: ["5f3a.0", 4, "start", 0.42, 17, "setup"] and
["5f3a.0", 5, "end", 0.43, 17, "setup", "passed", 0.002], with an object at the end for what else is to say. A number
in place of an id counts the ids of "selected", from 0. Where "selected" says "by_piece", its ids are all that this
process could be given, and an event "piece" {"name", "ids"} comes before the first test of each piece that it was.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    AbstractSet,
    Any,
    Callable,
    Collection,
    Dict,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ..errors import SuiteError
from . import outcomes as o
from .measured import wishes_from_json
from .outcomes import Attempt, CollectionError, Ended, Fixture, Round, Running, SharedCost, Touch, Wanted
from .receipt import Selected

SCHEMA = 3
TELLING = 0.1  # the share of a shard that must be done before its pace says more than the estimate
Event = Mapping[str, Any]
Failures = List[Tuple[str, str]]
Ids = Dict[str, List[str]]  # those of "selected", by whose line it is: numbers in later lines count them

_NO_FAILURE = (o.PASSED, o.SKIPPED, o.XFAILED, o.XPASSED, o.RERUN)
_OUTCOMES = (*_NO_FAILURE, o.FAILED)
_ANSWERS = ("plan", "timings", "shared", "names")  # what the selection said beside the tests
_SHORT = {"start": ("id", "phase"), "end": ("id", "phase", "outcome", "seconds")}  # what lines that are lists say
_INTERRUPTIONS = {"exit": o.EXIT, "stopped": o.STOPPED, "keyboard": o.INTERRUPTED}


# Lines ------------------------------------------------------------------------------------------------


class Lines(NamedTuple):
    """The events of one start, in the order in which they are written, and how many lines are of others."""

    events: List[Event]
    strangers: int = 0


class Tail:
    """Follows a journal while it grows: each look gives the events that were added since the one before.

    It may be replaced by a cleaned one, which has the same lines, of other lengths.

    Args:
        start: the start of the shard whose lines count.
    """

    def __init__(self, file: Path, start: str) -> None:
        self._file, self._start = file, start
        self._read_bytes = self._read_lines = self._inode = 0
        self._ids: Ids = {}

    def look(self, needless: Callable[[bytes], bool] = lambda line: False) -> List[Event]:
        """Read the lines that were added, but one that is still being written, and those that are not needed."""
        lines = self._added().split(b"\n")
        return parse(b"\n".join(line for line in lines if not needless(line)), self._start, self._ids).events

    def latest(self, kinds: Collection[str] = ()) -> Optional[Event]:
        """Read the last of the lines that were added, or of their `kinds`: those before it are not parsed."""
        lines = self._added().split(b"\n")
        for line in lines:
            if b'"event": "selected"' in line:  # says what numbers in later lines mean
                parse(line, self._start, self._ids)
        for line in reversed(lines):
            events = parse(line, self._start, self._ids).events
            if events and (not kinds or events[0]["event"] in kinds):
                return events[0]
        return None

    def _added(self) -> bytes:
        try:
            with self._file.open("rb") as journal:
                inode = os.fstat(journal.fileno()).st_ino
                if inode != self._inode and self._read_lines:
                    self._read_bytes = sum(len(line) for line in itertools.islice(journal, self._read_lines))
                self._inode = inode
                journal.seek(self._read_bytes)
                whole, newline, _ = journal.read().rpartition(b"\n")
        except OSError:
            return b""
        self._read_bytes += len(whole) + len(newline)
        self._read_lines += whole.count(b"\n") + len(newline)
        return whole


def read(file: Path, start: str) -> Tuple[List[Round], int]:
    """Read the rounds of a start, and count the lines of other processes; none where there is no file.

    Raises:
        SuiteError: it cannot be read, or its lines are not what the plugin writes.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise SuiteError(f"{file}: {error.strerror}") from error
    lines = parse(content, start)
    return rounds(lines.events, str(file)), lines.strangers


def interpreter(file: Path, start: str) -> str:
    """Find the Python of the first round of a start; empty where no line says it."""
    with suppress(OSError), file.open("rb") as journal:
        for event in (event for line in journal for event in parse(line, start).events):
            if event["event"] == "load":
                return str(event.get("executable", ""))
    return ""


def parse(content: bytes, start: str, ids: Optional[Ids] = None) -> Lines:
    """Sort the lines of a start from those of others; a line that a kill tore is neither.

    Args:
        ids: what earlier lines of the file said that numbers mean; those of `content` are added.
    """
    ids = {} if ids is None else ids
    events: List[Event] = []
    strangers = 0
    for line in content.split(b"\n"):
        said = _said(line)
        of = said[0] if isinstance(said, list) else said["of"] if said else ""
        if said is not None and of.rpartition(".")[0] != start:
            strangers += 1
        event = _event(said, ids) if said and of.rpartition(".")[0] == start else None
        if event is not None:
            events.append(event)
    return Lines(events, strangers)


def _said(line: bytes) -> Any:
    """Read a line that says whose and which it is: an object or a list; None for any other."""
    try:
        said = json.loads(line)
        of, n, event = said[:3] if isinstance(said, list) else (said["of"], said["n"], said["event"])
        return said if isinstance(of, str) and isinstance(event, str) and type(n) is int else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _event(said: Any, ids: Ids) -> Optional[Event]:
    """Make an event of what a line says; None where it does not say enough: it counts as missing then."""
    try:
        event: Dict[str, Any] = _unfolded(said, ids) if isinstance(said, list) else said
        if event["event"] == "selected" and isinstance(event.get("ids"), list):
            ids.setdefault(event["of"], event["ids"])  # a test that collects again changes nothing
        return event
    except (ValueError, TypeError, LookupError):
        return None


def _unfolded(said: List[Any], ids: Ids) -> Dict[str, Any]:
    """Give the values of a list their names, and the test its id."""
    of, n, kind, at, *values = said
    more = values.pop() if isinstance(values[-1], dict) else {}
    names = _SHORT[kind]
    if len(names) != len(values):
        raise ValueError(f"expected {', '.join(names)}")
    event = {**more, "of": of, "n": n, "event": kind, "at": at, **dict(zip(names, values))}
    if type(event["id"]) is int:
        event["id"] = ids[of][event["id"] if event["id"] >= 0 else len(ids[of])]
    if not isinstance(event["id"], str):
        raise TypeError("expected the id of a test, or its number")
    return event


def rounds(events: Iterable[Event], name: str = "journal") -> List[Round]:
    """Read the rounds that events tell of, by number. Events of unknown names are passed over.

    Raises:
        SuiteError: an event lacks what it must have, contradicts another, or a newer version wrote it.
    """
    by_round: Dict[int, Dict[int, Event]] = defaultdict(dict)
    for event in events:
        number = event["of"].rpartition(".")[2]
        same = by_round[int(number) if number.isdecimal() else -1].setdefault(event["n"], event)
        if same != event:  # a line may be there twice, where a signal came between writing it and taking note of that
            raise SuiteError(f"{name}: two lines say that they are number {event['n']} of round {number}")
    found = []
    for number, numbered in sorted(by_round.items()):
        try:
            found.append(_round([numbered[n] for n in sorted(numbered)], number))
        except (LookupError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise SuiteError(f"{name}: round {number} is not as the pytest plugin writes it ({reason})") from error
    return found


def _round(events: Sequence[Event], number: int) -> Round:
    if events[0]["event"] != "load" or events[0]["round"] != number:
        raise ValueError("it does not begin with its own start")
    reading = _RoundReader(events[0], missing=events[-1]["n"] + 1 - len(events))
    for event in events:
        reading.take(event)
    return reading.round()


def in_test(event: Event) -> bool:
    """Tell whether an event leaves its process within a test's phase, or a shared fixture."""
    return event["event"] in ("start", "fixture start", "fixture end") or "subtest" in event


# Rounds -----------------------------------------------------------------------------------------------


@dataclass
class _Trial:
    """An attempt while its events are read."""

    nodeid: str
    at_s: float
    started: List[str] = field(default_factory=list)  # phases
    ends: Dict[str, Event] = field(default_factory=dict)  # by phase
    subtests: List[Event] = field(default_factory=list)
    shared_s: float = 0.0

    def closed(self) -> bool:
        """Tell whether it is over. A plugin's own protocol may report what was never started in this process."""
        return "teardown" in self.ends or bool(self.ended_as(o.RERUN)) or (bool(self.ends) and not self.started)

    def ended_as(self, outcome: str) -> List[Event]:
        """Find the phases of an outcome."""
        return [end for end in self.ends.values() if end["outcome"] == outcome]

    def attempt(self, number: int, repeated: bool) -> Attempt:
        """Put the attempt together; `repeated` says that the same test began again next."""
        seconds = {phase: float(end["seconds"]) for phase, end in self.ends.items()}
        outcome, cause = self._outcome()
        in_own_words = cause.get("outcome", o.PASSED) not in _OUTCOMES  # pytest-retry says "retried", or as it is told
        if repeated and (in_own_words or outcome == o.UNFINISHED):  # or its plugin keeps the failure to itself
            outcome = o.RERUN
        texts = [str(end["text"]) for end in [*self.subtests, *self.ends.values()] if end.get("text")]
        return Attempt(
            nodeid=self.nodeid,
            round=number,
            outcome=outcome,
            at_s=self.at_s,
            setup_s=seconds.get("setup", 0.0),
            call_s=seconds.get("call", 0.0),
            teardown_s=seconds.get("teardown", 0.0),
            own_s=round(max(0.0, sum(seconds.values()) - self.shared_s), 6),
            message=str(cause.get("message", "")),
            text="\n\n".join(texts),
            service_ended=self.ends.get("teardown", {}).get("service") == "ended",
        )

    def _outcome(self) -> Tuple[str, Event]:
        """Decide the outcome, and by which event."""
        failed = [end for end in self.ends.values() if end["outcome"] not in _NO_FAILURE]
        broken = [end for end in failed if end["phase"] != "call"]
        bad = [*failed, *(end for end in self.subtests if end["outcome"] == o.FAILED)]
        other = [(word, self.ended_as(word)) for word in (o.RERUN, o.XFAILED, o.XPASSED, o.SKIPPED)]
        known = self.closed() and (bad or any(ends for _, ends in other) or "call" in self.ends)
        ranked: List[Tuple[str, List[Event]]] = [
            other[0],
            (o.UNFINISHED, [] if known or bad else [{}]),  # a failure is one, whatever came of its teardown
            (o.ERROR, broken),
            (o.FAILED, bad),
            *other[1:],
            (o.PASSED, [{}]),
        ]
        return next((outcome, causes[0]) for outcome, causes in ranked if causes)


@dataclass
class _OpenFixture:
    """A set-up or teardown while its events are read."""

    fixture: Fixture
    step: str
    nested_s: float = 0.0


class _RoundReader:
    """A round while its events are read: `take` hands each to the method of its name."""

    def __init__(self, load: Event, missing: int) -> None:
        if load["schema"] != SCHEMA:
            raise ValueError(f"schema {load['schema']!r}, this version reads {SCHEMA}")
        self._missing = missing
        self._last: Dict[str, Event] = {}  # by the event's name
        self._trials: List[_Trial] = []
        self._latest: Dict[str, _Trial] = {}  # by id
        self._current: Optional[_Trial] = None  # whose phase runs
        self._open: List[_OpenFixture] = []
        self._costs: Dict[Fixture, Dict[str, List[float]]] = {}
        self._errors: List[CollectionError] = []
        self._failed: Set[Fixture] = set()
        self._needs: Dict[Tuple[str, str, str], Tuple[Tuple[int, int], ...]] = {}
        self._groups: List[Wanted] = []
        self._params: List[Event] = []
        self._as_worker: List[str] = []
        self._touches: Dict[str, Tuple[Touch, ...]] = {}
        self._given: Dict[str, None] = {}  # the ids of pieces, in their order

    def take(self, event: Event) -> None:
        """Read one more event."""
        if event["event"] not in ("collected", "selected"):
            self._last[event["event"]] = event
        else:  # a test that collects again, as pytester does, changes nothing of what is to run
            self._last.setdefault(event["event"], event)
        method = getattr(self, "_on_" + event["event"].replace(" ", "_"), None)
        if method:
            method(event)

    def _on_collection_error(self, event: Event) -> None:
        self._errors.append(CollectionError(event["id"], event.get("message", ""), event.get("text", "")))

    def _on_needs(self, event: Event) -> None:
        self._needs[event["scope"], event["base"], event["name"]] = _ranges(event["tests"])

    def _on_group(self, event: Event) -> None:
        self._groups.append(Wanted(str(event["name"]), str(event["why"]), _ranges(event["tests"])))

    def _on_params(self, event: Event) -> None:
        self._params.append(event)

    def _on_touch(self, event: Event) -> None:
        self._touches[event["id"]] = tuple(
            Touch(str(kind), str(what), tuple(map(str, fixture)) if fixture else None)
            for kind, what, fixture in event["touches"]
        )

    def _on_piece(self, event: Event) -> None:
        self._given.update(dict.fromkeys(map(str, event["ids"])))

    def _on_skipped_as_worker(self, event: Event) -> None:
        self._as_worker.append(str(event["id"]))

    def _on_start(self, event: Event) -> None:
        trial = self._latest.get(event["id"])
        if trial is None or event["phase"] == "setup":
            trial = self._new_trial(event)
        trial.started.append(event["phase"])
        self._current = trial

    def _on_end(self, event: Event) -> None:
        trial = self._latest.get(event["id"])
        # What lives on may fail to end when its last test has ended long ago: nobody started that test again.
        is_late = trial is not None and bool(trial.started) and trial is not self._current and _failed_to_end(event)
        if trial is None or ("subtest" not in event and event["phase"] in trial.ends and not is_late):
            trial = self._new_trial(event)
        if "subtest" in event:
            trial.subtests.append(event)
            return
        trial.ends[event["phase"]] = event
        if self._current is trial and (trial.closed() or trial.started[-1] == event["phase"]):
            self._current = None

    def _new_trial(self, event: Event) -> _Trial:
        trial = self._latest[event["id"]] = _Trial(event["id"], float(event["at"]))
        self._trials.append(trial)
        return trial

    def _on_fixture_start(self, event: Event) -> None:
        self._open.append(_OpenFixture(_fixture(event), event["step"]))

    def _on_fixture_end(self, event: Event) -> None:
        seconds, began = float(event["seconds"]), _OpenFixture(_fixture(event), event["step"])
        while self._open:
            last = self._open.pop()
            if (last.fixture, last.step) == (began.fixture, began.step):
                began = last
                break
        costs = self._costs.setdefault(began.fixture, {"setup": [], "teardown": []})
        costs[began.step].append(max(0.0, seconds - began.nested_s))
        if event["failed"]:
            self._failed.add(began.fixture)
        if self._open:
            self._open[-1].nested_s += seconds
        elif self._current:
            self._current.shared_s += seconds

    def round(self) -> Round:
        """Put together what was read."""
        load, session, collected, selected = (
            self._last.get(name, {}) for name in ("load", "session", "collected", "selected")
        )
        finish = self._last.get("finish") or self._last.get("finishing") or {}
        return Round(
            number=int(load["round"]),
            pid=int(load["pid"]),
            started=float(load["time"]),
            pytest=str(load["pytest"]),
            python=str(load["python"]),
            ended=self._ended(),
            rootdir=session.get("rootdir", ""),
            maxfail=session.get("maxfail", 0),
            collected=collected.get("count"),
            digest=collected.get("digest", ""),
            files=collected.get("files", ""),
            cache=session.get("cache", ""),
            answer={name: value for name, value in selected.items() if name in _ANSWERS},
            selected=self._selected() if selected else None,
            offered=tuple(map(str, selected["ids"])) if selected.get("by_piece") else None,
            collection_errors=tuple(self._errors),
            attempts=self._attempts(int(load["round"])),
            shared=tuple(_cost(fixture, costs, fixture in self._failed) for fixture, costs in self._costs.items()),
            needs=self._needs,
            touches=self._touches,
            status=finish.get("status"),
            missing_lines=self._missing,
            groups=tuple(self._groups),
            params=tuple(self._params),
            as_worker=tuple(self._as_worker),
            executable=str(load.get("executable", "")),
            coverage=wishes_from_json(self._last["coverage"]["wishes"]) if "coverage" in self._last else None,
            coverage_file=str(self._last["coverage saved"]["file"]) if "coverage saved" in self._last else None,
        )

    def _selected(self) -> Tuple[str, ...]:
        """List what it was to run: an id as often as tests share it, which only the list of all says."""
        selected = self._last["selected"]
        if not selected.get("by_piece"):
            return tuple(map(str, selected["ids"]))
        shared = {nodeid: count for nodeid, count in Counter(map(str, selected["ids"])).items() if count > 1}
        return tuple(nodeid for nodeid in self._given for _ in range(shared.get(nodeid, 1)))

    def _attempts(self, number: int) -> Tuple[Attempt, ...]:
        next_ids = [*(trial.nodeid for trial in self._trials[1:]), None]
        return tuple(trial.attempt(number, trial.nodeid == after) for trial, after in zip(self._trials, next_ids))

    def _ended(self) -> Ended:
        last, running = self._last, self._running()
        if "selection error" in last:
            return Ended(o.NO_SELECTION, last["selection error"]["message"])
        if "internal error" in last:
            return Ended(o.INTERNAL_ERROR, last["internal error"]["message"], running)
        if self._errors and "selected" not in last and "finishing" in last:
            return Ended(o.COLLECTION_ERRORS, ", ".join(error.nodeid for error in self._errors))
        if "interrupted" in last:
            return Ended(_INTERRUPTIONS[last["interrupted"]["kind"]], last["interrupted"]["reason"], running)
        reason = last.get("finishing", {}).get("reason")
        if reason:
            return Ended(o.STOPPED, reason)
        return Ended(o.FINISHED) if "finish" in last else self._died(running)

    def _died(self, running: Optional[Running]) -> Ended:
        """Find out where a process ended that did not come to say so."""
        if "collected" not in self._last:
            file = self._last.get("collect", {}).get("id", "")
            kind = o.DIED_IN_COLLECTION if "session" in self._last else o.ENDED_BEFORE_COLLECTION
            broken = self._last.get("conftest error", {})
            usage = self._last.get("usage error", {}).get("message", "")
            reason = f"{broken['file']}: {broken['message']}" if broken else usage
            return Ended(kind, f"the last file begun was {file}" if file else reason)
        if "selected" not in self._last:
            return Ended(o.DIED_IN_SELECTION)
        if running and running.nodeid:
            return Ended(o.DIED_IN_TEST, running=running)
        rest = Counter(self._selected()) - Counter(trial.nodeid for trial in self._trials)
        return Ended(o.DIED_BETWEEN_TESTS if rest and "finishing" not in self._last else o.DIED_AFTER_LAST, "", running)

    def _running(self) -> Optional[Running]:
        """Find the test that had not ended; or the shared fixture that was set up or torn down outside tests."""
        innermost = self._open[-1] if self._open else None
        fixture = innermost.fixture if innermost else None
        if self._trials and not self._trials[-1].closed():
            trial = self._trials[-1]
            return Running(trial.nodeid, "".join(trial.started[-1:]), fixture)
        return Running("", innermost.step, fixture) if innermost else None


def _ranges(tests: Any) -> Tuple[Tuple[int, int], ...]:
    return tuple((int(first), int(last)) for first, last in tests)


def _failed_to_end(event: Event) -> bool:
    return bool(event["phase"] == "teardown" and event["outcome"] == o.FAILED)


def _fixture(event: Event) -> Fixture:
    return Fixture(event["scope"], event["base"], event["name"], event["node"])


def _cost(fixture: Fixture, costs: Mapping[str, List[float]], failed: bool) -> SharedCost:
    setup, teardown = costs["setup"], costs["teardown"]
    return SharedCost(fixture, len(setup), round(sum(setup), 6), round(sum(teardown), 6), failed)


class Following:
    """The rounds of a start while its journal grows, as far as they are told; `read` judges them when they have ended.

    Args:
        journal: of which nothing was read before.
    """

    def __init__(self, journal: Tail) -> None:
        self._journal = journal
        self._readers: Dict[int, _RoundReader] = {}
        self._taken: Counter[int] = Counter()  # lines, by the number of the round

    def rounds(self) -> List[Round]:
        """Read what was added, and put together the rounds so far."""
        for event in self._journal.look():
            with suppress(LookupError, TypeError, ValueError):  # no event of ours
                self._take(event)
        return [reader.round() for _, reader in sorted(self._readers.items())]

    def _take(self, event: Event) -> None:
        number = int(event["of"].rpartition(".")[2])
        if event["n"] < self._taken[number]:  # a line may be there twice
            return
        if event["event"] == "load":
            self._readers[number] = _RoundReader(event, missing=0)
        self._readers[number].take(event)
        self._taken[number] = event["n"] + 1


# Progress ---------------------------------------------------------------------------------------------


class Progress:
    """What a shard's journal told so far.

    `done` are the ids of the tests that ended, `failed` the outcome of those that failed, `share` is how much
    of the shard's time the ended ones stand for, 0 to 1. `now` is the id of the test that runs, or the file
    that is collected; empty before and after. `given` are the ids of the pieces that it was given, where tests are
    shared out while they run; `tests` is how many it is expected to have at its end.

    Args:
        times: what each test that the plan gives the shard is expected to take, in any unit.
        all_times: the same of the tests of all shards, where they are shared out.
    """

    def __init__(
        self,
        journal: Tail,
        times: Mapping[str, int],
        clock: Callable[[], float] = time.monotonic,
        all_times: Mapping[str, int] = {},
    ) -> None:
        self.done: Set[str] = set()
        self.given: Set[str] = set()
        self.tests = len(times)
        self.failed: Dict[str, str] = {}
        self.now = ""
        self._journal = journal
        self._planned, self._times, self._done_time = times, all_times or times, 0
        self._all_time = self._planned_time = sum(times.values())
        self._clock = clock
        self._began = self._advanced = 0.0  # when the first test began, and the last one ended

    @property
    def share(self) -> float:
        """See the class."""
        return self._done_time / max(1, self._all_time)

    def expect(self, given: AbstractSet[str]) -> None:
        """Reckon anew what it will have at its end.

        Args:
            given: what all shards were given: the rest is still where the plan has it.
        """
        expected = self.given | (self._planned.keys() - given)
        self.tests, self._all_time = len(expected), sum(self._times.get(nodeid, 0) for nodeid in expected)

    def lose(self) -> None:
        """Forget what it was given, and did: it left no result, and others take that over."""
        self.given, self.done = set(), set()

    def read(self) -> Failures:
        """Take the events that were added; return the tests that failed meanwhile, by outcome."""
        known = len(self.failed)
        for event in self._journal.look(_tells_no_progress):
            with suppress(TypeError, KeyError):  # no event of ours: the end of the round judges it
                self._take(event)
        return list(self.failed.items())[known:]

    def settle(self, tests: Iterable[Selected]) -> Failures:
        """Take what the shard says at its end: that knows also of tests that killed their process."""
        tests = list(tests)
        told, self.now = self.failed, ""
        self.failed = {test.nodeid: test.outcome for test in tests if test.outcome in (o.FAILED, o.ERROR)}
        self.done = {test.nodeid for test in tests if test.outcome != o.NOT_RUN}
        return [(nodeid, outcome) for nodeid, outcome in self.failed.items() if nodeid not in told]

    def left_s(self, estimate_s: float) -> float:
        """Estimate how long it still takes, inf for not known; `estimate_s` is what all of it was expected to take."""
        estimate_s *= self._all_time / max(1, self._planned_time) if self._all_time != self._planned_time else 1
        if not self._began:
            return estimate_s
        return left_s(self.share, self._advanced - self._began, self._clock() - self._advanced, estimate_s)

    def _take(self, event: Mapping[str, Any]) -> None:
        kind = event["event"]
        if kind in ("start", "collect"):
            self.now = str(event["id"])
            if kind == "start" and not self._began:
                self._began = self._advanced = self._clock()
        elif kind == "piece":
            self.given.update(map(str, event["ids"]))
        elif kind in ("load", "finishing"):
            self.now = ""
        elif kind == "end":
            self._take_end(str(event["id"]), event["phase"], event["outcome"])

    def _take_end(self, nodeid: str, phase: str, outcome: str) -> None:
        if outcome == "failed":
            self.failed.setdefault(nodeid, o.FAILED if phase == "call" else o.ERROR)
        if phase == "teardown" and nodeid not in self.done:
            self.done.add(nodeid)
            self._done_time += self._times.get(nodeid, 0)
            self._advanced = self._clock()


def _tells_no_progress(line: bytes) -> bool:
    """Tell whether a line, as the plugin writes it, is of a phase that changes nothing: four of a test's six.

    In an id or a message such words have backslashes. Lines that are written otherwise are all parsed.
    """
    begins = line.endswith((b',"call"]', b',"teardown"]'))
    return line[:1] == b"[" and (begins or b',"setup","passed",' in line or b',"call","passed",' in line)


def left_s(share: float, worked_s: float, since_s: float, estimate_s: float) -> float:
    """Estimate how long a shard still takes: by its own pace, before that tells by the estimate; inf for not known.

    Args:
        worked_s: how long that share took, up to the end of its last test.
        since_s: how long the next one runs already.

    >>> left_s(0.75, 30.0, 4.0, 100.0), left_s(0.05, 30.0, 4.0, 100.0), left_s(0.0, 0.0, 4.0, float("inf"))
    (6.0, 66.0, inf)
    """
    whole_s = worked_s / share if share >= TELLING else estimate_s
    return max(0.0, whole_s - worked_s - since_s)


def all_left_s(running: Sequence[float], waiting: Sequence[float], most: int) -> float:
    """Estimate how long all shards still take, `most` at once: one that waits starts as soon as another has ended.

    >>> all_left_s([10.0, 30.0], [15.0], 2), all_left_s([10.0], [float("inf")], 2)
    (30.0, inf)
    """
    lanes = [*running, *[0.0] * (most - len(running))]
    heapq.heapify(lanes)
    for seconds in waiting:
        heapq.heapreplace(lanes, lanes[0] + seconds)
    return max(lanes)
