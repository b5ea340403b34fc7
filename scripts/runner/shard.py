"""Run one shard: what it needs around it, its tests in rounds, and its result."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence

from .. import ci
from ..ci import Node
from ..console import say, without_values
from ..distribution import opening
from ..errors import SERVICE_ERRORS, IncompleteError, PipelineError
from ..evidence import cleaning
from ..planning import history, timings
from ..planning import plan as planning
from ..planning.plan import Plan
from ..planning.timings import FixtureCost
from ..proof import journal, outcome_history, receipt, report_text
from ..proof.outcomes import NOT_RUN, Round, needing
from ..proof.receipt import Receipt, SetUpCosts, SourceState
from ..service.monitor import Monitor
from ..settings import Settings
from ..system import memory, programs, records
from ..system.machine import machine_class
from ..system.signals import held_back
from . import (
    collection,
    coverage,
    hygiene,
    outputs,
    ownership,
    preparation,
    pytest_arguments,
    pytest_process,
    rounds,
    selection,
    subset,
)
from .claims import Late
from .claims import of_run as claims_of_run
from .decisions import Outcome
from .preparation import Environments
from .pytest_process import Supervision
from .rounds import ShardRun
from .selection import Selection
from .service_session import ServiceSession, starts_service
from .watchdog import watchdog
from .watching import MONITORED, RunningTest, judged

GIT_ANSWERS_IN_S = 4.0


class Repair(NamedTuple):
    """What the result of a repair says: which verdict it completes, and what was collected for it."""

    repairs: str
    collected_digest: str


def check(settings: Settings, arguments: Sequence[str]) -> None:
    """Refuse settings, files and paths that cannot be used, before anything of the last run is taken away.

    Raises:
        SettingsError, SuiteError: it says which, and what was expected.
    """
    _, rest = subset.take(settings, arguments)
    pyargs = pytest_process.takes_modules(settings, rest)
    pytest_arguments.check_paths(rest, settings.suite_directory, pyargs)
    settings.check_suite_path(pytest_arguments.is_dotted if pyargs else lambda path: False)
    settings.check_warm_up_files()


def check_run(settings: Settings, arguments: Sequence[str]) -> None:
    """Refuse what `check` does, and weights that nobody can fetch yet where they are wanted.

    Raises:
        SettingsError, SuiteError: it says which, and what was expected.
    """
    check(settings, arguments)
    if preparation.wants_weights(settings, starts_service(settings)):
        settings.check_weights()


def execute(
    settings: Settings, node: Node, arguments: Sequence[str], checked: bool = False, fail_fast: bool = False
) -> Receipt:
    """Run the tests of one shard; its result, which is written too.

    Args:
        checked: the suite has been collected with these arguments.
        fail_fast: stop also the other shards at the first red test, where tests are shared out while they run.

    Raises:
        PipelineError: a step could not do its work.
    """
    wanted, rest = subset.take(settings, arguments)
    by = hygiene.redactor(settings, arguments)
    chosen = Selection(
        start=ownership.start(os.environ),
        index=node.index,
        total=node.total,
        plan=str(settings.reports / planning.FILE_NAME),
        history=str(history.file_of(settings)),
        outcomes=str(outcome_history.file_of(settings)),
        machine=machine_class(),
        part=str(wanted.file) if wanted else "",
        strict=bool(wanted and wanted.strict),
        together=settings.suite.together,
        arguments=cleaning.stored_words(arguments, by.text),
        distributed=bool(opening.named(settings.distribution, os.environ)),
    )
    plan = selection.handed_out(chosen)
    claims, unshared = claims_of_run(settings, node, plan, fail_fast)
    late, needed = claims.late if claims else None, settings
    if not late:
        needed = _as_needed(settings, chosen, plan, arguments, checked or pytest_arguments.are_known(rest))
        late = Late("the plan has no test for it", receipt.FINISHED) if needed is not settings else None
    run = ShardRun(needed, node, fresh(folder_of(settings, node)), chosen, rest, by=by, unshared=unshared)
    if claims and late and (plan or late is claims.late):  # what its own plan says is not what all agreed on
        return _left_out(run, plan, claims.where, late)
    # Who has no service since the plan has nothing for it must not claim what others have.
    return run_noted(run if late else replace(run, claims=claims))


def _left_out(shard: ShardRun, plan: Optional[Plan], store: str, late: Late) -> Receipt:
    """Leave the result of a shard for which there is nothing to do: that takes no service, and no pytest.

    Args:
        plan: the one that was handed out, if there is one.
    """
    say(f"nothing to do: {receipt.shown(late.why)}")
    result = replace(
        result_of(shard, Outcome((), ended=late.ended)),
        plan_id=plan.id if plan else "",
        timings_digest=plan.timings if plan else "",
        store=store,
        arguments=shard.selection.arguments,
    )
    keep(shard, result)
    return result


def run_noted(shard: ShardRun) -> Receipt:
    """Run the tests that a selection names; a shard whose service does not start leaves a result that says so.

    Raises:
        PipelineError: a step could not do its work.
    """
    # Once the services have ended, which wrote there.
    with hygiene.at_end(lambda: hygiene.of_folder(shard.settings, shard.folder, shard.by)):
        try:
            return run_chosen(shard)
        except SERVICE_ERRORS as error:
            _note_unserved(shard, error)
            raise


def _note_unserved(shard: ShardRun, error: PipelineError) -> None:
    """Leave a result that says why the service did not start, unless the tests have left one that says more."""
    if (shard.folder / receipt.FILE_NAME).exists():
        return
    why = receipt.ExtraError(receipt.SERVICE, f"{error.ended}: {shard.by.text(why_unserved(error.message))}")
    unserved = result_of(shard, Outcome((), errors=(why,), ended=receipt.GAVE_UP))
    with suppress(PipelineError):  # it is raised anyway
        keep(shard, replace(unserved, arguments=shard.selection.arguments))


def why_unserved(message: str) -> str:
    """Say in one line why a service did not start: how it ended, and the last line written then, mostly the cause.

    What a command of the warm-up printed stands before the log, and is the nearer cause.

    >>> why_unserved("it ended after 2 s\\nlast lines of a.log:\\n  | Traceback:\\n  | OSError: no disk")
    'it ended after 2 s; its last line: OSError: no disk'
    >>> why_unserved("make ended with 1\\n  | it printed last:\\n  | no disk\\nlast lines of a.log:\\n  | serving")
    'make ended with 1; its last line: no disk'
    >>> why_unserved("it ended after 2 s\\nlast lines of a.log:\\n  | (it wrote nothing)")
    'it ended after 2 s; it wrote nothing'
    """
    first, *rest = message.splitlines()
    blocks = [list(lines) for shown, lines in groupby(rest, lambda line: line.startswith("  | ")) if shown]
    last = [words for words in (block[-1][4:].strip() for block in blocks) if not words.startswith("(it ")]
    if last:
        return f"{first}; its last line: {last[0]}"
    return f"{first}; it wrote nothing" if blocks else first


def _as_needed(
    settings: Settings, chosen: Selection, plan: Optional[Plan], arguments: Sequence[str], known: bool
) -> Settings:
    """Return the settings of a shard, without a service where it has no test to start one for.

    The suite is collected first where that finds a mistake before anything is taken away, or may spare the service.

    Args:
        plan: the one that was handed out, if there is one.
        known: pytest is known to take the arguments.

    Raises:
        PipelineError: the suite cannot be collected with these arguments.
    """
    spares = starts_service(settings) and selection.may_be_empty(chosen, plan)
    if not spares and (known or selection.is_planned(chosen, plan)):
        return settings
    if preparation.wants_weights(settings, starts_service(settings)):
        preparation.fetch_weights(settings)  # a suite may look at them while it is collected
    environment = preparation.install(settings, with_service=False).suite
    collected = collection.collect(settings, environment, arguments)
    is_empty = not selection.answer(chosen, collected.nodeids, collected.groups)["select"]
    return replace(settings, service=None, services={}) if spares and is_empty else settings


def run_chosen(shard: ShardRun, repair: Optional[Repair] = None) -> Receipt:
    """Run the tests that a selection names, with all they need around them; their result, which is written too.

    Args:
        repair: where the result is not that of a shard.

    Raises:
        PipelineError: a step could not do its work.
    """
    settings = shard.settings
    seconds: Dict[str, float] = {}
    before = outputs.seen(settings, shard.node)
    records.sweep(settings.state)
    environments = preparation.prepare(settings, starts_service(settings), seconds)
    environments.tell()
    seen = Monitor(
        shard.folder / MONITORED, RunningTest(journal.Tail(shard.folder / rounds.JOURNAL, shard.selection.start))
    )
    with memory.peak() as peak, watchdog() as dog, seen, ServiceSession(
        settings, environments, shard.folder, dog, index=shard.node.index, monitor=seen, beside=True
    ) as session, held_back() as signalled:  # also an interrupted shard leaves its result
        outcome = rounds.run(shard, session, Supervision(settings.state, dog), signalled)
        seconds.update(session.took, tests=outcome.suite_s)
        took = judged(settings, seen, outcome.rounds, shard.folder)
        session.stop_measured()
        result = replace(result_of(shard, outcome), seconds=seconds, peak_bytes=peak.bytes)
        result = replace(result, **took, sources=_tested(environments))
        result = replace(result, arguments=shard.selection.arguments, **(repair._asdict() if repair else {}))
        keep(shard, result)
        if shard.claims:
            shard.claims.close(left_to_others(result))
        if shard.is_partial:
            outputs.keep(settings, shard.node, before, shard.folder, say)
        return result


def left_to_others(result: Receipt) -> List[str]:
    """List the tests that a shard has claimed and not run, and that others may run with all of their pieces.

    None where it stopped at a failure, as a person wants: each of the others would run into the same one.
    """
    if result.ended == receipt.STOPPED:
        return []
    return [test.nodeid for test in result.tests if test.proven == NOT_RUN]


def _tested(environments: Environments) -> Dict[str, SourceState]:
    return {name: SourceState(*each.state[1:]) for name, each in environments.sources.items()}


def keep(shard: ShardRun, result: Receipt) -> None:
    """Write the result of a shard, with the digests of what is clean beside it.

    Raises:
        IncompleteError: it cannot be written; it tells what it would have said.
    """
    hygiene.before_result(shard.folder, shard.by)
    try:
        receipt.write(shard.folder / receipt.FILE_NAME, result)
    except PipelineError as error:
        message = f"{error.message}; it would have said: {report_text.summary(result)}"
        raise IncompleteError(message, "Is there space, and the right to write?") from error


def folder_of(settings: Settings, node: Node) -> Path:
    """Name the folder in which a shard leaves what it did."""
    return settings.reports / f"shard-{node.index}"


def interpreter(settings: Settings, result: Receipt) -> str:
    """Name the Python on which the tests of a shard ran, on this machine."""
    folder = folder_of(settings, Node(result.index, result.total))
    return journal.interpreter(folder / rounds.JOURNAL, result.start) or sys.executable


def fresh(folder: Path) -> Path:
    """Empty and return the folder: what an earlier run left must not be taken for this one's.

    Raises:
        PipelineError: it cannot be emptied, or made.
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise PipelineError(f"cannot make {folder}: {error.strerror}", "Is there the right to write?") from error
    return folder


