"""Run one shard of the suite and say what became of it: `nox -s shard`."""

from __future__ import annotations

import os
from typing import Sequence

from ..ci import Node
from ..console import say
from ..evidence import report
from ..proof import report_text
from ..runner import collection, coverage, merge, ownership, preparation, pytest_arguments, shard
from ..settings import Settings
from . import verdict


def run(
    settings: Settings, node: Node, arguments: Sequence[str], defer_verdict: bool = False, fail_fast: bool = False
) -> int:
    """Run the tests of one shard, wherever the others run, and say what became of them.

    Args:
        defer_verdict: end well also when tests failed, so that CI keeps the result; `verdict` fails then.
        fail_fast: the first red test stops this shard, and all that share out their tests with it.

    Returns:
        0 when every test of the shard passed or was skipped, 1 when one did not.

    Raises:
        Shown: the arguments ask pytest to show something, and to run nothing.
        AlreadyRunning: this shard, or a run of all shards, is at it.
        PipelineError: a step could not do its work.
    """
    if pytest_arguments.shows_only(arguments):
        collection.show(settings, preparation.install(settings, with_service=False).suite, arguments)
    arguments = pytest_arguments.stopping(arguments) if fail_fast else arguments
    shard.check(settings, arguments)
    with ownership.of_shard(settings, node, os.environ):
        say(str(node))
        result = shard.execute(settings, node, arguments, fail_fast=fail_fast)
        if not ownership.is_owned(os.environ):  # where all shards run, the merge leaves what all have measured
            coverage.leave_copy(settings, shard.interpreter(settings, result), result)
    folder = settings.shown(shard.folder_of(settings, node))
    for line in report_text.shard_lines(result, folder, settings.command, arguments):
        say(line)
    if not ownership.is_owned(os.environ):
        merge.attempt(lambda: say(f"report: {report.of_shard(settings, result)}"))
    return verdict.deferred(settings, result) if defer_verdict else verdict.exit_code(settings, result)
