"""What is tried, and what that tells: records that both the plan of a study and the archive of its trials know."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from ..proof.outcomes import RED, Touch

Ids = Tuple[str, ...]
FAILED = "failed"  # all that is red, since a clash may show as a failure one time and as an error the next
Kept = Sequence[FrozenSet[str]]  # groups of tests that every plan keeps in one shard


@dataclass(frozen=True)
class Trial:
    """Pytest processes that run exactly these tests in this order, one process after another or all at once.

    Args:
        purpose: in a few words, for whoever watches.
        processes: the ids of each.
        at_once: whether the processes run at the same time.
        meetings: pairs (an id of the first process, one of the second) that run at the same moment.
        contested: what each pair of `meetings` touches in common: paths and ports.
        notes_touches: whether to note what tests touch.
        repetition: tells trials apart that are otherwise the same.
    """

    purpose: str
    processes: Tuple[Ids, ...]
    at_once: bool = False
    meetings: Tuple[Tuple[str, str], ...] = ()
    contested: Tuple[Ids, ...] = ()
    notes_touches: bool = False
    repetition: int = 0

    @property
    def digest(self) -> str:
        """Name the trial by what it does: sha-256, hexadecimal, shortened."""
        told = {name: value for name, value in asdict(self).items() if name != "purpose"}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode("ascii")).hexdigest()[:24]

    @property
    def size(self) -> int:
        """Count the tests that it runs."""
        return sum(map(len, self.processes))


class Ran(NamedTuple):
    """A test of a trial: its outcome (FAILED for all that is red), and when it ran, in seconds since the epoch."""

    nodeid: str
    outcome: str
    began_s: float = 0.0
    ended_s: float = 0.0


@dataclass(frozen=True)
class Run:
    """What one pytest process told: the tests in the order in which they ran. `slot` is its place in the trial."""

    slot: int
    tests: Tuple[Ran, ...]
    touches: Mapping[str, Tuple[Touch, ...]]
    users: Mapping[Ids, Ids]  # of shared fixtures: the tests that need each


@dataclass(frozen=True)
class Result:
    """What a trial told. `seconds` is what its processes took, added up, and `elapsed_s` what it took on the clock."""

    runs: Tuple[Run, ...]
    seconds: float
    elapsed_s: float

    @property
    def outcomes(self) -> Dict[str, str]:
        """The outcome of each test."""
        return {test.nodeid: test.outcome for run in self.runs for test in run.tests}


class Fact(NamedTuple):
    """What became of a test behind others in one process.

    `process` are the tests that ran there, and `place` is this one's. `as_serial`: its outcome is that of the serial
    run. `ordered`: all before it come before it in collection order, too, as in a shard. `trial` is its number.
    """

    nodeid: str
    process: Ids
    place: int
    as_serial: bool
    ordered: bool
    at_once: bool
    outcome: str
    trial: int

    @property
    def before(self) -> FrozenSet[str]:
        """The tests before it. Made when asked for: of all tests of a large suite at once they fill the memory."""
        return frozenset(self.process[: self.place])


def outcome_class(outcome: str) -> str:
    """Take all that is red for one.

    >>> outcome_class("error"), outcome_class("skipped")
    ('failed', 'skipped')
    """
    return FAILED if outcome in RED else outcome


def facts(number: int, trial: Trial, result: Result, serial: Mapping[str, str], place: Mapping[str, int]) -> List[Fact]:
    """Read the facts out of a trial.

    Args:
        serial: the outcomes of the serial run.
        place: of each test in collection order.
    """
    return [fact for run in result.runs for fact in _facts(number, trial, run, serial, place)]


def _facts(number: int, trial: Trial, run: Run, serial: Mapping[str, str], place: Mapping[str, int]) -> Iterator[Fact]:
    tests = [test for test in run.tests if test.nodeid in serial]
    process = tuple(test.nodeid for test in tests)
    last = -1
    for count, (nodeid, outcome, _, _) in enumerate(tests):
        ordered = last < place[nodeid]
        yield Fact(nodeid, process, count, outcome == serial[nodeid], ordered, trial.at_once, outcome, number)
        last = max(last, place[nodeid])


def to_json(result: Result) -> Dict[str, Any]:
    """Write a result as JSON can hold it."""
    return {
        "seconds": result.seconds,
        "elapsed_s": result.elapsed_s,
        "runs": [
            {
                "slot": run.slot,
                "tests": [list(test) for test in run.tests],
                "touches": {nodeid: [list(touch) for touch in touches] for nodeid, touches in run.touches.items()},
                "users": [[list(fixture), list(tests)] for fixture, tests in run.users.items()],
            }
            for run in result.runs
        ],
    }


def from_json(data: Mapping[str, Any]) -> Result:
    """Read a result back.

    Raises:
        LookupError, TypeError, ValueError: it is none.
    """
    return Result(tuple(_run_from(run) for run in data["runs"]), float(data["seconds"]), float(data["elapsed_s"]))


def _run_from(data: Mapping[str, Any]) -> Run:
    return Run(
        slot=int(data["slot"]),
        tests=tuple(Ran(str(test[0]), str(test[1]), float(test[2]), float(test[3])) for test in data["tests"]),
        touches={nodeid: tuple(map(touch_from, touches)) for nodeid, touches in data["touches"].items()},
        users={tuple(fixture): tuple(tests) for fixture, tests in data["users"]},
    )


def touch_from(words: Sequence[Any]) -> Touch:
    """Read a touch as the journal and the archive have it."""
    kind, what, fixture = words
    return Touch(str(kind), str(what), tuple(map(str, fixture)) if fixture else None)


def in_order(nodeids: Iterable[str], place: Mapping[str, int]) -> Ids:
    """Sort ids by their place in collection order, each once."""
    return tuple(sorted(set(nodeids), key=place.__getitem__))
