"""One plan for all shards of a run, where no job before them made one: that of the first to come."""

from __future__ import annotations

from typing import Callable

from ..errors import SettingsError
from ..system.files import RECORD_BYTES
from ..system.packed import packed, unpacked
from .store import Store, StoreError

PLAN = "plan"


def agreed_plan(store: Store, make: Callable[[], str]) -> str:
    """Return the plan that all shards of the run go by: what the first has put into the store.

    Args:
        make: writes this shard's own plan, from its own history. It counts where no other has come before.

    Raises:
        StoreError: the store cannot be asked, or its plan is damaged.
    """
    there = store.get(PLAN)
    try:
        return unpacked(store.claim(PLAN, packed(make())) if there is None else there, RECORD_BYTES)
    except ValueError as error:
        raise StoreError(f"{store.where}: the plan of this run is damaged there") from error


def check_plan(store: Store, attempt: str, plan_id: str) -> None:
    """Refuse to share tests out with shards that go by another plan: each would run the pieces of all.

    Raises:
        SettingsError: a shard of this try at the run has said that it goes by another plan.
        StoreError: the store cannot be asked.
    """
    first = store.claim(f"planned/{attempt}", plan_id)
    if first != plan_id:
        message = f"{store.where}: expected the plan of the shards that came first, {first[:8]}, got {plan_id[:8]}"
        hint = "Give all shards one plan.json; where this is another run of the same job, set SHARDLINE_RUN for each."
        raise SettingsError(message, hint)
