"""Write a verdict for programs, and put it into lines for people.

Another form of it, a web page say, is a module beside this one and a line in runner/merge.conclude.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence

from .. import console
from ..console import at_most, counted, human_seconds, shell_words, table
from ..errors import PipelineError
from ..system import files
from . import budgets, merged, watched
from . import outcomes as o
from . import receipt as r
from .claimed import STOLEN, TAKEN_OVER
from .findings import (
    ABOUT_SHARDS,
    ABOUT_TESTS,
    BUDGET_UNKNOWN,
    CHANGED,
    COVERAGE_LOW,
    COVERAGE_UNKNOWN,
    KINDS,
    OTHER_ARGUMENTS,
    OTHER_FILES,
    OTHER_SOURCE,
    OVER_BUDGET,
    RAN_AGAIN,
    RED_TEST,
    SERVICE_DEATH,
    SERVICE_DIED,
    SHARD_ERROR,
    UNSTABLE,
    Finding,
    Verdict,
)
from .receipt import Receipt, Selected, shown
from .renamed_ids import CURE
from .shared_out import Move, moves

Command = Callable[..., str]  # writes a command line about the project, as `Settings.command` does

SCHEMA = 1
FILE_NAME = "merge.json"
SHOWN = 20  # of each kind
MOVES_SHOWN = 8
FEW = 3  # tests that a command names
LONGEST_NAME = 200
AGAIN = "the same tests in the same order again"


class Planned(Protocol):
    """What the table needs to know of a planned shard."""

    @property
    def nodeids(self) -> Sequence[str]:
        """List its tests."""

    @property
    def estimate_ms(self) -> int:
        """Give what they were expected to take."""


def to_json(verdict: Verdict, results: Sequence[Receipt] = (), sentence: str = "") -> Dict[str, Any]:
    """Turn a verdict into what merge.json says, with what happened, and what the services of the shards took."""
    return {
        "schema": SCHEMA,
        "happened": sentence,
        "ended": verdict.ended,
        "total": verdict.total,
        "counts": dict(verdict.counts),
        "findings": [{**vars(finding), "red": finding.red} for finding in verdict.findings],
        "to_run": verdict.to_run,
        "repairs": verdict.repairs,
        "repair_index": verdict.repair_index,
        "outcomes": dict(verdict.outcomes),
        "services": {
            result.name: {name: watched.to_json(use) for name, use in result.services.items()}
            for result in results
            if result.services
        },
    }


def write(file: Path, verdict: Verdict, results: Sequence[Receipt] = (), sentence: str = "") -> None:
    """Write a verdict, and in a sentence what happened, sealed; a reader sees all of it or none.

    Raises:
        SuiteError: it cannot be written.
    """
    r.write_json(file, merged.sealed(to_json(verdict, results, sentence), results))


def read(file: Path) -> Optional[Verdict]:
    """Read a verdict that was written, for people: its tests have no attempts. None where there is none."""
    try:
        return from_json(files.read_json(file, SCHEMA, ""))
    except (PipelineError, ValueError):
        return None


def from_json(data: Mapping[str, Any]) -> Verdict:
    """Turn what merge.json says into a verdict, whose tests have no attempts.

    Raises:
        ValueError: it is none.
    """
    try:
        return Verdict(
            total=int(data["total"]),
            tests=tuple(Selected(str(nodeid), str(outcome)) for nodeid, outcome in data["outcomes"].items()),
            counts={str(outcome): int(count) for outcome, count in data["counts"].items()},
            findings=tuple(_finding(finding) for finding in data["findings"]),
            to_run=tuple(map(str, data["to_run"])),
            repairs=str(data["repairs"]),
            repair_index=int(data["repair_index"]),
        )
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"no verdict of a merge: {type(error).__name__}: {error}") from error


def _finding(data: Mapping[str, Any]) -> Finding:
    kind, shards = str(data["kind"]), tuple(int(index) for index in data["shards"])
    if kind not in KINDS:
        raise ValueError(f"no kind of finding: {kind!a:.40}")
    return Finding(kind, str(data["text"]), str(data["nodeid"]), shards, bool(data["repaired"]))


@dataclass(frozen=True)
class Ending:
    """What the report of a run's end is made from.

    Args:
        shards: their results; repairs are not among them.
        planned: the shards of the plan, none where there was none.
        reports: files to look at, as people know them; `logs`: those with the tracebacks of what is red.
        command: `Settings.command` of the project.
        arguments: those that chose a part of the suite; what to do next needs them too.
        start: the folder in which pytest is started, absolute.
        happened: lines that say what happened, the sentence first; none of a green run.
        page: the one to open in a browser, as people know it; empty where there is none.
        folder: of the reports, as people know it.
    """

    verdict: Verdict
    shards: Sequence[Receipt] = ()
    planned: Sequence[Planned] = ()
    reports: Sequence[str] = ()
    logs: Sequence[str] = ()
    command: Command = console.command
    arguments: Sequence[str] = ()
    start: str = "/"
    happened: Sequence[str] = ()
    page: str = ""
    folder: str = "reports"

    def name(self, nodeid: str) -> str:
        """Name a test as a person types it."""
        return typed(nodeid, self.start, next((shard.folder for shard in self.shards if shard.folder), "."))


def run_lines(ending: Ending) -> List[str]:
    """Report the end of a run: outcomes, what was found, a table of times, reports, and what to do next."""
    return [
        *(["", *ending.happened] if ending.happened else []),
        "",
        *verdict_lines(ending.verdict),
        *([f"run with: {' '.join(shell_words(ending.arguments))}"] if ending.arguments else []),
        "",
        *_times(ending),
        *_moved(ending.shards),
        *service_lines(ending.shards),
        "",
        *([f"report: {ending.page}"] if ending.page else []),
        *([f"reports: {', '.join(ending.reports)}"] if ending.reports else []),
        *([f"tracebacks: {', '.join(ending.logs)}"] if ending.logs else []),
        *evidence(ending.verdict.green, ending.command, ending.folder),
        *next_lines(ending),
    ]


def verdict_lines(verdict: Verdict) -> List[str]:
    """List the counts, and the findings."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in verdict.counts.items()) or "none collected"
    indices = f" in {verdict.total} shards (indices 0-{verdict.total - 1})" if verdict.total > 1 else ""
    lines = [f"{_tests(sum(verdict.counts.values()))}{indices}: {counts}"]
    for kind in KINDS:
        findings = verdict.of(kind)
        lines += _finding_lines(kind, [finding for finding in findings if not finding.repaired])
        repaired = [finding for finding in findings if finding.repaired]
        lines += [f"repaired: {line}" for line in _finding_lines(kind, repaired, 0)]
    return lines


