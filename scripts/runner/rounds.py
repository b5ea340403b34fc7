"""Run the tests of one shard in rounds, one pytest process each, until none remains, and book what ended them.

`pytest_process` starts each; `decisions` decides after it, from what the journal tells and how the process ended.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import console
from ..ci import Node
from ..console import counted
from ..errors import PipelineError
from ..evidence import cleaning
from ..evidence.redaction.redactor import Redactor
from ..planning import together
from ..proof import journal, junit, receipt
from ..settings import Settings
from ..system.signals import let_through
from . import channel, coverage, decisions, places, plugin_loader, pytest_process, selection
from .answers import answers
from .claims import Claims
from .decisions import Exit, FinishedRound, Outcome
from .plugin_loader import Order
from .pytest_arguments import may_be_paths
from .pytest_process import Heartbeat, Limits, Say, StopConditions, Supervision, paths_of, pytest_words
from .selection import Selection
from .service_session import ServiceSession

JOURNAL, JUNIT = receipt.BESIDE
EARLY = "the suite asked the service while it was collected: take `asks_while_collected: false` out of pipeline.yml"


@dataclass(frozen=True)
class ShardRun:
    """One shard that is to run: of which project, which of how many, where what it does is kept, and what it runs.

    Args:
        output: the file that what pytest prints is appended to; None for our own output.
        ordered: run the ids of the selection in the order in which it names them.
        later: the ids of further processes, each of which begins when the tests of the one before have ended.
        notes_touches, meeting: see `plugin_loader.Order`; the first round meets others.
        by: takes secrets out of what is written.
        claims: what this shard claims, where tests are shared out while they run; None where the plan alone says.
        unshared: why the plan alone says, though a store is named.
    """

    settings: Settings
    node: Node
    folder: Path
    selection: Selection
    arguments: Sequence[str] = ()
    output: Optional[Path] = None
    ordered: bool = False
    later: Sequence[Sequence[str]] = ()
    notes_touches: bool = False
    meeting: Mapping[str, Any] = field(default_factory=dict)
    by: Redactor = field(default_factory=Redactor)
    claims: Optional[Claims] = None
    unshared: str = ""

    @property
    def claimed(self) -> Dict[str, Any]:
        """What was claimed, and where, or why not: fields of the shard's receipt; none where no store is named."""
        if not (self.claims and self.claims.is_on):
            why = self.claims.unshared if self.claims else self.unshared
            return {"store_gone": why} if why else {}
        return {"store": self.claims.where, "store_gone": self.claims.gone, "pieces": self.claims.pieces}

    @property
    def is_partial(self) -> bool:
        """Whether others run the rest, so that what is written for a whole run is not this one's."""
        return self.node.total > 1 or self.selection.ids is not None


def run(
    shard: ShardRun,
    session: ServiceSession,
    supervision: Supervision,
    signalled: Callable[[], bool],
    say: Say = console.say,
) -> Outcome:
    """Run the selected tests to their end, in as many rounds as it takes.

    To be called while signals are held back (`with held_back() as signalled`), so that the caller can write the
    receipt of an interrupted shard before the signal is raised.

    Args:
        shard: its folder, which is empty, gets the journal and, after each round, junit.xml.
        session: the service that the tests need, which is started again where it dies, and their environment.
        signalled: whether somebody wants us to end; pytest then gets Ctrl-C and says where it was.

    Raises:
        SuiteError: pytest cannot be started, or the journal is not what the plugin writes.
        PipelineError: a service that was to come up while pytest collected did not.
    """
    settings = shard.settings
    limits = pytest_process.limits_for(shard.arguments, settings.suite.test_timeout_s)
    watching = shard.claims.watching(signalled) if shard.claims else signalled
    stop = StopConditions(watching, session.death, session.death_ago_s)
    words = pytest_words(settings, session.suite, shard.arguments)
    pytests = _Pytests(shard, session, words, limits, stop, supervision, say)
    selection.write(shard.folder, shard.selection)
    chosen, ended = shard.selection, _Ended(shard)
    due: Tuple[str, ...] = ()
    as_worker, later = True, list(shard.later)
    clean = lru_cache(maxsize=None)(shard.by.text)  # each round tells what those before it told, too
    while True:
        if shard.claims:
            tail = journal.Tail(shard.folder / JOURNAL, shard.selection.start)
            shard.claims.begin(due, tail, lambda: not session.death())
        exit = pytests.run_one(ended.count, chosen, as_worker)
        outcome = ended.outcome(exit, say)
        if shard.claims:
            shard.claims.note(outcome.fates, bool(outcome.ended))
        is_border = outcome.ended == receipt.FINISHED and bool(later) and not exit.interrupted
        if is_border:
            outcome = decisions.going_on(outcome, later.pop(0))
        if not outcome.ended and exit.service:
            outcome = _with_new_service(settings, session, outcome, say)
        elif outcome.ended == receipt.FINISHED and outcome.selected and not (exit.service or exit.interrupted):
            outcome = _closed(session, outcome, say)
        told = _without_secrets(outcome, clean)
        _write_junit(shard, told, say)
        if outcome.ended:
            return told
        say(f"\nround {ended.count}: as it was recorded\n" if is_border else decisions.progress(outcome))
        as_worker, due = not outcome.as_plain, outcome.due
        if not (shard.claims and shard.claims.is_on) and outcome.selected is not None:
            chosen = selection.remaining(shard.folder, shard.selection, outcome.due)


