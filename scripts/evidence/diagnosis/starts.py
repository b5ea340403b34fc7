"""What kept tests from starting: settings, packages, weights, and a service that did not come up, or cannot work."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...errors import SERVICE_ERRORS
from ...proof.receipt import SERVICE
from ...system.usage import Sample
from ..ending import Ending
from ..record import RunRecord
from . import kinds as k
from .deaths import DURATION, KILLED, SENT, TRACE, Death, death_in
from .facts import all_lines, errors, first_line, other_passages, service_passages, shown_lines, whole_again
from .incidents import Both, Incident
from .passages import Passage, built_why, exceptions, find, last_telling, passage, raised
from .signs.known import SIGNS
from .signs.serving import DOWNLOADS, STILL_AT_IT
from .wording import chinese_time, in_chinese, listed

WARMING_UP = "during the warm-up"
FOREIGN = "It has instructions that this processor does not know (AVX, mostly): take builds for this one."
LAST_LINE, NO_LINE = "; its last line: ", "; it wrote nothing"
HOLDER_CHARACTERS = 70  # of who has a port; all of it stands in the evidence
BUSY_CORES = 0.2  # of the processor: less is waiting
ON_THE_WAY = (k.NETWORK, k.PROXY, k.DISK_FULL, k.DIGEST)  # before there is any package
NOT_BEFORE = (k.COLLECTION, k.TIMED_OUT, k.UNREACHABLE)  # what only tests meet

SHOWN_CODE_LINES = 3  # of a traceback, above the error
# match, except*, a walrus, type parameters: Python 3.8 to 3.12.
NEWER_SYNTAX = re.compile(r"\s*(match [^=]+:$|case .+:|except\*|type \w+ = |(def|class) \w+\[|.*\w\s*:=\s)")
NOT_READY = re.compile(rf"(?P<where>\S+) was not ready within (?P<limit>{DURATION}): it (?P<how>.*)")
ELSEWHERE = re.compile(r"; it listens on (?P<places>[^;]+)")
STATUS = re.compile(r"answered (?P<status>\d{3}[^,:;]*)")
ASKED_BY_PROXY = re.compile(r"asked by the proxy (?P<proxy>\S+)")
ASKED = re.compile(r"the warm-up ([A-Z]+) \w+://[^/\s]+(\S*)")
REFUSED_SOURCE = re.compile(r"^  \w+:\S+: (?P<why>.+)", re.MULTILINE)
LATE = "did not answer in time"
CANNOT_WORK = re.compile(r"is ready but cannot work: (?P<what>.*)", re.DOTALL)


class Broken(NamedTuple):
    """An error that ended a step or a shard: its class's name, its words, its hint, and where."""

    kind: str
    message: str
    hint: str = ""
    shards: Tuple[int, ...] = ()


def broken(record: RunRecord) -> Iterator[Broken]:
    """List what ended before tests, as steps wrote it at their end, and results of shards without a service."""
    endings: List[Tuple[Optional[Ending], Tuple[int, ...]]] = [] if record.verdict else [(record.ending, ())]
    for ending, shards in [*endings, *_endings(record)]:
        if ending and ending.kind and ending.message and ending.exit_code not in (130, 143):
            yield Broken(ending.kind, ending.message, ending.hint, shards)
    said = [ending.message for ending, _ in [*endings, *_endings(record)] if ending]
    told = {message.partition("\n")[0] for message in said}
    for shard, message in errors(record, SERVICE):
        kind = next((each for each in SERVICE_ERRORS if message.startswith(f"{each.ended}: ")), None)
        again = message.partition("it could not be started again: ")[2]
        shown = _as_shown(message[len(kind.ended) + 2 :]) if kind else ""
        if kind and shown.split("\n")[0] not in told:  # the error itself has more of its words
            yield Broken(kind.__name__, shown, shards=(shard.index,))
        elif again and not kind:
            yield Broken("ServiceDied" if " ended with " in again else "ServiceNotReady", again, shards=(shard.index,))