def _times(ending: Ending) -> List[str]:
    """Lay beside each other what the steps of one shard took, or what several shards were expected to take and took."""
    if len(ending.shards) != 1 or ending.verdict.total > 1:
        return compared(ending.planned, ending.shards)
    seconds = ending.shards[0].seconds
    rows = [(step, human_seconds(value)) for step, value in seconds.items()]
    return table(("step", "time"), [*rows, ("total", human_seconds(sum(seconds.values())))])


def _moved(results: Sequence[Receipt]) -> List[str]:
    """Say which tests ran elsewhere than planned, as shards were slow or late, or silent, and who came too late."""
    idle = {result.index for result in results if not result.tests}
    all_moves = moves(results)
    late = [str(index) for index in sorted(idle.intersection(move.whose for move in all_moves))]
    told = [f"shard {move.index} {_done(move)}" for move in all_moves if move.whose not in idle]
    lines = [f"moved: {'; '.join(at_most(MOVES_SHOWN, told))}"] if told else []
    if late:
        lines.append(f"shard{'s' * (len(late) > 1)} {', '.join(late)} came when the others had run all of theirs")
    return ["", *lines] if lines else []


def _done(move: Move) -> str:
    words = {STOLEN: "ran {} of shard {}", TAKEN_OVER: "took over {} of shard {}, which was silent or gave up"}
    return words[move.how].format(_tests(move.count), move.whose)


def service_lines(results: Sequence[Receipt]) -> List[str]:
    """Say in a line for each service what it took at most in these shards, below an empty line."""
    names = dict.fromkeys(name for result in results for name in result.services)
    uses = {name: [result.services[name] for result in results if name in result.services] for name in names}
    lines = budgets.words(uses)
    return ["", *lines] if lines else []


def _finding_lines(kind: str, findings: Sequence[Finding], most: int = SHOWN) -> List[str]:
    """List the findings of a kind, at most so many of them by name; about shards there is one line at least."""
    if not findings:
        return []
    if kind in ABOUT_SHARDS:
        return at_most(max(most, 3), [finding.text for finding in findings])
    heading = ABOUT_TESTS[kind].format(_tests(len(findings)))
    if not most:
        return [heading]
    shown_most = min(most, FEW) if kind == RAN_AGAIN else most  # it costs nothing but time
    return [f"{heading}:", *(f"  {line}" for line in at_most(shown_most, list(map(_named, findings))))]