class _Ended:
    """The rounds of a shard that are over."""

    def __init__(self, shard: ShardRun) -> None:
        self._shard = shard
        self._exits: List[Exit] = []
        self._cut_off: List[bool] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._exits)

    def outcome(self, exit: Exit, say: Say) -> Outcome:
        """Add the one that has just ended, and decide from what all told."""
        shard, claims = self._shard, self._shard.claims
        self._exits.append(exit)
        self._cut_off.append(bool(claims and claims.is_cut_off))
        history = _history(shard.folder / JOURNAL, shard.selection.start, self._exits, say)
        history = [replace(ran, cut_off=cut_off) for ran, cut_off in zip(history, self._cut_off)]
        wishes, claimed = shard.settings.suite.together, claims.nodeids if claims else ()
        return decisions.next_step(history, wishes, grows=bool(shard.later), claimed=claimed)


class _Pytests(NamedTuple):
    """What the pytest processes of a shard have in common: `words` start them, `limits` and `stop` end them."""

    shard: ShardRun
    session: ServiceSession
    words: Sequence[str]
    limits: Limits
    stop: StopConditions
    supervision: Supervision
    say: Say

    def run_one(self, number: int, chosen: Selection, as_worker: bool) -> Exit:
        """Run the pytest of a round to its end, and say how it ended.

        Args:
            number: of the round, from 0.
            chosen: names the tests.
            as_worker: whether it looks to its tests like a worker of pytest-xdist.
        """
        answer, over = answers(chosen, self.shard.ordered, self.shard.claims), threading.Event()

        def once_served(question: Mapping[str, Any]) -> Mapping[str, Any]:
            if question.get("early"):
                return {"error": EARLY}
            self.session.wait(lambda: not over.is_set())
            return {"error": "pytest has ended"} if over.is_set() else answer(question)

        with channel.listening(once_served) as ask:
            try:
                return self._run_one(number, ask, as_worker)
            finally:
                over.set()

    def _run_one(self, number: int, ask: Path, as_worker: bool) -> Exit:
        shard, session = self.shard, self.session
        own = places.variables(os.environ, shard.node, shard.selection.start, number, as_worker)
        order = _order(shard, number, ask, session.rises_at)
        environ = plugin_loader.variables({**session.variables(), **own}, shard.settings.state / "plugin", order)
        data = coverage.file_of(shard.folder, number, "run").resolve()
        command, environ = coverage.measuring_into(self.words, environ, data)
        tail = journal.Tail(shard.folder / JOURNAL, shard.selection.start)
        tail.latest()  # the last line of the round before may say that a test runs: this one has only begun to start up
        place, beat = shard.settings.suite_directory, Heartbeat(tail)
        exit = pytest_process.run(
            command, place, environ, beat, self.limits, self.stop, self.supervision, self.say, shard.output
        )
        session.check()  # a service that came up meanwhile, or did not
        if exit.hung_s and not exit.service:  # perhaps since the service does
            exit = replace(exit, service=session.silence())
        if exit.service:
            self.say(f"\n{console.visible(exit.service)}")
        return replace(exit, shared=bool(exit.service) and session.lost_shared)


