"""Merge what shards left into one verdict, one report, and what the next run learns: the one ending of every run.

The verdict is written and told before anything is learnt: a history that cannot be kept costs a line, not more.
"""

from __future__ import annotations

import os
import shlex
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

from ..console import counted, say
from ..errors import CoverageError, IncompleteError, PipelineError, service_error
from ..evidence import cleaning, reading, report
from ..evidence.diagnosis import diagnosis
from ..evidence.diagnosis.diagnosis import Diagnosis
from ..evidence.redaction.redactor import Redactor
from ..planning import history, timings, together
from ..planning import plan as planning
from ..planning.estimates import SetUp
from ..planning.plan import Plan
from ..planning.timings import Sample, Source, Timings
from ..proof import findings as f
from ..proof import junit, outcome_history, receipt, report_text
from ..proof.case import Reference
from ..proof.findings import Finding, Verdict
from ..proof.outcome_history import Run
from ..proof.outcomes import NOT_RUN
from ..proof.receipt import Receipt
from ..proof.results import Results, gather
from ..proof.verify import verify
from ..settings import Settings
from ..system.apart import Gone
from . import costs, coverage, gathering, hygiene, pytest_cache, remembering, rerun, sharing, subset
from . import repair as repairing
from .collection import Collected
from .decisions import UNNAMED
from .pytest_arguments import nothing_ran, nothing_selected
from .rounds import JUNIT, repository_of
from .service_session import logs_of, starts_service
from .watching import over_budget, unjudged

FILE_NAME = report_text.FILE_NAME


def plan_of(settings: Settings, results: Results, tell: Callable[[str], None] = say) -> Optional[Plan]:
    """Read the plan that was handed out; none where there is none, or it is not the one that the shards went by."""
    plan = planning.load_if_usable(settings.reports / planning.FILE_NAME, tell, "the merge")
    if plan is None:
        return None
    went_by = {result.plan_id for result in results.receipts if not result.repairs} - {""}  # cut short before
    return plan if not went_by or plan.id in went_by else None


def arguments_of(settings: Settings, results: Results) -> List[str]:
    """Find out what part of the suite a run was of, from what its plan or its shards were told."""
    plan = plan_of(settings, results, tell=lambda line: None)  # who concludes says it
    shards = [result.arguments for result in results.receipts if not result.repairs]
    said = [plan.arguments] if plan and plan.arguments else shards
    return list(said[0]) if said and len(set(said)) == 1 else []