def _endings(record: RunRecord) -> List[Tuple[Optional[Ending], Tuple[int, ...]]]:
    return [(each.ending, (each.index,)) for each in record.shards]


def _as_shown(text: str) -> str:
    """Give what a result says in one line the form of the error that it was."""
    text = text[: -len(NO_LINE)] if text.endswith(NO_LINE) else text
    first, _, last = text.partition(LAST_LINE)
    return f"{first}\n  | {last}" if last else first


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List what kept tests from starting."""
    tell: Dict[str, Callable[[RunRecord, Broken], Incident]] = {
        "ServiceDied": _died,
        "PortInUse": _port,
        "ServiceNotReady": _not_ready,
        "WarmUpFailed": _cannot_work,
        "PrepareFailed": _prepare,
        "InstallError": _packages,
        "ModelError": _weights,
        "SettingsError": _settings,
        "AlreadyRunning": _already,
        "PipelineError": _other,
    }
    for each in broken(record):
        if each.kind in tell:
            yield replace(tell[each.kind](record, each), shards=each.shards)


# The service ------------------------------------------------------------------------------------------


def _serve(record: RunRecord) -> str:
    return record.command("nox", "-s", "serve")


def _near(record: RunRecord, at: Broken, running: bool = False) -> Tuple[Passage, ...]:
    """Take the lines that the error shows, then the service's log."""
    shown = tuple(each._replace(is_end=not running, still_running=running) for each in shown_lines(at.message))
    return (*shown, *service_passages(record, at.shards, running))