def _order(shard: ShardRun, number: int, ask: Path, rises: str) -> Order:
    return Order(
        journal=shard.folder / JOURNAL,
        start=shard.selection.start,
        number=number,
        paths=paths_of(shard.settings),
        ask=ask,
        apart=shard.folder / places.OWN_REPORTS / str(number) if shard.is_partial else None,
        place=places.name_of(shard.node),
        named=may_be_paths(shard.arguments),
        marks=together.marks_of(shard.settings.suite.together),
        coverage=coverage.file_of(shard.folder, number),
        notes_touches=shard.notes_touches,
        rises=rises,
        meeting={} if number else shard.meeting,
    )


def _history(record: Path, start: str, ended: Sequence[Exit], say: Say) -> List[FinishedRound]:
    """Lay beside each process's end what it told."""
    rounds, strangers = journal.read(record, start)
    if strangers:
        say(f"\n{counted(strangers, 'line')} in {record} are of another pytest, and do not count")
    by_number = {round.number: round for round in rounds}
    return [FinishedRound(exit, by_number.get(index)) for index, exit in enumerate(ended)]


def _without_secrets(outcome: Outcome, clean: Callable[[str], str]) -> Outcome:
    fates, errors = cleaning.cleaned_fates(outcome.fates, clean), cleaning.cleaned_errors(outcome.errors, clean)
    return replace(outcome, fates=fates, errors=errors)


def _write_junit(shard: ShardRun, outcome: Outcome, say: Say) -> None:
    folder = repository_folder(outcome, shard.settings)
    results = junit.of_tests(outcome.tests, decisions.texts_of(outcome), folder)
    file = shard.folder / JUNIT
    try:
        junit.write(file, [*results, *junit.of_errors(outcome.errors, str(shard.node))])
    except OSError as error:  # a full disk costs the report, not what the journal proves
        say(f"not kept: {shard.settings.shown(file)}: {error.strerror}")


def _with_new_service(settings: Settings, session: ServiceSession, outcome: Outcome, say: Say) -> Outcome:
    """Start the service again; where that fails, or somebody does not want to wait for it, this is the shard's end."""
    try:
        with let_through():
            session.start()
    except PipelineError as error:
        say(f"\n{error.shown(settings.command)}")
        return decisions.without_service(outcome, error.message)
    except (KeyboardInterrupt, SystemExit):
        return replace(outcome, ended=receipt.INTERRUPTED)
    return outcome


def _closed(session: ServiceSession, outcome: Outcome, say: Say) -> Outcome:
    """Note, of a shard whose tests have all run, that its service answers no more: since when, nobody knows."""
    try:
        with let_through():
            silence = session.closing()
    except (KeyboardInterrupt, SystemExit):  # no repair settles that: all tests have run
        why = "the service had not answered when the run was stopped"
        return decisions.unanswered(replace(outcome, ended=receipt.INTERRUPTED), why)
    if not silence:
        return outcome
    say(f"\n{console.visible(silence)}")
    return decisions.unanswered(outcome, silence)


def repository_folder(outcome: Outcome, settings: Settings) -> str:
    """Name the folder that ids are relative to, from the repository's: reports name files as that does.

    Empty where it is the repository's own, or lies outside of it.
    """
    root = next((each.rootdir for each in outcome.rounds if each.rootdir), str(settings.project))
    with suppress(ValueError):
        return "/".join(Path(root).resolve().relative_to(repository_of(settings.project)).parts)
    return ""


def repository_of(project: Path) -> Path:
    """Find the repository that a project lies in: the nearest folder with a `.git`, else the project's own."""
    project = project.resolve()
    return next((folder for folder in (project, *project.parents) if (folder / ".git").exists()), project)
