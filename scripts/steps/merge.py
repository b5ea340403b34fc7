"""The fan-in: prove that every test ran exactly once, whatever became of the nodes: `nox -s merge`."""

from __future__ import annotations

from typing import Dict, List, Sequence

from ..console import say
from ..errors import IncompleteError, ServiceDied
from ..planning import history, timings
from ..planning import plan as planning
from ..planning.plan import Shard
from ..proof import junit, receipt, report_text
from ..proof.findings import INCOMPLETE, SERVICE_DEATH, SERVICE_DIED, Verdict
from ..proof.receipt import Receipt
from ..proof.verify import verify
from ..runner import collection, preparation, repair, subset
from ..settings import Settings

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
    environment = preparation.install(settings, with_service=False).suite
    nodeids = collection.collect(settings, environment, pytest_arguments)
    shards, said = shards_of(settings), results(settings)
    verdict = judge(shards, said, nodeids)
    if run_missing and verdict.to_run:
        repair.run(settings, verdict, nodeids)
        said = results(settings)
        verdict = judge(shards, said, nodeids)
    settings.reports.mkdir(parents=True, exist_ok=True)
    join_reports(settings)
    report_text.write(settings.reports / FILE_NAME, verdict)
    subset.remember(settings, verdict.outcomes, whole=not pytest_arguments)
    told = report_text.lines(verdict, pytest_arguments, settings.command)
    evidence = report_text.evidence(verdict.green, settings.command)
    for line in [*report_text.compared(shards, said), *told, *evidence]:
        say(line)
    return conclude(verdict)


def conclude(verdict: Verdict) -> int:
    """0 where a verdict is green, 1 where tests failed.

    Raises:
        IncompleteError: a test ran nowhere, or more than once, or that cannot be told.
        ServiceDied: the service of a shard died while its tests ran.
    """
    if verdict.ended == INCOMPLETE:
        raise IncompleteError("not every test is proven to have run exactly once", "The lines above name them.")
    if verdict.ended == SERVICE_DIED:
        death = verdict.of(SERVICE_DEATH)[0]
        raise ServiceDied(death.text, "Its last words stand in service.log of that shard.")
    return 0 if verdict.green else 1


def judge(shards: Sequence[Shard], said: Sequence[Receipt], nodeids: Sequence[str]) -> Verdict:
    """What results prove about the collected tests."""
    return verify(said, nodeids, plan=[shard.nodeids for shard in shards] or None)


def shards_of(settings: Settings) -> Sequence[Shard]:
    """The shards of the plan that was handed out; none where there was none."""
    handed_out = settings.reports / planning.FILE_NAME
    return planning.load(handed_out).shards if handed_out.exists() else ()


def results(settings: Settings) -> List[Receipt]:
    """The results that shards and repairs left."""
    found = [
        *settings.reports.glob(f"shard-*/{receipt.FILE_NAME}"),
        *settings.reports.glob(f"repair-*/{receipt.FILE_NAME}"),
    ]
    return [receipt.read(file) for file in sorted(found)]


def join_reports(settings: Settings) -> None:
    """One JUnit report and one history out of those of the shards and repairs, repairs last."""
    folders = [*sorted(settings.reports.glob("shard-*")), *sorted(settings.reports.glob("repair-*"))]
    found: Dict[str, junit.Result] = {}
    for folder in folders:
        found.update({result.nodeid: result for result in junit.read(folder / "junit.xml") or ()})
    taught = [timings.load(folder / "timings.json") for folder in folders if (folder / "timings.json").exists()]
    if taught:
        history.learn(settings, *taught)
    junit.write(settings.reports / "junit.xml", list(found.values()))
