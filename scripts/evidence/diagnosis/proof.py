"""What the merge could not prove, and who is missing: from its findings, the worst for the proof first."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterator, List, Tuple

from ...console import counted
from ...proof import findings as f
from ...proof import outcomes as o
from ...proof.findings import Finding
from ...proof.receipt import STOPPED, shown
from ..record import RunRecord, ShardRecord
from . import kinds as k
from .facts import other_passages, running_at_end, shard_again, whole_again
from .incidents import Both, Incident
from .signs.known import SIGNS
from .wording import indices, short

KINDS: Dict[str, Tuple[str, str, str]] = {  # of findings: the kind, and how it begins in both languages
    f.OTHER_PLAN: (k.PLAN_DIFFERED, "the nodes went by different plans", "各节点的分片计划不一致"),
    f.OTHER_TOTAL: (k.PLAN_DIFFERED, "the nodes were told different numbers of shards", "各节点的分片总数不一致"),
    f.OTHER_FILES: (k.SOURCES_DIFFER, "the results are of different states of the tests", "各结果对应的测试代码不一致"),
    f.OTHER_SOURCE: (k.SOURCES_DIFFER, "the results are of different states of the source", "各结果对应的源码不一致"),
    f.OTHER_ARGUMENTS: (k.ARGUMENTS_DIFFER, "the shards ran with different arguments", "各分片的参数不一致"),
    f.OTHER_PYTHON: (k.ARGUMENTS_DIFFER, "the shards ran on different Pythons", "各分片的 Python 版本不一致"),
    f.OTHER_COLLECTION: (k.COLLECTION_DIFFERS, "the nodes collected different tests", "各节点收集到的测试不一致"),
    f.UNSTABLE: (k.COLLECTION_DIFFERS, "ids of tests change from run to run", "测试 ID 每次运行都不同"),
    f.DAMAGED: (k.DAMAGED, "a result cannot be believed", "结果文件不可信"),
    f.CHANGED: (k.DAMAGED, "a result was changed afterwards", "结果在结束后被修改"),
    f.TWO_RESULTS: (k.DAMAGED, "a shard left two results", "一个分片留下两份结果"),
    f.CLAIMED_TWICE: (k.LOST, "the store gave tests to more than one shard", "存储把同一批测试分给了多个分片"),
    f.UNFIT_REPAIR: (k.DAMAGED, "a repair is for other results", "补跑结果与本次不符"),
    f.REPAIR_CUT_SHORT: (k.CUT_SHORT, "a repair did not come to its end", "补跑未完成"),
    f.STOPPED: (k.STOPPED, "it was stopped by -x, --maxfail or --fail-fast", "因 -x、--maxfail 或 --fail-fast 停止"),
    f.CUT_SHORT: (k.CUT_SHORT, "a shard did not come to its end", "分片未运行完"),
    f.NOTHING: (k.NO_TESTS, "no test was selected", "没有选中任何测试"),
    f.LOST: (k.LOST, "{} ran nowhere", "{}没有运行"),
    f.NOT_RUN: (k.LOST, "{} were not run by the shard that had to", "{}未被所属分片运行"),
    f.LEFT: (k.LOST, "{} were left unrun", "{}未运行"),
    f.APART: (k.LOST, "{} ran without those that they stay together with", "{}与应在一起的测试被分开"),
    f.DOUBLED: (k.LOST, "{} ran in more than one shard", "{}重复运行"),
    f.UNKNOWN: (k.COLLECTION_DIFFERS, "{} ran that are not in this collection", "{}不在本次收集中"),
}


BEFORE_A_PLAN = (f.OTHER_FILES, f.OTHER_SOURCE, f.OTHER_ARGUMENTS, f.OTHER_PYTHON, f.OTHER_COLLECTION)


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List what the merge could not prove, and the shards that are missing."""
    missing = [shard for shard in record.shards if shard.result is None and not shard.is_repair]
    told = {index for finding in _red(record, f.NO_RESULT) for index in finding.shards}
    for shard in missing:
        if shard.index in told or not record.verdict:
            yield from _killed(record, shard)
    if record.verdict is None:
        yield from map(_stopped, (shard for shard in record.shards if shard.result and shard.result.ended == STOPPED))
    for finding in _red(record, f.NO_RESULT):
        yield _missing(record, finding)
    for kind in KINDS:
        found = _red(record, kind)
        if found:
            yield _of_kind(record, kind, found)


def _stopped(shard: ShardRecord) -> Incident:
    """Name the red test that stopped a shard, before a merge: with --fail-fast it is perhaps another shard's."""
    _, english, chinese = KINDS[f.STOPPED]
    why = next((each.ended.reason for each in reversed(shard.rounds) if each.ended.kind == o.STOPPED), "")
    return Incident(k.STOPPED, Both(english, chinese), cause=Both(why, why), is_certain=True, shards=(shard.index,))


