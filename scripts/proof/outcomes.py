"""What became of the tests: the words for it, and the records into which a journal's reader puts a shard's rounds.

A round is one pytest process; a test that ran in it has an attempt there, or more where a plugin repeats tests.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .measured import Wishes

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"
XFAILED, XPASSED = "xfailed", "xpassed"
RERUN = "rerun"  # failed, and tried again by a plugin in the same process
UNFINISHED = "unfinished"  # began, and the process ended or was stopped
NOT_RUN = "not-run"  # no attempt came to an end
WORST_FIRST = (ERROR, FAILED, UNFINISHED, NOT_RUN, SKIPPED, XFAILED, XPASSED, PASSED)
RED = (ERROR, FAILED, UNFINISHED, NOT_RUN)

AS_WORKER = "skipped where it sees a worker of pytest-xdist"  # the message of a rerun that is due for this

# How a round ended: `Ended.kind`.
FINISHED = "finished"
STOPPED = "stopped"  # by pytest itself: -x, --maxfail
INTERRUPTED = "interrupted"  # by a person
EXIT = "pytest.exit"
COLLECTION_ERRORS = "collection errors"
NO_SELECTION = "nobody said which tests to run"
INTERNAL_ERROR = "internal error"
ENDED_BEFORE_COLLECTION = "ended before collection"  # a conftest.py or an argument that pytest refuses, or a crash
DIED_IN_COLLECTION = "died in collection"
DIED_IN_SELECTION = "died while selecting"
DIED_IN_TEST = "died in a test"
DIED_BETWEEN_TESTS = "died between two tests"
DIED_AFTER_LAST = "died after the last report"


@dataclass(frozen=True)
class Fixture:
    """A fixture that tests share: defined in `base`, set up for the tests below `node` (both are ids)."""

    scope: str
    base: str
    name: str
    node: str


@dataclass(frozen=True)
class SharedCost:
    """What a shared fixture cost in one round, without the shared fixtures that it asked for itself.

    `failed`: a set-up raised, or skipped, and teaches nothing about what it takes.
    """

    fixture: Fixture
    times: int
    setup_s: float
    teardown_s: float
    failed: bool = False


@dataclass(frozen=True)
class Attempt:
    """One run of one test, begun `at_s` after its round started.

    `own_s` is the sum of the phases less the shared fixtures inside them. `service_ended`: at its end, the service had
    ended, or could not but end.
    """

    nodeid: str
    round: int
    outcome: str
    at_s: float = 0.0
    setup_s: float = 0.0
    call_s: float = 0.0
    teardown_s: float = 0.0
    own_s: float = 0.0
    message: str = ""
    text: str = ""
    service_ended: bool = False

    @property
    def seconds(self) -> float:
        """Add up how long its phases took."""
        return round(self.setup_s + self.call_s + self.teardown_s, 6)


def worst(outcomes: Iterable[str]) -> str:
    """Choose the worst of a test's outcomes; of none, that it has not run.

    >>> worst(["passed", "failed"]), worst([])
    ('failed', 'not-run')
    """
    return min(outcomes, key=WORST_FIRST.index, default=NOT_RUN)


def of_attempts(attempts: Iterable[Attempt]) -> str:
    """Choose the worst of a test's attempts; those that a plugin repeated do not count."""
    return worst({attempt.outcome for attempt in attempts} - {RERUN})


@dataclass(frozen=True)
class Fate:
    """What became of a test: all its attempts, in the order in which they ran."""

    nodeid: str
    attempts: Tuple[Attempt, ...]

    @property
    def outcome(self) -> str:
        """Choose the outcome that its attempts come to."""
        return of_attempts(self.attempts)


@dataclass(frozen=True)
class Running:
    """What ran when the process ended. `nodeid` is empty outside tests; `fixture` is a shared one, if in one."""

    nodeid: str
    phase: str
    fixture: Optional[Fixture] = None


@dataclass(frozen=True)
class Ended:
    """How a round ended: one of the constants above, the reason where there is one, and what ran."""

    kind: str
    reason: str = ""
    running: Optional[Running] = None


@dataclass(frozen=True)
class CollectionError:
    """A file, or class, that could not be collected."""

    nodeid: str
    message: str
    text: str


class Wanted(NamedTuple):
    """Tests that a suite wants together: what they have in common, who says so, and ranges of places in `selected`."""

    name: str
    why: str
    tests: Tuple[Tuple[int, int], ...]


class Touch(NamedTuple):
    """Something a test used that others may use: see `shardline_pytest/touches.py`; `fixture` if a shared one did."""

    kind: str
    what: str
    fixture: Optional[Tuple[str, ...]] = None


