"""One plan for all shards of a run, where no job before them made one: that of the first to come."""

from __future__ import annotations

import base64
import zlib
from typing import Callable

from ..errors import SettingsError
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
    return _unpacked(store, store.claim(PLAN, _packed(make())) if there is None else there)


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


def _packed(text: str) -> str:
    return base64.b64encode(zlib.compress(text.encode("utf-8", "surrogatepass"))).decode("ascii")


def _unpacked(store: Store, packed: str) -> str:
    try:
        return zlib.decompress(base64.b64decode(packed, validate=True)).decode("utf-8", "surrogatepass")
    except (ValueError, zlib.error) as error:
        raise StoreError(f"{store.where}: the plan of this run is damaged there") from error