def _red(record: RunRecord, kind: str) -> List[Finding]:
    return [finding for finding in record.verdict.of(kind) if finding.red] if record.verdict else []


def _of_kind(record: RunRecord, finding: str, found: List[Finding]) -> Incident:
    kind, english, chinese = KINDS[finding]
    tests = tuple(each.nodeid for each in found if each.nodeid)
    shards = tuple(sorted({index for each in found for index in each.shards}))
    repairable = bool(record.verdict and record.verdict.repairable)
    command = (
        _run_missing(record)
        if repairable
        else shard_again(record, shards)
        if kind != k.STOPPED
        else whole_again(record)
    )
    root = next((each for name in BEFORE_A_PLAN for each in _red(record, name)), None)
    if kind == k.PLAN_DIFFERED and root:  # a plan follows from what was collected
        return replace(
            _of_kind(record, root.kind, [root]),
            kind=kind,
            head=Both(english, chinese),
            evidence=tuple(each.text for each in (root, *found)),
        )
    first = f"{short(found[0].nodeid)}: {found[0].text}" if found[0].nodeid and found[0].text else found[0].text
    if kind == k.NO_TESTS and first == english:
        first = f"none fits {' '.join(record.arguments)}" if record.arguments else ""
    return Incident(
        kind,
        Both(english.format(counted(len(tests), "test")), chinese.format(f"{len(tests)} 个测试")),
        cause=Both(first, first),
        is_certain=True,
        evidence=tuple(f"{shown(each.nodeid)}{': ' if each.nodeid else ''}{each.text}" for each in found[:5]),
        hint=_hint(kind),
        command=command,
        shards=shards,
        tests=tests,
    )


def _hint(kind: str) -> str:
    return {
        k.PLAN_DIFFERED: "Make the plan once, and hand it to all nodes: reports/plan.json of `nox -s plan`, in CI "
        "by its workspace.",
        k.SOURCES_DIFFER: "All nodes must run one commit, and nothing may be edited meanwhile.",
        k.ARGUMENTS_DIFFER: "Give all shards the same arguments, and the same Python.",
        k.COLLECTION_DIFFERS: "A suite must collect the same tests anywhere: sort sets, fix random parameters, same "
        "plugins and variables.",
        k.DAMAGED: "Run that shard again.",
    }.get(kind, "")


def _run_missing(record: RunRecord) -> str:
    return record.command("nox", "-s", "merge", "--", "--run-missing", *record.arguments)


def _missing(record: RunRecord, finding: Finding) -> Incident:
    shard = next((each for each in record.shards if each.index in finding.shards and not each.is_repair), None)
    left = "its node was cancelled, or lost, before it wrote anything here" if shard is None else ""
    return Incident(
        k.SHARD_MISSING,
        Both(finding.text, f"缺少{'分片 ' + str(finding.shards[0]) if finding.shards else '全部分片'}的结果"),
        cause=Both(left, "该节点在写入结果前被取消或丢失" if left else ""),
        passages=other_passages(record, finding.shards, "output.log") if shard else (),
        hint="See that node in CI: cancelled, out of time, or its results were not kept.",
        command=_run_missing(record),
        shards=finding.shards,
        without=(k.UNREACHABLE, k.TIMED_OUT),
    )


def _killed(record: RunRecord, shard: ShardRecord) -> Iterator[Incident]:
    """Tell of a shard that left no result, nor how it ended: its runner was killed, and what ran then is known."""
    if shard.ending or (record.ending and not shard.rounds):
        return
    running = running_at_end(shard)
    done = sum(len(told.attempts) for told in shard.rounds) - bool(running)
    during = f" while {short(running)} ran" if running else "" if shard.rounds else " before its first test"
    ended = f", {counted(max(done, 0), 'test')} had ended" if shard.rounds else ""
    meanwhile = f"在运行 {short(running)} 时" if running else "" if shard.rounds else "在第一个测试之前"
    yield Incident(
        k.RUNNER_KILLED,
        Both(
            f"{indices([shard.index])} was killed{during}: it left no result{ended}",
            f"分片 {shard.index} {meanwhile}被杀死，没有留下结果",
        ),
        evidence=(f"{shard.name}: {shard.why_no_result}",),
        passages=other_passages(record, [shard.index], "output.log"),
        hint="See that node in CI: memory, time limit, cancelled; dmesg tells of kills for memory.",
        command=_run_missing(record),
        shards=(shard.index,),
        tests=(running,) if running else (),
        signs=[each for each in SIGNS if each.kind in (k.DISK_FULL, k.MEMORY)],
    )
