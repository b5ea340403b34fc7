"""The fan-in: prove that every test ran exactly once, whatever became of the nodes."""

from __future__ import annotations

import json
from typing import Dict, List, Optional, Sequence

from ..console import human_seconds, say, table
from ..errors import IncompleteError
from ..node import Node
from ..settings import Settings
from ..sharding import junit, receipt, timings, verify
from ..sharding import plan as planning
from ..sharding.receipt import Receipt
from ..sharding.verify import Verdict
from . import deps, plan, select
from .shard import RESULT, Repair, fresh, run_chosen

FILE_NAME = "merge.json"


def run(settings: Settings, pytest_arguments: Sequence[str], run_missing: bool = False) -> int:
    """Compare the results of all shards with what is collected here, and merge their reports.

    Args:
        pytest_arguments: those the shards had, if they were to run a part of the suite only.
        run_missing: run the tests that have no result, and only those, then compare again.

    Returns:
        0 when every test ran exactly once and none failed, 1 when some failed.

    Raises:
        IncompleteError: a test ran nowhere, or more than once, or that cannot be told.
    """
    environment = deps.run(settings, with_service=False).suite
    nodeids = plan.collect(settings, environment, pytest_arguments)
    verdict = judge(settings, nodeids)
    if run_missing and verdict.to_run:
        _repair(settings, verdict, nodeids)
        verdict = judge(settings, nodeids)
    settings.reports.mkdir(parents=True, exist_ok=True)
    join_reports(settings)
    verify.write(settings.reports / FILE_NAME, verdict)
    for line in [*compared(settings), *verify.lines(verdict)]:
        say(line)
    if verdict.ended == verify.INCOMPLETE:
        raise IncompleteError("not every test is proven to have run exactly once", "The lines above name them.")
    return 0 if verdict.green else 1


def judge(settings: Settings, nodeids: Sequence[str]) -> Verdict:
    """What the results below reports/ prove about the collected tests."""
    handed_out = settings.reports / plan.FILE_NAME
    shards: Optional[List[Sequence[str]]] = None
    if handed_out.exists():
        shards = [shard.nodeids for shard in planning.load(handed_out).shards]
    return verify.verify(results(settings), nodeids, plan=shards)


def compared(settings: Settings) -> List[str]:
    """What each shard was expected to take, beside what it took."""
    handed_out = settings.reports / plan.FILE_NAME
    shards = planning.load(handed_out).shards if handed_out.exists() else ()
    took = {said.index: said.seconds.get("tests", 0.0) for said in results(settings) if not said.repairs}
    rows = [
        (str(index), str(len(shard.nodeids)), human_seconds(shard.estimate_ms / 1000), human_seconds(took[index]))
        for index, shard in enumerate(shards)
        if index in took
    ]
    return ["", *table(("shard", "tests", "about", "took"), rows), ""] if rows else []


def results(settings: Settings) -> List[Receipt]:
    """The results that shards and repairs left."""
    found = [*settings.reports.glob(f"shard-*/{RESULT}"), *settings.reports.glob(f"repair-*/{RESULT}")]
    return [receipt.read(file) for file in sorted(found)]


def _repair(settings: Settings, verdict: Verdict, nodeids: Sequence[str]) -> None:
    """Run exactly the tests that have no result."""
    for unfit in (index for finding in verdict.of(verify.UNFIT_REPAIR) for index in finding.shards):
        fresh(settings.reports / f"repair-{unfit}")
    folder = fresh(settings.reports / f"repair-{verdict.repair_index}")
    wanted = folder / "wanted.json"
    wanted.write_text(json.dumps(verdict.to_run), encoding="ascii")
    node = Node(verdict.repair_index, max(verdict.total, verdict.repair_index + 1))
    repair = Repair(verdict.repairs, receipt.digest(nodeids))
    run_chosen(settings, node, folder, select.command("--ids", str(wanted)), [], repair)


def join_reports(settings: Settings) -> None:
    """One JUnit report and one history out of those of the shards and repairs, repairs last."""
    folders = [*sorted(settings.reports.glob("shard-*")), *sorted(settings.reports.glob("repair-*"))]
    found: Dict[str, junit.Result] = {}
    for folder in folders:
        found.update({result.nodeid: result for result in junit.read(folder / "junit.xml") or ()})
        if (folder / "timings.json").exists():
            plan.learn(settings, timings.load(folder / "timings.json"))
    junit.write(settings.reports / "junit.xml", list(found.values()))
