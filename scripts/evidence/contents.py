"""What a bundle of a project holds, in the order of its room: what happened, the page, files, facts."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from ..console import counted
from ..errors import PipelineError
from ..proof import receipt, report_text
from ..settings import Settings
from ..system.files import read_bytes, read_json, write_text
from . import allowlist, bundle, ending, facts, files, reading
from .bundle import ROOM_BYTES, Bundle, Gathering, Task
from .diagnosis import diagnosis
from .facts import Asked, Fact
from .files import Member, Note, Project
from .page.page import render
from .record import MOMENT, PAGE, RunRecord, ShardRecord
from .redaction.known import known_secrets
from .redaction.redactor import Redactor

# When each stage must have ended. On a busy machine the page of 30,000 tests takes 10 s, so files come before it, and
# within the 30 s that a bundle may take there is time to clean before, and to pack after all.
FILES_S, STORY_S, COLLECT_S = 7.0, 15.0, 18.0
MOST_PAGE_BYTES = 11_000_000  # within allowlist.FACTS_BYTES, for which there is room whatever else goes in
LINK = re.compile(rb'((?:href|src)=")(?=(?:shard|repair)-\d+/)')  # quotes in what the page tells are escaped
KILLED = "the run was killed before any of its tests began"
REPORTS = "reports/"  # from the page, which lies beside it
MOMENT_SCHEMA = 1
OF_A_MOMENT = ("ending.json", "merge.json", "*-*/receipt.json", "*-*/ending.json", "*-*/journal.jsonl")


def gather(
    settings: Settings,
    index: Optional[int],
    problem: str,
    asked: Asked,
    known: Callable[[RunRecord], RunRecord] = lambda record: record,
    pace: float = 1.0,
) -> Bundle:
    """Gather all that goes in: files of the list, and facts that stand in none; no secret that is known here.

    Args:
        index: of the only shard wanted; else all that are there, and their merge.
        problem: what is wrong with the settings, where they could not be read.
        known: adds to what was read of the run what the caller knows of it.
        pace: what all stages' times are multiplied by.

    Raises:
        SettingsError: that shard has left nothing here, but others have.
    """
    began = time.monotonic()
    there = files.shards(settings.reports)
    wanted = there if index is None else [f"shard-{index}"]
    bundle.check_there(wanted, there)
    redactor = Redactor(known_secrets(settings, asked.environ))
    logs = [pattern for service in settings.all_services.values() for pattern in service.logs]
    project = Project(settings.project, settings.reports, settings.file, files.weights(settings))

    def kept(made: Gathering) -> List[Task]:
        red = [name for name in wanted if is_red(settings.reports / name)]
        green = [name for name in wanted if name not in red]
        rules = allowlist.rules(red, green, logs, facts.packages_of(settings), whole_run=index is None)
        return bundle.file_tasks(project, rules, redactor, began + pace * FILES_S)

    def told(made: Gathering) -> List[Task]:
        return story_tasks(lambda: known(reading.read_run(settings)), index, redactor, bool(there))

    def found(made: Gathering) -> List[Task]:
        return fact_tasks(settings, facts.facts(settings, problem, asked), redactor)

    def merged(made: Gathering) -> List[Task]:
        return merged_tasks(settings.reports, redactor, made) if index is None else []

    made = Gathering(ROOM_BYTES)
    bundle.gather(kept, made, began + pace * FILES_S, quiet_s=3.0)
    bundle.gather(told, made, began + pace * STORY_S, quiet_s=STORY_S)
    bundle.gather(merged, made, began + pace * COLLECT_S, quiet_s=3.0)
    bundle.gather(found, made, began + pace * COLLECT_S, quiet_s=2 * facts.PROGRAM_S)
    whole = made.bundle
    return replace(whole, missing=(*_unread(settings, problem), *_not_run(there), *whole.missing))


def _unread(settings: Settings, problem: str) -> List[Note]:
    why = "cannot be read, see settings-error.txt; so nothing is known of service.logs"
    return [Note(settings.file.name, why)] if problem else []


def _not_run(there: Sequence[str]) -> List[Note]:
    return [] if there else [Note("reports/shard-*", "no shard has run here")]


# What happened ------------------------------------------------------------------------------------------


def story_tasks(read: Callable[[], RunRecord], index: Optional[int], redactor: Redactor, has_begun: bool) -> List[Task]:
    """Make the tasks that tell what happened: the sentence first, then the page."""

    @lru_cache(maxsize=None)
    def record() -> RunRecord:
        whole = read()
        shards = tuple(shard for shard in whole.shards if index in (None, shard.index))
        return replace(whole, shards=shards)

    def sentence(made: Gathering) -> Bundle:
        return story(record(), has_begun)

    def page(made: Gathering) -> Union[Member, Note]:
        content = render(record(), diagnosis.diagnose(record()), base=REPORTS).encode("utf-8", "replace")
        return Member(PAGE, content, 0.0, "the report: open this one first")

    return [bundle.found_task("the diagnosis", sentence, redactor), bundle.found_task(PAGE, page, redactor)]


def story(record: RunRecord, has_begun: bool) -> Bundle:
    """Tell what happened in a sentence, and what shows it; and what became of each shard.

    Args:
        has_begun: a shard has left something here, be it only the file of its output.
    """
    if not (record.shards or record.verdict or record.ending):
        return Bundle(sentence=KILLED if has_begun else "no run has ended here")
    shards = tuple(line for shard in record.shards for line in _shard_lines(shard))
    happened = diagnosis.diagnose(record)
    if not happened:
        tests = len(record.verdict.tests) if record.verdict else 0
        return Bundle(sentence=f"green: {counted(tests, 'test')}", shards=shards)
    return Bundle(sentence=happened[0].sentence, told=tuple(diagnosis.lines(happened)[1:]), shards=shards)


def _shard_lines(shard: ShardRecord) -> List[str]:
    if shard.result is None:
        return [f"{shard.name}: {shard.why_no_result}"]
    reasons = report_text.reason_lines(receipt.reasons(shard.result))
    return [f"{shard.name}: {report_text.summary(shard.result)}", *reasons]


def merged_tasks(reports: Path, redactor: Redactor, made: Gathering) -> List[Task]:
    """Make the task that takes sentence and page of the merge where there was no time to make them anew."""

    def take(made: Gathering) -> Iterator[Bundle]:
        if not made.sentence and is_newest(reports / "merge.json"):
            with suppress(PipelineError):
                happened = str(read_json(reports / "merge.json", 1, "", receipt.MOST_BYTES).get("happened") or "")
                yield bundle.all_cleaned(Bundle(sentence=happened), redactor)
        if is_newest(reports / PAGE):
            with suppress(OSError):
                content = LINK.sub(rb"\1reports/", read_bytes(reports / PAGE, MOST_PAGE_BYTES))
                page = Member(PAGE, content, 0.0, "the report, as the merge made it: open this one first")
                yield bundle.all_cleaned(Bundle((page,)), redactor)

    return [] if any(member.name == PAGE for member in made.bundle.members) else [Task(PAGE, take)]


def is_newest(file: Path) -> bool:
    """Tell whether a file was written after the results that lie beside it, so that it is about them."""
    with suppress(OSError):
        made = file.stat().st_mtime_ns
        return all(each.stat().st_mtime_ns <= made for each in file.parent.glob(f"*-*/{receipt.FILE_NAME}"))
    return False


def is_red(folder: Path) -> bool:
    """Tell in no time whether a shard is not known to be green: by how it said that it ended."""
    ended = ending.read(folder)
    return ended is None or bool(ended.exit_code) or not (folder / receipt.FILE_NAME).is_file()


# Facts --------------------------------------------------------------------------------------------------


def fact_tasks(settings: Settings, listed: Sequence[Fact], redactor: Redactor) -> List[Task]:
    """Make the tasks that find facts; those of the moment are kept beside the evidence that they were found with.

    So a second bundle of the same evidence says the same, and says it of the time when the first one was made.
    """
    file, about = settings.reports / MOMENT, lru_cache(maxsize=None)(lambda: digest(settings.reports))
    earlier = lru_cache(maxsize=None)(lambda: moment(file, about()))

    def task(fact: Fact) -> Task:
        def find(made: Gathering) -> Union[Member, Note]:
            if fact.moment and fact.name in earlier():
                return facts.look(fact._replace(find=lambda: earlier()[fact.name]))
            return facts.look(fact)

        return bundle.found_task(fact.name, find, redactor)

    def keep(made: Gathering) -> Iterator[Bundle]:
        names = {fact.name for fact in listed if fact.moment}
        found = {
            each.name: each.content.decode("utf-8", "replace") for each in made.bundle.members if each.name in names
        }
        if settings.reports.is_dir() and not earlier():
            with suppress(PipelineError):  # nobody may write there: the next bundle finds them anew
                write_text(
                    file, json.dumps({"schema": MOMENT_SCHEMA, "about": about(), "facts": found}, indent=1) + "\n"
                )
        yield from ()

    return [*map(task, listed), Task(MOMENT, keep)]


def moment(file: Path, about: str) -> Mapping[str, str]:
    """Read the facts of the moment that were kept about the same evidence; none where there are none."""
    with suppress(PipelineError, TypeError, ValueError, AttributeError):
        data = read_json(file, MOMENT_SCHEMA, "", allowlist.FACTS_BYTES)
        if data.get("about") == about:
            return {str(name): str(text) for name, text in data["facts"].items()}
    return {}


def digest(reports: Path) -> str:
    """Take a digest of which evidence lies in a reports folder: names, sizes and times of what tells of a run's end."""
    found: Dict[str, Sequence[int]] = {}
    for pattern in OF_A_MOMENT:
        for path in reports.glob(pattern):
            with suppress(OSError):
                status = path.lstat()
                found[str(path.relative_to(reports))] = (status.st_size, status.st_mtime_ns)
    return hashlib.sha256(json.dumps(sorted(found.items())).encode("ascii", "backslashreplace")).hexdigest()
