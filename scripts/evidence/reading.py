"""Read what is known of a run from its reports folder, whatever is missing there, half written or hostile.

Nothing here raises for what lies in the folder, and nothing is read without a limit: what cannot be had is left out,
and `RunRecord.unread` says why.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..errors import PipelineError
from ..planning import plan as planning
from ..proof import journal, outcome_history, receipt, report_text, results
from ..proof.findings import Verdict
from ..proof.outcome_history import Run
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..proof.results import Results
from ..service import monitor
from ..settings import Settings
from ..system import files
from ..system.usage import Sample
from . import earlier, ending
from .record import Artifact, Log, Request, RunRecord, ShardRecord

JOURNAL = receipt.BESIDE[0]
REQUESTS, ARTIFACTS, SELECTION = "requests.jsonl", "artifacts", "selection.json"
SELECTION_SCHEMA = 1
HEAD_BYTES, TAIL_BYTES = 100_000, 400_000  # of a log: how it began, and how it ended
MOST_LINES_BYTES = 30_000_000  # of monitor.jsonl or requests.jsonl; of more, the end
MOST_JOURNAL_BYTES = 100_000_000  # that of 30,000 tests has 17 MB, and takes 4 s of a processor
MOST_ARTIFACTS = 2_000
MOST_ENTRIES = 20_000  # of a folder
MOST_S = 20.0  # after which only the results are told
_NAMES = re.compile(r"(shard|repair)-(0|[1-9][0-9]{0,8})")

Rounds = Callable[[Path, Optional[Receipt], List[str]], Tuple[Round, ...]]

MOST_NUMBER = 1e18  # of bytes or seconds; what is more is none
MOST_BRACKETS = 500  # in a line; to recover from thousands inside each other may end a Python 3.8 (SIGABRT)


def read_run(
    settings: Settings,
    verdict: Optional[Verdict] = None,
    arguments: Sequence[str] = (),
    found: Optional[Results] = None,
    run: Optional[Run] = None,
    only: Optional[int] = None,
) -> RunRecord:
    """Read all that the reports folder of a project tells of its last run.

    Args:
        verdict: of the merge, where that has just been made; else what merge.json says.
        arguments: those that chose a part of the suite.
        found: the results, where they have been read.
        run: as it will be remembered, where that is not yet done.
        only: the index of the shard that is wanted, of which no merge has judged; None for all.
    """
    unread: List[str] = []
    has_just_ended = verdict is not None
    clock = Clock(time.monotonic() + MOST_S)
    found = found or results.gather(settings.reports)
    plan = planning.load_if_usable(settings.reports / planning.FILE_NAME, unread.append, "the report")
    shards = [
        _shard(folder, match, found, unread, clock)
        for folder in sorted(_entries(settings.reports))
        for match in [_NAMES.fullmatch(folder.name)]
        if match and folder.is_dir() and (only is None or match[0] == f"shard-{only}")
    ]
    if only is None:
        verdict = verdict or report_text.read(settings.reports / report_text.FILE_NAME)
    record = RunRecord(
        name=settings.name,
        reports=settings.reports,
        verdict=verdict,
        plan=plan,
        shards=tuple(sorted(shards, key=lambda shard: (shard.is_repair, shard.index))),
        ending=ending.read(settings.reports) if only is None else None,
        changes=_changes(settings, verdict, found.receipts, run),
        command=settings.command,
        arguments=tuple(arguments),
        unread=tuple(unread),
    )
    return replace(record, ending=None) if has_just_ended else earlier.left_out(record)


def _changes(
    settings: Settings, verdict: Optional[Verdict], receipts: Sequence[Receipt], run: Optional[Run]
) -> Dict[str, str]:
    """Compare how tests ended with the runs before."""
    key = outcome_history.key_of(receipts)
    known = outcome_history.past(outcome_history.file_of(settings))
    run = run or next((other for other in known.runs if other.key == key), Run(key, 0))
    outcomes = verdict.outcomes if verdict else {test.nodeid: test.proven for one in receipts for test in one.tests}
    return outcome_history.changes(known, run, outcomes, outcome_history.retried(receipts))


def read_live(settings: Settings, found: Results, rounds: Rounds, since_s: float) -> RunRecord:
    """Read what is known of a run that goes on: of its shards, and no verdict.

    Args:
        found: the results that are there already.
        rounds: reads those of a shard's folder, given its result and where to say what could not be read.
        since_s: when the run began, in seconds since 1970; folders that were not changed since are of one before.
    """
    unread: List[str] = []
    clock = Clock(time.monotonic() + MOST_S)
    folders = [(folder, _NAMES.fullmatch(folder.name)) for folder in sorted(_entries(settings.reports))]
    shards = [
        _shard(folder, match, found, unread, clock, rounds)
        for folder, match in folders
        if match and folder.is_dir() and _changed_s(folder / SELECTION) >= since_s
    ]
    return RunRecord(
        name=settings.name,
        reports=settings.reports,
        plan=planning.load_if_usable(settings.reports / planning.FILE_NAME, unread.append, "the report"),
        shards=tuple(sorted(shards, key=lambda shard: (shard.is_repair, shard.index))),
        command=settings.command,
        unread=tuple(unread),
    )


def _changed_s(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


class Clock(NamedTuple):
    """When to stop to read what lies beside the results."""

    ends_s: float

    def is_over(self) -> bool:
        """Tell whether the time is used up."""
        return time.monotonic() > self.ends_s


def rounds_of(folder: Path, result: Optional[Receipt], unread: List[str]) -> Tuple[Round, ...]:
    """Read the journal where that tells more than the result: not of a green shard, whose tests say all there is."""
    if result and receipt.is_green(result):
        return ()
    file = folder / JOURNAL
    start = result.start if result else start_of(folder)
    try:
        content = files.read_bytes(file, MOST_JOURNAL_BYTES)
        return tuple(journal.rounds(journal.parse(content, start).events, str(file))) if start else ()
    except FileNotFoundError:
        return ()
    except (OSError, PipelineError) as error:
        unread.append(f"{file.parent.name}/{file.name}: {getattr(error, 'strerror', None) or error}")
        return ()


def start_of(folder: Path) -> str:
    """Find the start whose lines of the journal count, of a shard that left no result."""
    with suppress(PipelineError):
        return str(files.read_json(folder / SELECTION, SELECTION_SCHEMA, "", receipt.MOST_BYTES).get("start", ""))
    return ""


def _shard(
    folder: Path,
    match: re.Match[str],
    found: Results,
    unread: List[str],
    clock: Clock,
    rounds: Rounds = rounds_of,
) -> ShardRecord:
    index, is_repair = int(match[2]), match[1] == "repair"
    mine = [each for each in found.receipts if each.index == index and bool(each.repairs) == is_repair]
    damaged = [each.why for each in found.damaged if each.index == index and each.is_repair == is_repair]
    result = mine[0] if mine else None
    unread += damaged
    if clock.is_over():
        unread.append(f"{folder.name}: only its result was read, since all before it took {MOST_S:.0f} s")
        return ShardRecord(index, folder, result, "" if result else "there was no time to read it", is_repair=is_repair)
    return ShardRecord(
        index=index,
        folder=folder,
        result=result,
        why_no_result="" if result else "".join(damaged[:1]) or "it left no result",
        rounds=rounds(folder, result, unread),
        ending=ending.read(folder),
        samples=tuple(_samples(folder / monitor.FILE_NAME)),
        requests=tuple(_requests(folder / REQUESTS)),
        logs=tuple(_logs(folder)),
        artifacts=tuple(_artifacts(folder)),
        is_repair=is_repair,
    )


# Lines of JSON ------------------------------------------------------------------------------------------


def _samples(file: Path) -> Iterator[Sample]:
    for line in _lines(file):
        texts = all(isinstance(line.get(name), str) for name in ("name", "test"))
        numbers = {name: line.get(name) for name in Sample._fields if name not in ("name", "test")}
        needed = ("t", "start", "rss", "memory", "cpu", "threads")
        if texts and all(numbers[name] is not None for name in needed) and all(map(_is_number, numbers.values())):
            yield Sample(**{name: line.get(name) for name in Sample._fields})  # type: ignore[arg-type]


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and abs(value) < MOST_NUMBER)


def _requests(file: Path) -> Iterator[Request]:
    for line in _lines(file):
        with suppress(KeyError, TypeError, ValueError, OverflowError):
            status = line.get("status")
            came = status if status is not None else f"no answer ({line.get('error', 'not known why')})"
            text = f"{line['method']} {line['path']} -> {came}"
            t, ms = float(line["t"]), float(line.get("ms") or 0)
            if _is_number(t) and _is_number(ms):
                yield Request(t, str(line["test"]), text, ms / 1000, int(status or 0))


def _lines(file: Path) -> Iterator[Dict[str, Any]]:
    """Read the lines of a file that are objects, in order."""
    try:
        content = files.end_of(file, MOST_LINES_BYTES) if file.is_file() else b""
    except OSError:
        return
    for line in content.splitlines():
        if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
            continue
        with suppress(ValueError, RecursionError):
            data = json.loads(line.decode("utf-8"))
            if isinstance(data, dict):
                yield data


# Logs and what tests kept -------------------------------------------------------------------------------


def _logs(folder: Path) -> Iterator[Log]:
    own = sorted(path for path in _entries(folder) if path.suffix == ".log")
    output = folder.with_suffix(".log")
    is_earlier = _changed_s(output) < _changed_s(folder / SELECTION)  # of a run before, of which this shard is none
    for path, name in [*((path, path.name) for path in own), *([] if is_earlier else [(output, "output.log")])]:
        log = log_of(path, name)
        if log:
            yield log


def log_of(path: Path, name: str) -> Optional[Log]:
    """Read how a log began and how it ended; None where there is none that can be read."""
    try:
        if not path.is_file() or path.is_symlink():
            return None
        with path.open("rb") as content:
            head = content.read(HEAD_BYTES + TAIL_BYTES)
            rest_bytes = content.seek(0, 2) - len(head)
            if rest_bytes <= 0:
                return Log(name, head.decode("utf-8", "replace"))
            content.seek(-TAIL_BYTES, 2)
            tail = content.read(TAIL_BYTES)
        cut_bytes = rest_bytes + len(head) - HEAD_BYTES - TAIL_BYTES
        return Log(name, head[:HEAD_BYTES].decode("utf-8", "replace"), tail.decode("utf-8", "replace"), cut_bytes)
    except OSError:
        return None


def _artifacts(folder: Path) -> Iterator[Artifact]:
    for path in itertools.islice(_below(folder / ARTIFACTS), MOST_ARTIFACTS):
        with suppress(OSError):
            status = path.lstat()
            yield Artifact(path.relative_to(folder).as_posix(), status.st_size, changed_s=status.st_mtime)


def _below(top: Path) -> Iterator[Path]:
    """Walk the plain files below a folder, by name, and follow no link."""
    for path in sorted(_entries(top)):
        if path.is_symlink():
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield path


def _entries(folder: Path) -> List[Path]:
    try:
        return [] if folder.is_symlink() else list(itertools.islice(folder.iterdir(), MOST_ENTRIES))
    except OSError:
        return []
