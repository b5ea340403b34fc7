"""Run one shard of the suite and say what became of it: `nox -s shard`."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from .. import ci
from ..ci import Node
from ..console import quoted, say
from ..environments.running import HERE
from ..proof import report_text
from ..proof.receipt import Receipt
from ..runner import collection, coverage, ownership, preparation, pytest_arguments, replay, rerun, shard
from ..runner.subset import RERUN_FAILED
from ..settings import Settings
from ..settings.distribution import NO_STORE
from . import closing, verdict


class Wishes(NamedTuple):
    """What a person wants of a shard beside its tests.

    Args:
        defer_verdict: end well also when tests failed, so that CI keeps the result; `verdict` fails then.
        fail_fast: the first red test stops this shard, and all that share out their tests with it.
        replay: a result of this shard, whose tests are to run again as they ran there.
        merge: the last of all shards says the verdict of the run.
        rerun_failed: of a run that a CI tries again, only what the try before did not prove green.
    """

    defer_verdict: bool = False
    fail_fast: bool = False
    replay: Optional[Path] = None
    merge: bool = False
    rerun_failed: bool = False


def run(settings: Settings, node: Node, arguments: Sequence[str], wishes: Wishes) -> int:
    """Run the tests of one shard, wherever the others run, and say what became of them.

    Returns:
        0 when every test of the shard passed or was skipped, 1 when one did not.

    Raises:
        Shown: the arguments ask pytest to show something, and to run nothing.
        AlreadyRunning: this shard, or a run of all shards, is at it.
        PipelineError: a step could not do its work.
    """
    if pytest_arguments.shows_only(arguments):
        collection.show(settings, preparation.install(settings, with_service=False).suite, arguments)
    arguments = pytest_arguments.stopping(arguments) if wishes.fail_fast else arguments
    if wishes.rerun_failed and not wishes.merge:  # which knows by its store who has run what
        commit = shard.commit_of(settings.project, os.environ)
        ran_as = rerun.ran_as(settings, ci.job(os.environ), HERE)
        arguments = rerun.heeded(settings, [RERUN_FAILED, *arguments], os.environ, commit, ran_as)
        settings = _unshared(settings) if RERUN_FAILED in arguments else settings
    shard.check_run(settings, arguments)
    if wishes.merge:
        verdict.check_can_merge(settings, node)
    with ownership.of_shard(settings, node, os.environ):
        say(str(node))
        result = _executed(settings, node, arguments, wishes)
        if not ci.is_owned(os.environ):  # where all shards run, the merge leaves what all have measured
            coverage.leave_copy(settings, shard.interpreter(settings, result), result)
    folder = settings.shown(shard.folder_of(settings, node))
    for line in report_text.shard_lines(result, folder, settings.command, arguments, fan_in=not wishes.merge):
        say(line)
    if not ci.is_owned(os.environ) and closing.leaves_report(os.environ):
        _report(settings, result)
    own = partial(verdict.of_all, arguments=arguments) if wishes.merge else verdict.exit_code
    judge = partial(own, settings, result)
    return (
        verdict.deferred(settings, judge, red=report_text.red_lines(result, folder))
        if wishes.defer_verdict
        else judge()
    )


def _unshared(settings: Settings) -> Settings:
    """Let the plan alone say who runs what: what a store knows of this run is what the try before claimed."""
    return replace(settings, distribution=replace(settings.distribution, store=NO_STORE))


def _report(settings: Settings, result: Receipt) -> None:
    from ..evidence import report  # with all that merges, which takes a while to import
    from ..runner import merge

    merge.attempt(lambda: say(f"report: {report.of_shard(settings, result)}"))


def _executed(settings: Settings, node: Node, arguments: Sequence[str], wishes: Wishes) -> Receipt:
    if wishes.replay:
        return _again(settings, node, arguments, wishes.replay)
    return shard.execute(settings, node, arguments, fail_fast=wishes.fail_fast)


def _again(settings: Settings, node: Node, typed: Sequence[str], file: Path) -> Receipt:
    """Run the tests of a result again: in its order, in as many processes, wherever they came from then."""
    recorded = replay.of_receipt(file, node)
    arguments = replay.arguments_of(settings, recorded, typed)
    if arguments:
        say(f"run with: {' '.join(map(quoted, arguments))}")
    commit = shard.commit_of(settings.project, os.environ)
    if recorded.commit and commit and commit != recorded.commit:
        say(f"it ran on commit {recorded.commit[:12]}, and this is {commit[:12]}")
    environment = preparation.install(settings, with_service=False).suite
    return replay.run(settings, replay.check(settings, environment, recorded, arguments, may_lack=False), arguments)
