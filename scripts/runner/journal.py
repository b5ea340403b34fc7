"""Read what the pytest processes of a shard wrote down while they ran: journal lines to rounds.

A journal is a file of JSON lines, one for each event, appended by `shardline_pytest.py`. A round is one process;
its events begin with "load". Everything but `read` is pure: bytes to events to rounds.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Optional, Set, Tuple

from ..errors import SuiteError
from ..proof import outcomes as o
from ..proof.outcomes import Attempt, CollectionError, Ended, Fixture, Round, Running, SharedCost

SCHEMA = 1
Event = Mapping[str, Any]

_NO_FAILURE = (o.PASSED, o.SKIPPED, o.XFAILED, o.XPASSED, o.RERUN)
_INTERRUPTIONS = {"exit": o.EXIT, "stopped": o.STOPPED, "keyboard": o.INTERRUPTED}


def read(file: Path) -> List[Round]:
    """The rounds in a journal; none where there is no file.

    Raises:
        SuiteError: it cannot be read, or is no journal of this version.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SuiteError(f"{file}: {error.strerror}") from error
    return rounds(parse(content, str(file)), str(file))


def parse(content: bytes, name: str = "journal") -> List[Event]:
    """The events, each with its "line". A line that was torn by a kill becomes an event "torn".

    Raises:
        SuiteError: a line is no event, and is not the last one of a round.
    """
    lines = content.split(b"\n")
    found: List[Event] = []
    for number, line in enumerate(lines, 1):
        # A line is there twice where a signal came between writing it and taking note of that.
        if line and line != lines[number - 2]:
            found.append({**_event(line), "line": number})
    for event, after in zip(found, found[1:]):
        if event["event"] == "torn" and after["event"] != "load":
            line = lines[event["line"] - 1]
            raise SuiteError(f"{name}:{event['line']}: not an event of a journal: {line[:80]!r}")
    return found


def _event(line: bytes) -> Event:
    try:
        event = json.loads(line)
        return {**event, "event": str(event["event"])}
    except (ValueError, TypeError, KeyError):
        return {"event": "torn"}