@dataclass(frozen=True)
class Round:
    """One pytest process. `collected` and `selected` are None where it did not come so far.

    `selected` has the ids in the order in which they were to run, an id as often as tests share it. Where they were
    given piece by piece, these are the pieces that it heard of, and `offered` has all that it could have been given;
    None where not. `maxfail` is
    pytest's, from wherever it has it, 0 for none. `status` is the exit status that pytest meant to end with. `files`
    is the digest of the files that the collected tests stand in, `cache` the folder of pytest's own cache, `answer`
    what the selection said beside the tests. `missing_lines` were written, and are not in the journal any more.
    `as_worker` are tests that may have been skipped since they saw a worker of pytest-xdist.
    `groups` are the selected tests that the suite wants together, where it was collected only.
    `executable` is its Python. `coverage` is what was asked of pytest-cov, None where it did not measure;
    `coverage_file` names what it saved: empty where nothing was measured, None where it did not come to save.
    `touches` are noted where that was asked for, by the id of the test. `params` are told of as by `planning.params`.
    """

    number: int
    pid: int
    started: float
    pytest: str
    python: str
    ended: Ended
    rootdir: str = ""
    maxfail: int = 0
    collected: Optional[int] = None
    digest: str = ""
    selected: Optional[Tuple[str, ...]] = None
    collection_errors: Tuple[CollectionError, ...] = ()
    attempts: Tuple[Attempt, ...] = ()
    shared: Tuple[SharedCost, ...] = ()
    needs: Mapping[Tuple[str, str, str], Tuple[Tuple[int, int], ...]] = field(default_factory=dict)
    status: Optional[int] = None
    files: str = ""
    cache: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)
    missing_lines: int = 0
    as_worker: Tuple[str, ...] = ()
    groups: Tuple[Wanted, ...] = ()
    executable: str = ""
    coverage: Optional[Wishes] = None
    coverage_file: Optional[str] = None
    touches: Mapping[str, Tuple[Touch, ...]] = field(default_factory=dict)
    offered: Optional[Tuple[str, ...]] = None
    params: Tuple[Mapping[str, Any], ...] = ()

    @property
    def listed(self) -> Tuple[str, ...]:
        """The ids that places in `needs` and `groups` count: all of which it could have been given some."""
        return self.offered if self.offered is not None else self.selected or ()

    @cached_property
    def given(self) -> FrozenSet[str]:
        """The ids of `selected`, to look them up."""
        return frozenset(self.selected or ())


def fates(rounds: Sequence[Round]) -> List[Fate]:
    """Gather what became of each test that began, over the rounds of a shard, in the order of their beginning."""
    attempts: Dict[str, List[Attempt]] = {}
    for attempt in (attempt for round in rounds for attempt in round.attempts):
        attempts.setdefault(attempt.nodeid, []).append(attempt)
    return [Fate(nodeid, tuple(runs)) for nodeid, runs in attempts.items()]


def not_run(selected: Iterable[str], rounds: Sequence[Round]) -> List[str]:
    """List the selected ids without an end, once each and in order: what the next round has to run.

    A test that was running when its process ended has begun, and is not among them. Of several tests that share
    an id, all must have run.
    """
    attempts = [attempt for round in rounds for attempt in round.attempts]
    ends = Counter(attempt.nodeid for attempt in attempts if attempt.outcome != RERUN)
    begun = {attempt.nodeid for attempt in attempts if attempt.outcome == UNFINISHED}
    wanted = Counter(selected)
    return [nodeid for nodeid, count in wanted.items() if ends[nodeid] < count and nodeid not in begun]


def needing(fixture: Fixture, of: Round) -> List[str]:
    """List the selected tests of a round for which a shared fixture is set up, as far as their arguments tell.

    `request.getfixturevalue` in a test is not seen before it happens.
    """
    ranges = of.needs.get((fixture.scope, fixture.base, fixture.name), ())
    ids = dict.fromkeys(nodeid for first, last in ranges for nodeid in of.listed[first : last + 1])
    return [nodeid for nodeid in ids if nodeid in of.given and lies_below(nodeid, fixture.node)]


def lies_below(nodeid: str, node: str) -> bool:
    """Tell whether a test lies in a file, class, or folder; pytest names a package by its folder or __init__.py."""
    folder = node[: -len("__init__.py")].rstrip("/") if node.endswith("__init__.py") else node
    return folder in ("", ".") or nodeid.startswith((f"{folder}::", f"{folder}/"))