def _named(finding: Finding) -> str:
    return shown(finding.nodeid) + (f"  ({finding.text})" if finding.text else "")


def _tests(count: int) -> str:
    return counted(count, "test")


def next_lines(ending: Ending) -> List[str]:
    """Say what to do next, worst first; after a green run, what took longest."""
    verdict, command = ending.verdict, ending.command
    if verdict.green:
        return _slowest(ending)
    red = {finding.kind for finding in verdict.findings if finding.red}
    unserved = verdict.ended == SERVICE_DIED and red != {SERVICE_DEATH, RED_TEST}
    steps = (
        [_shards_again(ending)]
        if red & {CHANGED, OTHER_FILES, OTHER_SOURCE, OTHER_ARGUMENTS, SHARD_ERROR} or unserved
        else []
    )
    if verdict.repairable:
        rest = _rest(verdict) if verdict.to_run else "every test has a result; this settles the rest"
        steps.append(f"{command('nox', '-s', 'merge', '--', '--run-missing', *ending.arguments)}    ({rest})")
    elif RED_TEST in red:
        failed = [finding.nodeid for finding in verdict.of(RED_TEST)]
        steps.append(f"{again(failed, command, ending.name)}    (only what failed)")
        if verdict.total > 1:
            steps.append(f"{command('nox', '-s', 'isolation')}    (where that passes: which tests need which)")
    elif not steps and red != {COVERAGE_LOW}:  # the same tests again would cover as much
        steps.append(_shards_again(ending))
    if UNSTABLE in red:
        steps.append(f"where a plan is handed out, a test whose id changes is run by function and place; {CURE}")
    return [f"next: {step}" for step in steps]


def _slowest(ending: Ending) -> List[str]:
    seconds: Dict[str, float] = {}
    for test in ending.verdict.tests:
        file = test.nodeid.split("::")[0]
        seconds[file] = seconds.get(file, 0.0) + test.seconds
    slowest = max(sorted(seconds), key=lambda file: seconds[file], default="")
    words = ending.command("nox", "-s", "integration", "--", ending.name(slowest))
    return [f"next: {words}    (only the slowest file)"] if slowest else []


def again(
    nodeids: Sequence[str], command: Command = console.command, name: Callable[[str], str] = lambda nodeid: nodeid
) -> str:
    """Write the command that runs only some tests: few by name, right on any machine, else what failed here last."""
    by_name = len(nodeids) <= FEW and all(nodeid.isprintable() and len(nodeid) < LONGEST_NAME for nodeid in nodeids)
    names = map(name, nodeids) if by_name else ["--last-failed"]
    return command("nox", "-s", "integration", "--", *names)


def typed(nodeid: str, start: str, folder: str) -> str:
    """Name a test as a person types it in the folder `start`, where pytest is started.

    Its id is relative to pytest's rootdir, which is `folder` from there.

    >>> typed("api/checks/test_a.py::test_b[a/b]", "/repository/api", ".."), typed("test_a.py::test_b", "/", ".")
    ('checks/test_a.py::test_b[a/b]', 'test_a.py::test_b')
    """
    file, colons, rest = nodeid.partition("::")
    return posixpath.relpath(posixpath.join(start, folder, file), start) + colons + rest


def _rest(verdict: Verdict) -> str:
    """Say what a repair runs."""
    outcomes = verdict.outcomes
    lacking = sum(outcomes[nodeid] == o.NOT_RUN for nodeid in verdict.to_run)
    if lacking == len(verdict.to_run):
        return f"runs {_tests(lacking)} without a result"
    return f"runs {_tests(len(verdict.to_run))}: {lacking} without a result, and those that stay together"


def _shards_again(ending: Ending) -> str:
    about_service = (SERVICE_DEATH, OVER_BUDGET, BUDGET_UNKNOWN)
    kinds = (SHARD_ERROR, *about_service, CHANGED, OTHER_FILES, OTHER_SOURCE, OTHER_ARGUMENTS, COVERAGE_UNKNOWN)
    shards = {index for kind in kinds for finding in ending.verdict.of(kind) for index in finding.shards}
    if len(shards) != 1 or ending.verdict.total < 2:
        whole = ending.command("nox", "-s", "integration", *(["--", *ending.arguments] if ending.arguments else []))
        return f"{whole}    (all of it again)"
    index, total = str(min(shards)), str(ending.verdict.total)
    return f"{ending.command('nox', '-s', 'shard', '--', index, total, *ending.arguments)}    (that shard again)"