def _died(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    death, near = death_in(at.message), _near(record, at)
    last = last_telling(near)
    said = (
        Both(f"its last words were: {last}", f"最后输出为 {last}") if last else Both("it wrote nothing", "没有任何输出")
    )
    title = death.service if death else "service"
    if death and death.by_kernel:
        of = f"{death.took or 'memory'} of {death.limit}" if death.limit else death.took
        probably = "probably " if death.by_kernel == "probably" else ""
        return Incident(
            k.MEMORY,
            Both(
                f"the {title} was {probably}killed by the kernel for memory at its start",
                "服务启动时因内存不足被内核杀死",
            ),
            Both(f" (after {death.after})", f"（运行 {chinese_time(death.after)}）"),
            Both(of),
            is_certain=True,
            evidence=(first,),
            hint="Give it more memory, or run fewer shards at once (--at-once 1).",
            command=whole_again(record),
        )
    if death and (death.how in KILLED or death.how.startswith("signal")):
        return _by_signal(record, at, death, near, said)
    how = f" ({death.how} after {death.after})" if death else ""
    background, newer = "running in the background" in first, _newer_syntax(near)
    cause = Both("it went to the background", "它转入了后台") if background else said if death else Both(first)
    if newer:
        cause = Both(f"its code is for a newer Python than it runs on: {newer}", f"代码需要更新的 Python：{newer}")
    return Incident(
        k.WRONG_PYTHON if newer else k.DIED_AT_START,
        Both(f"the {title} ended in its warm-up", "服务在预热时结束")
        if WARMING_UP in first
        else Both(f"the {title} did not start", "服务启动失败"),
        Both(how, f"（{chinese_time(death.how)}，运行 {chinese_time(death.after)}）" if death else ""),
        cause,
        is_certain=bool(newer),
        passages=near,
        evidence=(first,),
        hint=at.hint or "See its log.",
        command=_serve(record),
        without=NOT_BEFORE,
    )


def _by_signal(record: RunRecord, at: Broken, death: Death, near: Sequence[Passage], said: Both) -> Incident:
    """Tell of a service that a signal ended before the first test: whether it crashed, or was killed."""
    is_warm_up = WARMING_UP in first_line(at.message)
    when = Both("in its warm-up" if is_warm_up else "at its start", "服务在预热时" if is_warm_up else "服务启动时")
    crashed = death.deed.english.startswith("crashed")
    hint = FOREIGN if "SIGILL" in death.how else TRACE if crashed else "" if death.how in KILLED else SENT
    no_kill = death.no_kill if death.how in KILLED else ""
    return Incident(
        k.DIED_AT_START if crashed else k.KILLED,
        Both(f"the {death.service} {death.deed.english} {when.english}", f"{when.chinese}{death.deed.chinese}"),
        Both(f" ({death.how} after {death.after}{no_kill})", f"（运行 {chinese_time(death.after)}）"),
        said,
        passages=tuple(near),
        evidence=(first_line(at.message),),
        hint=f"{hint} {at.hint}".strip(),
        command=_serve(record),
        signs=SIGNS if crashed else [each for each in SIGNS if each.kind in (k.GPU_MEMORY, k.MEMORY)],
        without=NOT_BEFORE,
    )


def _newer_syntax(near: Sequence[Passage]) -> str:
    """Find the line of its code that an older Python cannot read; empty where there is none, or it can."""
    for each in near:
        for place in exceptions(each)[:1]:
            if each.lines[place].startswith("SyntaxError"):
                shown = each.lines[max(0, place - SHOWN_CODE_LINES) : place]
                return next((line.strip() for line in shown if NEWER_SYNTAX.match(line)), "")
    return ""


def _port(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    taken = re.search(
        r"port (?P<port>\d+) is in use by (?P<holder>a process that cannot be seen|pid \d+ \([^)]*\)?)", at.message
    )
    holder = taken["holder"] if taken else ""
    holder = holder if len(holder) <= HOLDER_CHARACTERS else f"{holder[:HOLDER_CHARACTERS]}...)"
    cause = Both(
        f"port {taken['port']} is in use by {holder}" if taken else first,
        f"端口 {taken['port']} 已被 {holder} 占用" if taken else first,
    )
    return Incident(
        k.PORT,
        Both("the service did not start", "服务启动失败"),
        cause=cause,
        is_certain=True,
        evidence=(first,),
        hint=at.hint or "Stop what has the port, or leave service.port out, so that every start takes a free one.",
        command=record.command("invoke", "stop") if "of ours" in first else whole_again(record),
    )


def _not_ready(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    match = NOT_READY.search(first)
    limit = f" within {match['limit']}" if match else " in time"
    how = match["how"] if match else first
    answer = passage("", how)._replace(is_end=False, still_running=True)
    near = (answer, *_near(record, at, running=True))
    told = Incident(
        k.NOT_READY,
        Both(
            f"the service was not ready{limit}",
            f"服务未在 {chinese_time(limit[8:])}内就绪" if match else "服务未及时就绪",
        ),
        cause=Both(how, in_chinese(how)),
        passages=near,
        evidence=(first,),
        hint=at.hint,
        command=_serve(record),
        without=NOT_BEFORE,
    )
    places, status = ELSEWHERE.search(how), STATUS.search(how)
    if "it speaks TLS" in how:
        return _surely(told, k.TLS, "it speaks TLS, and is asked by http", "服务使用 TLS，而探测使用 http")
    if places:
        words = f"it listens on {places['places']}, and is asked at {match['where'] if match else 'another place'}"
        asked = match["where"] if match else "别处"
        return _surely(told, k.LISTENS_ELSEWHERE, words, f"它监听 {places['places']}，而探测的是 {asked}")
    if ASKED_BY_PROXY.search(how):
        proxy = ASKED_BY_PROXY.search(how)["proxy"]  # type: ignore[index]
        return _surely(told, k.PROXY, f"it was asked by the proxy {proxy}: {how}", f"探测经过了代理 {proxy}")
    if status and status["status"].startswith(("404", "405", "3")):
        return _surely(
            told,
            k.WRONG_PATH,
            f"the path that is asked is wrong: it {how}",
            f"就绪探测路径有误：返回 {status['status']}",
        )
    if status and status["status"].startswith(("401", "403")):
        return _surely(
            told,
            k.WRONG_PATH,
            f"the path that is asked wants a log-in: it {how}",
            f"探测路径需要登录：{status['status']}",
        )
    return _slow_or_hanging(record, told, how, bool(status))


def _surely(told: Incident, kind: str, english: str, chinese: str) -> Incident:
    return replace(told, kind=kind, cause=Both(english, chinese), is_certain=True)


def _slow_or_hanging(record: RunRecord, told: Incident, how: str, answers: bool) -> Incident:
    """Tell one that loads from one that waits: by what it last wrote, and by what it took of the processor."""
    cores = busy_cores([sample for shard in record.shards for sample in shard.samples])
    at_rest = cores is not None and cores < BUSY_CORES
    told = replace(
        told, signs=(*SIGNS, *([DOWNLOADS] if at_rest else STILL_AT_IT)), cause=Both(f"it {how}", in_chinese(how))
    )
    if cores is not None:
        share = f"{cores:.1f} of a core" if cores < 1 else f"{cores:.1f} cores"
        told = replace(told, tail=Both(f" (it took {share} then)", f"（期间占用 {cores:.1f} 个处理器核心）"))
    if answers:
        return told
    if at_rest:
        last = last_telling(told.passages[1:])
        after, since = (f" since its line `{last}`", f"，最后输出为 {last}") if last else ("", "")
        words = Both(
            f"it hangs: it waits for something{after}, and {how}", f"服务挂起，在等待什么{since}（{in_chinese(how)}）"
        )
        told = replace(told, hint=f"Mostly a lock, a request without a time limit, or a slow disk. {told.hint}".strip())
        return replace(told, kind=k.HANGS_AT_START, cause=words)
    if cores is not None:
        return replace(
            told, kind=k.SLOW_START, cause=Both(f"it still works: {how}", f"服务仍在工作（{in_chinese(how)}）")
        )
    return replace(told, cause=Both(f"it loads slowly, or hangs: it {how}", f"加载缓慢或挂起（{in_chinese(how)}）"))


def busy_cores(samples: List[Sample]) -> Optional[float]:
    """Compute how much of the processor a service took in the last half of its start; None where nothing tells.

    >>> from scripts.system.usage import Sample
    >>> busy_cores([Sample(t, "s", 0, "", 0, 0, 0, cpu, 1, 0, 0, 0) for t, cpu in ((1.0, 0.0), (2.0, 0.9), (3.0, 1.9))])
    1.0
    """
    last_start = max((sample.start for sample in samples), default=0)
    late = [sample for sample in samples if sample.start == last_start]
    late = late[max(0, len(late) // 2 - 1 + len(late) % 2) :]
    if len(late) < 2 or late[-1].t - late[0].t < 0.2:
        return None
    return round((late[-1].cpu - late[0].cpu) / (late[-1].t - late[0].t), 2)


def _cannot_work(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    match = CANNOT_WORK.search(at.message)
    what = first_line(match["what"]) if match else first
    status = STATUS.search(what)
    near = (
        passage("", match["what"].split("\nlast lines of")[0] if match else first),
        *_near(record, at, running=True),
    )
    near = tuple(each._replace(still_running=False, is_end=True) for each in near)
    late, failed = LATE in what, bool(status and status["status"].startswith("5"))
    exception = next(filter(None, map(raised, near[1:])), "")
    asked = ASKED.sub(r"the warm-up \1 \2", what)
    cause, tail = Both(asked, in_chinese(asked)), Both()
    if failed and status and exception:
        cause = Both(exception, exception)
        tail = Both(f" (its warm-up answered {status['status']})", f"（预热请求返回 {status['status']}）")
    elif late:
        tail = _written_meanwhile(exception, last_telling(near[1:]))
    return Incident(
        k.CANNOT_WORK,
        Both("the service is ready but cannot work", "服务已就绪但无法工作"),
        tail,
        cause,
        passages=near,
        evidence=(first,),
        hint=f"If its first request loads or compiles, raise service.warm_up.timeout. {at.hint}" if late else at.hint,
        command=_serve(record),
        without=(k.COLLECTION, k.UNREACHABLE, k.PORT),
    )


def _written_meanwhile(exception: str, last: str) -> Both:
    """Quote what its log says while a warm-up got no answer: an exception, else the last line."""
    if exception:
        return Both(f"; its log: {exception}", f"；日志：{exception}")
    return Both(f"; its last line: {last}", f"；最后输出为 {last}") if last else Both()


def _prepare(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    near = (*shown_lines(at.message), *other_passages(record, at.shards, "prepare*.log"))
    return Incident(
        k.PREPARE,
        Both("service.prepare failed", "service.prepare 失败"),
        Both(f" ({first.replace('service.prepare ', '')})", f"（{in_chinese(first.replace('service.prepare ', ''))}）"),
        Both(last_telling(near), last_telling(near)),
        passages=near,
        hint=at.hint,
        command=whole_again(record),
        without=NOT_BEFORE,
    )


# Before the service -----------------------------------------------------------------------------------


def _packages(record: RunRecord, at: Broken) -> Incident:
    near = all_lines(at.message)
    on_the_way = [each for each in SIGNS if each.kind in ON_THE_WAY]  # pip's last line is "No matching distribution"
    found = find(near, [each for each in SIGNS if each.kind not in (*NOT_BEFORE, k.MODULE)])
    why = built_why(near[0]) if found and found.sign.kind == k.BUILD and not find(near, on_the_way) else ""
    return Incident(
        k.PACKAGES,
        Both("the packages could not be installed", "无法安装软件包"),
        Both(f": {why}", f"：{why}") if why else Both(),
        cause=Both(first_line(at.message), first_line(at.message)),
        passages=near,
        hint=at.hint,
        command=record.command("nox", "-s", "deps"),
        signs=on_the_way if find(near, on_the_way) else SIGNS,
        without=(*NOT_BEFORE, k.MODULE),
    )


def _weights(record: RunRecord, at: Broken) -> Incident:
    files = re.findall(r"^ *cannot fetch (\S+) \(", at.message, re.MULTILINE)
    of = f" ({listed(files)})" if files else ""
    refused = REFUSED_SOURCE.search(at.message)
    why = refused["why"] if refused else first_line(at.message)
    return Incident(
        k.WEIGHTS_MISSING,
        Both(f"the weights could not be had{of}", f"无法取得模型权重{of}"),
        cause=Both(why, why),
        passages=all_lines(at.message),
        hint=at.hint,
        command=record.command("nox", "-s", "models"),
        without=(*NOT_BEFORE, k.MODULE, k.CANNOT_WORK, k.MODEL_NOT_LOADED),
    )


def _settings(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message).rstrip(":")
    of_pytest = at.message.startswith("pytest cannot use")
    kinds = (k.NO_COMMAND, k.ARGUMENT, k.COLLECTION, k.PERMISSION)
    head = Both("pytest cannot start", "pytest 无法启动") if of_pytest else None
    return Incident(
        k.COLLECTION if of_pytest else k.SETTINGS,
        head or Both("a setting or argument cannot be used", "设置或参数无法使用"),
        cause=Both(last_telling(all_lines(at.message)) if of_pytest else first),
        passages=all_lines(at.message),
        hint=at.hint,
        command="" if at.hint else whole_again(record),
        signs=SIGNS if of_pytest else [each for each in SIGNS if each.kind in kinds],
        without=(k.TIMED_OUT, k.UNREACHABLE, k.PORT),
    )


def _already(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    return Incident(
        k.ALREADY_RUNNING, Both("another run is at work", "已有另一个运行"), cause=Both(first, first), hint=at.hint
    )


def _other(record: RunRecord, at: Broken) -> Incident:
    first = first_line(at.message)
    return Incident(
        k.OTHER,
        Both("", ""),
        cause=Both(first, first),
        passages=all_lines(at.message),
        hint=at.hint,
        command=whole_again(record),
        signs=[each for each in SIGNS if each.kind in (k.DISK_FULL, k.PERMISSION, k.MEMORY, k.OPEN_FILES)],
    )
