"""Open the store that a run's shards claim pieces in, and try whether it keeps its word."""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path
from typing import Mapping, Optional, Tuple

from ..errors import SettingsError
from ..settings.distribution import NO_STORE, Distribution, shown
from .folder import FolderStore
from .store import BEGAN, CLAIMS, Store, StoreError

HANDED = "SHARDLINE_STORE"  # the folder that a run of several shards here hands to each of them
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def named(distribution: Distribution, environ: Mapping[str, str]) -> str:
    """Say which store is meant: the settings', else the one handed to this shard; empty if none is."""
    said = environ.get(HANDED, "") if distribution.store is None else distribution.store
    return "" if said == NO_STORE else said


def open_store(
    distribution: Distribution, environ: Mapping[str, str], project: Path, at: str, trying: bool = True
) -> Optional[Store]:
    """Open the store of a run; None where it has none.

    Args:
        project: what a folder is relative to.
        at: the run's place in it; see `ci.place`.
        trying: find out whether it keeps its word, too, and how long a claim takes.

    Raises:
        StoreError: it cannot be reached, or refuses us: the plan holds as it stands.
        SettingsError: what is named is no store, or one that lets more than one shard win.
    """
    text = named(distribution, environ)
    if not text:
        return None
    store = _made(filled(text, environ), distribution.put_if_absent, project, at)
    if trying:
        probe(store)
    return store


def filled(text: str, environ: Mapping[str, str]) -> str:
    """Fill in variables, $NAME or ${NAME}: a password stands in none of our files.

    >>> filled("redis://:${PASSWORD}@host", {"PASSWORD": "abc"})
    'redis://:abc@host'

    Raises:
        StoreError: a variable is not set, as in a run for a fork, which gets no secrets.
    """
    missing = [name for pair in _VARIABLE.findall(text) for name in pair if name and not environ.get(name)]
    if missing:
        raise StoreError(f"distribution.store: the variable {missing[0]} is not set", f"Set {missing[0]} in the CI.")
    return _VARIABLE.sub(lambda found: environ[found[1] or found[2]], text)


def _made(text: str, put_if_absent: str, project: Path, at: str) -> Store:
    scheme, found, _ = text.partition("://")
    if not found:
        return FolderStore(project / Path(text).expanduser(), at)
    if scheme == "s3":
        from .s3 import S3Store  # slow to import, as is what it needs

        return S3Store(text, put_if_absent, at)
    if scheme in ("redis", "rediss"):
        from .redis_store import RedisStore

        return RedisStore(text, at)
    raise SettingsError(f"distribution.store: expected redis://, rediss://, s3:// or a folder, got {shown(text)}")


def probe(store: Store) -> None:
    """Claim a fresh key twice, as two shards would at the same time: the second must hear of the first.

    Raises:
        StoreError: it cannot be reached, or refuses us.
        SettingsError: it lets both win.
    """
    key, first, second = f"probe/{uuid.uuid4().hex}", _word(), _word()
    won, began = store.claim(key, first), time.monotonic()
    lost = store.claim(key, second)
    store.latency_s = time.monotonic() - began
    heard = (won, lost, store.get(key))
    if heard != (first, first, first):
        message = f"distribution.store: {store.where} lets everybody claim what one has claimed"
        raise SettingsError(f"{message}{_said(heard, second)}", _HELP)
    store.claim(f"{CLAIMS}/{BEGAN}", _word())


_HELP = (
    "Where it is an S3 server, try put_if_absent: oss, cos or gcs, if it is one of these, or a newer version of it; "
    "else name a Redis or a folder, or say store: none."
)


def _word() -> str:
    return uuid.uuid4().hex


def _said(heard: Tuple[Optional[str], ...], second: str) -> str:
    return ": the second was told that it won" if heard[1] == second else f": it answered {heard}"