def rounds(events: Iterable[Event], name: str = "journal") -> List[Round]:
    """The rounds that events tell of. Events of unknown names are passed over.

    Raises:
        SuiteError: an event lacks what it must have, or a newer version wrote it.
    """
    found: List[_Reading] = []
    for event in events:
        try:
            if event["event"] == "load":
                found.append(_Reading(event))
            found[-1].take(event)
        except (LookupError, TypeError, ValueError) as error:
            where = f"{name}:{event.get('line', '?')}"
            reason = f"{type(error).__name__}: {error}"
            raise SuiteError(f"{where}: not as the pytest plugin writes it ({reason})") from error
    return [reading.round() for reading in found]


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
        """Whether it is over. A plugin's own protocol may report what was never started in this process."""
        return "teardown" in self.ends or bool(self.ended_as(o.RERUN)) or (bool(self.ends) and not self.started)

    def ended_as(self, outcome: str) -> List[Event]:
        """The phases of an outcome."""
        return [end for end in self.ends.values() if end["outcome"] == outcome]

    def attempt(self, number: int, repeated: bool) -> Attempt:
        """The attempt; `repeated` says that the same test began again next."""
        seconds = {phase: float(end["seconds"]) for phase, end in self.ends.items()}
        outcome, cause = self._outcome()
        if outcome == o.UNFINISHED and repeated:  # its plugin keeps the failure to itself
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
        )

    def _outcome(self) -> Tuple[str, Event]:
        """The outcome, and the event that decided it."""
        failed = [end for end in self.ends.values() if end["outcome"] not in _NO_FAILURE]
        broken = [end for end in failed if end["phase"] != "call"]
        bad = [*failed, *(end for end in self.subtests if end["outcome"] == o.FAILED)]
        other = [(word, self.ended_as(word)) for word in (o.RERUN, o.XFAILED, o.XPASSED, o.SKIPPED)]
        known = self.closed() and (bad or any(ends for _, ends in other) or "call" in self.ends)
        ranked: List[Tuple[str, List[Event]]] = [
            other[0],
            (o.UNFINISHED, [] if known else [*bad, {}]),
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


class _Reading:
    """A round while its events are read: `take` hands each to the method of its name."""

    def __init__(self, load: Event) -> None:
        if load["schema"] != SCHEMA:
            raise ValueError(f"schema {load['schema']!r}, this version reads {SCHEMA}")
        self._last: Dict[str, Event] = {}  # by the event's name
        self._trials: List[_Trial] = []
        self._latest: Dict[str, _Trial] = {}  # by id
        self._current: Optional[_Trial] = None  # whose phase runs
        self._open: List[_OpenFixture] = []
        self._costs: Dict[Fixture, Dict[str, List[float]]] = {}
        self._errors: List[CollectionError] = []
        self._failed: Set[Fixture] = set()
        self._notes: List[str] = []
        self._needs: Dict[Tuple[str, str, str], Tuple[Tuple[int, int], ...]] = {}

    def take(self, event: Event) -> None:
        """Read one more event."""
        self._last[event["event"]] = event
        method = getattr(self, "_on_" + event["event"].replace(" ", "_"), None)
        if method:
            method(event)

    def _on_note(self, event: Event) -> None:
        self._notes.append(str(event["text"]))

    def _on_collection_error(self, event: Event) -> None:
        self._errors.append(CollectionError(event["id"], event.get("message", ""), event.get("text", "")))

    def _on_needs(self, event: Event) -> None:
        ranges = tuple((int(first), int(last)) for first, last in event["tests"])
        self._needs[event["scope"], event["base"], event["name"]] = ranges

    def _on_start(self, event: Event) -> None:
        trial = self._latest.get(event["id"])
        if trial is None or event["phase"] == "setup":
            trial = self._new_trial(event)
        trial.started.append(event["phase"])
        self._current = trial

    def _on_end(self, event: Event) -> None:
        trial = self._latest.get(event["id"])
        if trial is None or ("subtest" not in event and event["phase"] in trial.ends):
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
        """What was read."""
        load, session, collected = (self._last.get(name, {}) for name in ("load", "session", "collected"))
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
            selected=tuple(self._last["selected"]["ids"]) if "selected" in self._last else None,
            collection_errors=tuple(self._errors),
            attempts=self._attempts(int(load["round"])),
            shared=tuple(_cost(fixture, costs, fixture in self._failed) for fixture, costs in self._costs.items()),
            needs=self._needs,
            notes=tuple(self._notes),
            status=finish.get("status"),
            torn="torn" in self._last,
        )

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
        """Where a process ended that did not come to say so."""
        if "collected" not in self._last:
            file = self._last.get("collect", {}).get("id", "")
            kind = o.DIED_IN_COLLECTION if "session" in self._last else o.ENDED_BEFORE_COLLECTION
            return Ended(kind, f"the last file begun was {file}" if file else "")
        if "selected" not in self._last:
            return Ended(o.DIED_IN_SELECTION)
        if running and running.nodeid:
            return Ended(o.DIED_IN_TEST, running=running)
        selected: Counter[str] = Counter(self._last["selected"]["ids"])
        rest = selected - Counter(trial.nodeid for trial in self._trials)
        return Ended(o.DIED_BETWEEN_TESTS if rest and "finishing" not in self._last else o.DIED_AFTER_LAST, "", running)

    def _running(self) -> Optional[Running]:
        """The test that had not ended; or the shared fixture that was set up or torn down outside tests."""
        innermost = self._open[-1] if self._open else None
        fixture = innermost.fixture if innermost else None
        if self._trials and not self._trials[-1].closed():
            trial = self._trials[-1]
            return Running(trial.nodeid, "".join(trial.started[-1:]), fixture)
        return Running("", innermost.step, fixture) if innermost else None


def _fixture(event: Event) -> Fixture:
    return Fixture(event["scope"], event["base"], event["name"], event["node"])


def _cost(fixture: Fixture, costs: Mapping[str, List[float]], failed: bool) -> SharedCost:
    setup, teardown = costs["setup"], costs["teardown"]
    return SharedCost(fixture, len(setup), round(sum(setup), 6), round(sum(teardown), 6), failed)
