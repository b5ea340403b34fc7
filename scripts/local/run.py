"""Run all shards of the suite on this machine, several at once, each as it runs on a node of the CI."""

from __future__ import annotations

import math
import os
import time
from functools import partial
from typing import Callable, Iterable, List, Mapping, Optional, Sequence

from ..ci import Node, run_id
from ..console import counted, human_seconds, say
from ..planning import history
from ..planning.estimates import complete
from ..planning.plan import Plan
from ..proof.journal import Failures, all_left_s
from ..proof.receipt import shown
from ..runner import hygiene
from ..runner.decisions import FAIL_FAST
from ..settings import Settings
from ..system.signals import held_back
from .concurrency import Concurrency
from .display import ENDED, RUNS, WAITS, Board, Row, board
from .handing import Handed, shared_out
from .shared_service import Keeper, kept
from .worker import LocalShard

POLL_S = 0.2
STOPS_IN_S = 30  # for a shard to stop its tests, and to end its service beyond service.stop_timeout
LAST_LINES = 15


def run(
    settings: Settings,
    arguments: Sequence[str],
    plan: Plan,
    at_once: Concurrency,
    variables: Mapping[str, str] = {},
    fail_fast: bool = False,
) -> None:
    """Run each shard of a plan as a process of its own; what became of them stands in their results.

    Args:
        variables: more that the shards have to hear.
        fail_fast: the first red test stops them all.
    """
    shards = local_shards(settings, plan)
    say(f"\n{counted(len(shards), 'shard')}, {at_once}")
    say(f"output: {settings.shown(settings.reports / 'shard-*.log')}")
    # Also what a shard left that was killed; nothing writes there any more.
    clean = hygiene.at_end(lambda: hygiene.of_run(settings, hygiene.redactor(settings, arguments)))
    with clean, kept(settings) as keeper, held_back() as signalled:
        own = {"SHARDLINE_RUN": run_id(os.environ), "PYTHONUNBUFFERED": "1"}
        environ = {**os.environ, **own, **variables, **keeper.variables}
        words = [*([FAIL_FAST] if fail_fast else []), *arguments]
        with shared_out(settings, len(shards), environ, at_once, fail_fast) as handed:
            environ.update(handed.variables)
            try:
                with board() as watched:
                    start = partial(_start, words, environ)
                    _run(shards, at_once.shards, start, signalled, watched, keeper, handed)
            finally:
                service_s = sum(service.stop_timeout_s for service in settings.all_services.values())
                _stop([shard for shard in shards if shard.stage == RUNS], STOPS_IN_S + service_s)


def _start(words: Sequence[str], environ: Mapping[str, str], shard: LocalShard, slot: Optional[int]) -> None:
    shard.start(words, environ, slot)


def local_shards(settings: Settings, made: Plan) -> List[LocalShard]:
    """Make the shards of a plan, none of them started."""
    known = history.estimates(settings, history.quiet)[0].tests_ms
    times = [complete(part.nodeids, known) for part in made.shards]
    all_times = {nodeid: time for each in times for nodeid, time in each.items()}
    return [
        LocalShard(
            settings,
            Node(index, len(made.shards)),
            times[index],
            part.estimate_ms / 1000 if known else math.inf,
            all_times,
        )
        for index, part in enumerate(made.shards)
    ]


def _run(
    shards: Sequence[LocalShard],
    most: int,
    start: Callable[[LocalShard, Optional[int]], None],
    signalled: Callable[[], bool],
    watched: Board,
    keeper: Keeper,
    handed: Handed,
) -> None:
    """Start the shards in turn and watch them, and what they share, until all have ended or somebody wants us to."""
    began = time.monotonic()
    given = [0 for _ in shards]
    while not signalled():
        keeper.look(watched)
        running = [shard for shard in shards if shard.stage == RUNS]
        for shard in running:
            _tell(shard, shard.look(), watched)
            if shard.is_lost:
                handed.take_from(shard.node.index)
        given = _reckoned(shards, given)
        running = [shard for shard in running if shard.stage == RUNS]
        for shard in [shard for shard in shards if shard.stage == WAITS][: most - len(running)]:
            start(shard, free_slot(shards, most))
            watched.note(f"  {shard.node}: started")
        rows = [shard.row() for shard in shards]
        watched.show([*rows, together(rows, most, time.monotonic() - began)])
        if all(row.stage == ENDED for row in rows):
            return
        time.sleep(POLL_S)


def _reckoned(shards: Sequence[LocalShard], known: Sequence[int]) -> List[int]:
    """Count what each shard was given, and let all know of it where that is not what was known."""
    counts = [len(shard.given) for shard in shards]
    if counts != known:
        given = {nodeid for shard in shards for nodeid in shard.given}
        for shard in shards:
            shard.expect(given)
    return counts


def free_slot(shards: Iterable[LocalShard], most: int) -> Optional[int]:
    """Find a place for shards at once that no running shard has; None where there is one only."""
    taken = {shard.slot for shard in shards if shard.stage == RUNS}
    return min(set(range(most)) - taken) if most > 1 else None


def _tell(shard: LocalShard, failures: Failures, watched: Board) -> None:
    """Say which tests failed meanwhile, and how the shard ended, if it did."""
    row = shard.row()
    failed = f", {row.failed} failed" if row.failed else ""
    ended = f"  {row.name}: {counted(row.done, 'test')}{failed}: {row.now} after {human_seconds(row.spent_s)}"
    for nodeid, outcome in failures:
        watched.say(f"  {row.name}: {outcome}  {shown(nodeid)}")
    if shard.status:
        watched.say(f"{ended}; the last lines of {shard.output}:")
        for line in shard.last_lines(LAST_LINES):
            watched.say(f"    {line}")
    elif row.stage == ENDED:
        watched.note(ended)


def together(rows: Sequence[Row], most: int, spent_s: float) -> Row:
    """Add all shards up in one row."""
    left_s = {stage: [row.left_s for row in rows if row.stage == stage] for stage in (RUNS, WAITS)}
    return Row(
        name="all",
        stage=ENDED if all(row.stage == ENDED for row in rows) else RUNS,
        tests=sum(row.tests for row in rows),
        done=sum(row.done for row in rows),
        failed=sum(row.failed for row in rows),
        spent_s=spent_s,
        left_s=all_left_s(left_s[RUNS], left_s[WAITS], most),
    )


def _stop(running: Sequence[LocalShard], timeout_s: float) -> None:
    """End the shards that still run, as Ctrl-C would: each stops its tests and its service."""
    for shard in running:
        shard.interrupt()
    if running:
        say(f"stopping {counted(len(running), 'shard')}")
    deadline = time.monotonic() + timeout_s
    for shard in running:
        shard.wait(max(0.1, deadline - time.monotonic()))
