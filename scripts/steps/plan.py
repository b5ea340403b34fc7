"""Decide which tests run on which of N nodes, before anything runs, and show it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

from ..console import command, counted, human_seconds, progress, say, table
from ..environment import Environment
from ..errors import SuiteError
from ..settings import Settings
from ..sharding import advice as advising
from ..sharding import forecast, journal, loading, receipt, timings
from ..sharding import plan as planning
from ..sharding.estimates import Estimates, SetUp
from ..sharding.plan import Plan
from ..sharding.timings import Timings
from . import deps, part
from .around import by_hand, pytest_words
from .one_round import cannot_start

FILE_NAME = "plan.json"
NODES = 4


def run(settings: Settings, total: int, pytest_arguments: Sequence[str], advise: bool = False) -> None:
    """Make the plan, and say what to run next.

    Args:
        advise: say also how many nodes pay.

    Raises:
        PipelineError: the suite cannot be collected, or a file cannot be used.
    """
    made = make(settings, total, pytest_arguments)
    if advise:
        nodeids = [nodeid for shard in made.shards for nodeid in shard.nodeids]
        advice = advising.advise(nodeids, *known(settings), fixed_s(settings))
        say()
        for line in advising.lines(advice, advising.shows_blocks(sys.stdout.encoding)):
            say(line)
    first = command("nox", "-s", "shard", "--", "0", str(total), *pytest_arguments)
    say(f"next: {first}    (the first of {total})")


def make(settings: Settings, total: int, pytest_arguments: Sequence[str]) -> Plan:
    """Collect the tests, share them out, write reports/plan.json and say what each shard will take.

    Args:
        pytest_arguments: those for pytest, and ours for a part of the suite (see `part`).

    Raises:
        PipelineError: the suite cannot be collected, or a file cannot be used.
    """
    environment = deps.run(settings, with_service=False).suite
    nodeids = collect(settings, environment, pytest_arguments)
    estimates, set_up = known(settings)
    made = planning.make(nodeids, estimates, total, set_up)
    planning.save(made, settings.reports / FILE_NAME)
    for line in lines(made, len(nodeids)):
        say(line)
    return made


def usual(settings: Settings) -> int:
    """How many shards to plan for where nobody says."""
    return settings.nodes if settings.nodes > 1 else NODES


def fixed_s(settings: Settings) -> float:
    """What a node pays beside its tests: the mean over the results of the last run here, 0 where there is none."""
    files = settings.reports.glob("shard-*/receipt.json")
    costs = [sum(cost for step, cost in receipt.read(file).seconds.items() if step != "tests") for file in files]
    return sum(costs) / len(costs) if costs else 0.0


def history(settings: Settings) -> Path:
    """Where the durations of past runs are kept."""
    return settings.state / "timings.json"


def machine() -> str:
    """The class of this machine: durations of another class are scaled to it."""
    return f"{platform.system()} {platform.machine()}, {counted(os.cpu_count() or 1, 'core')}"


def known(settings: Settings) -> Tuple[Estimates, SetUp]:
    """What past runs say about the next one on this machine."""
    past = timings.load(history(settings))
    return forecast.estimates(past, machine()), forecast.set_up(past, machine())


def learn(settings: Settings, *parts: Timings) -> None:
    """Add what was measured to the history; to add it twice changes nothing."""
    timings.save(timings.merge(timings.load(history(settings)), *parts), history(settings))


def collect(settings: Settings, environment: Environment, arguments: Sequence[str]) -> List[str]:
    """The node ids of the suite, or of the part that the arguments name, in collection order; nothing is run.

    Raises:
        SuiteError: a file cannot be collected; pytest's own last lines say why.
        SettingsError: the part names what is not there.
    """
    wanted, arguments = part.take(settings, arguments)
    arguments = ["--collect-only", "-q", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "journal.jsonl"
        words = pytest_words(settings, environment, arguments)
        environ = environment.variables(os.environ)
        variables = loading.variables(environ, settings.state / "plugin", record, 0, settings.suite.path)
        with progress("collecting the tests"):
            try:
                output = _output(words, settings.suite_directory, variables)
            except OSError as error:
                raise cannot_start(error) from error
        rounds = journal.read(record)
    if not rounds or rounds[-1].selected is None or rounds[-1].collection_errors:
        unheard = "" if rounds else f"\n  ({loading.UNHEARD})"
        see = f"See: {by_hand(settings, environment, arguments)}"
        raise SuiteError(f"the suite cannot be collected:\n{_last(output)}{unheard}", see)
    return part.of(wanted, rounds[-1].selected)


def _output(words: Sequence[str], folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        words,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout


def _last(output: str, count: int = 20) -> str:
    return "\n".join(f"  {line}" for line in output.splitlines()[-count:])


def lines(made: Plan, count: int) -> List[str]:
    """The plan for people: what each shard has and takes, how much of it is known."""
    total = len(made.shards)
    rows = [
        (str(index), str(len(shard.nodeids)), human_seconds(shard.estimate_ms / 1000))
        for index, shard in enumerate(made.shards)
    ]
    slowest = max(shard.estimate_ms for shard in made.shards) / 1000
    return [
        f"{counted(count, 'test')} in {counted(total, 'shard')}, {count - len(made.unknown)} with timings",
        "",
        *table(("shard", "tests", "about"), rows),
        "",
        f"slowest shard: about {human_seconds(slowest)}",
    ]
