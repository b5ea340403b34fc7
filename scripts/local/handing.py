"""The store in which the shards of a run on this machine share out their tests: a folder in the reports."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from typing import Dict, Iterator, Mapping, Optional

from ..distribution import desk, opening
from ..distribution.store import Store, StoreError
from ..errors import PipelineError
from ..runner import claims
from ..settings import Settings
from ..settings.distribution import NO_STORE
from .concurrency import Concurrency

FOLDER = ".claims"


class Handed:
    """What shards hear of the store, and what is said there in the name of one that was killed."""

    def __init__(self, variables: Mapping[str, str], store: Optional[Store] = None) -> None:
        self.variables: Dict[str, str] = dict(variables)
        self._store = store

    def take_from(self, index: int) -> None:
        """Let the others take over what a shard has claimed that left no result, without waiting for a sign of it."""
        if self._store:
            with suppress(StoreError):  # then they wait
                desk.mark_dead(self._store, index)


def is_shared_out(settings: Settings, at_once: Concurrency, fail_fast: bool = False) -> bool:
    """Tell whether shards that run here share out their tests: one at a time has nobody to share with.

    Args:
        fail_fast: by their store, a red test stops them all.
    """
    wanted = NO_STORE not in (settings.distribution.store, os.environ.get(opening.HANDED))
    return wanted and (at_once.shards > 1 or fail_fast)


@contextmanager
def shared_out(
    settings: Settings, total: int, environ: Mapping[str, str], at_once: Concurrency, fail_fast: bool
) -> Iterator[Handed]:
    """Make a store of this run's own while the block runs, if its shards share out their tests."""
    if not is_shared_out(settings, at_once, fail_fast):
        yield Handed({opening.HANDED: NO_STORE})
        return
    folder = (settings.reports / FOLDER).resolve()
    shutil.rmtree(str(folder), ignore_errors=True)
    variables = {opening.HANDED: str(folder)}
    store: Optional[Store] = None
    with suppress(PipelineError):  # a shard says it
        store = claims.store_of_run(settings, total, {**environ, **variables}, trying=False)
    try:
        yield Handed(variables, store)
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)
