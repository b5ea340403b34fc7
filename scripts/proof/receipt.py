"""A shard's closing statement: what it had to run, what became of each test, and how it ended.

`verify.py` compares the receipts of all shards with what was collected. People read "result" for receipt. It carries a
digest of all that it says and of the files beside it, so that what was edited or damaged is noticed, and by name.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import printable, readable
from ..errors import SuiteError
from ..system import files
from . import claimed, measured, watched
from . import outcomes as o
from .claimed import ClaimedPiece
from .measured import Measured
from .outcomes import Attempt
from .watched import Breach, ServiceUse

SCHEMA = 2
FILE_NAME = "receipt.json"
BESIDE = ("journal.jsonl", "junit.xml")  # files of the same folder whose digests a receipt holds
MOST_BYTES = 100_000_000  # of a receipt; 100,000 tests take 30 MB, and many times that in memory
MOST_BYTES_BESIDE = 500_000_000  # of a journal or a report
MOST_SHARDS = 10_000

# How a shard ended: `Receipt.ended`, and how that is said.
FINISHED, INTERRUPTED, STOPPED, GAVE_UP = "finished", "interrupted", "stopped", "gave up"
ENDINGS = {
    FINISHED: "finished",
    INTERRUPTED: "was interrupted",
    STOPPED: "was stopped by -x, --maxfail or --fail-fast",
    GAVE_UP: "gave up before all its tests had run",
}

SERVICE = "service"  # the name of an error that is its death

LINE_CHARACTERS = 200
_SHOWS_ONLY = re.compile(
    r"-[vqsl]+$|-r[a-zA-Z]+$|--(verbose|quiet|tb=.+|color=.+|capture=.+|durations=\d+|showlocals|no-header)$"
)


@dataclass(frozen=True)
class Selected:
    """A test that the shard had to run, and what became of it.

    `count` tests share this id, mostly 1. `ran_as` is what it was called where it ran, if its id changes from run to
    run (its parameters, if no more differs); `nodeid` is then the one in the plan.
    """

    nodeid: str
    outcome: str
    attempts: Tuple[Attempt, ...] = ()
    count: int = 1
    ran_as: str = ""

    @property
    def proven(self) -> str:
        """Give the outcome; "not-run" where it claims to be green with fewer attempts than tests."""
        ends = sum(attempt.outcome != o.RERUN for attempt in self.attempts)
        claims_too_much = self.outcome not in o.RED and ends < self.count
        return o.NOT_RUN if claims_too_much else self.outcome

    @property
    def why(self) -> str:
        """Find the message of the last attempt that has one."""
        return next((attempt.message for attempt in reversed(self.attempts) if attempt.message), "")

    @property
    def seconds(self) -> float:
        """Add up how long its attempts took."""
        return sum(attempt.seconds for attempt in self.attempts)


@dataclass(frozen=True)
class ExtraError:
    """What went wrong outside tests: a file that cannot be collected, a death after the last report."""

    name: str
    message: str


class SourceState(NamedTuple):
    """What was tested that comes from a path or a branch: digest of its content, or commit, and how that is said."""

    content: str
    text: str


class SetUpCosts(NamedTuple):
    """What the shared fixtures of a shard cost, in ms: per file or class, and all others together.

    `spared` has, by test, the files and classes around it whose set-up it does not need.
    """

    session_ms: int = 0
    scopes_ms: Mapping[str, int] = {}
    spared: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True)
class Receipt:
    """What one shard says at its end.

    Args:
        start: the start of the shard: what its journal's lines are marked with.
        index: counts from 0; of a repair, how many repairs came before it.
        collected_digest: `digest` of the ids that were there to be shared out, those of other shards
            included, after -k, --last-failed and the like. Empty where the shard did not come so far.
        forms_digest: as `collected_digest`, of what stays of ids that change from run to run.
        files_digest: of the files that the collected tests stand in: the state of the tests.
        commit: of the project, empty where that is not known.
        arguments: those that chose a part of the suite, or changed how it runs.
        addopts: the digest of those that PYTEST_ADDOPTS added (`digest_of_words`).
        tests: what it had to run, each id once.
        exit_codes: of its pytest processes, in order.
        seconds: by step: packages, weights, service ready, tests.
        began_s: when its first pytest started, in seconds since 1970.
        set_up: what its shared fixtures cost.
        machine: its class, as timings are kept by it.
        peak_bytes: of memory, what service and suite took together at most; 0 where nobody measured.
        folder: of the ids' files, from the folder in which pytest is started, by which a person names them.
        cache: the folder of pytest's own cache.
        beside: the sha-256 of each file of BESIDE.
        coverage: what it measured, None where nothing was to be measured.
        services: what each took that it was judged by, or watched; breaches: the budgets that those do not keep.
        suite_python: that its tests ran on; empty where no pytest said so. `python` is the one that ran the shard.
        sources: by a name for people, what of suite and services was installed from paths and branches.
        repairs: of a repair, `Verdict.repairs` of the verdict that it completes. Empty for a shard.
        store: where tests were shared out while they ran, as people call it; empty where the plan alone did.
        store_gone: why the store could not be asked any more, or where `store` is empty, from the start; empty where it
            could to the end.
        pieces: what it claimed there, in that order. `tests` stand in it, too.
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
    start: str = ""
    forms_digest: str = ""
    files_digest: str = ""
    commit: str = ""
    arguments: Tuple[str, ...] = ()
    addopts: str = ""
    exit_codes: Tuple[int, ...] = ()
    began_s: float = 0.0
    set_up: SetUpCosts = SetUpCosts()
    folder: str = ""
    cache: str = ""
    beside: Mapping[str, str] = field(default_factory=dict)
    coverage: Optional[Measured] = None
    services: Mapping[str, ServiceUse] = field(default_factory=dict)
    breaches: Tuple[Breach, ...] = ()
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    store: str = ""
    store_gone: str = ""
    suite_python: str = ""
    pieces: Tuple[ClaimedPiece, ...] = ()

    @property
    def name(self) -> str:
        """Name it as people do: "shard index 2 of 4"."""
        return f"repair {self.index}" if self.repairs else f"shard index {self.index} of {self.total}"


