"""Decide which tests run on which of N nodes, before anything runs, and show it: `nox -s plan`."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import List, Sequence

from ..console import counted, human_seconds, say, table
from ..distribution import opening
from ..evidence import cleaning
from ..planning import advice as advising
from ..planning import history, together
from ..planning import plan as planning
from ..planning.nodeids import classes_of
from ..planning.plan import FILE_NAME, Plan
from ..planning.together import Group, Kept
from ..proof import outcome_history, receipt
from ..runner import collection, costs, hygiene, ownership, preparation, shard
from ..runner.collection import Collected
from ..settings import Settings

NODES = 4
SHOWN = 5  # groups of tests that stay together
DEAR_PERMILLE = 10  # a price on the slowest shard that is worth a word


def run(settings: Settings, total: int, pytest_arguments: Sequence[str], advise: bool = False) -> None:
    """Make the plan, and say what to run next.

    Args:
        advise: say also how many nodes pay.

    Raises:
        AlreadyRunning: a run goes on, whose plan must stay.
        PipelineError: the suite cannot be collected, or a file cannot be used.
    """
    shard.check(settings, pytest_arguments)
    with ownership.of_all(settings):
        suite = preparation.install(settings, with_service=False).suite
        collected = collection.collect(settings, suite, pytest_arguments)
        made = make(settings, total, pytest_arguments, collected, bool(opening.named(settings.distribution, {})))
    advised = advice(settings, made, collected.groups) if advise else total
    for line in next_lines(settings, total, advised, pytest_arguments):
        say(line)


def advice(settings: Settings, made: Plan, groups: Sequence[Group] = ()) -> int:
    """Say how many nodes pay; return the number to take."""
    say()
    nodeids = [nodeid for part in made.shards for nodeid in part.nodeids]
    if not any(part.estimate_ms for part in made.shards) and nodeids:
        say("How many nodes pay cannot be said before the tests have run once.")
        return len(made.shards)
    found = advising.advise(
        nodeids, *history.estimates(settings, history.quiet), costs.known_s(settings), groups=groups
    )
    for line in advising.lines(found, advising.shows_blocks(sys.stdout.encoding)):
        say(line)
    return found.knee


def next_lines(settings: Settings, total: int, advised: int, pytest_arguments: Sequence[str]) -> List[str]:
    """Offer what to run next: the first shard of the plan, after a plan for as many nodes as advised."""
    first = settings.command("nox", "-s", "shard", "--", "0", str(total), *pytest_arguments)
    if advised == total:
        return [f"next: {first}    (the first of {total})"]
    other = settings.command("nox", "-s", "plan", "--", "--nodes", str(advised), *pytest_arguments)
    return [
        f"next: {other}    (a plan for {advised}, as advised)",
        f"or, since you asked for {total}: {first}    (the first of {total}, by the plan that was just made)",
    ]


def make(
    settings: Settings, total: int, pytest_arguments: Sequence[str], collected: Collected, distributed: bool
) -> Plan:
    """Share the collected tests out, write reports/plan.json and say what each shard will take.

    Args:
        pytest_arguments: those for pytest, and ours for a part of the suite (see `subset`).
        distributed: shards will share out what they have left.

    Raises:
        PipelineError: the plan cannot be written.
    """
    estimates, set_up = history.estimates(settings)
    urgent = outcome_history.red_lately(outcome_history.past(outcome_history.file_of(settings)))
    groups, params = collected.groups, collected.params
    made = planning.make(collected.nodeids, estimates, total, set_up, groups, distributed, urgent, params)
    by = hygiene.redactor(settings, pytest_arguments)
    made = replace(made, arguments=cleaning.stored_words(pytest_arguments, by.text))
    planning.save(made, settings.reports / FILE_NAME)
    stays = made.kept or made.divided or any(map(classes_of, collected.nodeids))
    price = planning.price_permille(collected.nodeids, estimates, made, distributed) if stays and total > 1 else 0
    unknown = [] if pytest_arguments else together.unmatched(settings.suite.together, collected.nodeids)
    for line in [*lines(made, len(collected.nodeids)), *together_lines(made, price), *map(_unmatched, unknown)]:
        say(line)
    return made


def together_lines(made: Plan, price_permille: int) -> List[str]:
    """Say what was kept whole, and name it where that costs something; and the classes that were not.

    Args:
        price_permille: by how much the slowest shard would be faster without, in thousandths.
    """
    known = any(part.estimate_ms for part in made.shards)
    divided = [f"divided: {_weight(group, known)}: {group.why}" for group in made.divided]
    if not known or price_permille < DEAR_PERMILLE:
        kept = [f"kept whole: {counted(len(made.kept), 'group')} of tests, at no cost"] if known and made.kept else []
        return [*kept, *divided]
    heaviest = sorted(made.kept, key=lambda group: -group.ms)
    rows = [f"kept whole: {_weight(group, known)}: {group.why}" for group in heaviest[:SHOWN]]
    rows += [f"kept whole: {counted(len(heaviest) - SHOWN, 'group')} more"] if len(heaviest) > SHOWN else []
    *others, last = rows or ["kept whole: classes"]
    return [*others, f"{last}; without that {price_permille / 10:.0f} % faster", *divided]


def _weight(group: Kept, known: bool) -> str:
    took = f", {human_seconds(group.ms / 1000)}" if known else ""
    return f"{receipt.shown(group.name)} ({counted(group.tests, 'test')}{took})"


def _unmatched(pattern: str) -> str:
    return f"suite.together: {pattern} names no test"


def usual(settings: Settings) -> int:
    """Decide for how many shards to plan where nobody says."""
    return settings.nodes if settings.nodes > 1 else NODES


def lines(made: Plan, count: int) -> List[str]:
    """Word the plan for people: what each shard has and takes, how much of it is known.

    "About" is `Shard.estimate_ms`: tests and the set-ups that the shard pays. Where no test was ever timed there is
    none, and it is said what the shards were made even by.
    """
    unknown = set(made.unknown)
    known = sum(nodeid not in unknown for part in made.shards for nodeid in part.nodeids)
    head = f"{counted(count, 'test')} in {counted(len(made.shards), 'shard')}, {known} with timings"
    slowest_ms = max(part.estimate_ms for part in made.shards)
    if not slowest_ms:
        rows = [(str(index), str(len(part.nodeids))) for index, part in enumerate(made.shards)]
        reason = "shared out by number: how long the tests take is known after they have run once"
        return [head, "", *table(("shard", "tests"), rows), "", *([reason] if count else [])]
    timed_rows = [
        (str(index), str(len(part.nodeids)), human_seconds(part.estimate_ms / 1000))
        for index, part in enumerate(made.shards)
    ]
    slowest = f"slowest shard: about {human_seconds(slowest_ms / 1000)}"
    return [head, "", *table(("shard", "tests", "about"), timed_rows), "", slowest]
