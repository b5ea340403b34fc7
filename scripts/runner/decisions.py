"""Decide from how a shard's rounds ended and what they told: what became of its tests, and what is due next.

Pure: no file is read, and no process is started. To try a test again, `next_step` makes its attempt a RERUN and leaves
its id among what remains.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..console import counted, human_seconds
from ..planning import together
from ..planning.together import Entry, Group
from ..proof import outcomes as o
from ..proof import receipt
from ..proof.company import joined
from ..proof.outcomes import AS_WORKER, Attempt, Fate, Fixture, Round, Running
from ..proof.receipt import ExtraError, Selected
from ..system.processes import exit_words
from . import plugin_loader, service_death

FAIL_FAST = "--fail-fast"  # how the reason begins for which the failure of one shard stops the others
MOST_DEATHS = 5  # of pytest: in a row, without a test that came to its end; of the service: in all
FIXTURE_DEATHS = 2
UNNAMED = "between two tests, or after the last"  # when a service died of which no test here is the cause


@dataclass(frozen=True)
class Exit:
    """How a round's process ended.

    `hung_s`: it was ended by us after so long a silence; 0 where not. `service`: how the service died meanwhile, for
    which it was ended too; empty where it did not. `died_at`, when that was seen, and `ended_at` are in seconds since
    the epoch. `shared`: other shards use the service too, and a test of theirs may have ended it.
    """

    returncode: int
    seconds: float = 0.0
    hung_s: float = 0.0
    interrupted: bool = False  # by a person, through us
    service: str = ""
    died_at: float = 0.0
    ended_at: float = 0.0
    shared: bool = False


@dataclass(frozen=True)
class FinishedRound:
    """A round that is over: how its process ended, and what it told; None where it told nothing.

    `cut_off`: there may have been more for it: it was given tests piece by piece, and had not heard of the end.
    """

    exit: Exit
    journaled: Optional[Round] = None
    cut_off: bool = False

    @property
    def kind(self) -> str:
        """How it ended, as the journal tells: one of the constants of `outcomes`."""
        kind = self.journaled.ended.kind if self.journaled else o.ENDED_BEFORE_COLLECTION
        return o.DIED_BETWEEN_TESTS if self.cut_off and kind == o.DIED_AFTER_LAST else kind

    @property
    def interrupted(self) -> bool:
        """Whether a person stopped it: through us, since it is in a session of its own."""
        return self.exit.interrupted

    @property
    def running(self) -> Optional[Running]:
        """What was running when it ended, as the journal tells."""
        return self.journaled.ended.running if self.journaled else None

    @property
    def nodeid(self) -> str:
        """The test that was running when it ended."""
        return self.running.nodeid if self.running else ""

    @property
    def fixture(self) -> Optional[Fixture]:
        """The shared fixture that was being set up or torn down when it ended."""
        return self.running.fixture if self.running else None

    @property
    def died(self) -> bool:
        """Whether a test, or what happened between two, ended the process, so that the rest can go on without it."""
        broke = self.kind in (o.EXIT, o.INTERNAL_ERROR, o.INTERRUPTED) and bool(self.nodeid)
        unserved = bool(self.exit.service)  # we stopped it, or it came to its end with tests that are due again
        return not self.interrupted and (broke or unserved or self.kind in (o.DIED_IN_TEST, o.DIED_BETWEEN_TESTS))


@dataclass(frozen=True)
class Outcome:
    """What became of a shard's tests in its rounds so far.

    Args:
        selected: the ids in the order of the first round, an id as often as tests share it; None where no
            round came so far.
        fates: one for each id, in that order; without attempts where it has not run.
        remaining: the ids that have yet to run.
        due: these, and those that have to run again with them, since they stay together: what the next round runs.
        errors: what went wrong outside tests.
        ended: one of the endings of `receipt`; empty as long as another round is due.
        ran_as: what tests were called where they ran (their parameters, if no more differs), of those whose ids change
            from run to run; by planned id.
    """

    history: Tuple[FinishedRound, ...]
    selected: Optional[Tuple[str, ...]] = None
    fates: Tuple[Fate, ...] = ()
    remaining: Tuple[str, ...] = ()
    due: Tuple[str, ...] = ()
    errors: Tuple[ExtraError, ...] = ()
    ended: str = ""
    ran_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def rounds(self) -> Tuple[Round, ...]:
        """What the rounds told."""
        return tuple(ran.journaled for ran in self.history if ran.journaled)

    @property
    def tests(self) -> Tuple[Selected, ...]:
        """The selected tests as the receipt lists them, by the ids that they have in the plan."""
        counts, remaining = Counter(self.selected or ()), set(self.remaining)
        return tuple(_selected(fate, counts[fate.nodeid], fate.nodeid in remaining, self.ran_as) for fate in self.fates)

    @property
    def answer(self) -> Mapping[str, Any]:
        """What the first selection said beside the tests."""
        return next((each.answer for each in self.rounds if each.answer), {})

    @property
    def as_plain(self) -> bool:
        """Whether what remains is only what was skipped where it saw a worker of pytest-xdist."""
        tried = {each.nodeid for told in self.rounds for each in told.attempts if each.message == AS_WORKER}
        return bool(self.remaining) and tried.issuperset(self.remaining)

    @property
    def collected_digest(self) -> str:
        """The digest of what the first round collected; empty where it did not come so far."""
        return next((each.digest for each in self.rounds), "")

    @property
    def collected_count(self) -> int:
        """How many tests the first round collected."""
        return next((each.collected or 0 for each in self.rounds), 0)

    @property
    def suite_s(self) -> float:
        """How long the processes ran."""
        return sum(ran.exit.seconds for ran in self.history)

    @property
    def exit_codes(self) -> Tuple[int, ...]:
        """Tell how each process ended that no person stopped; Ctrl-C may meet one whose tests have all run."""
        return tuple(ran.exit.returncode for ran in self.history if not ran.interrupted)


# What to do next ----------------------------------------------------------------------------------


def next_step(
    history: Sequence[FinishedRound],
    wishes: Sequence[Entry] = (),
    grows: bool = False,
    claimed: Sequence[str] = (),
) -> Outcome:
    """Decide what became of the tests, what remains, and whether that is the end.

    Args:
        history: all rounds so far, at least one.
        wishes: what pipeline.yml says of tests that stay together.
        grows: rounds may select tests that the first one did not, as those of a replay do.
        claimed: the planned ids of all that was claimed for this shard, an id as often as tests share it, also what
            no process heard of: it has to answer for these.
    """
    ran_as: Dict[str, str] = {}
    history = [_by_planned_ids(_without_worker_skips(_served(ran)), ran_as) for ran in history]
    rounds = [ran.journaled for ran in history if ran.journaled]
    told = [each.selected for each in rounds if each.selected is not None]
    first = _all_of(told) if told and grows else told[0] if told else None
    selected = tuple(claimed) if claimed else first
    broken = _broken(history)
    left = o.not_run(selected or (), rounds)
    booked = [replace(ran.journaled, attempts=_booked(ran)) for ran in history if ran.journaled]
    attempts = {fate.nodeid: fate.attempts for fate in o.fates(booked)}
    for nodeid in broken.keys() & set(left):
        error = Attempt(nodeid, len(history) - 1, o.ERROR, message=broken[nodeid])
        attempts[nodeid] = (*attempts.get(nodeid, ()), error)
    fates = tuple(Fate(nodeid, attempts.get(nodeid, ())) for nodeid in dict.fromkeys(selected or ()))
    remaining = tuple(nodeid for nodeid in left if nodeid not in broken)
    groups = [*_groups(rounds), *together.wished(wishes, selected or ())]
    due = _with_company(fates, remaining, [group.nodeids for group in groups])
    outcome = Outcome(tuple(history), selected, fates, remaining, due, ran_as=ran_as)
    outcome = replace(outcome, errors=tuple(dict.fromkeys(_errors(outcome))))
    return replace(outcome, ended=_ended(outcome))


def _all_of(selected: Sequence[Sequence[str]]) -> Tuple[str, ...]:
    """List what rounds selected, an id as often as tests share it in one of them."""
    counts: Counter[str] = Counter()
    for ids in selected:
        counts |= Counter(ids)
    return tuple(counts.elements())


def going_on(outcome: Outcome, later: Sequence[str]) -> Outcome:
    """Go on with the tests of the next process that was recorded, when those of a replay so far have ended."""
    return replace(outcome, ended="", due=tuple(later))


def _groups(rounds: Sequence[Round]) -> Iterator[Group]:
    """Name the tests that the suite wants together, as the first round heard it."""
    first = next((each for each in rounds if each.selected is not None), None)
    return together.heard(first.listed, first.groups) if first else iter(())


def _with_company(fates: Sequence[Fate], remaining: Sequence[str], groups: Sequence[Sequence[str]]) -> Tuple[str, ...]:
    """Add to what remains the tests that it stays together with: a step says nothing without those before it.

    What is red stays so, and does not run again: it may have ended the process.
    """
    wanted = set(joined(remaining, groups))
    left = set(remaining)
    return tuple(
        fate.nodeid for fate in fates if fate.nodeid in left or (fate.nodeid in wanted and fate.outcome not in o.RED)
    )


def without_service(outcome: Outcome, why: str) -> Outcome:
    """End a shard whose service could not be started again."""
    error = ExtraError(receipt.SERVICE, f"it could not be started again: {why}")
    return replace(outcome, ended=receipt.GAVE_UP, errors=(*outcome.errors, error))


def unanswered(outcome: Outcome, why: str) -> Outcome:
    """Note that the service did not answer after the last test: no test that was green proves that it did before."""
    error = ExtraError(receipt.SERVICE, f"{_first_line(why)}: after the last test")
    return replace(outcome, errors=(*outcome.errors, error))


def _served(ran: FinishedRound) -> FinishedRound:
    """Drop from a round what its tests did once the service had died."""
    if not ran.exit.service or not ran.journaled:
        return ran
    return replace(
        ran, journaled=service_death.left_out(ran.journaled, ran.exit.died_at, _first_line(ran.exit.service))
    )


def _without_worker_skips(ran: FinishedRound) -> FinishedRound:
    """Count as tried only what was skipped where it saw a worker of pytest-xdist: plain pytest has none."""
    if not ran.journaled or not ran.journaled.as_worker:
        return ran
    skipped = set(ran.journaled.as_worker)
    attempts = (
        replace(each, outcome=o.RERUN, message=AS_WORKER)
        if each.outcome == o.SKIPPED and each.nodeid in skipped
        else each
        for each in ran.journaled.attempts
    )
    return replace(ran, journaled=replace(ran.journaled, attempts=tuple(attempts)))


def _by_planned_ids(ran: FinishedRound, ran_as: Dict[str, str]) -> FinishedRound:
    """Call the tests of a round as the plan does, where their ids change from run to run, and note what they were."""
    names = ran.journaled.answer.get("names", {}) if ran.journaled else {}
    if not ran.journaled or not isinstance(names, dict) or not names:
        return ran
    ran_as.update((known, _other_part(nodeid, known)) for nodeid, known in names.items())
    journaled, running = ran.journaled, ran.journaled.ended.running
    if running:
        running = replace(running, nodeid=names.get(running.nodeid, running.nodeid))
    attempts = tuple(replace(each, nodeid=names.get(each.nodeid, each.nodeid)) for each in journaled.attempts)
    selected = tuple(names.get(nodeid, nodeid) for nodeid in journaled.selected or ())
    offered = journaled.offered and tuple(names.get(nodeid, nodeid) for nodeid in journaled.offered)
    ended = replace(journaled.ended, running=running)
    told = replace(journaled, attempts=attempts, selected=selected, offered=offered, ended=ended)
    return replace(ran, journaled=told)


def _other_part(nodeid: str, known: str) -> str:
    """Give what is another in an id: its parameters, where it is the same function.

    >>> _other_part("t.py::a[7f]", "t.py::a[2c]")
    '[7f]'
    """
    function = known.partition("[")[0]
    return nodeid[len(function) :] if nodeid.startswith(f"{function}[") else nodeid


def _ended(outcome: Outcome) -> str:
    """Decide how the shard ended, one of the endings of `receipt`; empty where another round is due."""
    last = outcome.history[-1]
    cut = outcome.selected is None or any(
        attempt.outcome == o.UNFINISHED for f in outcome.fates for attempt in f.attempts
    )
    more = bool(outcome.remaining) or last.cut_off
    if last.interrupted and (cut or more):
        return receipt.INTERRUPTED
    if outcome.selected is None and last.exit.service and last.exit.shared and not _too_many(outcome.history):
        return ""  # a test of another shard ended what this one had no test for yet
    if not more:
        return receipt.STOPPED if last.kind == o.EXIT and outcome.selected is None else receipt.FINISHED
    failures = sum(fate.outcome in (o.FAILED, o.ERROR) for fate in outcome.fates)
    most_failures = outcome.rounds[-1].maxfail if outcome.rounds else 0  # pytest itself counts anew in each round
    if last.kind == o.STOPPED or (last.kind == o.EXIT and not last.nodeid) or 0 < most_failures <= failures:
        return receipt.STOPPED
    goes_on = last.died or (outcome.as_plain and last.kind == o.FINISHED)
    return "" if goes_on and not _too_many(outcome.history) else receipt.GAVE_UP


def _too_many(history: Sequence[FinishedRound]) -> Optional[ExtraError]:
    """Name the deaths that were too many for another round; None where they were not."""
    if sum(bool(ran.exit.service) for ran in history) >= MOST_DEATHS:
        return ExtraError(receipt.SERVICE, f"it died {MOST_DEATHS} times, and is not started again")
    if _deaths_in_a_row(history) >= MOST_DEATHS:
        return ExtraError("pytest", f"it died {MOST_DEATHS} times without a finished test, and is not started again")
    return None


def _deaths_in_a_row(history: Sequence[FinishedRound]) -> int:
    """Count how often the process died since a test came to its end."""
    deaths = 0
    for ran in history:
        attempts = ran.journaled.attempts if ran.journaled else ()
        if any(attempt.outcome not in (o.UNFINISHED, o.RERUN) for attempt in attempts):
            deaths = 0
        deaths += ran.died
    return deaths


def _broken(history: Sequence[FinishedRound]) -> Dict[str, str]:
    """Find the tests that need a shared fixture in which the process died twice, and the message that names it."""
    deaths: Dict[Fixture, List[FinishedRound]] = {}
    for ran in history:
        if ran.died and ran.fixture:
            deaths.setdefault(ran.fixture, []).append(ran)
    return {
        nodeid: _blame(rounds[-1])
        for fixture, rounds in deaths.items()
        if len(rounds) >= FIXTURE_DEATHS
        for ran in rounds
        if ran.journaled
        for nodeid in o.needing(fixture, ran.journaled)
    }


def _booked(ran: FinishedRound) -> Tuple[Attempt, ...]:
    """Close the attempts of a round that have no end, by what ended them."""
    attempts = ran.journaled.attempts if ran.journaled else ()
    return tuple(_closed(each, ran) if each.outcome == o.UNFINISHED else each for each in attempts)


def _closed(attempt: Attempt, ran: FinishedRound) -> Attempt:
    if attempt.nodeid != ran.nodeid:
        return replace(attempt, outcome=o.ERROR, message="began, and pytest did not say how it ended")
    if ran.interrupted or ran.kind == o.STOPPED:
        return replace(attempt, message="was running when the run was stopped")
    # What it took is known from the clock alone; its own time, which teaches, is not.
    began = (ran.journaled.started if ran.journaled else 0.0) + attempt.at_s + attempt.setup_s
    # A service that died ended it, however long pytest then took to end.
    ended_at = min(filter(None, (ran.exit.died_at, ran.exit.ended_at)), default=0.0)
    call_s = max(attempt.call_s, round(ended_at - began, 6))
    return replace(attempt, outcome=o.ERROR if ran.fixture else o.FAILED, message=_blame(ran), call_s=call_s)


def _blame(ran: FinishedRound) -> str:
    """Say what a test, or the fixture that it needs, did to the process."""
    if ran.exit.service:
        return f"{'ran when ' if ran.exit.shared else ''}{_first_line(ran.exit.service)}"
    if ran.fixture:
        return f"{_named(ran.fixture)} {_deed(ran)}"
    return f"{_deed(ran)} in its {ran.running.phase}" if ran.running else _deed(ran)


def _first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def _memory(death: str) -> str:
    """Take what a death says of memory, below its first line."""
    return next((f"; {line}" for line in death.splitlines()[1:] if line.startswith("memory: ")), "")


def _named(fixture: Fixture) -> str:
    return f"the {fixture.scope} fixture {fixture.name}" + (f" ({fixture.base})" if fixture.base else "")


def _deed(ran: FinishedRound) -> str:
    reason = ran.journaled.ended.reason if ran.journaled else ""
    if ran.exit.service:
        return f"ran when {_first_line(ran.exit.service)}"
    if ran.exit.hung_s:
        return f"hung for {human_seconds(ran.exit.hung_s)}"
    if ran.kind == o.EXIT:
        return f"called pytest.exit ({reason})"
    if ran.kind == o.INTERRUPTED:
        return "raised KeyboardInterrupt"
    if ran.kind == o.INTERNAL_ERROR:
        return f"brought pytest to an internal error ({reason})"
    return f"ended the process with {exit_words(ran.exit.returncode)}"


def _errors(outcome: Outcome) -> Iterator[ExtraError]:
    """List what went wrong outside tests, over all rounds."""
    chosen = Counter(outcome.selected or ())
    for ran in outcome.history:
        for broken in ran.journaled.collection_errors if ran.journaled else ():
            yield ExtraError(broken.nodeid, broken.message)
        if ran.journaled and ran.journaled.missing_lines:
            lines = counted(ran.journaled.missing_lines, "line")
            yield ExtraError("journal", f"{lines} of round {ran.journaled.number} are missing: what they said is lost")
        yield from _beyond(ran, chosen)
        if not ran.interrupted:
            yield from _errors_of(ran)
    last, too_many = outcome.history[-1], _too_many(outcome.history)
    if too_many and outcome.remaining:
        yield too_many
    ending = f"ended with {exit_words(last.exit.returncode)}"
    if last.kind == o.FINISHED and outcome.remaining and not last.exit.service and not outcome.as_plain:
        lost = counted(len(outcome.remaining), "test")
        yield ExtraError("pytest", f"{ending} without running {lost} of this shard (do ids change from run to run?)")
    elif last.kind == o.FINISHED and last.cut_off and not last.interrupted and not last.exit.service:
        yield ExtraError("pytest", f"{ending} without asking for more tests: does another plugin run them?")
    elif last.kind == o.STOPPED and (outcome.remaining or last.cut_off) and not _has_failed(outcome):
        yield from _stopped_without_failure(last)
    elif last.kind == o.FINISHED and outcome.selected is None and last.exit.returncode == 0:
        yield ExtraError("pytest", f"{ending} without selecting tests")
    elif outcome.selected is not None and not outcome.remaining and not last.cut_off and not _has_red(outcome):
        yield from _stopped_at_the_end(last)


def _has_red(outcome: Outcome) -> bool:
    return any(fate.outcome in o.RED for fate in outcome.fates)


def _has_failed(outcome: Outcome) -> bool:
    return any(fate.outcome in (o.FAILED, o.ERROR) for fate in outcome.fates)


def _stopped_without_failure(last: FinishedRound) -> Iterator[ExtraError]:
    """Say what stopped a shard that has no failure: a test, a plugin or we ourselves did, and not -x."""
    reason = last.journaled.ended.reason if last.journaled else ""
    if not reason.startswith(FAIL_FAST):  # that is the failure of another
        yield ExtraError("pytest", f"stopped before all its tests had run: {reason}")


def _beyond(ran: FinishedRound, chosen: Mapping[str, int]) -> Iterator[ExtraError]:
    """List what a round reported beyond its tests, each once: failures that are of none of them, and repeats."""
    ended = [attempt for attempt in _booked(ran) if attempt.outcome != o.RERUN]
    for attempt in ended:
        if attempt.nodeid not in chosen and attempt.outcome in o.RED:
            yield ExtraError(
                attempt.nodeid, f"{attempt.outcome}, and is none of the tests that were to run: {attempt.message}"
            )
    for nodeid, count in Counter(attempt.nodeid for attempt in ended).items():
        if 0 < chosen.get(nodeid, 0) < count:
            yield ExtraError(nodeid, f"ran {count} times in one process: a plugin or hook repeats it without saying so")


def _stopped_at_the_end(last: FinishedRound) -> Iterator[ExtraError]:
    """Tell of a pytest that ran all tests and then did not come to its own end: what it had to say yet is not known."""
    status = last.journaled.status if last.journaled else None
    if last.kind == o.STOPPED:
        reason = last.journaled.ended.reason if last.journaled else ""
        yield ExtraError("pytest", f"stopped after the last test: {reason}")
    elif last.interrupted and (last.kind != o.FINISHED or last.exit.returncode != status):
        yield ExtraError("after the last test", "pytest was stopped before it had ended")


def _errors_of(ran: FinishedRound) -> Iterator[ExtraError]:
    """List what went wrong in a round outside tests, but for collection errors."""
    if ran.exit.service:
        selected = ran.journaled is not None and ran.journaled.selected is not None
        between = UNNAMED if selected else "before the first test"
        when = f"{receipt.shown(ran.nodeid)} {_when(ran)}" if ran.nodeid else between
        yield ExtraError(receipt.SERVICE, f"{_first_line(ran.exit.service)}: {when}{_memory(ran.exit.service)}")
        return
    if ran.kind == o.FINISHED:
        yield from _unexplained(ran)
        return
    reason = ran.journaled.ended.reason if ran.journaled else plugin_loader.UNHEARD
    more = f": {reason}" if reason else ""
    culprit = _named(ran.fixture) if ran.fixture else "something"
    error_of = {
        o.NO_SELECTION: ("selection", reason),
        o.DIED_IN_SELECTION: ("selection", f"something {_deed(ran)}"),
        o.ENDED_BEFORE_COLLECTION: ("pytest", f"{_ending(ran)} before it collected a test, see its own lines{more}"),
        o.DIED_IN_COLLECTION: ("collection", f"something {_deed(ran)}{more}"),
        o.DIED_BETWEEN_TESTS: ("between two tests", f"{culprit} {_deed(ran)}"),
        o.DIED_AFTER_LAST: ("after the last test", f"{culprit} {_deed(ran)}"),
    }
    if ran.kind in (o.EXIT, o.INTERNAL_ERROR, o.INTERRUPTED) and not ran.nodeid:
        yield ExtraError("pytest", f"{culprit} {_deed(ran)}")
    if ran.kind in error_of:
        yield ExtraError(*error_of[ran.kind])


def _when(ran: FinishedRound) -> str:
    """Say what the test in which the service died did then."""
    if ran.running and ran.running.phase:
        return "was running"
    passed = any(each.nodeid == ran.nodeid and each.outcome not in o.RED for each in _booked(ran))
    return f"had {'ended' if passed else 'failed'} a moment before"


def _ending(ran: FinishedRound) -> str:
    return _deed(ran) if ran.exit.hung_s else f"ended with {exit_words(ran.exit.returncode)}"


def _unexplained(ran: FinishedRound) -> Iterator[ExtraError]:
    """List what the exit status says of a round that came to its end, and no test explains."""
    status = ran.journaled.status if ran.journaled else None
    if ran.exit.hung_s or ran.exit.returncode != status:
        yield ExtraError("after the last test", f"something {_deed(ran)}")
        return
    explained = [attempt for attempt in _booked(ran) if attempt.outcome in (o.FAILED, o.ERROR)]
    if status == 1 and not explained and not (ran.journaled and ran.journaled.collection_errors):
        yield ExtraError("pytest", "ended with exit code 1, and no test failed: a plugin's verdict, see its own lines")
    elif status not in (0, 1, 5):
        yield ExtraError("pytest", f"ended with {exit_words(status)}, see its own lines")


# What is written ----------------------------------------------------------------------------------


def _selected(fate: Fate, count: int, remains: bool, ran_as: Mapping[str, str]) -> Selected:
    outcome = o.NOT_RUN if fate.outcome == o.UNFINISHED else fate.outcome
    if remains and outcome not in o.RED:  # of several tests that share the id, some ran
        outcome = o.NOT_RUN
    return Selected(fate.nodeid, outcome, fate.attempts, count, ran_as.get(fate.nodeid, ""))


def texts_of(outcome: Outcome) -> Dict[str, str]:
    """Gather the tracebacks of each test, over all its attempts."""
    return {fate.nodeid: "\n\n".join(each.text for each in fate.attempts if each.text) for fate in outcome.fates}


def progress(outcome: Outcome) -> str:
    """Say what ended the last round, and what the next one runs."""
    last = outcome.history[-1]
    if outcome.as_plain and last.kind == o.FINISHED:
        return f"\nround {len(outcome.history)}: {counted(len(outcome.due), 'test')} to run again: {AS_WORKER}\n"
    why = f"{receipt.shown(last.nodeid)}: {_blame(last)}" if last.nodeid else f"something {_deed(last)}"
    number, rest = len(outcome.history), "all tests" if outcome.selected is None else counted(len(outcome.due), "test")
    more = ", and what else is free" if last.cut_off else ""
    return f"\nround {number - 1}: {why}\nround {number}: {rest} to run{more}\n"