@contextmanager
def rest_offered(settings: Settings, arguments: Sequence[str]) -> Iterator[None]:
    """Say, where a signal ends the block, which command runs the tests that have no result."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        say(f"\nnext: {rest_of(settings, arguments)}")
        raise


def rest_of(settings: Settings, arguments: Sequence[str]) -> str:
    """Write the command that runs the rest of an interrupted run; all of it where nothing has run."""
    results = gather(settings.reports).receipts
    ran = sum(test.proven != NOT_RUN for result in results for test in result.tests)
    if not ran:
        whole = settings.command("nox", "-s", "integration", *(["--", *arguments] if arguments else []))
        return f"{whole}    (no test has run)"
    rest = settings.command("nox", "-s", "merge", "--", "--run-missing", *arguments)
    return f"{rest}    (runs the rest; {counted(ran, 'test')} ran before the interruption)"


def conclude(settings: Settings, collected: Collected, arguments: Sequence[str], run_missing: bool = False) -> int:
    """Compare all results with a collection, write and tell the verdict, then learn from the run.

    Args:
        arguments: those that chose a part of the suite, or changed how it ran.
        run_missing: run the tests that have no result, and only those, then compare again.

    Returns:
        0 when every test ran exactly once and none failed, 1 when some failed.

    Raises:
        IncompleteError: a test ran nowhere, or more than once, or that cannot be told.
        ServiceDied: the service of a shard died while its tests ran.
        SuiteError: no test was selected, or none could be run.
        SettingsError: none could be run, since pytest cannot use its arguments.
        CoverageError: less was covered than the suite asks for, or that is not known.
        BudgetError: the service does not keep to its budgets, or that is not known.
    """
    by = hygiene.redactor(settings, arguments)
    hygiene.try_to(lambda: hygiene.of_run(settings, by))
    results = gather(settings.reports)
    plan = plan_of(settings, results)
    shards = [shard.nodeids for shard in plan.shards] if plan else ()
    groups = [group.nodeids for group in collected.groups]
    classes = [group.nodeids for group in together.wished([together.CLASS], collected.nodeids)]
    pieces = [piece.nodeids for shard in plan.shards for piece in shard.pieces] if plan else ()
    reference = Reference(collected.nodeids, collected.files_digest, shards, groups, classes, pieces)
    verdict = verify(results.receipts, reference, results.damaged, results.changed, results.killed)
    if run_missing and verdict.repairable:
        collection = [test.nodeid for test in verdict.tests for _ in range(test.count)]
        repairing.run(settings, verdict, receipt.digest(collection), arguments)
        results = gather(settings.reports)
        verdict = verify(results.receipts, reference, results.damaged, results.changed, results.killed)
    verdict = _with_budgets(settings, verdict, results.receipts)
    verdict = replace(verdict, findings=(*_shared_deaths(settings, results.receipts), *verdict.findings))
    root = repository_of(settings.project)
    verdict = coverage.conclude(settings, collected.python, root, results.receipts, verdict, collected.coverage)
    verdict = cleaning.cleaned_verdict(replace(verdict, findings=(*verdict.findings, *_exposed(verdict, by))), by.text)
    run = remembering.run_of(settings, results.receipts, verdict, arguments)
    stored = cleaning.stored_words(arguments, by.text)
    with closing(
        report.telling(settings, lambda: reading.read_run(settings, verdict, stored, results, run))
    ) as telling:
        happened = _happened(telling)
        sentence = happened[0].sentence if happened else ""
        attempt(lambda: report_text.write(settings.reports / FILE_NAME, verdict, results.receipts, sentence))
        attempt(lambda: _write_junit(settings, verdict, results.receipts))
        attempt(lambda: _gather_places(settings, results.receipts))
        pages: List[str] = []
        attempt(lambda: pages.extend(_pages(telling)))
    ending = _ending(settings, verdict, results, plan, arguments)
    for line in report_text.run_lines(replace(ending, happened=diagnosis.lines(happened), page="".join(pages))):
        say(line)
    for learning in _lessons(settings, verdict, results.receipts, arguments, run):
        attempt(learning)
    attempt(lambda: costs.remember(settings, results.receipts))
    attempt(lambda: rerun.leave(settings, verdict, results.receipts, groups, arguments, os.environ))
    if plan or verdict.total == 1 or teaches(verdict):
        attempt(lambda: history.learn(settings, *map(lesson_of, results.receipts)))
    return exit_code(verdict, settings, arguments, [code for result in results.receipts for code in result.exit_codes])


def _exposed(verdict: Verdict, by: Redactor) -> List[Finding]:
    """Name the ids that hold a secret: they are what proves that each test ran once, and so they stay."""
    found = cleaning.with_secret(verdict.outcomes, by.text)
    return [Finding(f.EXPOSED, "", nodeid) for nodeid in found]


def _happened(telling: Iterator[Any]) -> List[Diagnosis]:
    """Hear what happened; a mistake of ours there must not cost the verdict."""
    try:
        found = next(telling, Gone("nothing came of it"))
    except PipelineError as error:
        found = Gone(error.message)
    if isinstance(found, Gone):
        say(f"not told: what happened ({found.why})")
        return []
    return list(found)


def _pages(telling: Iterator[Any]) -> Iterator[str]:
    """Hear where the page is.

    Raises:
        PipelineError: there is none.
    """
    for made in telling:
        if isinstance(made, Gone):
            raise PipelineError(f"the report of the run: {made.why}")
        yield made


def _with_budgets(settings: Settings, verdict: Verdict, receipts: Sequence[Receipt]) -> Verdict:
    """Add what is not known of the budgets that the settings have here."""
    return replace(verdict, findings=(*verdict.findings, *unjudged(settings, receipts)))


def _shared_deaths(settings: Settings, receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Find out whether what the shards share ended where no shard saw it: after one's tests, before the next one's."""
    file = settings.reports / sharing.FOLDER / sharing.FILE_NAME
    are_of_it = len({result.run_id for result in receipts if not result.repairs}) == 1  # no shard ran again by itself
    is_named = any(error.name == receipt.SERVICE for result in receipts for error in result.errors)
    if is_named or not are_of_it or not file.exists():
        return
    try:
        told = sharing.read(file)
    except PipelineError as error:
        yield Finding(f.SERVICE_DEATH, f"{receipt.SERVICE}: {receipt.one_line(error.message)}")
        return
    if told.number > 1 or told.death:
        text = f"{sharing.SHARED} ended while no test ran: see {settings.shown(file.parent)}"
        yield Finding(f.SERVICE_DEATH, f"{receipt.SERVICE}: {text}")


