"""Read what is known of a run from its reports folder, whatever is missing there, half written or hostile.

Nothing here raises for what lies in the folder, and nothing is read without a limit: what cannot be had is left out,
and `RunRecord.unread` says why.
"""

from __future__ import annotations

import itertools
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..errors import PipelineError
from ..planning import plan as planning
from ..proof import journal, receipt, report_text, results
from ..proof.findings import Verdict
from ..proof.outcomes import Round
from ..proof.receipt import Receipt
from ..proof.results import Results
from ..service import monitor
from ..settings import Settings
from ..system import files
from ..system.usage import Sample
from . import earlier
from .record import Artifact, Ending, Log, Request, RunRecord, ShardRecord

JOURNAL = receipt.BESIDE[0]
ENDING = "ending.json"
REQUESTS, ARTIFACTS, SELECTION = "requests.jsonl", "artifacts", "selection.json"
ENDING_SCHEMA = SELECTION_SCHEMA = 1
HEAD_BYTES, TAIL_BYTES = 100_000, 400_000  # of a log: how it began, and how it ended
MOST_LINE_BYTES = 100_000_000  # of monitor.jsonl or requests.jsonl; of more, the end
MOST_JOURNAL_BYTES = receipt.MOST_BYTES_BESIDE
MOST_ARTIFACTS = 2_000
MOST_BRACKETS = 500  # in a line; to recover from thousands inside each other may end a Python 3.8 (SIGABRT)


def read_run(settings: Settings, verdict: Optional[Verdict] = None, arguments: Sequence[str] = ()) -> RunRecord:
    """Read all that the reports folder of a project tells of its last run.

    Args:
        verdict: of the merge, where that has just been made; else what merge.json says.
        arguments: those that chose a part of the suite.
    """
    unread: List[str] = []
    has_just_ended = verdict is not None
    found = results.gather(settings.reports)
    plan = planning.load_if_usable(settings.reports / planning.FILE_NAME, unread.append, "the report")
    shards = [
        _shard(folder, match, found, unread)
        for folder in sorted(_entries(settings.reports))
        for match in [re.fullmatch(r"(shard|repair)-(0|[1-9][0-9]{0,8})", folder.name)]
        if match and folder.is_dir()
    ]
    record = RunRecord(
        name=settings.name,
        reports=settings.reports,
        verdict=verdict or report_text.read(settings.reports / report_text.FILE_NAME),
        plan=plan,
        shards=tuple(sorted(shards, key=lambda shard: (shard.is_repair, shard.index))),
        ending=ending_in(settings.reports),
        command=settings.command,
        arguments=tuple(arguments),
        unread=tuple(unread),
    )
    return replace(record, ending=None) if has_just_ended else earlier.left_out(record)


def _shard(folder: Path, match: re.Match[str], found: Results, unread: List[str]) -> ShardRecord:
    index, is_repair = int(match[2]), match[1] == "repair"
    mine = [each for each in found.receipts if each.index == index and bool(each.repairs) == is_repair]
    damaged = [each.why for each in found.damaged if each.index == index and each.is_repair == is_repair]
    result = mine[0] if mine else None
    unread += damaged
    return ShardRecord(
        index=index,
        folder=folder,
        result=result,
        why_no_result="" if result else "".join(damaged[:1]) or "it left no result",
        rounds=_rounds(folder, result, unread),
        ending=ending_in(folder),
        samples=tuple(_samples(folder / monitor.FILE_NAME)),
        requests=tuple(_requests(folder / REQUESTS)),
        logs=tuple(_logs(folder)),
        artifacts=tuple(_artifacts(folder)),
        is_repair=is_repair,
    )


def ending_in(folder: Path) -> Optional[Ending]:
    """Read how a step ended that wrote it down in this folder; None where none did."""
    with suppress(PipelineError, TypeError, ValueError):
        data = files.read_json(folder / ENDING, ENDING_SCHEMA, "")
        kinds: Mapping[str, Callable[[Any], Any]] = {"exit_code": int, "at_s": float, "earlier": earlier.names}
        facts = {name: kinds.get(name, str)(data[name]) for name in Ending._fields if name in data}
        return Ending(**facts)
    return None


def _rounds(folder: Path, result: Optional[Receipt], unread: List[str]) -> Tuple[Round, ...]:
    file = folder / JOURNAL
    start = result.start if result else _start_of(folder)
    try:
        content = files.read_bytes(file, MOST_JOURNAL_BYTES)
        return tuple(journal.rounds(journal.parse(content, start).events, str(file))) if start else ()
    except FileNotFoundError:
        return ()
    except (OSError, PipelineError) as error:
        unread.append(f"{file.parent.name}/{file.name}: {getattr(error, 'strerror', None) or error}")
        return ()


def _start_of(folder: Path) -> str:
    """Find the start whose lines of the journal count, of a shard that left no result."""
    with suppress(PipelineError):
        return str(files.read_json(folder / SELECTION, SELECTION_SCHEMA, "", receipt.MOST_BYTES).get("start", ""))
    return ""


# Lines of JSON ------------------------------------------------------------------------------------------


def _samples(file: Path) -> Iterator[Sample]:
    for line in _lines(file):
        if isinstance(line.get("t"), float) and isinstance(line.get("name"), str):
            yield Sample(*(line.get(name) for name in Sample._fields))  # type: ignore[arg-type]


def _requests(file: Path) -> Iterator[Request]:
    for line in _lines(file):
        with suppress(KeyError, TypeError, ValueError):
            status = line.get("status")
            came = status if status is not None else f"no answer ({line.get('error', 'not known why')})"
            text = f"{line['method']} {line['path']} -> {came}"
            yield Request(
                float(line["t"]), str(line["test"]), text, float(line.get("ms") or 0) / 1000, int(status or 0)
            )


def _lines(file: Path) -> Iterator[Dict[str, Any]]:
    """Read the lines of a file that are objects, in order."""
    try:
        content = files.end_of(file, MOST_LINE_BYTES) if file.is_file() else b""
    except OSError:
        return
    for line in content.splitlines():
        if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
            continue
        with suppress(ValueError):
            data = json.loads(line.decode("utf-8"))
            if isinstance(data, dict):
                yield data


# Logs and what tests kept -------------------------------------------------------------------------------


def _logs(folder: Path) -> Iterator[Log]:
    own = sorted(path for path in _entries(folder) if path.suffix == ".log")
    for path, name in [*((path, path.name) for path in own), (folder.with_suffix(".log"), "output.log")]:
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
            yield Artifact(path.relative_to(folder).as_posix(), path.lstat().st_size)


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
        return [] if folder.is_symlink() else list(folder.iterdir())
    except OSError:
        return []
