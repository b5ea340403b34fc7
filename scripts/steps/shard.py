"""Run one shard of the suite and say what became of it: `nox -s shard`."""

from __future__ import annotations

from typing import Sequence

from ..ci import Node
from ..console import say
from ..proof import report_text
from ..runner import shard
from ..settings import Settings


def run(settings: Settings, node: Node, pytest_arguments: Sequence[str], defer_verdict: bool = False) -> int:
    """Run the tests of one shard, wherever the others run, and say what became of them.

    Args:
        defer_verdict: end well also when tests failed, so that CI keeps the result; `verdict` fails then.

    Returns:
        0 when every test of the shard passed or was skipped, 1 when one did not.

    Raises:
        PipelineError: a step could not do its work.
    """
    say(str(node))
    result = shard.execute(settings, node, pytest_arguments)
    folder = settings.shown(shard.folder_of(settings, node))
    for line in report_text.shard_lines(result, folder, settings.command, pytest_arguments):
        say(line)
    return 0 if defer_verdict else shard.conclude(settings, result)
