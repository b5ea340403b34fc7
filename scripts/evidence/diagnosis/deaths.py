"""A service that ended or fell silent while its tests ran: how, in which test, how long in, how much it took."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import takewhile
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ...console import counted, human_bytes, human_seconds
from ...proof.receipt import SERVICE, shown
from ...system.usage import Sample
from ..record import RunRecord, ShardRecord
from . import kinds as k
from .facts import errors, rerun, service_passages
from .incidents import Both, Incident
from .passages import last_telling
from .signs.known import SIGNS
from .wording import chinese_time, in_chinese, short

DURATION = r"\d+ h \d+ min|\d+ min \d+ s|-?[\d.]+ s"
ENDED = re.compile(
    rf"the (?P<service>service(?: (?!ended\b)\S+)?) ended with (?P<how>exit code \d+|an unknown exit code|signal "
    rf"\S+(?: \(\d+\))?)"
    rf" after (?P<after>{DURATION})"
)
KERNEL = re.compile(r"(?P<probably>probably )?killed by the kernel for memory")
TOOK = re.compile(r"it took (?P<took>[\d.]+ \w+)")
LIMIT = re.compile(r"what runs beside it is (?P<limit>[\d.]+ \w+)")
SILENT = re.compile(rf"\b(?:hung|answers no more)\b.*?within (?P<limit>{DURATION}): it (?P<how>.*)")
KILLED = ("signal SIGKILL (9)", "exit code 137")
ASKED_TO_END = ("SIGTERM", "SIGINT", "SIGHUP", "exit code 143", "exit code 130")
SENT = "Somebody, or something else, sent it: a supervisor, the container's host, a person, or a program of its own."
TRACE = "See its log for where; PYTHONFAULTHANDLER=1 in service.environment names the line of a crash."
TIMED_OUT = re.compile(r"timed? ?out|timeout", re.IGNORECASE)
NO_GUESS = (k.MODULE, k.COLLECTION, k.TIMED_OUT, k.UNREACHABLE, k.NO_COMMAND, k.ARGUMENT, k.PORT)


class Death(NamedTuple):
    """What our own words tell of the end of a service; empty what they do not tell.

    Args:
        service: "service", or "service tts" of several.
        how: "exit code 3", "signal SIGKILL (9)".
        after: its age.
        by_kernel: "killed", "probably" or "".
        took, limit: memory, in words.
        is_counted: the kernel counts its kills for memory, and counts none.
    """

    service: str
    how: str
    after: str
    by_kernel: str = ""
    took: str = ""
    limit: str = ""
    is_counted: bool = False

    @property
    def deed(self) -> Both:
        """Say how it ended: whether it crashed, was killed, or ended by itself."""
        how = self.how.replace("signal ", "")
        if self.how in KILLED:
            return Both("was killed from outside", "被外部杀死")
        if how.startswith(ASKED_TO_END):
            return Both(f"was ended by {how}", f"被{chinese_time(self.how)} 结束")
        if self.how.startswith("signal"):
            return Both(f"crashed with {how}", f"以{chinese_time(self.how)} 崩溃")
        return Both(f"ended with {self.how}", f"以{chinese_time(self.how)} 结束")

    @property
    def no_kill(self) -> str:
        """Add to a kill that it was none for memory, where that is known."""
        return "; the kernel counts no kill for memory" if self.is_counted else ""


def death_in(words: str) -> Optional[Death]:
    """Read what `service.death` wrote of an end; None where that tells of none.

    >>> death_in("the service ended with signal SIGKILL (9) after 12.0 s, in use: killed by the kernel for memory")[:4]
    ('service', 'signal SIGKILL (9)', '12.0 s', 'killed')
    """
    match = ENDED.search(words)
    if not match:
        return None
    kernel, took, limit = KERNEL.search(words), TOOK.search(words), LIMIT.search(words)
    return Death(
        match["service"],
        match["how"],
        match["after"],
        "" if not kernel else "probably" if kernel["probably"] else "killed",
        took["took"] if took else "",
        limit["limit"] if limit else "",
        "the kernel counts no kill" in words,
    )


def incidents(record: RunRecord) -> Iterator[Incident]:
    """List the deaths and silences of services in the tests of each shard."""
    found = [death_in(message) for _, message in errors(record, SERVICE) if "before it was ready" not in message]
    times = Counter(death.deed.english for death in found if death)
    for shard, message in errors(record, SERVICE):
        if " was not ready within " in message and not SILENT.search(message):
            continue
        if "before it was ready" in message or re.match(r"(service|port|warm-up|prepare)[\w -]*: ", message):
            continue  # at a start: see starts.py
        where = _where(shard, message)
        death, silent = death_in(message), SILENT.search(message)
        if death:
            yield _placed(record, shard, where, _died(record, shard, death, where, times[death.deed.english] - 1))
        elif silent or "hung" in message or "answers no more" in message:
            yield _placed(record, shard, where, _silent(record, shard, message, where))
        elif "it died" not in message and "could not be started again" not in message:
            head = Both(message.partition(": ")[0].strip() or "the service ended", "服务已结束")
            died = Incident(k.DIED, head, passages=service_passages(record, [shard.index]), evidence=(message,))
            yield _placed(record, shard, where, replace(died, without=NO_GUESS))


def _placed(record: RunRecord, shard: ShardRecord, where: Where, incident: Incident) -> Incident:
    """Note which shard and test it is about, and the command that runs that test again."""
    return replace(incident, shards=(shard.index,), tests=where.tests, command=rerun(record, where.tests))


class Where(NamedTuple):
    """In which test a service ended, and how long into it; nothing where that is not known."""

    test: str = ""
    seconds: float = 0.0
    is_before: bool = False  # the test had ended a moment before

    @property
    def english(self) -> str:
        """Say it in English."""
        if not self.test:
            return "between two tests"
        name = short(self.test)
        return f"right after {name}" if self.is_before else f"{human_seconds(self.seconds)} into {name}"

    @property
    def chinese(self) -> str:
        """Say it in Chinese."""
        if not self.test:
            return "在两个测试之间"
        name = short(self.test)
        seconds = chinese_time(human_seconds(self.seconds))
        return f"在 {name} 刚结束后" if self.is_before else f"在 {name} 运行 {seconds}后"

    @property
    def tests(self) -> Tuple[str, ...]:
        """List the test, if there is one."""
        return (self.test,) if self.test else ()


def _where(shard: ShardRecord, message: str) -> Where:
    """Find the test that the words name, and how long its attempt took that ended with the service."""
    if not shard.result:
        return Where()
    named = [test for test in shard.result.tests if f": {shown(test.nodeid)} " in message]
    test = max(named, key=lambda each: len(each.nodeid), default=None)
    if test is None:
        return Where()
    died = [each for each in test.attempts if "the service" in each.message and "tried when" not in each.message]
    last = (died or list(test.attempts))[-1:]
    return Where(test.nodeid, sum(attempt.seconds for attempt in last), " a moment before" in message)


def _died(record: RunRecord, shard: ShardRecord, death: Death, where: Where, others: int) -> Incident:
    """Tell of a service that ended in a test, and how many others it ended in the same way."""
    passages = service_passages(record, [shard.index])
    service = f"the {death.service}"
    if death.by_kernel:
        return _for_memory(record, shard, death, where)
    deed = death.deed
    comma = "," if deed.english[-1].isdigit() else ""  # "exit code 3 0.0 s into"
    more = Both(f", and so {counted(others, 'other time')}", f"，另有 {others} 次同样结束") if others else Both()
    head = Both(
        f"{service} {deed.english}{comma} {where.english}{more.english}",
        f"服务{where.chinese}{deed.chinese}{more.chinese}",
    )
    if death.how in KILLED:
        return Incident(
            k.KILLED,
            head,
            Both(f" ({death.how} after {death.after}{death.no_kill})", f"（{chinese_time(death.how)}）"),
            passages=passages,
            hint="Somebody, or something else, sent SIGKILL: a limit of the container's host (see its events), or a "
            "person.",
            signs=[each for each in SIGNS if each.kind in (k.GPU_MEMORY, k.MEMORY)],
        )
    said = last_telling(passages, any_line=False)
    is_asked = " by " in deed.english
    crashed = deed.english.startswith("crashed")
    return Incident(
        k.KILLED if is_asked else k.CRASHED,
        head,
        passages=passages,
        cause=Both(f"its last words were: {said}", f"最后输出为 {said}") if said else Both(),
        hint=SENT if is_asked else TRACE if crashed else "See its log around then.",
        without=NO_GUESS,
    )


def _for_memory(record: RunRecord, shard: ShardRecord, death: Death, where: Where) -> Incident:
    """Tell of a kill for memory: how much it took of how much there was."""
    last = _last_sample(shard)
    took = death.took or (human_bytes(last.memory) if last else "")
    of = f" of {death.limit}" if death.limit else ""
    amount = (
        f"{took}{of} allowed" if of else f"{took} taken" if took else f"{death.limit} allowed" if death.limit else ""
    )
    chinese = f"占用 {took}" + (f"，上限 {death.limit}" if death.limit else "") if took else amount
    probably = death.by_kernel == "probably"
    return Incident(
        k.MEMORY,
        Both(
            f"the {death.service} was {'probably ' if probably else ''}killed by the kernel for memory {where.english}",
            f"服务{where.chinese}{'很可能' if probably else ''}因内存不足被内核杀死",
        ),
        cause=Both(amount, chinese),
        is_certain=True,
        evidence=tuple(_memory_lines(shard)),
        hint="Give it more memory, or run fewer shards at once (--at-once 1); service.budgets.memory would have "
        "told before.",
    )


def _last_sample(shard: ShardRecord) -> Optional[Sample]:
    return shard.samples[-1] if shard.samples else None


def _memory_lines(shard: ShardRecord) -> List[str]:
    """Show how its memory grew before the end."""
    samples = shard.samples[-6:]
    if len(samples) < 2:
        return []
    grew = " -> ".join(human_bytes(each.memory) for each in samples)
    return [f"monitor.jsonl: memory in the last {human_seconds(samples[-1].t - samples[0].t)}: {grew}"]


def _timed_out_since(shard: ShardRecord) -> str:
    """Name the first of the tests that timed out one after the other up to the end; empty where the last one did not.

    What asks its service with a time limit fails, and only after the last test is seen that it answers nobody.
    """
    attempts = [attempt for told in shard.rounds[-1:] for attempt in told.attempts]
    late = list(takewhile(lambda attempt: TIMED_OUT.search(attempt.message), reversed(attempts)))
    return late[-1].nodeid if late else ""


def _silent(record: RunRecord, shard: ShardRecord, message: str, where: Where) -> Incident:
    """Tell of a service that runs and answers no more."""
    silent = SILENT.search(message)
    how = silent["how"] if silent else ""
    for end in (f": {shown(where.test)} was running", ": after the last test"):
        how = how.partition(end)[0]
    when = Both(where.english, where.chinese)
    if "after the last test" in message:
        since = _timed_out_since(shard)
        when = Both("after the last test", "在最后一个测试之后")
        if since:
            when = Both(f"since {short(since)}, which timed out", f"自 {short(since)} 超时起")
    return Incident(
        k.HUNG,
        Both(f"the service hung {when.english}: it answers no more", f"服务{when.chinese}停止响应"),
        Both(f" ({how})" if how else "", f"（{in_chinese(how)}）" if how else ""),
        passages=service_passages(record, [shard.index], running=True),
        evidence=(message,),
        hint="See what it did then: its log, and monitor.jsonl (processor at rest: it waits; at work: it loops).",
        signs=[
            each for each in SIGNS if each.kind in (k.GPU_MEMORY, k.MEMORY, k.DISK_FULL, k.GPU_BROKEN, k.OPEN_FILES)
        ],
    )
