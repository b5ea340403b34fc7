"""Repair a run: run exactly the tests that have no result, or settle what needs no run."""

from __future__ import annotations

import os
from typing import Sequence

from ..ci import Node, run_id
from ..evidence import cleaning
from ..planning import history
from ..planning import plan as planning
from ..proof import receipt
from ..proof.findings import UNFIT_REPAIR, Verdict
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system.machine import machine_class
from . import hygiene, ownership, subset
from .rounds import ShardRun
from .selection import Selection
from .shard import Repair, fresh, run_chosen


def run(settings: Settings, verdict: Verdict, collected_digest: str, arguments: Sequence[str]) -> None:
    """Run what a verdict lacks; its result lies in a folder of its own. Where every test has one, it says just that.

    Args:
        collected_digest: of the collection that the verdict is about.
        arguments: those that changed how the tests run.

    Raises:
        PipelineError: a step could not do its work.
    """
    for unfit in (index for finding in verdict.of(UNFIT_REPAIR) for index in finding.shards):
        fresh(settings.reports / f"repair-{unfit}")
    index = verdict.repair_index
    folder = fresh(settings.reports / f"repair-{index}")
    repair, node = Repair(verdict.repairs, collected_digest), Node(index, max(verdict.total, index + 1))
    if not verdict.to_run:
        settled = Receipt(run_id(os.environ), "", index, node.total, collected_digest, 0, "", repairs=verdict.repairs)
        receipt.write(folder / receipt.FILE_NAME, settled)
        return
    by = hygiene.redactor(settings, arguments)
    selection = Selection(
        start=ownership.new_start(),
        index=index,
        total=verdict.total,
        plan=str(settings.reports / planning.FILE_NAME),
        history=str(history.file_of(settings)),
        machine=machine_class(),
        ids=verdict.to_run,
        arguments=cleaning.stored_words(arguments, by.text),
    )
    _, rest = subset.take(settings, arguments)
    with hygiene.at_end(lambda: hygiene.of_folder(settings, folder, by)):
        run_chosen(ShardRun(settings, node, folder, selection, rest, by=by), repair)
