"""What the families ask of a record: its failed tests, what its services and runners said at their end, its logs."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from typing import Dict, Iterator, List, NamedTuple, Sequence, Tuple

from ...proof import outcomes as o
from ...proof import receipt as r
from ...proof.report_text import again
from ..record import Log, RunRecord, ShardRecord
from .passages import Passage, passage

RED = (o.FAILED, o.ERROR, o.UNFINISHED)
OF_SERVICE = "; the service: "  # behind a test's message: what the service wrote meanwhile that names an error
OF_DEATH = re.compile(r"^(ran when )?(the service\b.*\b(ended|hung|answers no more)\b)|^ran when ")
# What a service says when a test no longer waits for its answer: what came of a time-out, and not why.
ASKER_LEFT = re.compile(
    r"\b(BrokenPipe|ConnectionReset|ConnectionAborted|ClientDisconnect|CancelledError)\w*\b|client disconnected", re.I
)
QUOTED = "  | "  # how our messages show the lines of a log


class Failure(NamedTuple):
    """A red test: its message, what the service wrote meanwhile, pytest's own text, and the index of its shard."""

    nodeid: str
    outcome: str
    message: str
    service: str = ""
    text: str = ""
    shard: int = 0
    seconds: float = 0.0


def failures(record: RunRecord) -> List[Failure]:
    """List the red tests of all shards, each once, those left out that fell with their service."""
    found: Dict[str, Failure] = {}
    for shard in record.shards:
        for failure in _of_shard(shard):
            if not OF_DEATH.search(failure.message):
                found.setdefault(failure.nodeid, failure)
    for finding in record.verdict.of("red test") if record.verdict else ():
        if finding.nodeid not in found:
            outcome = o.ERROR if finding.text.startswith(o.ERROR) else o.FAILED
            message = finding.text.partition(": ")[2]
            if not OF_DEATH.search(message):
                found[finding.nodeid] = _failure(finding.nodeid, outcome, message, shard=(*finding.shards, 0)[0])
    return sorted(found.values(), key=lambda failure: failure.shard)


def _of_shard(shard: ShardRecord) -> Iterator[Failure]:
    attempts = [attempt for told in shard.rounds for attempt in told.attempts]
    texts = {attempt.nodeid: attempt.text for attempt in attempts if attempt.text}
    if shard.result:
        for test in shard.result.tests:
            if test.outcome in RED:
                yield _failure(
                    test.nodeid, test.outcome, test.why, texts.get(test.nodeid, ""), shard.index, test.seconds
                )
        return
    for each in attempts:
        if each.outcome in (o.FAILED, o.ERROR):
            yield _failure(each.nodeid, each.outcome, each.message, each.text, shard.index, each.seconds)


def _failure(nodeid: str, outcome: str, message: str, text: str = "", shard: int = 0, seconds: float = 0.0) -> Failure:
    first, _, rest = message.partition("\n")
    own, _, service = first.partition(OF_SERVICE)
    service = "" if ASKER_LEFT.search(service) else service
    return Failure(nodeid, outcome, "\n".join(filter(None, [own, rest])), service, text, shard, seconds)


def ran(record: RunRecord) -> int:
    """Count the tests that have an outcome."""
    if record.verdict:
        return sum(count for outcome, count in record.verdict.counts.items() if outcome != o.NOT_RUN)
    tests = [test for shard in record.shards if shard.result for test in shard.result.tests]
    if tests:
        return sum(test.outcome != o.NOT_RUN for test in tests)
    return sum(len(told.attempts) for shard in record.shards for told in shard.rounds)


def errors(record: RunRecord, name: str) -> Iterator[Tuple[ShardRecord, str]]:
    """List what the results say that went wrong outside tests, of a name that they give it: "service", "pytest"."""
    for shard in record.shards:
        for error in shard.result.errors if shard.result else ():
            if error.name == name:
                yield shard, error.message


def logs(record: RunRecord, shards: Sequence[int], pattern: str) -> Iterator[Tuple[str, Log]]:
    """List the logs whose names fit, each with its place: of these shards, of all where none is named, then others."""
    for shard in record.shards:
        if not shards or shard.index in shards:
            for log in shard.logs:
                if fnmatch.fnmatch(log.name, pattern):
                    folder = f"{shard.folder.name}/" if len(record.shards) > 1 else ""
                    yield f"{folder}{log.name}", log
    yield from ((log.name, log) for log in record.logs if fnmatch.fnmatch(log.name.rpartition("/")[2], pattern))


def service_passages(record: RunRecord, shards: Sequence[int] = (), running: bool = False) -> Tuple[Passage, ...]:
    """Take the ends of the services' logs.

    Args:
        running: the services were waited for, and did not end.
    """
    return tuple(_passage(place, log, running) for place, log in logs(record, shards, "service*.log"))


def other_passages(record: RunRecord, shards: Sequence[int], pattern: str) -> Tuple[Passage, ...]:
    """Take the ends of other logs: "output.log", "prepare*.log"."""
    return tuple(_passage(place, log, False) for place, log in logs(record, shards, pattern))


def _passage(place: str, log: Log, running: bool) -> Passage:
    text = log.tail if log.cut_bytes else log.head
    return passage(place, text, cut=bool(log.cut_bytes), is_end=not running, still_running=running)


def shown_lines(message: str) -> Tuple[Passage, ...]:
    """Take the lines of logs that an error shows: those of each log apart, the nearest cause first."""
    lines = [line[len(QUOTED) :] for line in message.splitlines() if line.startswith(QUOTED)]
    lines = [line for line in lines if not line.startswith(("(it wrote ", "(it printed "))]
    return (passage("", "\n".join(lines)),) if lines else ()


def all_lines(message: str) -> Tuple[Passage, ...]:
    """Take a whole message for what something wrote last."""
    return (passage("", message),) if message else ()


def rerun(record: RunRecord, tests: Sequence[str]) -> str:
    """Write the command that runs these tests again."""
    return again(list(tests), record.command) if tests else whole_again(record)


def whole_again(record: RunRecord) -> str:
    """Write the command that runs all of it again."""
    rest = ["--", *record.arguments] if record.arguments else []
    return record.command("nox", "-s", "integration", *rest)


def shard_again(record: RunRecord, shards: Sequence[int]) -> str:
    """Write the command that runs a shard again; all of it where it is not one of several."""
    total = record.verdict.total if record.verdict else next((each.total for each in record.results), 0)
    if len(shards) != 1 or total < 2:
        return whole_again(record)
    return record.command("nox", "-s", "shard", "--", str(shards[0]), str(total), *record.arguments)


def most_common(values: Sequence[str]) -> str:
    """Choose the value that is there most often, of those the least; empty where there is none."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")


def running_at_end(shard: ShardRecord) -> str:
    """Name the test that ran when a shard's journal ends; empty where none did."""
    for told in reversed(shard.rounds):
        running = told.ended.running
        return running.nodeid if running else ""
    return ""


def first_line(text: str) -> str:
    """Take the first line of a message."""
    return r.one_line(text.lstrip("\n"))