@dataclass(frozen=True)
class Damaged:
    """A result that cannot be read, or not be believed: which, why, and whether it is that of a repair."""

    index: int
    name: str
    why: str
    is_repair: bool = False


def digest(nodeids: Iterable[str]) -> str:
    """Compute the sha-256 of the sorted ids, an id as often as it is there, each as JSON in ASCII and a newline."""
    lines = "".join(f"{json.dumps(nodeid)}\n" for nodeid in sorted(nodeids))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def that_matter(words: Iterable[str]) -> Tuple[str, ...]:
    """Choose the words for pytest that may change what becomes of a test, not only what is shown."""
    return tuple(word for word in words if not _SHOWS_ONLY.match(word))


def digest_of_words(words: Iterable[str]) -> str:
    """Compute the digest of the words that matter, which may hold secrets; empty where there are none.

    Each node may name a report after itself, so numbers do not count.

    >>> digest_of_words(["--junitxml=node-1.xml"]) == digest_of_words(["--junitxml=node-20.xml", "-q"])
    True
    """
    told = [re.sub("[0-9]+", "0", word) for word in that_matter(words)]
    return digest(told) if told else ""


def fingerprint(receipt: Receipt) -> str:
    """Compute the sha-256 of all that a receipt says."""
    return seal(to_json(receipt))


def is_green(receipt: Receipt) -> bool:
    """Tell whether every selected test has an outcome that is not red, and nothing else went wrong."""
    return not reasons(receipt)


def reasons(receipt: Receipt) -> List[str]:
    """Say why a receipt is not green, a short line each; none where it is. An empty shard is green."""
    ending = [] if receipt.ended == FINISHED else [f"{receipt.name} {ENDINGS[receipt.ended]}"]
    outside = [one_line(f"{shown(error.name)}: {error.message}") for error in receipt.errors]
    red = [test for test in receipt.tests if test.proven in o.RED]
    over = [one_line(breach.text) for breach in receipt.breaches]
    return [*ending, *outside, *over, *(f"{test.proven}  {shown(test.nodeid)}{_because(test)}" for test in red)]


