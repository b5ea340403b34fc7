"""The main job: packages, weights, service, all tests of the suite, and one table at the end: `nox -s integration`."""

from __future__ import annotations

import shutil
from typing import List, Sequence

from ..ci import Node
from ..console import counted, say
from ..errors import SuiteError
from ..local import concurrency
from ..local import run as local
from ..planning import plan as planning
from ..proof import receipt, report_text
from ..runner import shard, subset
from ..settings import Settings
from . import merge, plan

MADE = ("shard-*", "repair-*", planning.FILE_NAME, merge.FILE_NAME, "junit.xml", "debug-bundle*.tar.gz")


def run(settings: Settings, pytest_arguments: Sequence[str], nodes: int = 1, at_once: int = 0) -> int:
    """Run the whole suite on this machine, in as many shards as `nodes`.

    Args:
        nodes: 0 for as many as this machine bears at once.
        at_once: how many shards run at the same time; 0 for as many as this machine bears.

    Returns:
        0 when every test passed or was skipped, 1 when one did not.

    Raises:
        PipelineError: a step could not do its work; each kind has its own exit code.
    """
    clear(settings)
    subset.announce(settings, subset.take(settings, pytest_arguments)[0], pytest_arguments)
    nodes = nodes or _as_many_as_bearable(settings, at_once)
    if nodes > 1:
        local.run(settings, pytest_arguments, lambda: plan.make(settings, nodes, pytest_arguments), nodes, at_once)
        concurrency.learn(settings, merge.results(settings), whole=not pytest_arguments)
        return merge.run(settings, pytest_arguments)
    result = shard.execute(settings, Node(0, 1), pytest_arguments)
    concurrency.learn(settings, [result], whole=not pytest_arguments)
    if not result.tests and receipt.is_green(result):
        raise SuiteError(f"no test was selected: pytest {' '.join(pytest_arguments)}", "See pytest's own lines above.")
    merge.join_reports(settings)
    subset.remember(settings, {test.nodeid: test.proven for test in result.tests}, whole=not pytest_arguments)
    for line in report_text.run_lines(result, settings.command, _reports(settings)):
        say(line)
    return shard.conclude(settings, result)


def _as_many_as_bearable(settings: Settings, at_once: int) -> int:
    count, why = concurrency.decide(settings, 0, at_once)
    say(f"{counted(count, 'shard')}: {why}")
    return count


def clear(settings: Settings) -> None:
    """Take away what an earlier run left, so that none of it is taken for this one's."""
    for made in (path for pattern in MADE for path in settings.reports.glob(pattern)):
        shutil.rmtree(str(made)) if made.is_dir() else made.unlink()


def _reports(settings: Settings) -> List[str]:
    """Name the reports that a run of one shard left, as people know them."""
    folder = shard.folder_of(settings, Node(0, 1))
    reports = [settings.reports / "junit.xml", folder / "service.log", folder / "artifacts"]
    return [settings.shown(file) for file in reports if file.exists()]