def shard_lines(
    result: Receipt, folder: str, command: Command, arguments: Sequence[str] = (), fan_in: bool = True
) -> List[str]:
    """Report the end of a shard: outcomes, what is red, seconds per step, what to run next.

    Args:
        folder: the shard's, as people know it.
        arguments: those that chose a part of the suite; the merge needs them too.
        fan_in: a merge comes after all shards; else the last of them says the verdict.
    """
    merge = command("nox", "-s", "merge", *(["--", *arguments] if arguments else []))
    return [
        "",
        f"{result.name}: {summary(result)}",
        *reason_lines(r.reasons(result)),
        *_shared_out(result),
        "",
        *table(("step", "time"), [(step, human_seconds(value)) for step, value in result.seconds.items()]),
        *service_lines([result]),
        "",
        f"result: {folder}/{r.FILE_NAME}, {folder}/junit.xml",
        *evidence(r.is_green(result), command, posixpath.dirname(folder)),
        *([f"next: {merge}    (when all {counted(result.total, 'shard')} have run)"] if fan_in else []),
    ]


def red_lines(result: Receipt, folder: str) -> List[str]:
    """Say of a shard whose verdict is deferred that it is red, which tests are, and where what they raised is.

    Args:
        folder: the shard's, as people know it.
    """
    red = [shown(test.nodeid) for test in result.tests if test.proven in o.RED]
    counts = f": {len(red)} of {_tests(len(result.tests))}" if red else ""
    return [
        "",
        f"RED: {result.name}{counts}",
        *(f"  {line}" for line in at_most(SHOWN, red)),
        *tracebacks(result, folder, "above"),
        "this step ends well so that the CI keeps the result; the step after it, `verdict`, fails for it",
    ]


def tracebacks(result: Receipt, folder: str, where: str) -> List[str]:
    """Say where the tracebacks of a shard's tests stand; nothing where none has any."""
    failed = any(attempt.outcome in (o.FAILED, o.ERROR) for test in result.tests for attempt in test.attempts)
    return [f"tracebacks: {where}; also in {folder}/junit.xml"] if failed else []


def _shared_out(result: Receipt) -> List[str]:
    """Say over which store a shard shared tests out, what it ran of others, and whether the store was lost."""
    if not result.store:
        return []
    told = at_most(MOVES_SHOWN, list(map(_done, moves([result])))) or [
        "it ran its own tests" if result.tests else "nothing was left for it"
    ]
    lost = [f"lost it: {r.one_line(result.store_gone)}"] if result.store_gone else []
    return [f"shared out over {result.store}: {'; '.join([*told, *lost])}"]


def evidence(green: bool, command: Command, reports: str = "reports") -> List[str]:
    """Say how to look into what is red, send it on, or run it again; `reports` is the folder, as people know it."""
    if green:
        return []
    return [
        f"all about it in one file: {command('invoke', 'debug-bundle')}",
        f"{AGAIN}: {reproduction(command, reports)}",
    ]


def reproduction(command: Command, reports: str = "reports") -> str:
    """Write the command that runs the red shard again as it ran; the bundle has the name that it has by itself."""
    return command("invoke", "reproduce", f"{reports}/debug-bundle.tar.gz")


def reason_lines(reasons: Sequence[str]) -> List[str]:
    """List why something is red, in as many lines as a person reads."""
    return [f"  {line}" for line in at_most(SHOWN, reasons)]


def summary(result: Receipt) -> str:
    """Count the tests of each outcome: "1 failed, 90 passed"."""
    outcomes = [test.proven for test in result.tests for _ in range(test.count)]
    parts = [f"{outcomes.count(outcome)} {outcome}" for outcome in o.WORST_FIRST if outcome in outcomes]
    return f"{counted(len(outcomes), 'test')}{': ' if parts else ''}{', '.join(parts)}"


def compared(shards: Sequence[Planned], results: Sequence[Receipt]) -> List[str]:
    """Compare what the tests of each shard, with the set-ups they pay, were expected to take and what they took.

    pytest's start and its collection are in neither. Where nothing was known, nothing was expected.
    """
    planned = dict(enumerate(shards))
    rows = [
        (
            str(result.index),
            str(sum(test.count for test in result.tests)),
            human_seconds(planned[result.index].estimate_ms / 1000) if _is_estimated(planned, result) else "-",
            human_seconds(sum(test.seconds for test in result.tests)),
        )
        for result in results
    ]
    return table(("shard", "tests", "about", "took"), rows) if rows else []


def _is_estimated(planned: Mapping[int, Planned], result: Receipt) -> bool:
    part = planned.get(result.index)
    return part is not None and bool(part.estimate_ms or not part.nodeids)