def _because(test: Selected) -> str:
    return one_line(f": {test.why}") if test.why else ""


def shown(nodeid: str) -> str:
    r"""Show an id in one line of a terminal: readable, and what cannot be printed as its escape.

    >>> shown("test_a.py::test[\\u4f60\n\ud800]")
    'test_a.py::test[你\\n\\ud800]'
    """
    return printable(readable(nodeid))


def one_line(text: str) -> str:
    """Show the first line of a message, cut where it is long."""
    lines = text.strip("\n").splitlines() or [""]
    return shown(lines[0] if len(lines[0]) <= LINE_CHARACTERS else f"{lines[0][:LINE_CHARACTERS]}...")


# Written --------------------------------------------------------------------------------------------


def to_json(receipt: Receipt) -> Dict[str, Any]:
    """Turn a receipt into what is written, but for the digest of it."""
    return {
        "schema": SCHEMA,
        **vars(receipt),
        "seconds": dict(receipt.seconds),
        "set_up": receipt.set_up._asdict(),
        "beside": dict(receipt.beside),
        "tests": [
            {**vars(test), "attempts": [_attempt_json(attempt) for attempt in test.attempts]} for test in receipt.tests
        ],
        "errors": [vars(error) for error in receipt.errors],
        "coverage": measured.to_json(receipt.coverage) if receipt.coverage else None,
        "services": {name: watched.to_json(use) for name, use in receipt.services.items()},
        "breaches": [breach._asdict() for breach in receipt.breaches],
        "sources": {name: state._asdict() for name, state in receipt.sources.items()},
        "pieces": claimed.to_json(receipt.pieces),
    }


def _attempt_json(attempt: Attempt) -> Dict[str, Any]:
    """Take all but its test's id, which stands above it, and its traceback, which stands in junit.xml."""
    return {name: value for name, value in vars(attempt).items() if name not in ("nodeid", "text")}


def sealed(receipt: Receipt) -> Dict[str, Any]:
    """Turn a receipt into what is written, with the digest of it."""
    data = to_json(receipt)
    return {**data, "seal": seal(data)}


