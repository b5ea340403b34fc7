"""Limits that a run whose tests passed does not keep: budgets of the service, coverage."""

from __future__ import annotations

from typing import Iterator

from ...proof import findings as f
from ...proof.watched import Breach
from ..record import RunRecord, ShardRecord
from . import kinds as k
from .facts import first_line, whole_again
from .incidents import Both, Incident
from .wording import in_chinese

BUDGETS = {  # by name: the kind, and how its breach is told
    "growth": (k.LEAK, "the service leaks", "服务内存泄漏"),
    "probe_latency": (k.LATENCY, "the service answers too slowly", "服务响应超出延迟预算"),
    "ready": (k.OVER_BUDGET, "the service was ready later than its budget", "服务就绪时间超出预算"),
    "memory": (k.OVER_BUDGET, "the service took more memory than its budget", "服务内存超出预算"),
    "gpu_memory": (k.OVER_BUDGET, "the service took more GPU memory than its budget", "服务显存超出预算"),
    "open_files": (k.OVER_BUDGET, "the service had more files open than its budget", "服务打开的文件数超出预算"),
}


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List the limits that are not kept."""
    for shard in record.shards:
        for breach in shard.result.breaches if shard.result else ():
            yield _breach(record, shard, breach)
    if not any(shard.result and shard.result.breaches for shard in record.shards):
        yield from _by_findings(
            record, (f.OVER_BUDGET, f.BUDGET_UNKNOWN), k.OVER_BUDGET, "the service is over its budget"
        )
    yield from _by_findings(record, (f.COVERAGE_LOW, f.COVERAGE_UNKNOWN), k.COVERAGE, "the coverage is not proven")


def _breach(record: RunRecord, shard: ShardRecord, breach: Breach) -> Incident:
    kind, english, chinese = BUDGETS.get(
        breach.budget, (k.OVER_BUDGET, "the service is over its budget", "服务超出预算")
    )
    if not breach.known:
        kind, english, chinese = (
            k.OVER_BUDGET,
            "a budget of the service is not proven to be kept",
            "无法证明服务遵守预算",
        )
    return Incident(
        kind,
        Both(english, chinese),
        cause=Both(first_line(breach.text), in_chinese(first_line(breach.text))),
        is_certain=True,
        evidence=(f"{shard.name}: {breach.text}",),
        hint="What it took each second stands in monitor.jsonl, with the test that ran: find what costs it, or "
        "grant more "
        "in service.budgets.",
        command=whole_again(record),
        shards=(shard.index,),
    )


def _by_findings(record: RunRecord, kinds: tuple[str, ...], kind: str, english: str) -> Iterator[Incident]:
    for finding in record.verdict.findings if record.verdict else ():
        if finding.red and finding.kind in kinds:
            yield Incident(
                kind,
                Both(english, "覆盖率不足" if kind == k.COVERAGE else "服务超出预算"),
                cause=Both(finding.text, finding.text),
                is_certain=True,
                hint="`python -m coverage report --show-missing` in the suite's environment names the lines."
                if kind == k.COVERAGE
                else "",
                command=whole_again(record),
                shards=finding.shards,
            )
