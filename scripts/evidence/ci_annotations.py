"""Tell failed tests where a CI shows them: beside the lines that failed. Pure: what is known of a run in, lines out.

GitHub and Azure take commands from what a step prints, one a line, and show ten errors of a step: the most telling are
chosen, and the first says how many more there are. What tests wrote is escaped as each of them reads it, so that none
of it becomes a command, or a part of one. Buildkite takes the summary (`steps/announcing.py`); CircleCI, GitLab and
Jenkins read reports/junit.xml.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ..console import counted, uncoloured
from ..proof import outcomes as o
from ..proof.receipt import shown
from .diagnosis.diagnosis import ASSERTION, Diagnosis
from .diagnosis.facts import Failure, failures
from .diagnosis.wording import short
from .ending import Ending
from .record import RunRecord, ShardRecord

MOST = 10  # errors of a step that are shown: https://github.com/actions/toolkit/pull/734, and as many by Azure
MOST_LINES, MOST_CHARACTERS = 8, 300  # of what a test or an error says, and in each line of it
RANKS = {"broke": 0, "new": 0}  # what the change brought first, then what was red before

_PLACE = re.compile(
    r"^(?:(?P<path>\S[^\n:]*\.py):(?P<line>\d+): |(?:E\s+)?\s*File \"(?P<file>[^\n\"]+)\", line (?P<at>\d+))", re.M
)


class Annotation(NamedTuple):
    """What a CI shows beside a line of a file of the repository; as of the run where no file is named."""

    title: str
    message: str
    file: str = ""
    line: int = 0


def of_run(
    record: RunRecord, happened: Sequence[Diagnosis], folder: str = "", told_by_shards: bool = False
) -> List[Annotation]:
    """Choose what to tell of a red run: its cause, where the failed tests do not say it all, then failed tests.

    Args:
        happened: what its diagnosis found.
        folder: that ids are relative to, from the repository's.
        told_by_shards: the jobs that ran the shards have told of their tests.
    """
    red = [*_uncollected(record.shards), *failures(record)]
    told = _told(record) if told_by_shards else ()
    left = [test for test in red if test.nodeid not in told]
    if left and len(left) <= MOST and all(each.kind == ASSERTION for each in happened[:1]):
        return [_of_test(test, folder) for test in _in_order(left, record.changes)]
    chosen = _in_order(left, record.changes)[: MOST - 1]
    more = f"{counted(len(red) - len(chosen), 'red test')} not told here: see the log" if len(red) > len(chosen) else ""
    causes = [f"{each.sentence}\n{each.next}" for each in happened[:1]]
    head = Annotation("what happened", "\n".join(filter(None, [*causes, more])))
    return [*([head] if head.message else []), *(_of_test(test, folder) for test in chosen)]


def of_ending(ending: Ending) -> List[Annotation]:
    """Tell of a step that ended before there were tests."""
    said = f"{ending.message}\n{ending.hint}".strip().splitlines()
    return [Annotation(f"{ending.step}: {ending.ended}", _shown(said))]


def _uncollected(shards: Iterable[ShardRecord]) -> List[Failure]:
    """List the files that could not be collected, each once."""
    errors = [error for shard in shards for told in shard.rounds for error in told.collection_errors]
    by_file = {error.nodeid: Failure(error.nodeid, o.ERROR, error.message, text=error.text) for error in errors}
    return list(by_file.values())


def _told(record: RunRecord) -> Set[str]:
    """Name what the jobs of shards have told of: those that came so far as to leave a result."""
    shards = [shard for shard in record.shards if shard.result and not shard.is_repair]
    red = [test.nodeid for shard in shards if shard.result for test in shard.result.tests if test.outcome in o.RED]
    return {*red, *(failure.nodeid for failure in _uncollected(shards))}


def _in_order(red: Iterable[Failure], changes: Mapping[str, str]) -> List[Failure]:
    """Put what this change broke first, and one test of each file before the second of any."""
    times: Counter[str] = Counter()
    keys: Dict[str, Tuple[int, int]] = {}
    for test in red:
        file = test.nodeid.partition("::")[0]
        keys[test.nodeid] = (RANKS.get(changes.get(test.nodeid, ""), 1), times[file])
        times[file] += 1
    return sorted(red, key=lambda test: keys[test.nodeid])


def _of_test(test: Failure, folder: str) -> Annotation:
    file = test.nodeid.partition("::")[0]
    said = [line[1:].strip() for line in uncoloured(test.text).splitlines() if line.startswith("E ")]
    service = [f"the service: {test.service}"] if test.service else []
    message = "\n".join([_shown(said or test.message.splitlines()), *map(shown, service), shown(test.nodeid)])
    title = f"{test.outcome}: {short(test.nodeid)}"
    return Annotation(
        title, message.strip(), posixpath.normpath(posixpath.join(folder, file)), line_of(test.text, file)
    )


def _shown(lines: Sequence[str]) -> str:
    return "\n".join(shown(line[:MOST_CHARACTERS]) for line in lines[:MOST_LINES] if line)


def line_of(text: str, file: str) -> int:
    """Find the line of a test's file at which its traceback passes first; 0 where it does not say.

    >>> line_of("tests/help.py:3: in check\\ntests/test_a.py:12: in test_a\\n", "tests/test_a.py")
    12
    """
    for place in _PLACE.finditer(uncoloured(text)):
        path = place["path"] or place["file"]
        if f"/{path}".endswith(f"/{file}") or f"/{file}".endswith(f"/{path}"):
            return int(place["line"] or place["at"])
    return 0


# As providers read them -----------------------------------------------------------------------------


def github(annotation: Annotation) -> str:
    """Write an annotation as a workflow command.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands says how; what has to be
    escaped stands in src/Runner.Common/ActionCommand.cs of actions/runner.

    >>> github(Annotation("failed: a", "50%\\n::b", "t.py", 3))
    '::error file=t.py,line=3,title=failed%3A a::50%25%0A::b'
    """
    said = {"file": annotation.file, "line": str(annotation.line or ""), "title": annotation.title}
    properties = ",".join(f"{name}={_escaped(value, _GITHUB_PROPERTY)}" for name, value in said.items() if value)
    return f"::error {properties}::{_escaped(annotation.message, _GITHUB)}"


def azure(annotation: Annotation) -> str:
    """Write an annotation as a logging command.

    https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands says how; what has to be escaped stands
    in node/taskcommand.ts of microsoft/azure-pipelines-task-lib.

    >>> azure(Annotation("failed: a", "50%", "t;.py", 3))
    '##vso[task.logissue type=error;sourcepath=t%3B.py;linenumber=3;]failed: a%0A50%AZP25'
    """
    said = {"type": "error", "sourcepath": annotation.file, "linenumber": str(annotation.line or "")}
    properties = "".join(f"{name}={_escaped(value, _AZURE_PROPERTY)};" for name, value in said.items() if value)
    message = "\n".join(filter(None, [annotation.title, annotation.message]))
    return f"##vso[task.logissue {properties}]{_escaped(message, _AZURE)}"


WRITERS: Mapping[str, Callable[[Annotation], str]] = {"github": github, "azure": azure}

_BREAKS = {"\r": "%0D", "\n": "%0A"}
_GITHUB = {"%": "%25", **_BREAKS}
_GITHUB_PROPERTY = {**_GITHUB, ":": "%3A", ",": "%2C"}
_AZURE = {"%": "%AZP25", **_BREAKS}
_AZURE_PROPERTY = {**_AZURE, "]": "%5D", ";": "%3B"}


def _escaped(text: str, by: Mapping[str, str]) -> str:
    return "".join(by.get(character, character) for character in text)