def seal(data: Mapping[str, Any]) -> str:
    """Compute the sha-256 of what is written, as JSON."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def write(file: Path, receipt: Receipt) -> None:
    """Write a receipt, sealed with its own digest and those of the files beside it; a reader sees all of it or none.

    Raises:
        SuiteError: it cannot be written.
    """
    digests = {name: _digest_of_file(file.with_name(name)) for name in BESIDE}
    beside = {name: digest for name, digest in digests.items() if digest}
    write_json(file, sealed(replace(receipt, beside=beside)))


def write_json(file: Path, data: Mapping[str, Any]) -> None:
    """Write data whole; in ASCII, since ids may hold what UTF-8 cannot.

    Raises:
        SuiteError: it cannot be written.
    """
    try:
        files.write_bytes(file, (json.dumps(data, indent=1) + "\n").encode("ascii"))
    except OSError as error:
        message = f"{file}: cannot be written: {error.strerror}"
        raise SuiteError(message, "Is there space left, and the right to write?") from error


def _digest_of_file(file: Path) -> Optional[str]:
    """Compute the sha-256 of a file; None where there is none that can be read."""
    try:
        return hashlib.sha256(files.read_bytes(file, MOST_BYTES_BESIDE)).hexdigest()
    except OSError:
        return None


# Read -----------------------------------------------------------------------------------------------


def read(file: Path) -> Receipt:
    """Read a receipt that is whole, fits together, and is as it was written.

    Raises:
        SuiteError: there is none, or it is no receipt of this version.
    """
    try:
        return from_json(files.parse_json(files.read_bytes(file, MOST_BYTES)))
    except OSError as error:
        raise SuiteError(f"{file}: no result of a shard: {error.strerror or error}") from error
    except (ValueError, OverflowError) as error:
        raise SuiteError(f"{file}: no result of a shard: {error}") from error


def changed_beside(receipt: Receipt, folder: Path) -> List[str]:
    """Name the files beside a receipt that are there and not as they were when it was written."""
    there = {name: _digest_of_file(folder / name) for name in receipt.beside}
    return [name for name, was in receipt.beside.items() if there[name] not in (None, was)]


def from_json(data: Any, sealed: bool = True) -> Receipt:
    """Turn what was written into a receipt.

    Args:
        sealed: whether it must be as it was written; in a bundle, what may be a secret was taken out of it.

    Raises:
        ValueError: the data is no receipt of this schema, or was changed since; says what was expected.
    """
    if _get(data, "schema", int) != SCHEMA:
        raise ValueError(f"expected schema {SCHEMA}, got {data['schema']}: another version wrote it")
    fits = seal({name: value for name, value in data.items() if name != "seal"})
    if _get(data, "seal", str) != fits and sealed:
        raise ValueError("it was edited or damaged after it was written: its digest does not fit")
    words = "run_id plan_id collected_digest timings_digest forms_digest files_digest ended python machine repairs"
    more = ("start", "commit", "folder", "cache", "addopts")
    return _checked(
        Receipt(
            **{name: _get(data, name, str) for name in (*words.split(), *more)},
            **{name: _get(data, name, int) for name in ("index", "total", "collected_count", "peak_bytes")},
            tests=tuple(map(_test, _get(data, "tests", list))),
            errors=tuple(map(_error, _get(data, "errors", list))),
            seconds=_numbers(_get(data, "seconds", dict)),
            arguments=_texts(_get(data, "arguments", list)),
            exit_codes=_whole_numbers(_get(data, "exit_codes", list)),
            began_s=_get(data, "began_s", float, int),
            set_up=_taught(_get(data, "set_up", dict)),
            beside={name: _get(data["beside"], name, str) for name in _get(data, "beside", dict)},
            coverage=None if _get(data, "coverage", dict, type(None)) is None else measured.from_json(data["coverage"]),
            **_watched(data),
            sources=_sources(_get(data, "sources", dict) if "sources" in data else {}),
            **{name: _get(data, name, str) for name in ("store", "store_gone", "suite_python") if name in data},
            pieces=claimed.from_json(data.get("pieces", [])),  # a version that knows no store says nothing of these
        )
    )


def _get(data: Any, key: str, *kinds: type) -> Any:
    if not isinstance(data, dict) or key not in data:
        raise ValueError(f'"{key}" is not there')
    if type(data[key]) not in kinds:  # a bool is an int, and none of ours
        raise ValueError(f'"{key}": expected {kinds[0].__name__}, got {data[key]!r:.40}')
    return data[key]


def _texts(values: Sequence[Any]) -> Tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"expected texts, got {values!r:.40}")
    return tuple(values)


def _whole_numbers(values: Sequence[Any]) -> Tuple[int, ...]:
    if not all(type(value) is int for value in values):
        raise ValueError(f"expected whole numbers, got {values!r:.40}")
    return tuple(values)


def _numbers(data: Mapping[str, Any]) -> Dict[str, float]:
    return {name: _get(data, name, float, int) for name in data}


def _error(data: Any) -> ExtraError:
    return ExtraError(_get(data, "name", str), _get(data, "message", str))


def _taught(data: Any) -> SetUpCosts:
    scopes_ms, spared = _get(data, "scopes_ms", dict), _get(data, "spared", dict)
    return SetUpCosts(
        _get(data, "session_ms", int),
        {scope: _get(scopes_ms, scope, int) for scope in scopes_ms},
        {nodeid: _texts(_get(spared, nodeid, list)) for nodeid in spared},
    )


def _watched(data: Mapping[str, Any]) -> Dict[str, Any]:
    """Read what is said of services; a receipt of a version that did not watch them says nothing."""
    uses = _get(data, "services", dict) if "services" in data else {}
    breaches = _get(data, "breaches", list) if "breaches" in data else []
    return {
        "services": {name: watched.from_json(use) for name, use in uses.items()},
        "breaches": tuple(map(watched.breach_from_json, breaches)),
    }


def _sources(data: Mapping[str, Any]) -> Dict[str, SourceState]:
    """Read what was installed from paths and branches; a receipt of a version that did not look says nothing."""
    return {name: SourceState(*(_get(state, key, str) for key in SourceState._fields)) for name, state in data.items()}


def _test(data: Any) -> Selected:
    nodeid, outcome = _get(data, "nodeid", str), _get(data, "outcome", str)
    attempts = tuple(_attempt(nodeid, attempt) for attempt in _get(data, "attempts", list))
    return Selected(nodeid, outcome, attempts, _get(data, "count", int), _get(data, "ran_as", str))


def _attempt(nodeid: str, data: Any) -> Attempt:
    seconds = {name: _get(data, name, float, int) for name in ("at_s", "setup_s", "call_s", "teardown_s", "own_s")}
    return Attempt(
        nodeid, _get(data, "round", int), _get(data, "outcome", str), message=_get(data, "message", str), **seconds
    )


def _checked(receipt: Receipt) -> Receipt:
    """Refuse a receipt that does not agree with itself.

    Raises:
        ValueError: it says what cannot be.
    """
    if not 0 < receipt.total <= MOST_SHARDS:
        raise ValueError(f"{receipt.total} shards: expected 1 to {MOST_SHARDS}")
    if not 0 <= receipt.index < receipt.total and not (receipt.repairs and receipt.index >= 0):
        raise ValueError(f"index {receipt.index} of {receipt.total}: indices count from 0")
    if receipt.ended not in ENDINGS:
        raise ValueError(f'"ended": expected one of {", ".join(ENDINGS)}, got {receipt.ended!r:.40}')
    for test in receipt.tests:
        _check_test(test)
    if receipt.tests and not receipt.collected_digest:
        raise ValueError("it has tests, and does not say which were collected")
    if len({test.nodeid for test in receipt.tests}) < len(receipt.tests):
        raise ValueError("an id is there twice")
    _check_distribution(receipt)
    unexplained = [code for code in receipt.exit_codes if code not in (0, 1, 5)]
    red = receipt.errors or receipt.ended != FINISHED or any(test.proven in o.RED for test in receipt.tests)
    if unexplained and not red:
        raise ValueError(f"pytest ended with {unexplained[0]}, and nothing in it is red")
    return receipt


def _check_distribution(receipt: Receipt) -> None:
    """Refuse what cannot be said of a store, and of the pieces that were claimed there.

    Raises:
        ValueError: it says what.
    """
    if receipt.pieces and not receipt.store:
        raise ValueError("it claimed pieces, and names no store")
    if (receipt.store or receipt.store_gone) and (receipt.repairs or receipt.total < 2):
        raise ValueError(f"it names a store, and is {receipt.name}")
    if receipt.store:
        claimed.check(receipt.pieces, receipt.index, receipt.total, len(receipt.tests))


def _check_test(test: Selected) -> None:
    """Refuse an outcome that its attempts do not come to; those that a plugin repeated do not count.

    Raises:
        ValueError: it says which.
    """
    known = (*o.WORST_FIRST, o.RERUN)
    unknown = [attempt.outcome for attempt in test.attempts if attempt.outcome not in known]
    if test.outcome not in o.WORST_FIRST or test.count < 1 or unknown:
        raise ValueError(f"{test.nodeid!a:.80}: {(unknown or [test.outcome])[0]!r:.40} {test.count} times")
    worst = o.of_attempts(test.attempts)
    left_undone = test.outcome == o.NOT_RUN and worst not in (o.FAILED, o.ERROR)
    if not left_undone and (test.outcome != worst or worst == o.UNFINISHED):
        raise ValueError(f"{test.nodeid!a:.80}: {test.outcome}, and its attempts are {worst}")
