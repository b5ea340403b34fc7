"""The fan-in: prove that every test ran exactly once, whatever became of the nodes: `nox -s merge`."""

from __future__ import annotations

import os
from typing import List, Optional, Sequence

from ..console import hidden_in, say, with_values
from ..evidence.cleaning import SHOWN
from ..proof import results
from ..runner import collection, merge, ownership, preparation, rerun, shard
from ..runner.collection import Collected
from ..settings import Settings


def run(
    settings: Settings, arguments: Sequence[str], run_missing: bool = False, collected: Optional[Collected] = None
) -> int:
    """Compare the results of all shards with what is collected here, and merge their reports.

    Args:
        arguments: those the shards had, if they were to run a part of the suite only; by default what plan and
            results say of that.
        run_missing: run the tests that have no result, and only those, then compare again.
        collected: the suite, where a shard has just collected all of it.

    Returns:
        0 when every test ran exactly once and none failed, 1 when some failed.

    Raises:
        AlreadyRunning: a shard, or another run, is at it.
        IncompleteError, ServiceDied, SuiteError: see `merge.conclude`.
    """
    arguments = rerun.heeded(settings, arguments or _said(settings), os.environ)
    shard.check(settings, arguments)
    with ownership.of_all(settings):
        if collected is None:
            environment = preparation.install(settings, with_service=False).suite
            collected = collection.collect(settings, environment, arguments)
        with merge.rest_offered(settings, arguments):
            return merge.conclude(settings, collected, arguments, run_missing)


def _said(settings: Settings) -> List[str]:
    """Take the arguments that plan and results name; a value that is a secret stands in none of them."""
    words = with_values(merge.arguments_of(settings, results.gather(settings.reports)), os.environ)
    lacking = [hidden.variable for hidden in hidden_in(words) if hidden and hidden.value == f"${hidden.variable}"]
    if lacking or any(SHOWN in word for word in words):
        cure = f"set {', '.join(lacking)}" if lacking else "say the arguments again"
        say(f"the shards were given secrets, which nothing keeps: where the collection needs them, {cure}")
    return words
