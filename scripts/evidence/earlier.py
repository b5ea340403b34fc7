"""What lies in a reports folder and is of an earlier run than the last one: it must not be told as that one's."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Optional

from ..planning import plan as planning
from ..proof import receipt, report_text
from .record import RunRecord, ShardRecord

LATER_S = 2.0  # the clocks of two nodes of a CI may differ so much
WHY = "it left no result; the one in its place is of an earlier run"


def left_out(record: RunRecord) -> RunRecord:
    """Leave out what the endings name as earlier, and verdict and ending of a run of which a shard ran again later."""
    ends_s = [shard.ending.at_s for shard in record.shards if shard.ending]
    ending = record.ending if record.ending and max(ends_s, default=0.0) <= record.ending.at_s + LATER_S else None
    named = ending.earlier if ending else ()
    shards = tuple(_shard(shard) for shard in record.shards if shard.folder.name not in named)
    is_earlier = report_text.FILE_NAME in named or is_outdated(record)
    plan = None if planning.FILE_NAME in named else record.plan
    verdict = None if is_earlier else record.verdict
    unread = (f"{report_text.FILE_NAME}: of an earlier run",) if is_earlier and record.verdict else ()
    return replace(record, shards=shards, plan=plan, verdict=verdict, ending=ending, unread=(*record.unread, *unread))


def is_outdated(record: RunRecord) -> bool:
    """Tell whether a shard has left its result after the merge left its own."""
    merged_s = _written_s(record.reports / report_text.FILE_NAME)
    results = (_written_s(shard.folder / receipt.FILE_NAME) for shard in record.shards)
    return merged_s is not None and any(result_s > merged_s + LATER_S for result_s in results if result_s)


def _shard(shard: ShardRecord) -> ShardRecord:
    if shard.ending and receipt.FILE_NAME in shard.ending.earlier:
        return replace(shard, result=None, why_no_result=WHY, rounds=())
    return shard


def _written_s(file: Path) -> Optional[float]:
    with suppress(OSError):
        return file.lstat().st_mtime
    return None
