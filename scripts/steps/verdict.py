"""Fail where a shard did: what CI runs after it has kept the shard's result."""

from __future__ import annotations

from ..console import say
from ..node import Node
from ..settings import Settings
from ..sharding import receipt
from .shard import RESULT, conclude, evidence, folder_of, summary, told


def run(settings: Settings, node: Node) -> int:
    """Say what became of a shard that has run.

    Returns:
        0 when its result is green, 1 when not.

    Raises:
        SuiteError: it left no result.
        ServiceDied: the service died while its tests ran.
    """
    result = receipt.read(folder_of(settings, node) / RESULT)
    say(f"{result.name}: {summary(result)}")
    for line in [*told(receipt.reasons(result)), *evidence(receipt.is_green(result))]:
        say(line)
    return conclude(settings, result)
