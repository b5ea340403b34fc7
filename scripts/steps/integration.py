"""The main job: packages, weights, service, all tests of the suite, and one table at the end."""

from __future__ import annotations

import shutil
from typing import Dict, List, Sequence

from ..console import command, counted, human_seconds, say, table
from ..errors import SuiteError
from ..node import Node
from ..settings import Settings
from ..sharding import receipt, reporting
from ..sharding.receipt import Receipt
from . import at_home, bearable, merge, part, plan, shard

MADE = ("shard-*", "repair-*", plan.FILE_NAME, merge.FILE_NAME, "junit.xml")


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
    part.announce(settings, part.take(settings, pytest_arguments)[0], pytest_arguments)
    nodes = nodes or _as_many_as_bearable(settings, at_once)
    if nodes > 1:
        at_home.run(settings, pytest_arguments, nodes, at_once)
        bearable.learn(settings, merge.results(settings), whole=not pytest_arguments)
        return merge.run(settings, pytest_arguments)
    result = shard.execute(settings, Node(0, 1), pytest_arguments)
    bearable.learn(settings, [result], whole=not pytest_arguments)
    if not result.tests and receipt.is_green(result):
        raise SuiteError(f"no test was selected: pytest {' '.join(pytest_arguments)}", "See pytest's own lines above.")
    merge.join_reports(settings)
    part.remember(settings, {test.nodeid: test.proven for test in result.tests}, whole=not pytest_arguments)
    for line in lines(result, settings):
        say(line)
    return shard.conclude(settings, result)


def _as_many_as_bearable(settings: Settings, at_once: int) -> int:
    count, why = bearable.decide(settings, 0, at_once)
    say(f"{counted(count, 'shard')}: {why}")
    return count


def clear(settings: Settings) -> None:
    """Take away what an earlier run left, so that none of it is taken for this one's."""
    for made in (path for pattern in MADE for path in settings.reports.glob(pattern)):
        shutil.rmtree(str(made)) if made.is_dir() else made.unlink()


def lines(result: Receipt, settings: Settings) -> List[str]:
    """The lines at the end of a run: outcomes, seconds per step, reports, what to run next."""
    rows = [(step, human_seconds(value)) for step, value in result.seconds.items()]
    rows.append(("total", human_seconds(sum(result.seconds.values()))))
    folder = shard.folder_of(settings, Node(0, 1))
    reports = [settings.reports / "junit.xml", folder / "service.log", folder / "artifacts"]
    there = [str(file.relative_to(settings.project)) for file in reports if file.exists()]
    return [
        "",
        shard.summary(result),
        *shard.told(receipt.reasons(result)),
        "",
        *table(("step", "time"), rows),
        "",
        f"reports: {', '.join(there)}",
        *shard.evidence(receipt.is_green(result)),
        again(result),
    ]


def again(result: Receipt) -> str:
    """The command to run next: what failed, or the part that took longest."""
    red = [test.nodeid for test in result.tests if test.proven in receipt.RED]
    if red:
        return f"next: {reporting.again(red)}    (only what failed)"
    if not receipt.is_green(result):
        return f"next: {command('nox', '-s', 'integration')}    (all of it again)"
    seconds: Dict[str, float] = {}
    for test in result.tests:
        file = test.nodeid.split("::")[0]
        seconds[file] = seconds.get(file, 0.0) + sum(attempt.seconds for attempt in test.attempts)
    slowest = max(sorted(seconds), key=lambda file: seconds[file])
    return f"next: {command('nox', '-s', 'integration', '--', slowest)}    (only the slowest file)"
