"""What a server's answer means for a transfer: which bytes come, whether to ask again, and when.

Content-Range is trusted over the status code, since there are servers that answer a Range with the
right bytes and status 200.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Dict, Mapping, NamedTuple, Optional

PASSING_STATUSES = (408, 425, 429)  # and 5xx, less those that say "never"
PERMANENT_STATUSES = (501, 505)


class Extent(NamedTuple):
    """Which bytes an answer holds: from `start`, of a file of `total_bytes`, where that is said."""

    start: int
    total_bytes: Optional[int]


class Patience(NamedTuple):
    """How long a transfer goes on in spite of failures."""

    connect_s: float = 10.0
    stall_s: float = 60.0  # without a byte
    retries: int = 5  # in a row, with no new byte between
    first_pause_s: float = 1.0  # doubled with every further failure,
    longest_pause_s: float = 30.0  # up to this
    longest_order_s: float = 120.0  # that a server may ask us to wait


PATIENT = Patience()


def request_headers(offset: int, validator: str) -> Dict[str, str]:
    """The headers that ask for the bytes from `offset` on, as they are stored.

    >>> request_headers(5, '"v1"')
    {'Accept-Encoding': 'identity', 'Range': 'bytes=5-', 'If-Range': '"v1"'}
    """
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if validator:
            headers["If-Range"] = validator
    return headers


def validator_of(headers: Mapping[str, str]) -> str:
    """What tells versions of a file apart in If-Range: a strong ETag, else the date; empty if there is neither.

    Source: RFC 9110, 13.1.5: a weak ETag must not be used there.
    """
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def extent_of(headers: Mapping[str, str]) -> Extent:
    """Which bytes a successful answer holds.

    >>> extent_of({"Content-Range": "bytes 5-9/10"}), extent_of({"Content-Length": "10"}), extent_of({})
    (Extent(start=5, total_bytes=10), Extent(start=0, total_bytes=10), Extent(start=0, total_bytes=None))
    """
    match = re.fullmatch(r"bytes\s+(\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match:
        return Extent(int(match[1]), None if match[2] == "*" else int(match[2]))
    length = headers.get("Content-Length", "")
    return Extent(0, int(length) if length.isdigit() else None)


def may_pass(status: int) -> bool:
    """Whether the same request may succeed later.

    >>> [may_pass(status) for status in (404, 429, 501, 503)]
    [False, True, False, True]
    """
    return status in PASSING_STATUSES or (status >= 500 and status not in PERMANENT_STATUSES)


def ordered_pause_s(retry_after: str, now: datetime) -> Optional[float]:
    """The seconds that a Retry-After header asks us to wait; None if it does not.

    >>> ordered_pause_s("7", datetime(2026, 1, 1)), ordered_pause_s("soon", datetime(2026, 1, 1))
    (7.0, None)
    """
    from email.utils import parsedate_to_datetime  # slow to import, and most runs find every file in place

    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    return max(0.0, (_in_utc(then) - _in_utc(now)).total_seconds())


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def pause_s(patience: Patience, failures: int, ordered_s: Optional[float], chance: float) -> float:
    """How long to wait after so many failures in a row: what the server ordered, else exponential backoff.

    Args:
        chance: in [0, 1): spreads those who failed together ("full jitter").

    >>> [pause_s(Patience(), failures, None, 0.5) for failures in (1, 2, 3, 9)], pause_s(Patience(), 1, 7, 0.5)
    ([0.5, 1.0, 2.0, 15.0], 7.5)
    """
    if ordered_s is not None:
        return ordered_s + chance * patience.first_pause_s
    return chance * min(patience.longest_pause_s, patience.first_pause_s * 2.0 ** min(failures - 1, 60))
