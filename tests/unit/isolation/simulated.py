"""Suites that exist only as rules: what each test needs and spoils, for studies that take no time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, List, Mapping, Sequence, Set, Tuple

from scripts.isolation.findings import Findings
from scripts.isolation.study import Terms, study
from scripts.isolation.trials import Ids, Ran, Result, Run, Trial
from scripts.proof.outcomes import Touch

TERMS = Terms()
START_S = 0.5
TEST_S = 0.1


@dataclass
class Suite:
    """Tests by rules.

    Args:
        needs: of a test, sets of others; one of the sets must have run well before it.
        spoilt: of a test, (who spoils it, who mends that).
        clashes: pairs that fail when they meet; the second one does.
        touches: what tests touch, to be found by.
        flaky: tests that fail at random.
    """

    tests: Ids
    needs: Mapping[str, Sequence[FrozenSet[str]]] = field(default_factory=dict)
    spoilt: Mapping[str, Tuple[str, str]] = field(default_factory=dict)
    clashes: Sequence[Tuple[str, str]] = ()
    touches: Mapping[str, Sequence[Touch]] = field(default_factory=dict)
    flaky: FrozenSet[str] = frozenset()
    red: FrozenSet[str] = frozenset()
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def result(self, trial: Trial) -> Result:
        """Run a trial."""
        runs = tuple(self._run(slot, tests, trial) for slot, tests in enumerate(trial.processes))
        seconds = [START_S + TEST_S * len(tests) for tests in trial.processes]
        return Result(runs, sum(seconds), max(seconds) if trial.at_once else sum(seconds))

    def _run(self, slot: int, tests: Ids, trial: Trial) -> Run:
        done: Set[str] = set()
        dirty: Set[str] = set()  # tests that are spoilt
        met = {frozenset(pair) for pair in trial.meetings}
        ran: List[Ran] = []
        for number, nodeid in enumerate(tests):
            well = nodeid not in self.red and any(option <= done for option in self.needs.get(nodeid, [frozenset()]))
            well = well and nodeid not in dirty
            well = well and not any(victim == nodeid and {victim, other} in met for other, victim in self.clashes)
            well = well and not (nodeid in self.flaky and self.chance.random() < 0.4)
            for victim, (spoiler, mender) in self.spoilt.items():
                dirty |= {victim} if nodeid == spoiler else set()
                dirty -= {victim} if nodeid == mender else set()
            if well:
                done.add(nodeid)
            began_s = number * TEST_S
            ran.append(Ran(nodeid, "passed" if well else "failed", began_s, began_s + TEST_S))
        touches = {nodeid: tuple(self.touches.get(nodeid, ())) for nodeid in tests} if trial.notes_touches else {}
        return Run(slot, tuple(ran), touches, {})


def studied(suite: Suite, terms: Terms = TERMS) -> Tuple[Findings, List[Trial], float]:
    """Study a suite: what is found, the trials, and their time in times of the serial run."""
    steps = study(suite.tests, terms)
    trials: List[Trial] = []
    seconds = 0.0
    trial = next(steps)
    while True:
        trials.append(trial)
        result = suite.result(trial)
        seconds += result.seconds
        try:
            trial = steps.send(result)
        except StopIteration as stop:
            return stop.value, trials, seconds / suite.result(trials[0]).seconds


def named(files: int, each: int) -> Ids:
    """The ids of so many files with so many tests each."""
    return tuple(f"tests/test_{file}.py::test_{test}" for file in range(files) for test in range(each))


def needed(findings: Findings) -> Dict[str, Set[str]]:
    """What each test was found to need."""
    return {need.nodeid: set(need.before) for need in findings.needs}
