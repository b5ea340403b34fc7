"""What a merge can find and prove: the kinds of findings, and the verdict that they make up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Mapping, Tuple

# What can be found, in the order in which it is told.
NO_RESULT = "no result"
TWO_RESULTS = "two results"
OTHER_TOTAL = "other number of shards"
OTHER_PLAN = "other plan"
OTHER_COLLECTION = "other collection"
OTHER_TIMINGS = "other timings"
OTHER_RUN = "other run"
SEVERAL_RUNS = "several runs"
UNFIT_REPAIR = "repair of something else"
REPAIR_CUT_SHORT = "repair cut short"
CUT_SHORT = "cut short"
SERVICE_DEATH = "service died"
SHARD_ERROR = "error outside tests"
RED_TEST = "red test"
UNSTABLE = "unstable id"
LOST = "lost"
NOT_RUN = "not run"
DOUBLED = "doubled"
UNKNOWN = "unknown"
REMOVED = "removed"

ABOUT_SHARDS = (
    NO_RESULT,
    TWO_RESULTS,
    OTHER_TOTAL,
    OTHER_PLAN,
    OTHER_COLLECTION,
    OTHER_TIMINGS,
    OTHER_RUN,
    SEVERAL_RUNS,
    UNFIT_REPAIR,
    REPAIR_CUT_SHORT,
    CUT_SHORT,
    SERVICE_DEATH,
    SHARD_ERROR,
)
ABOUT_TESTS = {  # what is said about a number of them
    RED_TEST: "{} red",
    UNSTABLE: "{} with an id that differs between two collections (an address, uuid, time, order of a set?)",
    LOST: "{} ran nowhere",
    NOT_RUN: "{} not run by the shard that had to",
    DOUBLED: "{} in more than one shard; each counts once, with its worst outcome",
    UNKNOWN: "{} in a shard, but not in this collection; not counted",
    REMOVED: "{} in the plan, but collected no more",
}
KINDS = (*ABOUT_SHARDS, *ABOUT_TESTS)
HARMLESS = (OTHER_TIMINGS, SEVERAL_RUNS, REMOVED)
NOT_REPAIRABLE = (UNFIT_REPAIR, REPAIR_CUT_SHORT, SERVICE_DEATH, SHARD_ERROR, RED_TEST)

GREEN, TESTS_FAILED, SERVICE_DIED, INCOMPLETE = "green", "tests failed", "service died", "incomplete"


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
        """Whether a run with it is not green."""
        return not self.repaired and self.kind not in HARMLESS


@dataclass(frozen=True)
class Verdict:
    """What the results of all shards prove.

    Args:
        total: the number of shards; 0 where nothing tells.
        outcomes: one final outcome for each id of the collection; "not-run" where there is none.
        counts: tests by outcome; they add up to the tests collected.
        findings: in the order of KINDS.
        to_run: the ids that a repair has to run, in the order of the collection.
        repairs: what a repair's receipt has to say in `repairs`: it is for these very results.
        repair_index: the number of the next repair.
    """

    total: int
    outcomes: Mapping[str, str]
    counts: Mapping[str, int]
    findings: Tuple[Finding, ...]
    to_run: Tuple[str, ...]
    repairs: str
    repair_index: int = 0

    @property
    def ended(self) -> str:
        """In a word, the worst: incomplete is, not every test is proven to have run exactly once."""
        red = {finding.kind for finding in self.findings if finding.red}
        if red - {RED_TEST, SERVICE_DEATH, SHARD_ERROR}:
            return INCOMPLETE
        if SERVICE_DEATH in red:
            return SERVICE_DIED
        return TESTS_FAILED if red else GREEN

    @property
    def green(self) -> bool:
        """Whether every test ran exactly once and none is red."""
        return self.ended == GREEN

    def of(self, kind: str) -> List[Finding]:
        """The findings of a kind."""
        return [finding for finding in self.findings if finding.kind == kind]
