"""Read what the shards and repairs of a run left in its reports folder: results, and what cannot be believed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Sequence

from ..errors import PipelineError, SuiteError
from . import receipt
from .receipt import Damaged, Receipt


@dataclass(frozen=True)
class Results:
    """What shards and repairs left: results, those that cannot be read or believed, and files changed afterwards."""

    receipts: Sequence[Receipt] = ()
    damaged: Sequence[Damaged] = ()
    changed: Dict[str, List[str]] = field(default_factory=dict)


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
    return Results(receipts, damaged, changed)
