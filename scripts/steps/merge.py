"""The fan-in: prove that every test ran exactly once, whatever became of the nodes."""

from __future__ import annotations

import json
from typing import Dict, List, Sequence

from ..console import human_seconds, say, table
from ..errors import IncompleteError, ServiceDied
from ..node import Node
from ..settings import Settings
from ..sharding import junit, receipt, timings, verify
from ..sharding import plan as planning
from ..sharding.plan import Shard
from ..sharding.receipt import Receipt
from ..sharding.verify import Verdict
from . import deps, part, plan, select
from .shard import RESULT, Repair, evidence, fresh, run_chosen

FILE_NAME = "merge.json"


def run(settings: Settings, pytest_arguments: Sequence[str], run_missing: bool = False) -> int:
    """Compare the results of all shards with what is collected here, and merge their reports.

    Args:
        pytest_arguments: those the shards had, if they were to run a part of the suite only.
        run_missing: run the tests that have no result, and only those, then compare again.

    Returns:
        0 when every test ran exactly once and none failed, 1 when some failed.

    Raises:
        IncompleteError, ServiceDied: see `conclude`.
    """
    environment = deps.run(settings, with_service=False).suite
    nodeids = plan.collect(settings, environment, pytest_arguments)
    shards, said = shards_of(settings), results(settings)
    verdict = judge(shards, said, nodeids)
    if run_missing and verdict.to_run:
        _repair(settings, verdict, nodeids)
        said = results(settings)
        verdict = judge(shards, said, nodeids)
    settings.reports.mkdir(parents=True, exist_ok=True)
    join_reports(settings)
    verify.write(settings.reports / FILE_NAME, verdict)
    part.remember(settings, verdict.outcomes, whole=not pytest_arguments)
    told = verify.lines(verdict, pytest_arguments)
    for line in [*compared(shards, said), *told, *evidence(verdict.green)]:
        say(line)
    return conclude(verdict)


def conclude(verdict: Verdict) -> int:
    """0 where a verdict is green, 1 where tests failed.

    Raises:
        IncompleteError: a test ran nowhere, or more than once, or that cannot be told.
        ServiceDied: the service of a shard died while its tests ran.
    """
    if verdict.ended == verify.INCOMPLETE:
        raise IncompleteError("not every test is proven to have run exactly once", "The lines above name them.")
    if verdict.ended == verify.SERVICE_DIED:
        death = verdict.of(verify.SERVICE_DEATH)[0]
        raise ServiceDied(death.text, "Its last words stand in service.log of that shard.")
    return 0 if verdict.green else 1


def judge(shards: Sequence[Shard], said: Sequence[Receipt], nodeids: Sequence[str]) -> Verdict:
    """What results prove about the collected tests."""
    return verify.verify(said, nodeids, plan=[shard.nodeids for shard in shards] or None)


def shards_of(settings: Settings) -> Sequence[Shard]:
    """The shards of the plan that was handed out; none where there was none."""
    handed_out = settings.reports / plan.FILE_NAME
    return planning.load(handed_out).shards if handed_out.exists() else ()


def compared(shards: Sequence[Shard], said: Sequence[Receipt]) -> List[str]:
    """What each shard was expected to take, beside what it took."""
    took = {result.index: result.seconds.get("tests", 0.0) for result in said if not result.repairs}
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
    taught = [timings.load(folder / "timings.json") for folder in folders if (folder / "timings.json").exists()]
    if taught:
        plan.learn(settings, *taught)
    junit.write(settings.reports / "junit.xml", list(found.values()))
