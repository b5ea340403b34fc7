"""Write a run as Markdown, for a chat, an issue, or the page that GitHub shows of a job: what happened stands first.

Whatever tests and services wrote stands in code spans and blocks, so that none of it is taken for markup, a mention
of a person or the number of an issue.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator, List, Mapping, Sequence

from ..console import counted, human_seconds
from ..proof import outcomes as o
from ..proof import receipt, report_text
from ..proof.receipt import Receipt, Selected, is_green, shown
from .diagnosis.diagnosis import Diagnosis
from .record import RunRecord, ShardRecord

FILE_NAME = "summary.md"
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"  # the variable that names the file which GitHub shows
STEP_BYTES = 1_000_000  # GitHub shows nothing of a step that wrote more than 1 MiB
MOST_FAILED = 20
MOST_SLOWEST = 10
MOST_SHARDS = 100
MOST_CHARACTERS = 300  # of an id, or a line of a message

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~@&$])")


def markdown(record: RunRecord, happened: Sequence[Diagnosis], beside: Sequence[str] = ()) -> str:
    """Write the summary of a run.

    Args:
        happened: what its diagnosis found, the most telling first.
        beside: lines that say where more is to be found.
    """
    parts = [
        [f"## {text(sentence(record, happened))}"],
        _counts(record),
        [f"- {code(line)}" for line in happened[0].evidence] if happened else [],
        _next(record, happened),
        _failed(record),
        _shards(record),
        _slowest(record),
        [f"{text(line)}  " for line in beside],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def sentence(record: RunRecord, happened: Sequence[Diagnosis]) -> str:
    """Say in a sentence what happened."""
    if happened:
        return happened[0].sentence
    if record.verdict is None:
        green = [f"{result.name}: {report_text.summary(result)}" for result in record.results if is_green(result)]
        return green[0] if len(green) == len(record.shards) == 1 else "no merge has judged this run"
    passed = sum(count for outcome, count in record.verdict.counts.items() if outcome not in o.RED)
    return f"{counted(passed, 'test')} and none of them red, in {counted(max(1, record.verdict.total), 'shard')}"


def _counts(record: RunRecord) -> List[str]:
    if record.verdict is None:
        return []
    counts = ", ".join(f"{count} {outcome}" for outcome, count in record.verdict.counts.items()) or "none collected"
    took = max((sum(result.seconds.values()) for result in record.results), default=0.0)
    slowest = f"; slowest shard {human_seconds(took)}" if took else ""
    changed = [f"{list(record.changes.values()).count(word)} {word}" for word in dict.fromkeys(record.changes.values())]
    against = f"; against the runs before: {', '.join(changed)}" if changed else ""
    return [f"{counted(sum(record.verdict.counts.values()), 'test')}: {counts}{slowest}{against}"]


def _next(record: RunRecord, happened: Sequence[Diagnosis]) -> List[str]:
    """Show the commands to type next, and what the diagnosis advises."""
    steps: List[str] = []
    if record.verdict and not record.verdict.green:
        results = [shard.result for shard in record.shards if shard.result and not shard.is_repair]
        ending = report_text.Ending(record.verdict, results, command=record.command, arguments=record.arguments)
        steps = [line[len("next: ") :] for line in report_text.next_lines(ending)]
    advice = happened[0].next if happened else ""
    lines = [advice, *steps] if advice and not any(step.startswith(advice) for step in steps) else steps
    return ["Next:", "", *block(lines)] if lines else []


def _failed(record: RunRecord) -> List[str]:
    tests = list(_red(record))
    if not tests:
        return []
    lines = [f"### {counted(len(tests), 'test')} red", ""]
    for test in tests[:MOST_FAILED]:
        change = record.changes.get(test.nodeid, "")
        lines.append(f"- {test.outcome}{f' ({change})' if change else ''}: {code(test.nodeid)}")
        lines += [f"  {code(receipt.one_line(test.why))}"] if test.why else []
    left = len(tests) - MOST_FAILED
    return [*lines, *([f"- ... and {left} more"] if left > 0 else [])]


def _red(record: RunRecord) -> Iterator[Selected]:
    """List the red tests, each with the message of the shard that says it: in its result, else in its journal."""
    tests = [test for shard in record.shards for test in _tests(shard)]
    told = {test.nodeid: test for test in tests if test.proven in (o.FAILED, o.ERROR, o.UNFINISHED)}
    for test in record.verdict.tests if record.verdict else told.values():
        if test.proven in o.RED or test.outcome in o.RED:
            yield told.get(test.nodeid, test)


def _tests(shard: ShardRecord) -> Sequence[Selected]:
    if shard.result:
        return shard.result.tests
    return [Selected(fate.nodeid, fate.outcome, fate.attempts) for fate in o.fates(shard.rounds)]


def _slowest(record: RunRecord) -> List[str]:
    seconds: Mapping[str, float] = {test.nodeid: test.seconds for result in record.results for test in result.tests}
    slowest = sorted(seconds, key=lambda nodeid: (-seconds[nodeid], nodeid))[:MOST_SLOWEST]
    rows = [(code(nodeid), human_seconds(seconds[nodeid])) for nodeid in slowest if seconds[nodeid] >= 0.1]
    return ["### Slowest tests", "", *table(("test", "took"), rows)] if rows else []


def _shards(record: RunRecord) -> List[str]:
    planned = dict(enumerate(record.plan.shards)) if record.plan else {}
    rows = []
    for shard in record.shards[:MOST_SHARDS]:
        result, plan = shard.result, None if shard.is_repair else planned.get(shard.index)
        about = human_seconds(plan.estimate_ms / 1000) if plan and plan.estimate_ms else "-"
        name = f"repair {shard.index}" if shard.is_repair else str(shard.index)
        if result is None:
            rows.append((name, text(shard.why_no_result[:MOST_CHARACTERS]), about, "-", "-"))
            continue
        in_tests = human_seconds(sum(test.seconds for test in result.tests))
        rows.append((name, report_text.summary(result), about, in_tests, human_seconds(_all_s(result))))
    if not rows or (len(rows) == 1 and record.shards[0].result):
        return []
    left = len(record.shards) - MOST_SHARDS
    more = ["", f"... and {left} more"] if left > 0 else []
    return ["### Shards", "", *table(("shard", "tests", "about", "took", "with all steps"), rows), *more]


def _all_s(result: Receipt) -> float:
    return sum(result.seconds.values())


# Markdown -------------------------------------------------------------------------------------------


def code(words: str) -> str:
    """Write words as code in a line, whatever is in them.

    >>> code("a[`]"), code("`")
    ('``a[`]``', '`` ` ``')
    """
    line = shown(words[:MOST_CHARACTERS] + ("..." if len(words) > MOST_CHARACTERS else ""))
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    room = " " if line.startswith("`") or line.endswith("`") or not line.strip() else ""
    return f"{fence}{room}{line}{room}{fence}"


def text(words: str) -> str:
    """Write words as plain text in a line.

    >>> text("<b> *x* @me #1")
    '\\\\<b\\\\> \\\\*x\\\\* \\\\@me \\\\#1'
    """
    return _MARKUP.sub(r"\\\1", shown(words))


def block(lines: Sequence[str]) -> List[str]:
    """Write lines as a block of code."""
    safe = [shown(line) for line in lines]
    fence = "`" * max(3, 1 + max((len(run) for line in safe for run in re.findall("`+", line)), default=0))
    return [fence, *safe, fence]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> List[str]:
    """Write a table; a bar in a cell would end it, in code too."""
    cells = [[cell.replace("\\|", "|").replace("|", "\\|") for cell in row] for row in rows]
    return [_row(header), _row(["---"] * len(header)), *map(_row, cells)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


# Where GitHub shows it ------------------------------------------------------------------------------


def append_to(file: Path, summary: str) -> None:
    """Add a summary to the file that GitHub shows of a step, as far as that takes it.

    Raises:
        OSError: it cannot be written.
    """
    there = file.stat().st_size if file.is_file() else 0
    content = f"{summary}\n".encode("utf-8", "replace")
    if there + len(content) > STEP_BYTES:
        note = b"\n\n(cut: GitHub shows no more)\n"
        content = content[: max(0, STEP_BYTES - there - len(note))].decode("utf-8", "ignore").encode("utf-8") + note
    with file.open("ab") as sink:
        sink.write(content)
