"""A shard's closing statement: what it had to run, what became of each test, and how it ended.

`verify.py` compares the receipts of all shards with what was collected. People read "result" for receipt.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ..console import command, printable, readable
from ..errors import SuiteError
from ..system.files import write_bytes

SCHEMA = 1
FILE_NAME = "receipt.json"

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
XFAILED, XPASSED, NOT_RUN = "xfailed", "xpassed", "not-run"
WORST_FIRST = (ERROR, FAILED, NOT_RUN, SKIPPED, XFAILED, XPASSED, PASSED)
RED = (ERROR, FAILED, NOT_RUN)

# How a shard ended: `Receipt.ended`, and how that is said.
FINISHED, INTERRUPTED, STOPPED, GAVE_UP = "finished", "interrupted", "stopped", "gave up"
ENDINGS = {
    FINISHED: "finished",
    INTERRUPTED: "was interrupted",
    STOPPED: "was stopped by -x or --maxfail",
    GAVE_UP: "gave up before all its tests had run",
}

SERVICE = "service"  # the name of an error that is its death

LINE_CHARACTERS = 200


@dataclass(frozen=True)
class Attempt:
    """One run of one test: its outcome (also "rerun" and "unfinished"), seconds, and why in a line."""

    outcome: str
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class Selected:
    """A test that the shard had to run, and what became of it. `count` tests share this id, mostly 1."""

    nodeid: str
    outcome: str
    attempts: Tuple[Attempt, ...] = ()
    count: int = 1

    @property
    def proven(self) -> str:
        """The outcome; "not-run" where it claims to be green with fewer attempts than tests."""
        claims_too_much = self.outcome not in RED and len(self.attempts) < self.count
        return NOT_RUN if claims_too_much else self.outcome

    @property
    def why(self) -> str:
        """The message of the last attempt that has one."""
        return next((attempt.message for attempt in reversed(self.attempts) if attempt.message), "")


@dataclass(frozen=True)
class ExtraError:
    """What went wrong outside tests: a file that cannot be collected, a death after the last report."""

    name: str
    message: str


@dataclass(frozen=True)
class Receipt:
    """What one shard says at its end.

    Args:
        index: counts from 0; of a repair, how many repairs came before it.
        collected_digest: `digest` of the ids that were there to be shared out, those of other shards
            included, after -k, --last-failed and the like. Empty where the shard did not come so far.
        tests: what it had to run, each id once.
        seconds: by step: packages, weights, service ready, tests.
        machine: its class, as timings are kept by it.
        peak_bytes: of memory, what service and suite took together at most; 0 where nobody measured.
        repairs: of a repair, `Verdict.repairs` of the verdict that it completes. Empty for a shard.
    """

    run_id: str
    plan_id: str
    index: int
    total: int
    collected_digest: str
    collected_count: int
    timings_digest: str
    tests: Tuple[Selected, ...] = ()
    errors: Tuple[ExtraError, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    ended: str = FINISHED
    python: str = ""
    machine: str = ""
    repairs: str = ""
    peak_bytes: int = 0

    @property
    def name(self) -> str:
        """What people call it: "shard index 2 of 4"."""
        return f"repair {self.index}" if self.repairs else f"shard index {self.index} of {self.total}"


def digest(nodeids: Iterable[str]) -> str:
    """sha-256 of the sorted ids, an id as often as it is there, each as JSON in ASCII and ended by a newline."""
    lines = "".join(f"{json.dumps(nodeid)}\n" for nodeid in sorted(nodeids))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def fingerprint(receipt: Receipt) -> str:
    """sha-256 of all that a receipt says."""
    text = json.dumps(to_json(receipt), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def is_green(receipt: Receipt) -> bool:
    """Whether every selected test has an outcome that is not red, and nothing else went wrong."""
    return not reasons(receipt)


def reasons(receipt: Receipt) -> List[str]:
    """Why a receipt is not green, a short line each; none where it is. An empty shard is green."""
    ending = [] if receipt.ended == FINISHED else [f"{receipt.name} {ENDINGS[receipt.ended]}"]
    outside = [one_line(f"{shown(error.name)}: {error.message}") for error in receipt.errors]
    red = [test for test in receipt.tests if test.proven in RED]
    return [*ending, *outside, *(f"{test.proven}  {shown(test.nodeid)}{_because(test)}" for test in red)]


def _because(test: Selected) -> str:
    return one_line(f": {test.why}") if test.why else ""


def shown(nodeid: str) -> str:
    r"""An id for one line of a terminal: readable, and what cannot be printed as its escape.

    >>> shown("test_a.py::test[\\u4f60\n\ud800]")
    'test_a.py::test[你\\n\\ud800]'
    """
    return printable(readable(nodeid))


def one_line(text: str) -> str:
    """The first line of a message, cut where it is long."""
    lines = text.strip("\n").splitlines() or [""]
    return shown(lines[0] if len(lines[0]) <= LINE_CHARACTERS else f"{lines[0][:LINE_CHARACTERS]}...")


def to_json(receipt: Receipt) -> Dict[str, Any]:
    """The receipt as it is written."""
    tests = [{**vars(test), "attempts": [vars(attempt) for attempt in test.attempts]} for test in receipt.tests]
    errors = [vars(error) for error in receipt.errors]
    return {"schema": SCHEMA, **vars(receipt), "seconds": dict(receipt.seconds), "tests": tests, "errors": errors}


def from_json(data: Any) -> Receipt:
    """The receipt that was written.

    Raises:
        ValueError: the data is no receipt of this schema; says what was expected.
    """
    if _get(data, "schema", int) != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {data['schema']}: another version wrote it")
    words = ("run_id", "plan_id", "collected_digest", "timings_digest", "ended", "python", "machine", "repairs")
    numbers = ("index", "total", "collected_count")
    return _checked(
        Receipt(
            **{name: _get(data, name, str) for name in words},
            **{name: _get(data, name, int) for name in numbers},
            tests=tuple(map(_test, _get(data, "tests", list))),
            errors=tuple(
                ExtraError(_get(error, "name", str), _get(error, "message", str))
                for error in _get(data, "errors", list)
            ),
            peak_bytes=_get(data, "peak_bytes", int) if "peak_bytes" in data else 0,  # older ones have none
            seconds={step: _get(data["seconds"], step, float, int) for step in _get(data, "seconds", dict)},
        )
    )


def _get(data: Any, key: str, *kinds: type) -> Any:
    if not isinstance(data, dict) or key not in data:
        raise ValueError(f'"{key}" is not there')
    if type(data[key]) not in kinds:  # a bool is an int, and none of ours
        raise ValueError(f'"{key}": expected {kinds[0].__name__}, got {data[key]!r:.40}')
    return data[key]


def _test(data: Any) -> Selected:
    attempts = (
        Attempt(_get(each, "outcome", str), _get(each, "seconds", float, int), _get(each, "message", str))
        for each in _get(data, "attempts", list)
    )
    nodeid, outcome = _get(data, "nodeid", str), _get(data, "outcome", str)
    return Selected(nodeid, outcome, tuple(attempts), _get(data, "count", int))


def _checked(receipt: Receipt) -> Receipt:
    """The receipt.

    Raises:
        ValueError: it says what cannot be.
    """
    if not 0 <= receipt.index < receipt.total and not (receipt.repairs and receipt.index >= 0):
        raise ValueError(f"index {receipt.index} of {receipt.total}: indices count from 0")
    if receipt.ended not in ENDINGS:
        raise ValueError(f'"ended": expected one of {", ".join(ENDINGS)}, got {receipt.ended!r:.40}')
    for test in receipt.tests:
        if test.outcome not in WORST_FIRST or test.count < 1:
            raise ValueError(f"{test.nodeid!a:.80}: {test.outcome!r:.40} {test.count} times")
    if len({test.nodeid for test in receipt.tests}) < len(receipt.tests):
        raise ValueError("an id is there twice")
    return receipt


def write(file: Path, receipt: Receipt) -> None:
    """Write a receipt; a reader sees all of it or none.

    Raises:
        SuiteError: it cannot be written.
    """
    write_json(file, to_json(receipt))


def write_json(file: Path, data: Mapping[str, Any]) -> None:
    """Write data whole; in ASCII, since ids may hold what UTF-8 cannot.

    Raises:
        SuiteError: it cannot be written.
    """
    try:
        write_bytes(file, (json.dumps(data, indent=1) + "\n").encode("ascii"))
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror}"
        raise SuiteError(message, "Is there space left, and the right to write?") from error


def read(file: Path) -> Receipt:
    """The receipt in a file.

    Raises:
        SuiteError: there is none, or it is no receipt of this version.
    """
    hint = f"Without it, its tests count as lost; to run them: {command('nox', '-s', 'merge', '--', '--run-missing')}"
    try:
        return from_json(json.loads(file.read_bytes()))
    except OSError as error:
        raise SuiteError(f"{file}: no result of a shard: {error.strerror}", hint) from error
    except (ValueError, RecursionError) as error:
        hint = f"Run that shard again with this version, or delete the file. {hint}"
        raise SuiteError(f"{file}: no result of a shard: {error}", hint) from error
