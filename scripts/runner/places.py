"""How each of several shards has a place of its own: the variables by which a suite knows which shard it is in."""

from __future__ import annotations

import hashlib
from typing import Dict, Mapping

from ..ci import Node

OWN_REPORTS = "own-reports"  # in a shard's folder: what the suite's own options name, by the number of the round
TOX = "TOX_PARALLEL_ENV"


def name_of(node: Node) -> str:
    """Name a shard's own folders for temporary files; empty for the only shard, which is plain pytest."""
    return f"shard-{node.index}" if node.total > 1 else ""


def variables(
    environ: Mapping[str, str], node: Node, start: str, number: int = 0, as_worker: bool = True
) -> Dict[str, str]:
    """Say to the suite which shard it is in, by our names and by those that suites and plugins read already.

    The only shard has none of them. TOX_PARALLEL_ENV is what pytest-django adds to the name of a test database; where
    tox itself has set it, the shard is added to that. PYTEST_XDIST_* are those of a worker of pytest-xdist.

    Args:
        environ: that the shard was started in.
        start: of the shard, and `number`, of the round: each is a run of its own for what is kept by run.
        as_worker: not where tests run again that skip in a worker of pytest-xdist.

    >>> variables({"TOX_PARALLEL_ENV": "py311"}, Node(2, 4), "5f3a")["TOX_PARALLEL_ENV"]
    'py311-shard2'
    """
    if node.total < 2:
        return {}
    own = {
        "SHARDLINE_SHARD": str(node.index),
        "SHARDLINE_SHARDS": str(node.total),
        TOX: "-".join(filter(None, [environ.get(TOX), f"shard{node.index}"])),
    }
    worker = {
        "PYTEST_XDIST_WORKER": f"gw{node.index}",
        "PYTEST_XDIST_WORKER_COUNT": str(node.total),
        "PYTEST_XDIST_TESTRUNUID": hashlib.sha256(f"{start}.{number}".encode()).hexdigest()[:32],
    }
    return {**own, **worker} if as_worker else own
