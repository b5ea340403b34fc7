"""A verdict as it is written for programs and told to people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Protocol, Sequence

from ..console import at_most, command, counted, human_seconds, table
from . import receipt as r
from .findings import (
    ABOUT_SHARDS,
    ABOUT_TESTS,
    INCOMPLETE,
    KINDS,
    RED_TEST,
    SERVICE_DEATH,
    SHARD_ERROR,
    UNSTABLE,
    Finding,
    Verdict,
)
from .receipt import Receipt, shown

SCHEMA = 1
SHOWN = 20  # of each kind
FEW = 3  # tests that a command names
LONGEST_NAME = 200


class Planned(Protocol):
    """What the table needs to know of a planned shard."""

    @property
    def nodeids(self) -> Sequence[str]:
        """Its tests."""

    @property
    def estimate_ms(self) -> int:
        """What they were expected to take."""


def to_json(verdict: Verdict) -> Dict[str, Any]:
    """The verdict as it is written to merge.json."""
    return {
        "schema": SCHEMA,
        "ended": verdict.ended,
        "total": verdict.total,
        "counts": dict(verdict.counts),
        "findings": [{**vars(finding), "red": finding.red} for finding in verdict.findings],
        "to_run": verdict.to_run,
        "repairs": verdict.repairs,
        "repair_index": verdict.repair_index,
        "outcomes": dict(verdict.outcomes),
    }


def write(file: Path, verdict: Verdict) -> None:
    """Write a verdict; a reader sees all of it or none.

    Raises:
        SuiteError: it cannot be written.
    """
    r.write_json(file, to_json(verdict))


def lines(verdict: Verdict, arguments: Sequence[str] = ()) -> List[str]:
    """The verdict for a person: the counts, what was found, what to do next, and in the last line how it ended.

    Args:
        arguments: those that chose a part of the suite; what to do next needs them too.
    """
    counts = ", ".join(f"{count} {outcome}" for outcome, count in verdict.counts.items()) or "none collected"
    indices = f" (indices 0-{verdict.total - 1})" if verdict.total > 1 else ""
    told = [f"{_tests(sum(verdict.counts.values()))} in {_number(verdict.total, 'shard')}{indices}: {counts}"]
    for kind in KINDS:
        found = verdict.of(kind)
        told += _told(kind, [finding for finding in found if not finding.repaired])
        told += [f"repaired: {line}" for line in _told(kind, [f for f in found if f.repaired], 0)]
    return [*told, *_next(verdict, arguments), f"merge: {verdict.ended}"]


def _told(kind: str, found: Sequence[Finding], most: int = SHOWN) -> List[str]:
    """The findings of a kind, at most so many of them by name; about shards there is one line at least."""
    if not found:
        return []
    if kind in ABOUT_SHARDS:
        return at_most(max(most, 3), [finding.text for finding in found])
    heading = ABOUT_TESTS[kind].format(_tests(len(found)))
    if not most:
        return [heading]
    return [f"{heading}:", *(f"  {line}" for line in at_most(most, list(map(_named, found))))]


def _named(finding: Finding) -> str:
    return shown(finding.nodeid) + (f"  ({finding.text})" if finding.text else "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tests(count: int) -> str:
    return _number(count, "test")


def _next(verdict: Verdict, arguments: Sequence[str]) -> List[str]:
    """What to do, worst first."""
    red = {finding.kind for finding in verdict.findings if finding.red}
    unexplained = SHARD_ERROR in red or (SERVICE_DEATH in red and RED_TEST not in red)
    steps = [_shards_again(verdict, arguments)] if unexplained else []
    if verdict.ended == INCOMPLETE:
        rest = (
            f"runs {_tests(len(verdict.to_run))} without a result"
            if verdict.to_run
            else "every test has a result; this settles the rest"
        )
        steps.append(f"{command('nox', '-s', 'merge', '--', '--run-missing', *arguments)}    ({rest})")
    elif RED_TEST in red:
        steps.append(f"{again([finding.nodeid for finding in verdict.of(RED_TEST)])}    (only what failed)")
    if UNSTABLE in red:
        steps.append("if ids change from run to run, no run can find them: pytest.param(..., id=...) makes them stay")
    return [f"next: {step}" for step in steps]


def again(nodeids: Sequence[str]) -> str:
    """The command that runs only some tests: few by name, which is right on any machine, else what failed here last."""
    by_name = len(nodeids) <= FEW and all(each.isprintable() and len(each) < LONGEST_NAME for each in nodeids)
    return command("nox", "-s", "integration", "--", *(nodeids if by_name else ["--last-failed"]))


def _shards_again(verdict: Verdict, arguments: Sequence[str]) -> str:
    about = [*verdict.of(SHARD_ERROR), *verdict.of(SERVICE_DEATH)]
    shards = {index for finding in about for index in finding.shards}
    if len(shards) != 1:
        whole = command("nox", "-s", "integration", *(["--", *arguments] if arguments else []))
        return f"{whole}    (all shards again)"
    one = command("nox", "-s", "shard", "--", str(min(shards)), str(verdict.total), *arguments)
    return f"{one}    (that shard again)"


def shard_lines(result: Receipt, folder: Path, arguments: Sequence[str] = ()) -> List[str]:
    """The lines at the end of a shard: outcomes, what is red, seconds per step, what to run next.

    Args:
        arguments: those that chose a part of the suite; the merge needs them too.
    """
    merge = command("nox", "-s", "merge", *(["--", *arguments] if arguments else []))
    return [
        "",
        f"{result.name}: {summary(result)}",
        *told(r.reasons(result)),
        "",
        *table(("step", "time"), [(step, human_seconds(value)) for step, value in result.seconds.items()]),
        "",
        f"result: {folder / r.FILE_NAME}, {folder / 'junit.xml'}",
        *evidence(r.is_green(result)),
        f"next: {merge}    (when all {counted(result.total, 'shard')} have run)",
    ]


def evidence(green: bool) -> List[str]:
    """How to look into what is red, or send it on."""
    return [] if green else [f"all about it in one file: {command('invoke', 'debug-bundle')}"]


def told(reasons: Sequence[str]) -> List[str]:
    """Why something is red, as many lines as a person reads."""
    return [f"  {line}" for line in at_most(SHOWN, reasons)]


def summary(result: Receipt) -> str:
    """How many tests of each outcome: "1 failed, 90 passed"."""
    found = [test.proven for test in result.tests for _ in range(test.count)]
    parts = [f"{found.count(outcome)} {outcome}" for outcome in r.WORST_FIRST if outcome in found]
    return f"{counted(len(found), 'test')}{': ' if parts else ''}{', '.join(parts)}"


def run_lines(result: Receipt, reports: Sequence[str]) -> List[str]:
    """The lines at the end of a run: outcomes, seconds per step, reports, what to run next."""
    rows = [(step, human_seconds(value)) for step, value in result.seconds.items()]
    rows.append(("total", human_seconds(sum(result.seconds.values()))))
    return [
        "",
        summary(result),
        *told(r.reasons(result)),
        "",
        *table(("step", "time"), rows),
        "",
        f"reports: {', '.join(reports)}",
        *evidence(r.is_green(result)),
        next_run(result),
    ]


def next_run(result: Receipt) -> str:
    """The command to run next: what failed, or the part that took longest."""
    red = [test.nodeid for test in result.tests if test.proven in r.RED]
    if red:
        return f"next: {again(red)}    (only what failed)"
    if not r.is_green(result):
        return f"next: {command('nox', '-s', 'integration')}    (all of it again)"
    seconds: Dict[str, float] = {}
    for test in result.tests:
        file = test.nodeid.split("::")[0]
        seconds[file] = seconds.get(file, 0.0) + sum(attempt.seconds for attempt in test.attempts)
    slowest = max(sorted(seconds), key=lambda file: seconds[file])
    return f"next: {command('nox', '-s', 'integration', '--', slowest)}    (only the slowest file)"


def compared(shards: Sequence[Planned], said: Sequence[Receipt]) -> List[str]:
    """Compare what the tests of each shard, with the set-ups they pay, were expected to take and what they took.

    pytest's start and its collection are in neither. Where nothing was known, nothing was expected.
    """
    took = {
        result.index: sum(attempt.seconds for test in result.tests for attempt in test.attempts)
        for result in said
        if not result.repairs
    }
    rows = [
        (
            str(index),
            str(len(shard.nodeids)),
            human_seconds(shard.estimate_ms / 1000) if shard.estimate_ms else "-",
            human_seconds(took[index]),
        )
        for index, shard in enumerate(shards)
        if index in took
    ]
    return ["", *table(("shard", "tests", "about", "took"), rows), ""] if rows else []
