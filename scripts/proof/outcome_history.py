"""Remember how tests ended in the last runs: which failures are new, which are fixed, and which tests are flaky.

`.pipeline/outcomes.json` has a letter a run for each test that was red, or passed only when it was tried again, in one
of the last `MOST_RUNS`; of all others only a number of four bytes, so that it stays small: 160 kB for 30,000 tests.
The merge adds to it after its verdict.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Collection,
    Dict,
    FrozenSet,
    Iterable,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

from ..errors import PipelineError
from ..system import shared_file
from ..system.files import read_json
from . import outcomes as o
from .receipt import Receipt, digest

if TYPE_CHECKING:
    from ..settings import Settings

FILE_NAME = "outcomes.json"
SCHEMA = 1
MOST_RUNS = 10
LATELY = 3  # runs: who was red there is run first
MOST_TESTS = 50_000  # of those that are remembered; some 120 bytes each

# What became of a test, against the runs before.
NEW = "new"  # no run before had it
BROKE = "broke"  # it is red, and was not in the last run that had it
FIXED = "fixed"  # it was red there, and has passed
FLAKY = "flaky"  # it was red and it passed: in this run, or in two runs of the same state of everything

UNKNOWN = "-"  # it did not run, or nothing was remembered of it
PASSED, RETRIED, OTHER, RED = "p", "r", "s", "f"  # passed, at the first attempt or not; skipped and the like; red


class Run(NamedTuple):
    """A run that is remembered.

    Args:
        key: tells it from others.
        at_s: when it began, in seconds since 1970.
        state: of the project and what it was tested with, the same where nothing differs; empty where nobody knows.
        is_whole: every test of the suite ran.
    """

    key: str
    at_s: int
    state: str = ""
    is_whole: bool = True


class History(NamedTuple):
    """The last runs, oldest first, and what is remembered of them.

    Args:
        letters: by test, one for each run.
        before: numbers of tests that the runs before the last one had.
        latest: numbers of those that the last one was the first to have.
    """

    runs: Tuple[Run, ...] = ()
    letters: Mapping[str, str] = {}
    before: FrozenSet[int] = frozenset()
    latest: FrozenSet[int] = frozenset()


def key_of(results: Iterable[Receipt]) -> str:
    """Name a run by the starts of its shards; a repair belongs to the run that it completes."""
    return digest(result.start for result in results if not result.repairs)[:16]


def began_s(results: Iterable[Receipt]) -> int:
    """Find when a run began, in seconds since 1970."""
    return int(min((result.began_s for result in results), default=0.0))


def retried(results: Iterable[Receipt]) -> Set[str]:
    """Choose the tests that are not red, and have an attempt that was."""
    red = (o.RERUN, *o.RED)
    tests = (test for result in results for test in result.tests)
    return {test.nodeid for test in tests if test.outcome not in o.RED and any(a.outcome in red for a in test.attempts)}


def changes(known: History, run: Run, outcomes: Mapping[str, str], retried: Iterable[str] = ()) -> Dict[str, str]:
    """Say of tests what changed against the runs before: NEW, BROKE, FIXED or FLAKY; nothing of all others.

    Args:
        known: this run may be in it.
        outcomes: of this run, by id.
        retried: those that passed only when they were tried again.
    """
    places = [place for place, other in enumerate(known.runs) if other.key != run.key]
    looked_at = dict.fromkeys([*(nodeid for nodeid, outcome in outcomes.items() if outcome in o.RED), *known.letters])
    found = {}
    for nodeid in looked_at:
        outcome = outcomes.get(nodeid, o.NOT_RUN)
        if outcome != o.NOT_RUN:
            found[nodeid] = _change(known, run, places, nodeid, letter(outcome))
    before = _before(known, run) if places else frozenset()
    ran = [nodeid for nodeid, outcome in outcomes.items() if outcome != o.NOT_RUN]
    new = [nodeid for nodeid in ran if places and number(nodeid) not in before]
    changed = {nodeid: word for nodeid, word in found.items() if word}
    return {**changed, **dict.fromkeys(new, NEW), **dict.fromkeys(retried, FLAKY)}


def _before(known: History, run: Run) -> FrozenSet[int]:
    """Choose the numbers of the tests that the runs before this one had."""
    is_last = bool(known.runs) and known.runs[-1].key == run.key
    return known.before if is_last else known.before | known.latest


def number(nodeid: str) -> int:
    """Compute the four bytes that stand for a test."""
    return zlib.crc32(nodeid.encode("utf-8", "surrogatepass"))


def _change(known: History, run: Run, places: Sequence[int], nodeid: str, now: str) -> str:
    was = [_was(known, place, nodeid) for place in places]
    same = [letter for place, letter in zip(places, was) if run.state and known.runs[place].state == run.state]
    red_and_not = {letter == RED for letter in [*same, now] if letter in (RED, PASSED, RETRIED)}
    if len(red_and_not) > 1:
        return FLAKY
    last = next((letter for letter in reversed(was) if letter != UNKNOWN), "")
    if now == RED:
        return BROKE if places and last != RED else ""
    return FIXED if last == RED and now == PASSED else ""


def _was(known: History, place: int, nodeid: str) -> str:
    """Find how a test ended in a run. One that is not remembered passed in a whole run, or was not there yet."""
    letters = known.letters.get(nodeid)
    if letters is None:
        return PASSED if known.runs[place].is_whole else UNKNOWN
    return letters[place]


def letter(outcome: str) -> str:
    """Write an outcome as a letter.

    >>> letter("passed"), letter("error"), letter("skipped"), letter("not-run")
    ('p', 'f', 's', '-')
    """
    known = {o.PASSED: PASSED, o.NOT_RUN: UNKNOWN, **dict.fromkeys((o.ERROR, o.FAILED, o.UNFINISHED), RED)}
    return known.get(outcome, OTHER)


def added(known: History, run: Run, outcomes: Mapping[str, str], retried: Iterable[str] = ()) -> History:
    """Add a run, in the place of what was remembered of it before; to add it twice changes nothing.

    The oldest runs go, and with them the tests of which nothing but passing is left.
    """
    places = [place for place, other in enumerate(known.runs) if other.key != run.key][-(MOST_RUNS - 1) :]
    again = set(retried)
    now = {nodeid: letter(outcome) for nodeid, outcome in outcomes.items()}
    now.update(dict.fromkeys(again & set(now), RETRIED))
    listed = dict.fromkeys([*known.letters, *(nodeid for nodeid, each in now.items() if each in (RED, RETRIED))])
    letters = {}
    for nodeid in listed:
        word = "".join(_was(known, place, nodeid) for place in places) + now.get(nodeid, UNKNOWN)
        if RED in word or RETRIED in word:
            letters[nodeid] = word
    newest = sorted(letters, key=lambda nodeid: -max(letters[nodeid].rfind(RED), letters[nodeid].rfind(RETRIED)))
    kept = set(newest[:MOST_TESTS])
    runs = (*(known.runs[place] for place in places), run)
    before = _before(known, run)
    numbers = {nodeid: number(nodeid) for nodeid in outcomes}
    ran = frozenset(numbers[nodeid] for nodeid, each in now.items() if each != UNKNOWN)
    return History(
        runs,
        {nodeid: word for nodeid, word in letters.items() if nodeid in kept},
        before & frozenset(numbers.values()) if run.is_whole else before,
        ran - before,
    )


# The file -------------------------------------------------------------------------------------------


def file_of(settings: Settings) -> Path:
    """Name the file in which the outcomes of past runs are kept."""
    return settings.state / FILE_NAME


def past(file: Path) -> History:
    """Read what is remembered; nothing where it cannot be used: who adds to it says why."""
    try:
        return load(file)
    except PipelineError:
        return History()


def load(file: Path) -> History:
    """Read what was kept.

    Raises:
        PipelineError: it cannot be used; says what was expected.
    """
    hint = "The next run begins a new one."
    data = read_json(file, SCHEMA, hint)
    try:
        runs = tuple(_run(each) for each in data["runs"])
        letters = {nodeid: word for nodeid, word in data["tests"].items() if len(word) == len(runs)}
        before, latest = _numbers(data["before"]), _numbers(data["latest"])
    except (AttributeError, LookupError, TypeError, ValueError, struct.error) as error:
        raise PipelineError(f"{file}: expected runs, and a letter for each by test: {error}", hint) from error
    return History(runs[-MOST_RUNS:], {nodeid: word[-MOST_RUNS:] for nodeid, word in letters.items()}, before, latest)


def _numbers(text: str) -> FrozenSet[int]:
    content = base64.b64decode(text, validate=True)
    return frozenset(struct.unpack(f">{len(content) // 4}I", content))


def _packed(numbers: Collection[int]) -> str:
    return base64.b64encode(struct.pack(f">{len(numbers)}I", *sorted(numbers))).decode("ascii")


def _run(data: Mapping[str, Any]) -> Run:
    return Run(str(data["key"]), int(data["at_s"]), str(data["state"]), bool(data["is_whole"]))


def red_lately(known: History) -> List[str]:
    """List the tests that were red in one of the last `LATELY` runs that are remembered.

    >>> red_lately(History((Run("1", 0), Run("2", 1)), {"a": "pf", "b": "pr"}))
    ['a']
    """
    return sorted(nodeid for nodeid, letters in known.letters.items() if RED in letters[-LATELY:])


def dump(known: History) -> str:
    """Write what is kept."""
    data = {
        "schema": SCHEMA,
        "runs": [run._asdict() for run in known.runs],
        "tests": dict(known.letters),
        "before": _packed(known.before),
        "latest": _packed(known.latest),
    }
    return json.dumps(data, indent=0) + "\n"


def learn(settings: Settings, run: Run, outcomes: Mapping[str, str], retried: Iterable[str] = ()) -> None:
    """Add a run to what is kept. Nothing is raised: see `shared_file.update`."""

    def text(known: Optional[History]) -> str:
        return dump(added(known or History(), run, outcomes, retried))

    shared_file.update(file_of(settings), load, text)
