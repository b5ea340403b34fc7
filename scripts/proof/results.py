"""Read what the shards and repairs of a run left in its reports folder: results, and what cannot be believed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Sequence

from ..errors import PipelineError, SuiteError
from ..system import files
from . import journal, receipt
from . import outcomes as o
from .outcomes import Attempt, Round
from .receipt import Damaged, Receipt, Selected

JOURNAL = receipt.BESIDE[0]
SELECTION, SELECTION_SCHEMA = "selection.json", 1  # says whose lines of a journal count


@dataclass(frozen=True)
class Results:
    """What shards and repairs left: results, those that cannot be read or believed, and files changed afterwards.

    `killed` has, of shards that left no result where others shared out tests with them, the tests that were red there.
    """

    receipts: Sequence[Receipt] = ()
    damaged: Sequence[Damaged] = ()
    changed: Dict[str, List[str]] = field(default_factory=dict)
    killed: Sequence[Receipt] = ()


def gather(reports: Path) -> Results:
    """Read the results of a run; one that cannot be read costs what it holds, not the others."""
    receipts: List[Receipt] = []
    damaged: List[Damaged] = []
    changed: Dict[str, List[str]] = {}
    for folder in sorted((*reports.glob("shard-*"), *reports.glob("repair-*"))):
        match = re.fullmatch(r"(shard|repair)-(0|[1-9][0-9]{0,8})", folder.name)
        file = folder / receipt.FILE_NAME
        if match is None or not os.path.lexists(file):
            continue
        try:
            result = receipt.read(file)
            if result.index != int(match[2]) or bool(result.repairs) != (match[1] == "repair"):
                raise SuiteError(f"{file}: it is the result of {result.name}, and lies in the place of another")
            receipts.append(result)
        except PipelineError as error:
            name = "repair" if match[1] == "repair" else "shard index"
            damaged.append(Damaged(int(match[2]), f"{name} {match[2]}", error.message, match[1] == "repair"))
            continue
        names = receipt.changed_beside(result, folder)
        if names:
            changed[result.name] = names
    killed = _killed(reports, receipts, damaged)
    return Results(receipts, damaged, changed, killed)


def _killed(reports: Path, receipts: Sequence[Receipt], damaged: List[Damaged]) -> List[Receipt]:
    """Read what was red in shards without result: what others took over may be green there. Not readable is damaged."""
    found: List[Receipt] = []
    shared = next((result for result in receipts if result.store), None)
    if shared is None:
        return []
    for index in range(shared.total):
        folder = reports / f"shard-{index}"
        if os.path.lexists(folder / receipt.FILE_NAME) or not os.path.lexists(folder / JOURNAL):
            continue
        try:
            start = str(files.read_json(folder / SELECTION, SELECTION_SCHEMA, "", receipt.MOST_BYTES).get("start"))
            rounds, _ = journal.read(folder / JOURNAL, start)
            found.append(_of_killed(index, rounds, shared))
        except PipelineError as error:
            why = f"it left no result, and what it saw red is not known: {error.message}"
            damaged.append(Damaged(index, f"shard index {index}", why))
    return found


def _of_killed(index: int, rounds: Sequence[Round], like: Receipt) -> Receipt:
    """Put together what was red. What ran when the shard was killed is not, for that: others have run it again."""
    answers = (told.answer.get("names") for told in rounds)
    names = {ran: known for told in answers if isinstance(told, dict) for ran, known in told.items()}
    red = [
        (fate.nodeid, [each for each in fate.attempts if each.outcome in o.RED and not _was_killed(each, rounds)])
        for fate in o.fates(rounds)
    ]
    tests = [
        Selected(str(names.get(nodeid, nodeid)), o.of_attempts(attempts), tuple(attempts))
        for nodeid, attempts in red
        if attempts
    ]
    return Receipt(
        like.run_id, like.plan_id, index, like.total, "", 0, "", tests=tuple(tests), ended=receipt.INTERRUPTED
    )


def _was_killed(attempt: Attempt, rounds: Sequence[Round]) -> bool:
    return attempt.outcome == o.UNFINISHED and attempt.round == rounds[-1].number
