"""Fail where a shard did: what CI runs after it has kept the shard's result, `nox -s verdict`."""

from __future__ import annotations

from ..ci import Node
from ..console import say
from ..proof import receipt, report_text
from ..runner import shard
from ..settings import Settings


def run(settings: Settings, node: Node) -> int:
    """Say what became of a shard that has run.

    Returns:
        0 when its result is green, 1 when not.

    Raises:
        SuiteError: it left no result.
        ServiceDied: the service died while its tests ran.
    """
    result = receipt.read(shard.folder_of(settings, node) / receipt.FILE_NAME)
    say(f"{result.name}: {report_text.summary(result)}")
    evidence = report_text.evidence(receipt.is_green(result), settings.command)
    for line in [*report_text.told(receipt.reasons(result)), *evidence]:
        say(line)
    return shard.conclude(settings, result)
