"""The main job: packages, weights, service, all tests of the suite, and one table at the end: `nox -s integration`."""

from __future__ import annotations

import shutil
from typing import Sequence

from ..ci import Node
from ..console import counted, say
from ..evidence import ending, report
from ..evidence.record import MOMENT
from ..local import concurrency, handing
from ..local import run as local
from ..planning import plan as planning
from ..proof import results
from ..runner import collection, merge, ownership, preparation, pytest_arguments, shard, sharing, subset
from ..runner.collection import Collected
from ..runner.preparation import Environments
from ..runner.pytest_arguments import nothing_selected
from ..runner.service_session import starts_service
from ..settings import Settings
from . import plan

MADE = (
    *("shard-*", "repair-*", sharing.FOLDER, planning.FILE_NAME, merge.FILE_NAME, "junit.xml", "debug-bundle*.tar.gz"),
    *(*report.FILES, ending.FILE_NAME, MOMENT),
)


def run(settings: Settings, arguments: Sequence[str], nodes: int = 1, at_once: int = 0, fail_fast: bool = False) -> int:
    """Run the whole suite on this machine, in as many shards as `nodes`.

    Args:
        nodes: 0 for as many as this machine bears at once.
        at_once: how many shards run at the same time; 0 for as many as this machine bears.
        fail_fast: the first red test stops all shards.

    Returns:
        0 when every test passed or was skipped, 1 when one did not.

    Raises:
        Shown: the arguments ask pytest to show something, and to run nothing.
        PipelineError: a step could not do its work; each kind has its own exit code.
    """
    if pytest_arguments.shows_only(arguments):
        collection.show(settings, preparation.install(settings, with_service=False).suite, arguments)
    arguments = pytest_arguments.stopping(arguments) if fail_fast else arguments
    shard.check_run(settings, arguments)
    with ownership.of_all(settings):
        nodes = nodes or _as_many_as_bearable(settings, at_once)
        subset.announce(subset.take(settings, arguments)[0], arguments)
        if nodes > 1:
            collected = _in_shards(settings, arguments, nodes, at_once, fail_fast)
        else:
            collected = _alone(settings, arguments)
        try:
            return merge.conclude(settings, collected, arguments)
        finally:
            left = results.gather(settings.reports).receipts
            merge.attempt(lambda: concurrency.learn(settings, left, whole=not arguments))


def _alone(settings: Settings, arguments: Sequence[str]) -> Collected:
    """Run one shard, and take for the collection what it had to run, which must be all that it collected."""
    if not pytest_arguments.are_known(subset.take(settings, arguments)[1]):
        _collected(settings, _prepared(settings), arguments)
    clear(settings)
    with merge.rest_offered(settings, arguments):
        result = shard.execute(settings, Node(0, 1), arguments, checked=True)
    nodeids = [test.nodeid for test in result.tests for _ in range(test.count)]
    return Collected(nodeids, result.files_digest, python=shard.interpreter(settings, result))


def _in_shards(settings: Settings, arguments: Sequence[str], nodes: int, at_once: int, fail_fast: bool) -> Collected:
    """Run several shards, and compare them with the collection that was made before they ran."""
    most = concurrency.decide(settings, nodes, at_once, arguments)
    environments = _prepared(settings)
    environments.tell()
    collected = _collected(settings, environments, arguments)
    clear(settings)
    with merge.rest_offered(settings, arguments):
        is_shared_out = handing.is_shared_out(settings, most, fail_fast)
        made = plan.make(settings, nodes, arguments, collected, is_shared_out)
        local.run(settings, arguments, made, most, environments.seen, fail_fast)
    return collected


def _prepared(settings: Settings) -> Environments:
    return preparation.prepare(settings, starts_service(settings), {})


def _collected(settings: Settings, environments: Environments, arguments: Sequence[str]) -> Collected:
    """Collect before anything runs: a mistake costs nothing of the last run, and the merge has what to compare with.

    Raises:
        PipelineError: the suite cannot be collected with these arguments, or nothing is selected.
    """
    collected = collection.collect(settings, environments.suite, arguments)
    if not collected.nodeids:
        raise nothing_selected(arguments)
    return collected


def _as_many_as_bearable(settings: Settings, at_once: int) -> int:
    count, why = concurrency.decide(settings, 0, at_once)
    say(f"{counted(count, 'shard')}: {why}")
    return count


def clear(settings: Settings) -> None:
    """Take away what an earlier run left, so that none of it is taken for this one's."""
    for made in (path for pattern in MADE for path in settings.reports.glob(pattern)):
        shutil.rmtree(str(made)) if made.is_dir() and not made.is_symlink() else made.unlink()
