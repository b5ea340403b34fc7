"""How tests are shared out while they run, as pipeline.yml says it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

from ..errors import shortened
from ..typed_yaml import Seconds, checked

NO_STORE = "none"
KINDS = ("s3", "oss", "cos", "gcs")


def shown(text: str) -> str:
    """Show what should be a store's address, without user and password, whatever stands in these.

    >>> shown("redis://:a/b@c@host:port")
    'redis://host:port'
    """
    return re.sub(r"(?s)://.*@", "://", text)


def check_store(text: str) -> None:
    """Accept a store of a kind that there is; what stands in variables is looked at when it is opened."""
    scheme, found, rest = text.partition("://")
    if not text.strip():
        raise ValueError("expected redis://HOST, s3://BUCKET/PREFIX, a folder or none, got nothing")
    if text.lower() == NO_STORE != text or re.match(r"(rediss?|s3|https?):(?!//)", text):
        raise ValueError(f"expected redis://HOST, s3://BUCKET/PREFIX, a folder or none, got {shortened(shown(text))}")
    if found and scheme not in ("redis", "rediss", "s3") and "$" not in scheme:
        raise ValueError(f"expected redis://, rediss://, s3:// or a folder, got {shortened(shown(text))}")
    if found and scheme == "s3" and not re.fullmatch(r"[\w.${}-]{3,}(/.*)?", rest):
        raise ValueError(f"expected s3://BUCKET/PREFIX, got {shortened(text)}")


def _check_kind(text: str) -> None:
    if text not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}, got {shortened(text)}")


@dataclass(frozen=True)
class Distribution:
    """Where shards claim pieces of one another's tests while they run: a store that all of them reach.

    Without `store` those of one machine use a folder, and those of a CI run what the plan gives them; with
    `store: none` all do. $NAME in it stands for a variable of the environment. `put_if_absent` says in whose words an
    object is made only where there is none.
    `take_over_after`: how long a shard may be silent before others run what it has claimed.
    """

    store: Optional[str] = checked(check_store, default=None)
    put_if_absent: str = checked(_check_kind, default="s3")
    take_over_after_s: Seconds = Seconds(60)
