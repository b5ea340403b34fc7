"""Repair a run: run exactly the tests that have no result."""

from __future__ import annotations

import json
from typing import Sequence

from ..ci import Node
from ..proof import receipt
from ..proof.findings import UNFIT_REPAIR, Verdict
from ..settings import Settings
from . import selection
from .shard import Repair, fresh, run_chosen


def run(settings: Settings, verdict: Verdict, nodeids: Sequence[str]) -> None:
    """Run what a verdict lacks; its result lies in a folder of its own.

    Raises:
        PipelineError: a step could not do its work.
    """
    for unfit in (index for finding in verdict.of(UNFIT_REPAIR) for index in finding.shards):
        fresh(settings.reports / f"repair-{unfit}")
    folder = fresh(settings.reports / f"repair-{verdict.repair_index}")
    wanted = folder / "wanted.json"
    wanted.write_text(json.dumps(verdict.to_run), encoding="ascii")
    node = Node(verdict.repair_index, max(verdict.total, verdict.repair_index + 1))
    repair = Repair(verdict.repairs, receipt.digest(nodeids))
    run_chosen(settings, node, folder, selection.command("--ids", str(wanted)), [], repair)