def _ending(
    settings: Settings, verdict: Verdict, results: Results, plan: Optional[Plan], arguments: Sequence[str]
) -> report_text.Ending:
    shards = [result for result in results.receipts if not result.repairs]
    folders = [settings.reports / f"shard-{result.index}" for result in shards]
    beside = [settings.reports / JUNIT]
    for folder in folders if len(folders) == 1 else ():
        beside += [*logs_of(settings, folder), folder / "artifacts"]
    beside += dict.fromkeys(logs_of(settings, settings.reports / sharing.FOLDER)) if len(folders) > 1 else []
    about_repairs = (f.UNFIT_REPAIR, f.REPAIR_CUT_SHORT)
    findings = [finding for finding in verdict.findings if finding.red and finding.kind not in about_repairs]
    red = {index for finding in findings for index in finding.shards}
    logs = [settings.reports / f"shard-{index}.log" for index in sorted(red)]
    return report_text.Ending(
        verdict=verdict,
        shards=shards,
        planned=plan.shards if plan else (),
        reports=[settings.shown(file) for file in beside if file.exists()],
        logs=[settings.shown(file) for file in logs if file.exists()],
        command=settings.command,
        arguments=arguments,
        start=str(settings.suite_directory.resolve()),
        folder=settings.shown(settings.reports),
    )


def exit_code(
    verdict: Verdict, settings: Settings, arguments: Sequence[str] = (), exit_codes: Iterable[int] = ()
) -> int:
    """Return 0 where a verdict is green, 1 where tests failed; errors as those of `conclude`.

    Args:
        exit_codes: of the pytest processes.
    """
    if verdict.ended == f.NO_TESTS:
        errors = verdict.of(f.SHARD_ERROR)
        raise nothing_ran(errors[0].text, exit_codes) if errors else nothing_selected(arguments)
    if verdict.ended == f.INCOMPLETE:
        raise IncompleteError("not every test is proven to have run exactly once", "The lines above name them.")
    if verdict.ended == f.SERVICE_DIED:
        death = min(verdict.of(f.SERVICE_DEATH), key=lambda death: UNNAMED in death.text)  # who shares it may know more
        words = death.text.partition(": ")[2]  # a shard whose service did not start says first how it ended
        kind = service_error(words)
        message = words[len(kind.ended) + 2 :] if words.startswith(f"{kind.ended}: ") else words
        raise kind(message, f"{_log_hint(settings, death)}{_together_hint(settings, verdict, death)}")
    if verdict.ended == f.LOW_COVERAGE:
        words = f"cd {shlex.quote(str(settings.suite_directory))} && python -m coverage report --show-missing"
        hint = f"The lines above say what is missing; which lines no test ran, in the suite's environment: {words}"
        raise CoverageError("the tests are not proven to cover as much as fail-under asks for", hint)
    if verdict.ended == f.OVER:
        over = [index for finding in verdict.of(f.OVER_BUDGET) for index in finding.shards]
        raise over_budget(settings, over, is_known=not verdict.of(f.BUDGET_UNKNOWN))
    return 0 if verdict.green else 1


