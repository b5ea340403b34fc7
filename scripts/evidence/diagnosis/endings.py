"""What ended a run from without: a person, a signal, a mistake of ours."""

from __future__ import annotations

from typing import Iterator

from ...errors import OUR_MISTAKE
from ...proof import receipt as r
from ..ending import Ending
from ..record import RunRecord
from . import kinds as k
from .facts import first_line, ran, running_at_end, whole_again
from .incidents import Both, Incident
from .passages import passage
from .signs.known import SIGNS
from .wording import short

SIGNALS = {130: "Ctrl-C (SIGINT)", 143: "SIGTERM", 129: "SIGHUP, the end of its terminal"}


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List what ended the run, or a shard, from without."""
    endings = [record.ending, *(shard.ending for shard in record.shards)]
    for ending in [each for each in endings if each]:
        if ending.traceback or ending.exit_code == OUR_MISTAKE:
            yield _crashed(record, ending)
    stopped = next(
        (each for each in endings if each and (each.exit_code in SIGNALS or each.ended == "interrupted")), None
    )
    interrupted = [shard for shard in record.shards if shard.result and shard.result.ended == r.INTERRUPTED]
    if stopped or interrupted:
        yield _interrupted(record, stopped)


def _crashed(record: RunRecord, ending: Ending) -> Incident:
    lines = [line for line in ending.traceback.splitlines() if line.strip()]
    words = first_line(lines[-1] if lines else ending.message or "no traceback is kept")
    files = [line.strip() for line in lines if line.strip().startswith("File ")]
    return Incident(
        k.OUR_CRASH,
        Both(
            f"Shardline itself failed in `{ending.step}`, by a mistake of ours",
            f"Shardline 自身在 {ending.step} 中出错",
        ),
        cause=Both(words, words),
        passages=(passage("", ending.traceback),),
        evidence=tuple(files[-1:]),
        hint="Please send the bundle that `invoke debug-bundle` makes to whoever maintains Shardline; the run says "
        "nothing of your tests.",
        command=whole_again(record),
        signs=[each for each in SIGNS if each.kind == k.DISK_FULL],
    )


def _interrupted(record: RunRecord, ending: Ending | None) -> Incident:
    by = SIGNALS.get(ending.exit_code, "a signal") if ending else "a signal"
    running = next(filter(None, map(running_at_end, record.shards)), "")
    during = f" while {short(running)} ran" if running else ""
    count = ran(record)
    step = ending.step if ending else "integration"
    again = (
        whole_again(record)
        if not count
        else record.command("nox", "-s", "merge", "--", "--run-missing", *record.arguments)
    )
    shards = tuple(shard.index for shard in record.shards if shard.result and shard.result.ended == r.INTERRUPTED)
    return Incident(
        k.INTERRUPTED,
        Both(f"the run was interrupted by {by}{during}", f"运行被 {by} 中断"),
        Both(f" ({count} tests had ended)" if count else "", f"（已完成 {count} 个测试）" if count else ""),
        is_certain=True,
        evidence=(f"{step} ended: {ending.ended}",) if ending else (),
        hint="Run the rest." if count else "",
        command=again,
        shards=shards,
        tests=(running,) if running else (),
    )
