"""Run one shard: what it needs around it, its tests in rounds, its result and what it teaches."""

from __future__ import annotations

import json
import os
import platform
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ..ci import Node, run_id
from ..errors import ServiceDied, SuiteError
from ..planning import history, timings
from ..planning import plan as planning
from ..planning.estimates import SetUp
from ..planning.timings import FixtureCost, Sample, Source, Timings
from ..proof import receipt
from ..proof.outcomes import Round, needing
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import memory
from ..system.machine import machine_class
from ..system.signals import held_back
from . import preparation, rounds, selection, subset
from .decisions import Outcome
from .service_session import Surroundings, starts_service, timed

PART = "part.json"  # the ids there were to share out, where that was not the whole suite


class Repair(NamedTuple):
    """What the result of a repair says: which verdict it completes, and what was collected for it."""

    repairs: str
    collected_digest: str


def execute(settings: Settings, node: Node, pytest_arguments: Sequence[str]) -> Receipt:
    """Run the tests of one shard; its result, which is written too.

    Raises:
        PipelineError: a step could not do its work.
    """
    folder = fresh(folder_of(settings, node))
    wanted, pytest_arguments = subset.take(settings, pytest_arguments)
    chosen = selection.command("--plan", *selection_words(settings, node, folder))
    if wanted:
        chosen += ["--part", str(wanted.file), "strict" if wanted.strict else "lenient", str(folder / PART)]
    return run_chosen(settings, node, folder, chosen, pytest_arguments)


def run_chosen(
    settings: Settings,
    node: Node,
    folder: Path,
    chosen: Sequence[str],
    pytest_arguments: Sequence[str],
    repair: Optional[Repair] = None,
) -> Receipt:
    """Run the tests that a command chooses, with all they need around them; their result, which is written too.

    Args:
        folder: where it goes.
        chosen: the command that answers "which tests next?".
        repair: where the result is not that of a shard.

    Raises:
        PipelineError: a step could not do its work.
    """
    seconds: Dict[str, float] = {}
    with timed(seconds, "packages"):
        environments = preparation.install(settings, with_service=starts_service(settings))
    if starts_service(settings):
        with timed(seconds, "weights"):
            preparation.fetch_weights(settings)
    with memory.peak() as peak, Surroundings(settings, environments, folder) as around:
        if around.service:
            seconds.update({"service ready": around.service.ready_s, "warm-up": around.service.warm_up_s})
        with held_back() as signalled:  # also an interrupted shard leaves its result
            outcome = rounds.run(settings, around, folder, chosen, pytest_arguments, signalled)
            seconds["tests"] = outcome.suite_s
            return write(settings, node, folder, outcome, seconds, repair, peak.bytes)


def folder_of(settings: Settings, node: Node) -> Path:
    """Where a shard leaves what it did."""
    return settings.reports / f"shard-{node.index}"


def fresh(folder: Path) -> Path:
    """The folder, without what an earlier run left: it must not be taken for this one's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def selection_words(settings: Settings, node: Node, folder: Path) -> List[str]:
    """What `select` needs to know: the plan that was handed out, or what to make the same one from."""
    handed_out, past = settings.reports / planning.FILE_NAME, history.file_of(settings)
    return [
        str(handed_out),
        str(past),
        machine_class(),
        str(node.index),
        str(node.total),
        str(folder / planning.FILE_NAME),
    ]


def write(
    settings: Settings,
    node: Node,
    folder: Path,
    outcome: Outcome,
    seconds: Mapping[str, float],
    repair: Optional[Repair] = None,
    peak_bytes: int = 0,
) -> Receipt:
    """Write the shard's result, and learn how long its tests took."""
    result = replace(result_of(node, folder, outcome), seconds=dict(seconds), peak_bytes=peak_bytes)
    if repair:
        result = replace(result, repairs=repair.repairs, collected_digest=repair.collected_digest)
    receipt.write(folder / receipt.FILE_NAME, result)
    taught = learned(result, outcome.rounds)
    timings.save(taught, folder / "timings.json")
    if node.total == 1:  # else the next shard here would plan from other timings than this one; `merge` learns
        history.learn(settings, taught)
    return result


def result_of(node: Node, folder: Path, outcome: Outcome) -> Receipt:
    """What the rounds of a shard come to, by the plan in its folder."""
    went_by = folder / planning.FILE_NAME
    made = planning.load(went_by) if went_by.exists() else None
    result = Receipt(
        run_id=run_id(os.environ),
        plan_id=made.id if made else "",
        index=node.index,
        total=node.total,
        collected_digest=outcome.collected_digest,
        collected_count=outcome.collected_count,
        timings_digest=made.timings if made else "",
        tests=outcome.tests,
        errors=outcome.errors,
        ended=outcome.ended,
        python=platform.python_version(),
        machine=machine_class(),
    )
    if not (folder / PART).exists():
        return result
    there = json.loads((folder / PART).read_text(encoding="utf-8"))
    return replace(result, collected_digest=receipt.digest(there), collected_count=len(there))


def learned(result: Receipt, told: Iterable[Round]) -> Timings:
    """What the rounds of a shard teach about durations."""
    told = list(told)
    began = int(min((each.started for each in told), default=0))
    source = Source(began, result.run_id, result.index, result.machine, result.python)
    samples = [
        Sample(attempt.nodeid, round(attempt.own_s * 1000))
        for each in told
        for attempt in each.attempts
        if timings.teaches(attempt.outcome)
    ]
    return timings.learned(source, samples, set_up_of(told))


def set_up_of(told: Iterable[Round]) -> SetUp:
    """Add up what the shared fixtures of a shard cost: those of files and classes by node, the others together."""
    told = list(told)
    costs = [
        (cost.fixture, round((cost.setup_s + cost.teardown_s) * 1000), each)
        for each in told
        for cost in each.shared
        if not cost.failed
    ]
    fixtures = [
        FixtureCost(fixture.node, cost_ms, frozenset(needing(fixture, each)))
        for fixture, cost_ms, each in costs
        if fixture.scope in ("module", "class")
    ]
    session_ms = sum(cost_ms for fixture, cost_ms, _ in costs if fixture.scope not in ("module", "class"))
    return timings.paid(session_ms, fixtures, (test for each in told for test in each.selected or ()))


def conclude(settings: Settings, result: Receipt) -> int:
    """0 where a result is green, 1 where tests failed.

    Raises:
        ServiceDied: the service died while tests ran; whatever else is red may come of that.
        SuiteError: the tests could not be collected or chosen, so none has run.
    """
    deaths = [error for error in result.errors if error.name == receipt.SERVICE]
    if deaths:
        log = folder_of(settings, Node(result.index, result.total)) / "service.log"
        hint = f"Its last words stand above and in {log}."
        raise ServiceDied(f"{deaths[0].message}", hint)
    if result.errors and not result.tests:
        raise SuiteError(f"no test has run: {result.errors[0].message}", "See pytest's own lines above.")
    return 0 if receipt.is_green(result) else 1