def result_of(shard: ShardRun, outcome: Outcome) -> Receipt:
    """Put together what the rounds of a shard come to, from the journal alone."""
    first = next(iter(outcome.rounds), None)
    shared = outcome.answer.get("shared") or {}
    return Receipt(
        run_id=ci.run_id(os.environ),
        plan_id=str(outcome.answer.get("plan", "")),
        index=shard.node.index,
        total=shard.node.total,
        collected_digest=str(shared.get("digest", "")) or outcome.collected_digest,
        collected_count=int(shared.get("count", outcome.collected_count)),
        timings_digest=str(outcome.answer.get("timings", "")),
        tests=outcome.tests,
        errors=outcome.errors,
        ended=outcome.ended,
        python=platform.python_version(),
        suite_python=first.python if first else "",
        machine=machine_class(),
        job=ci.job(os.environ),
        start=shard.selection.start,
        forms_digest=str(shared.get("forms", "")),
        files_digest=next((told.files for told in outcome.rounds if told.files), ""),
        commit=commit_of(shard.settings.project, os.environ),
        addopts=receipt.digest_of_words(added(os.environ)),
        exit_codes=outcome.exit_codes,
        began_s=first.started if first else 0.0,
        set_up=set_up_of(outcome.rounds),
        folder=_folder_of_ids(shard.settings, first),
        cache=next((told.cache for told in outcome.rounds if told.cache), ""),
        **shard.claimed,
        coverage=coverage.measured(
            shard.settings,
            shard.folder,
            outcome.rounds,
            rounds.repository_of(shard.settings.project),
            os.environ,
        ),
    )


