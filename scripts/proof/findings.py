"""What a merge can find and prove: the kinds of findings, and the verdict that they make up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Set, Tuple

from .receipt import Selected

# What can be found, in the order in which it is told.
NOTHING = "nothing selected"
NO_RESULT = "no result"
REPLACED = "no result, and others ran its tests"
DAMAGED = "damaged result"
TWO_RESULTS = "two results"
CHANGED = "changed afterwards"
OTHER_TOTAL = "other number of shards"
OTHER_PLAN = "other plan"
OTHER_FILES = "other state of the tests"
OTHER_SOURCE = "other state of the source"
OTHER_ARGUMENTS = "other arguments"
OTHER_PYTHON = "other Python"
OTHER_COLLECTION = "other collection"
OTHER_TIMINGS = "other timings"
CLAIMED_TWICE = "a piece claimed twice"
WITHOUT_STORE = "without the store"
STORE_GONE = "store lost"
SEVERAL_RUNS = "several runs"
UNFIT_REPAIR = "repair of something else"
REPAIR_CUT_SHORT = "repair cut short"
CUT_SHORT = "cut short"
STOPPED = "stopped by -x or --maxfail"
SERVICE_DEATH = "service died"
SHARD_ERROR = "error outside tests"
COVERAGE_UNKNOWN = "coverage not known"
COVERAGE_LOW = "coverage too low"
COVERAGE_NOTE = "coverage incomplete"
OVER_BUDGET = "service over budget"
BUDGET_UNKNOWN = "budget not known to be kept"
RED_TEST = "red test"
UNSTABLE = "unstable id"
RENAMED = "run by function and place"
LOST = "lost"
NOT_RUN = "not run"
LEFT = "left unrun"
APART = "apart"
DOUBLED = "doubled"
RAN_AGAIN = "ran again"
UNKNOWN = "unknown"
REMOVED = "removed"
EXPOSED = "secret in an id"

ABOUT_SHARDS = (
    NOTHING,
    SERVICE_DEATH,  # what else is said may come of it
    NO_RESULT,
    REPLACED,
    DAMAGED,
    TWO_RESULTS,
    CHANGED,
    OTHER_TOTAL,
    OTHER_PLAN,
    OTHER_FILES,
    OTHER_SOURCE,
    OTHER_ARGUMENTS,
    OTHER_PYTHON,
    OTHER_COLLECTION,
    OTHER_TIMINGS,
    CLAIMED_TWICE,
    WITHOUT_STORE,
    STORE_GONE,
    SEVERAL_RUNS,
    UNFIT_REPAIR,
    REPAIR_CUT_SHORT,
    CUT_SHORT,
    STOPPED,
    SHARD_ERROR,
    COVERAGE_UNKNOWN,
    COVERAGE_LOW,
    COVERAGE_NOTE,
    OVER_BUDGET,
    BUDGET_UNKNOWN,
)
ABOUT_TESTS = {  # what is said about a number of them
    RED_TEST: "{} red",
    UNSTABLE: "{} with an id that differs between two collections (an address, uuid, time, order of a set?)",
    RENAMED: "{} with an id that changes from run to run; run by function and place, once each",
    LOST: "{} ran nowhere",
    NOT_RUN: "{} not run by the shard that had to",
    LEFT: "{} left unrun after a failure, as you asked (-x, --maxfail, --fail-fast)",
    APART: "{} without those before them that they stay together with, in one process",
    DOUBLED: "{} in more than one shard; each counts once, with its worst outcome",
    RAN_AGAIN: "{} in two shards: one took over, or had no store; each counts once, with its worst outcome",
    UNKNOWN: "{} in a shard, but not in this collection; not counted",
    REMOVED: "{} in the plan, but collected no more",
    EXPOSED: "{} with a secret in the id, which stays in all reports: ids are what the proof is made of; rename them",
}
KINDS = (*ABOUT_SHARDS, *ABOUT_TESTS)
HARMLESS = (
    REPLACED,
    OTHER_TIMINGS,
    WITHOUT_STORE,
    STORE_GONE,
    SEVERAL_RUNS,
    REMOVED,
    RENAMED,
    RAN_AGAIN,
    COVERAGE_NOTE,
    EXPOSED,
)
ABOUT_COVERAGE = (COVERAGE_UNKNOWN, COVERAGE_LOW)  # judged when all tests have run: it says nothing of them
ABOUT_BUDGETS = (OVER_BUDGET, BUDGET_UNKNOWN)  # of the service: it says nothing of the tests
NOT_REPAIRABLE = (
    OVER_BUDGET,
    BUDGET_UNKNOWN,
    NOTHING,
    CHANGED,
    OTHER_FILES,
    OTHER_SOURCE,
    OTHER_ARGUMENTS,
    OTHER_PYTHON,
    UNFIT_REPAIR,
    REPAIR_CUT_SHORT,
    SERVICE_DEATH,
    SHARD_ERROR,
    RED_TEST,
    UNSTABLE,
)

AGAIN = {CHANGED, OTHER_FILES, OTHER_SOURCE, OTHER_PYTHON, UNSTABLE}  # nothing but running all of it helps

GREEN, TESTS_FAILED, SERVICE_DIED, LOW_COVERAGE = "green", "tests failed", "service died", "coverage too low"
OVER, INCOMPLETE, NO_TESTS = "over budget", "incomplete", "no tests"


@dataclass(frozen=True)
class Finding:
    """Something that was found, about a test or about shards.

    `text` says it in a line. `shards` are indices; of repairs where the kind is about repairs. `repaired`: a
    repair settled it.
    """

    kind: str
    text: str
    nodeid: str = ""
    shards: Tuple[int, ...] = ()
    repaired: bool = False

    @property
    def red(self) -> bool:
        """Tell whether a run with it is not green."""
        return not self.repaired and self.kind not in HARMLESS


@dataclass(frozen=True)
class Verdict:
    """What the results of all shards prove.

    Args:
        total: the number of shards; 0 where nothing tells.
        tests: one for each id of the collection, with its final outcome and all its attempts.
        counts: tests by outcome; they add up to the tests collected.
        findings: in the order of KINDS.
        to_run: the ids that a repair has to run, in the order of the collection.
        repairs: what a repair's receipt has to say in `repairs`: it is for these very results.
        repair_index: the number of the next repair.
    """

    total: int
    tests: Tuple[Selected, ...]
    counts: Mapping[str, int]
    findings: Tuple[Finding, ...]
    to_run: Tuple[str, ...]
    repairs: str
    repair_index: int = 0

    @property
    def outcomes(self) -> Mapping[str, str]:
        """Give the final outcome of each id; "not-run" where there is none."""
        return {test.nodeid: test.outcome for test in self.tests}

    @property
    def ended(self) -> str:
        """Name the end in a word, the worst: incomplete is, not every test is proven to have run exactly once."""
        red = self._red_kinds()
        if NOTHING in red:
            return NO_TESTS
        died = {index for death in self.of(SERVICE_DEATH) for index in death.shards}
        doubtful = {each.kind for each in self.findings if each.red and not self._unserved(each, died)}
        if doubtful - self._explained(red):
            return INCOMPLETE
        if SERVICE_DEATH in red:
            return SERVICE_DIED
        if SHARD_ERROR in red and all(test.outcome == "not-run" for test in self.tests):
            return NO_TESTS
        if red and red <= {*ABOUT_COVERAGE}:
            return LOW_COVERAGE
        if red and red <= {*ABOUT_COVERAGE, *ABOUT_BUDGETS}:
            return OVER
        return TESTS_FAILED if red else GREEN

    def _red_kinds(self) -> Set[str]:
        return {finding.kind for finding in self.findings if finding.red}

    @staticmethod
    def _unserved(finding: Finding, died: Set[int]) -> bool:
        """Tell whether tests were left since the service of their shard had died, and could not be started (again)."""
        return finding.kind in (CUT_SHORT, NOT_RUN, LOST) and bool(finding.shards) and died.issuperset(finding.shards)

    @staticmethod
    def _explained(red: Set[str]) -> Set[str]:
        """Choose what leaves no doubt about the proof. A stop by -x leaves none where a test failed."""
        stopped = {STOPPED, LEFT} if red & {RED_TEST, SHARD_ERROR} else set()
        return {RED_TEST, SERVICE_DEATH, SHARD_ERROR, *ABOUT_COVERAGE, *ABOUT_BUDGETS, *stopped}

    @property
    def green(self) -> bool:
        """Tell whether every test ran exactly once and none is red."""
        return self.ended == GREEN

    @property
    def repairable(self) -> bool:
        """Tell whether running what has no result, and only that, would leave nothing in doubt."""
        return self.ended == INCOMPLETE and not self._red_kinds() & AGAIN

    def of(self, kind: str) -> List[Finding]:
        """Choose the findings of a kind."""
        return [finding for finding in self.findings if finding.kind == kind]
