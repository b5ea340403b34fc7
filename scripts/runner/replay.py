"""Run a shard again as it was recorded: the same tests in the same order, in as many processes, as one of as many."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import List, Mapping, Sequence

from ..ci import Node
from ..console import at_most, counted, say
from ..environments.environments import Environment
from ..errors import PipelineError, SettingsError
from ..evidence import cleaning, reproduction
from ..evidence.reproduction import Recorded
from ..planning import history
from ..planning import plan as planning
from ..planning.estimates import Estimates
from ..proof import receipt
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system.machine import machine_class
from . import collection, hygiene, ownership, selection, shard, subset
from .collection import Collected
from .rounds import ShardRun
from .selection import Selection

SHOWN = 5


def of_receipt(file: Path, node: Node) -> Recorded:
    """Read what a shard ran from its result, which says it whether or not tests were shared out while they ran.

    Raises:
        SettingsError: it is the result of another shard, or of a repair.
        SuiteError: it is none.
    """
    result = receipt.read(file / receipt.FILE_NAME if file.is_dir() else file)
    if result.repairs or (result.index, result.total) != (node.index, node.total):
        again = ("nox", "-s", "shard", "--", str(result.index), str(result.total), "--replay", str(file))
        hint = "" if result.repairs else "Run that shard: {command}"
        raise SettingsError(f"--replay: expected the result of {node}, {file} is that of {result.name}", hint, again)
    return reproduction.of_result(result)


def arguments_of(settings: Settings, recorded: Recorded, typed: Sequence[str]) -> List[str]:
    """Put the arguments of a shard's result before those that are typed.

    Raises:
        SettingsError: one has to be given again, since its value may be a secret, which no result has.
    """
    lacking = reproduction.lacking(recorded.arguments, typed, trusted=True)
    if lacking:
        words = (f"{name}=VALUE" if name.startswith("-") else name for name in lacking)
        node = (str(recorded.index), str(recorded.total))
        again = settings.command("nox", "-s", "shard", "--", *node, "--replay", "RECEIPT", *words)
        raise SettingsError(f"what {' and '.join(lacking)} was does not stand in the result", f"Give it again: {again}")
    return [*reproduction.sorted_out(recorded.arguments, trusted=True)[0], *typed]


def run(settings: Settings, recorded: Recorded, arguments: Sequence[str]) -> Receipt:
    """Run the tests of a recorded shard; what became of them is written as any shard's result is.

    A service that does not come up leaves a result, too.

    Args:
        settings: with a place of its own for what is written.
        arguments: the recorded ones, with what had to be given again.

    Raises:
        PipelineError: a step could not do its work.
    """
    node = Node(recorded.index, recorded.total)
    folder = shard.fresh(shard.folder_of(settings, node))
    by, later = hygiene.redactor(settings, arguments), recorded.processes[1:]
    chosen = replace(selection_of(settings, recorded), arguments=cleaning.stored_words(arguments, by.text))
    rest = subset.without(arguments) if recorded.processes else subset.take(settings, arguments)[1]
    run = ShardRun(settings, node, folder, chosen, rest, later=later, by=by)
    try:
        return shard.run_noted(run)
    except PipelineError as error:
        with suppress(PipelineError):
            result = receipt.read(folder / receipt.FILE_NAME)
            say(f"\nerror: {error.shown(settings.command)}")
            return result
        raise


def selection_of(settings: Settings, recorded: Recorded) -> Selection:
    """Select what the first process ran; all that the plan gives the shard where no test is known to have been chosen.

    The plan is written where the shard looks for it: ids that change from run to run are known by it.
    """
    file = settings.reports / planning.FILE_NAME
    plan = recorded.plan
    if plan is None and recorded.total == 1 and recorded.tests:
        plan = planning.make(recorded.tests, Estimates({}), 1)
    if plan:
        planning.save(plan, file)
    return Selection(
        start=ownership.new_start(),
        index=recorded.index,
        total=recorded.total,
        plan=str(file),
        history=str(history.file_of(settings)),
        machine=machine_class(),
        ids=recorded.processes[0] if recorded.processes else None,
        together=settings.suite.together,
        ordered=bool(recorded.processes),
    )


def check(
    settings: Settings, environment: Environment, recorded: Recorded, arguments: Sequence[str], may_lack: bool
) -> Recorded:
    """Collect the suite, and refuse to go on without the tests that were recorded.

    Args:
        may_lack: whether tests may be missing that did not fail: the code is another.

    Returns:
        what is left to run.

    Raises:
        SettingsError: a test is not there; it names the first.
        SuiteError: the suite cannot be collected.
    """
    if not recorded.processes:
        return recorded
    collected = collection.collect(settings, environment, subset.without(arguments))
    gone = missing(selection_of(settings, recorded), recorded.tests, collected)
    if gone and (not may_lack or not set(gone).isdisjoint(recorded.failures)):
        names = "\n".join(f"  {receipt.shown(nodeid)}" for nodeid in at_most(SHOWN, gone))
        message = f"{counted(len(gone), 'test')} of {len(recorded.tests)} cannot be collected here:\n{names}"
        raise SettingsError(message, "Does something that selects or makes tests differ: arguments, data, variables?")
    if gone:
        say(f"{counted(len(gone), 'test')} of the shard, none of them red there, cannot be collected here any more")
    if recorded.files_digest not in ("", collected.files_digest):
        say("the files of the tests are not as they were there")
    kept = [tuple(nodeid for nodeid in ids if nodeid not in set(gone)) for ids in recorded.processes]
    return replace(recorded, processes=tuple(filter(None, kept)))


def missing(chosen: Selection, wanted: Sequence[str], collected: Collected) -> List[str]:
    """List the ids that no collected test has, or had under another id."""
    told = selection.answer(replace(chosen, ids=tuple(wanted)), collected.nodeids)
    names: Mapping[str, str] = told["names"]
    there = {names.get(nodeid, nodeid) for nodeid in told["select"]}
    return [nodeid for nodeid in wanted if nodeid not in there]