def added(environ: Mapping[str, str]) -> List[str]:
    """Split what PYTEST_ADDOPTS adds to pytest's arguments, without secrets: a digest of a short one can be guessed."""
    text = environ.get("PYTEST_ADDOPTS", "")
    try:
        return without_values(shlex.split(text))
    except ValueError:  # pytest refuses it
        return [text]


def _folder_of_ids(settings: Settings, told: Optional[Round]) -> str:
    """Name the folder that ids are relative to, from the one that pytest is started in."""
    return os.path.relpath(told.rootdir, settings.suite_directory) if told and told.rootdir else "."


def commit_of(project: Path, environ: Mapping[str, str]) -> str:
    """Name the commit that is checked out, as git says or the CI does; empty where neither does.

    A CI names the commit that it was asked for; a workflow may have checked out another one.
    """
    with suppress(OSError, programs.ProgramFailed):
        return programs.output(["git", "-C", str(project), "rev-parse", "HEAD"], GIT_ANSWERS_IN_S).strip()
    return ci.commit(environ)


def set_up_of(rounds: Sequence[Round]) -> SetUpCosts:
    """Add up what the shared fixtures of a shard cost: those of files and classes by node, the others together.

    A set-up that failed, or skipped, teaches nothing of what it takes.
    """
    costs = [
        (cost.fixture, round((cost.setup_s + cost.teardown_s) * 1000), told)
        for told in rounds
        for cost in told.shared
        if not cost.failed
    ]
    fixtures = [
        FixtureCost(fixture.node, cost_ms, frozenset(needing(fixture, told)))
        for fixture, cost_ms, told in costs
        if fixture.scope in ("module", "class")
    ]
    session_ms = sum(cost_ms for fixture, cost_ms, _ in costs if fixture.scope not in ("module", "class"))
    paid = timings.paid(session_ms, fixtures, (test for told in rounds for test in told.selected or ()))
    return SetUpCosts(paid.session_ms, paid.scopes_ms, paid.spared)
