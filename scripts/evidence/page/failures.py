"""What is shown of the red tests: those of one message together, each with all that tells why. Pure."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import escape

from ...console import uncoloured
from ...proof import outcomes as o
from ...proof.receipt import one_line
from ..record import Request, RunRecord, ShardRecord
from . import moments
from .kept import VERDICTS, Kept
from .tests import Row
from .text import clean, sensible, short_id

MOST_OF_A_GROUP = 3  # tests with all details
MOST_GROUPS = 30
MOST_NAMED = 20  # of a group, beside those in detail
MOST_TEXT, MOST_MESSAGE, MOST_LOG = 20_000, 4_000, 8_000  # characters
ROOM_BYTES = 300_000  # of all details; what comes later is shorter, and at last has its message only
MOST_REQUESTS = 30
LINE_BYTES = 8  # that mark a line
SHORTEST = 300  # characters: less tells nothing


class Failure(NamedTuple):
    """A red test with all that tells why.

    Args:
        key: of its element in the page.
        text: its traceback; message: what is known where there is none.
        log: what the service wrote meanwhile, or at the end; `log_fits` tells which.
    """

    key: str
    row: Row
    name: str
    message: str
    text: str = ""
    requests: Sequence[Request] = ()
    log: str = ""
    log_name: str = ""
    log_fits: bool = False
    kept: Sequence[Kept] = ()


class Group(NamedTuple):
    """The red tests of one message: some in detail, some by name, and how many more there are."""

    message: str
    tests: int
    detailed: Sequence[Failure]
    named: Sequence[str] = ()
    more: int = 0


def groups(
    record: RunRecord, rows: Sequence[Row], kept: Callable[[int], Sequence[Kept]], first: Sequence[str] = ()
) -> Tuple[List[Group], int]:
    """Put the red tests into groups, the largest first; and count those of groups for which there is no room.

    Args:
        first: ids of the most telling tests, whose groups come before all others.
        kept: lists what the tests of the shard at this place kept.
    """
    by_signature: Dict[str, List[Row]] = {}
    for row in rows:
        if row.is_red and row.outcome != o.NOT_RUN:
            by_signature.setdefault(signature(row.message) or row.nodeid, []).append(row)
    telling = {nodeid: place for place, nodeid in reversed(list(enumerate(first)))}
    for alike in by_signature.values():
        alike.sort(key=lambda row: telling.get(row.nodeid, len(telling)))
    ordered = sorted(by_signature.values(), key=lambda alike: (telling.get(alike[0].nodeid, len(first)), -len(alike)))
    details = _Details(record, kept)
    shown = [_group(alike, details) for alike in ordered[:MOST_GROUPS]]
    return shown, sum(map(len, ordered[MOST_GROUPS:]))


def signature(message: str) -> str:
    """Make messages of one cause alike: numbers, addresses and quoted words do not count.

    >>> signature("AssertionError: got 3 at 0x7f12, wanted 'a'")
    'AssertionError: got # at #, wanted #'
    """
    first = uncoloured(message[:2000]).strip().split("\n")[0][:300]
    return re.sub(r"'[^']*'|\"[^\"]*\"|0x[0-9a-fA-F]+|\d+(\.\d+)?", "#", first)


def _group(alike: Sequence[Row], details: _Details) -> Group:
    detailed = [details.of(row) for row in alike[:MOST_OF_A_GROUP]]
    named = [short_id(row.nodeid) for row in alike[MOST_OF_A_GROUP : MOST_OF_A_GROUP + MOST_NAMED]]
    more = max(0, len(alike) - MOST_OF_A_GROUP - MOST_NAMED)
    return Group(one_line(uncoloured(alike[0].message[:2000])), len(alike), detailed, named, more)


class _Details:
    """Finds what is known of red tests; each log is looked through once."""

    def __init__(self, record: RunRecord, kept: Callable[[int], Sequence[Kept]]) -> None:
        self._record, self._kept = record, kept
        self._logs: Dict[Tuple[int, str], Optional[moments.Timed]] = {}
        self._count = 0
        self._left_bytes = ROOM_BYTES

    def _taken(self, text: str, most: int) -> str:
        """Cut a text to what there is room for, less the more is taken already; empty where there is none."""
        most = min(most, self._left_bytes // 8)
        shown = clean(text, most) if most > SHORTEST else ""
        self._left_bytes -= len(escape(shown).encode("utf-8", "replace")) + LINE_BYTES * shown.count("\n")
        return shown

    def of(self, row: Row) -> Failure:
        """Gather what is known of a red test."""
        self._count += 1
        texts = [attempt.text for attempt in row.attempts if attempt.text and attempt.outcome in o.RED]
        message = row.message or next((each.message for each in reversed(row.attempts) if each.message), "")
        shard = self._record.shards[row.shard] if row.shard >= 0 else None
        name, log, fits = self._log(row, shard) if shard else ("", "", False)
        return Failure(
            key=f"failure-{self._count}",
            row=row,
            name=short_id(row.nodeid),
            message=self._taken(message, MOST_MESSAGE) or clean(message, SHORTEST),
            text=self._taken("\n\n".join(texts), MOST_TEXT),
            requests=_requests(row, shard.requests) if shard else (),
            log=self._taken(log, MOST_LOG),
            log_name=name,
            log_fits=fits,
            kept=sorted((each for each in self._kept(row.shard) if each.test == row.nodeid), key=_sent_first)
            if shard
            else (),
        )

    def _log(self, row: Row, shard: ShardRecord) -> Tuple[str, str, bool]:
        """Give the name of a log, what it says of the moment or at its end, and which of both that is."""
        logs = [
            each for each in (*shard.logs, *self._record.logs) if each.name.rpartition("/")[2].startswith("service")
        ]
        began_s, ended_s = _times(shard)
        for each in logs if row.at_s else ():
            key = (row.shard, each.name)
            if key not in self._logs:
                self._logs[key] = moments.timed(each.text, began_s, ended_s)
            log = self._logs[key]
            lines = moments.around(log, row.at_s, row.at_s + row.seconds) if log else []
            if lines:
                return each.name, "\n".join(lines), True
        for each in logs:
            text = (each.tail or each.head).rstrip()
            if text:
                return each.name, "\n".join(text.split("\n")[-moments.MOST_LINES :]), False
        return "", "", False


def _times(shard: ShardRecord) -> Tuple[float, float]:
    """Say from when to when the tests of a shard ran."""
    began = [sensible(told.started) for told in shard.rounds]
    ended = [sensible(told.started + each.at_s + each.seconds) for told in shard.rounds for each in told.attempts[-1:]]
    return min(began, default=0.0), max([*began, *ended], default=0.0)


def _requests(row: Row, requests: Sequence[Request]) -> List[Request]:
    return [each._replace(text=clean(each.text, SHORTEST)) for each in requests if each.test == row.nodeid][
        -MOST_REQUESTS:
    ]


def _sent_first(kept: Kept) -> str:
    """Order what was sent before what came, and a recording before its golden one and the verdicts on it.

    >>> sorted(["a.golden.wav", "a.audio.json", "a.wav"], key=lambda name: _sent_first(Kept("", name, 0)))
    ['a.wav', 'a.golden.wav', 'a.audio.json']
    """
    return kept.name.replace(".got.", ".sent~.").replace(".golden.", "~.").replace(VERDICTS, "~~")
