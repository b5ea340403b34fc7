"""Make a trial: its pytest processes, each with the environment and the service that a shard has."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import AbstractSet, Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple
from urllib.parse import urlsplit

from ..ci import Node
from ..errors import SuiteError
from ..proof import outcomes, receipt
from ..proof.outcomes import Fixture, Round
from ..runner import ownership, rounds
from ..runner.decisions import Outcome
from ..runner.preparation import Environments
from ..runner.pytest_process import Supervision
from ..runner.rounds import ShardRun
from ..runner.selection import Selection
from ..runner.service_session import ServiceSession
from ..runner.shard import fresh
from ..runner.watchdog import Watchdog
from ..settings import Settings
from ..system.processes import tail
from .trials import Ids, Ran, Result, Run, Trial, outcome_class

ALL = "--maxfail=0"  # whatever -x the suite's own settings have: an outcome that is missing tells nothing
MEET_S = 20.0  # how long a test waits for the one that it is to meet, which may have been ended
POLL_S = 0.05
LAST_LINES = 20
OUTPUT = "pytest.log"
NOWHERE = "no-plan.json"


@dataclass(frozen=True)
class Laboratory:
    """Where trials are made.

    Args:
        folder: of the trial that runs; emptied for each.
        quiet: gets what a person need not see, such as that the service is ready.
    """

    settings: Settings
    environments: Environments
    arguments: Sequence[str]
    folder: Path
    dog: Watchdog
    quiet: List[str] = field(default_factory=list)

    def result(self, trial: Trial, signalled: Callable[[], bool]) -> Result:
        """Make a trial. To be called while signals are held back.

        Args:
            signalled: whether somebody wants us to end.

        Raises:
            KeyboardInterrupt: somebody did.
            PipelineError: the service does not start, or the suite does not run.
        """
        folder, began = fresh(self.folder), time.monotonic()
        count = len(trial.processes)
        with ThreadPoolExecutor(count if trial.at_once else 1) as pool:
            told = [pool.submit(self._process, trial, slot, folder, signalled) for slot in range(count)]
            told_all = [_patiently(each) for each in told]
        if signalled():
            raise KeyboardInterrupt
        runs = [run for runs, _ in told_all for run in runs]
        seconds = sum(seconds for _, seconds in told_all)
        return Result(tuple(runs), round(seconds, 3), round(time.monotonic() - began, 3))

    def _process(self, trial: Trial, slot: int, folder: Path, signalled: Callable[[], bool]) -> Tuple[List[Run], float]:
        """Run one process of a trial to its end, and say how long that took."""
        began = time.monotonic()
        own = fresh(folder / f"process-{slot}")
        count = len(trial.processes)
        shard = ShardRun(
            settings=self.settings,
            node=Node(slot if trial.at_once else 0, count if trial.at_once else 1),
            folder=own,
            selection=_selection(trial.processes[slot], own),
            arguments=[*self.arguments, ALL],
            output=own / OUTPUT,
            ordered=True,
            notes_touches=trial.notes_touches,
            meeting=_meeting(trial, slot, folder),
        )
        say = self.quiet.append
        try:
            with ServiceSession(self.settings, self.environments, own, self.dog, say, shard.node.index) as session:
                outcome = rounds.run(shard, session, Supervision(self.settings.state, self.dog), signalled, say)
                served = {str(urlsplit(service.url).port) for service in session.services.values()}
        finally:
            if trial.meetings:  # nobody waits for a process that was ended
                with suppress(OSError), _place(folder, slot).open("ab") as place:
                    place.write(b"." * 1_000_000)
        if not signalled():
            _check(outcome, shard)
        return list(_runs(slot, outcome, served)), time.monotonic() - began


def _patiently(told: Future[Tuple[List[Run], float]]) -> Tuple[List[Run], float]:
    """Wait for a process in short steps, between which Python can take note of a signal."""
    while not told.done():
        time.sleep(POLL_S)
    return told.result()


def _selection(ids: Ids, folder: Path) -> Selection:
    nowhere = str(folder / NOWHERE)
    return Selection(ownership.new_start(), 0, 1, nowhere, nowhere, "", ids=ids)


def _place(folder: Path, slot: int) -> Path:
    return folder / f"meeting-{slot}"


def _meeting(trial: Trial, slot: int, folder: Path) -> Mapping[str, Any]:
    """Tell a process whom it is to meet, and over what; see `shardline_pytest/meeting.py`."""
    if not trial.meetings:
        return {}
    tests = [pair[slot] for pair in trial.meetings]
    return {
        "mine": str(_place(folder, slot).resolve()),
        "other": str(_place(folder, 1 - slot).resolve()),
        "tests": tests,
        "contested": dict(zip(tests, map(list, trial.contested))),
        "wait_s": MEET_S,
    }


def _check(outcome: Outcome, shard: ShardRun) -> None:
    """Refuse a trial that ran no test, and a first one that did not run all: the others are compared with it.

    Raises:
        SuiteError: with pytest's last lines.
    """
    if outcome.selected and (outcome.ended == receipt.FINISHED or not shard.notes_touches):
        return
    lines: List[str] = []
    with suppress(OSError):
        lines = tail((shard.folder / OUTPUT).read_text(encoding="utf-8", errors="replace"), LAST_LINES)
    why = "; ".join(f"{error.name}: {error.message}" for error in outcome.errors) or f"the run {outcome.ended}"
    shown = "\n".join(f"  {line}" for line in lines)
    raise SuiteError(
        f"a trial did not come to its end: {why}\n{shown}",
        "See whether it runs by itself: {command}",
        ["nox", "-s", "integration"],
    )


def _runs(slot: int, outcome: Outcome, served: AbstractSet[str]) -> Iterator[Run]:
    """Read what each process told: a test that ended its process is followed by another one.

    Args:
        served: the ports of the services, which all tests share and each shard has for itself.
    """
    for told in outcome.rounds:
        attempts: Dict[str, List[outcomes.Attempt]] = {}
        for attempt in told.attempts:
            attempts.setdefault(attempt.nodeid, []).append(attempt)
        tests = []
        for nodeid, tries in attempts.items():
            began_s = told.started + tries[0].at_s
            ended_s = told.started + tries[-1].at_s + tries[-1].seconds
            tests.append(Ran(nodeid, outcome_class(outcomes.of_attempts(tries)), round(began_s, 4), round(ended_s, 4)))
        touches = {
            nodeid: tuple(touch for touch in touched if not (touch[0] == "port" and touch[1] in served))
            for nodeid, touched in told.touches.items()
        }
        yield Run(slot, tuple(tests), touches, _users(told))


def _users(told: Round) -> Dict[Ids, Ids]:
    """List the tests that need each shared fixture which touched something."""
    fixtures = {touch.fixture for touches in told.touches.values() for touch in touches if touch.fixture}
    return {
        fixture: tuple(outcomes.needing(Fixture(fixture[0], fixture[1], fixture[2], fixture[1]), told))
        for fixture in fixtures
        if len(fixture) == 3
    }