def _log_hint(settings: Settings, death: f.Finding) -> str:
    """Say where the last words of a service stand."""
    folders = [settings.reports / f"shard-{index}" for index in death.shards] or [settings.reports]
    found = [log for folder in folders for log in logs_of(settings, folder, death.text)]
    logs = [settings.shown(log) for log in dict.fromkeys(found)]
    if not logs and not starts_service(settings):
        return "It was not started here: its log is where it runs, and what to do stands in the output of that shard."
    return f"Its last words stand in {', '.join(logs) or 'service.log of that shard'}."


def _together_hint(settings: Settings, verdict: Verdict, death: f.Finding) -> str:
    """Say what helps where services that start together disturb each other: some started, and others did not."""
    service = settings.service
    apart = service is None or service.start == "one_first" or service.prepare is not None
    if apart or verdict.total < 2 or "before it was ready" not in death.text:
        return ""
    return " If services disturb each other in a cache that is still empty, see service.prepare and start: one_first."


# Reports and lessons --------------------------------------------------------------------------------


def attempt(step: Callable[[], None]) -> None:
    """Do what the verdict does not depend on; say in a line where that fails."""
    try:
        step()
    except PipelineError as error:
        say(f"not kept: {error.message}")
    except OSError as error:
        say(f"not kept: {error.filename}: {error.strerror}")


def _write_junit(settings: Settings, verdict: Verdict, receipts: Iterable[Receipt]) -> None:
    """Write one report that says what the verdict says, with the tracebacks of the shards' own."""
    texts: Dict[str, str] = {}
    folder = ""
    for path in sorted((*settings.reports.glob(f"shard-*/{JUNIT}"), *settings.reports.glob(f"repair-*/{JUNIT}"))):
        for result in junit.read(path) or ():
            folder = folder or result.folder
            if result.text:
                texts[result.nodeid] = "\n\n".join(filter(None, [texts.get(result.nodeid, ""), result.text]))
    errors = [error for result in receipts for error in junit.of_errors(result.errors, result.name)]
    tests = junit.of_tests(verdict.tests, texts, folder)
    junit.write(settings.reports / JUNIT, [*tests, *errors, *junit.of_doubts(verdict)])


def _gather_places(settings: Settings, receipts: Sequence[Receipt]) -> None:
    """Bring what shards and repairs left for the suite itself to where it belongs; the only shard wrote it there."""
    parts = [result for result in receipts if result.repairs or result.total > 1]
    folders = [coverage.folder_of(settings, part) for part in parts]
    alone = any(result.total == 1 and not result.repairs for result in receipts)
    gathering.gather(settings, folders, settings.reports / JUNIT, say, alone)


def _lessons(
    settings: Settings, verdict: Verdict, receipts: Sequence[Receipt], arguments: Sequence[str], run: Run
) -> List[Callable[[], None]]:
    """List what a run teaches beside durations, each on its own: which tests failed last, for us and for pytest."""
    if verdict.repairable and "--last-failed" in arguments:
        return []  # the repair is of the same part
    return [
        lambda: subset.remember(settings, verdict.outcomes, whole=not arguments),
        lambda: pytest_cache.remember(verdict, receipts, arguments),
        lambda: outcome_history.learn(settings, run, verdict.outcomes, outcome_history.retried(receipts)),
    ]


def teaches(verdict: Verdict) -> bool:
    """Tell whether no shard has to run again.

    Where no plan was handed out, that shard makes its own, and must find the durations that the others found.
    """
    harmless = (f.RED_TEST, *f.ABOUT_COVERAGE, *f.ABOUT_BUDGETS)
    return all(finding.kind in harmless for finding in verdict.findings if finding.red)


def lesson_of(result: Receipt) -> Timings:
    """Take from a result what it teaches about durations: of the tests that ran to their expected end.

    A test that failed may have stopped early, or waited for a timeout.
    """
    source = Source(int(result.began_s), result.run_id, result.index, result.machine, result.python)
    samples = [
        Sample(test.nodeid, round(attempt.own_s * 1000))
        for test in result.tests
        for attempt in test.attempts
        if timings.teaches(attempt.outcome)
    ]
    return timings.learned(source, samples, SetUp(**result.set_up._asdict()))
