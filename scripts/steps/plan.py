"""Decide which tests run on which of N nodes, before anything runs, and show it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import List, NamedTuple, Sequence

from ..console import counted, human_seconds, say, table
from ..planning import advice as advising
from ..planning import history
from ..planning import plan as planning
from ..planning.plan import FILE_NAME, Plan
from ..proof import receipt
from ..runner import collection, preparation, shard
from ..runner.collection import Collected
from ..settings import Settings

NODES = 4


def run(settings: Settings, total: int, pytest_arguments: Sequence[str], advise: bool = False) -> None:
    """Make the plan, and say what to run next.

    Args:
        advise: say also how many nodes pay.

    Raises:
        PipelineError: the suite cannot be collected, or a file cannot be used.
    """
    shard.check(settings, pytest_arguments)
    made = make(settings, total, pytest_arguments).plan
    if advise:
        nodeids = [nodeid for shard in made.shards for nodeid in shard.nodeids]
        advice = advising.advise(nodeids, *history.estimates(settings), fixed_s(settings))
        say()
        for line in advising.lines(advice, advising.shows_blocks(sys.stdout.encoding)):
            say(line)
    first = settings.command("nox", "-s", "shard", "--", "0", str(total), *pytest_arguments)
    say(f"next: {first}    (the first of {total})")


class Made(NamedTuple):
    """A plan, and the collection that it shares out."""

    plan: Plan
    collected: Collected


def make(settings: Settings, total: int, pytest_arguments: Sequence[str]) -> Made:
    """Collect the tests, share them out, write reports/plan.json and say what each shard will take.

    Args:
        pytest_arguments: those for pytest, and ours for a part of the suite (see `part`).

    Raises:
        PipelineError: the suite cannot be collected, or a file cannot be used.
    """
    environment = preparation.install(settings, with_service=False).suite
    collected = collection.collect(settings, environment, pytest_arguments)
    estimates, set_up = history.estimates(settings)
    made = planning.make(collected.nodeids, estimates, total, set_up)
    made = replace(made, arguments=tuple(pytest_arguments))
    planning.save(made, settings.reports / FILE_NAME)
    for line in lines(made, len(collected.nodeids)):
        say(line)
    return Made(made, collected)


def usual(settings: Settings) -> int:
    """How many shards to plan for where nobody says."""
    return settings.nodes if settings.nodes > 1 else NODES


def fixed_s(settings: Settings) -> float:
    """What a node pays beside its tests: the mean over the results of the last run here, 0 where there is none."""
    files = settings.reports.glob("shard-*/receipt.json")
    costs = [sum(cost for step, cost in receipt.read(file).seconds.items() if step != "tests") for file in files]
    return sum(costs) / len(costs) if costs else 0.0


def lines(made: Plan, count: int) -> List[str]:
    """The plan for people: what each shard has and takes, how much of it is known."""
    total = len(made.shards)
    rows = [
        (str(index), str(len(planned.nodeids)), human_seconds(planned.estimate_ms / 1000))
        for index, planned in enumerate(made.shards)
    ]
    slowest = max(shard.estimate_ms for shard in made.shards) / 1000
    return [
        f"{counted(count, 'test')} in {counted(total, 'shard')}, {count - len(made.unknown)} with timings",
        "",
        *table(("shard", "tests", "about"), rows),
        "",
        f"slowest shard: about {human_seconds(slowest)}",
    ]
