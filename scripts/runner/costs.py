"""What a node pays beside its tests: packages, weights, the start of the service. It decides how many nodes pay.

The merge keeps it beside the durations, for plans that are made on machines where nothing has run.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Iterable, List

from ..errors import PipelineError
from ..proof import receipt
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system import files

FILE_NAME = "costs.json"
SCHEMA = 1
TESTS = "tests"  # the step that is no such cost


def mean_s(receipts: Iterable[Receipt]) -> float:
    """Average what these shards paid beside their tests, in s; 0 where none says it."""
    paid = [
        sum(cost for step, cost in result.seconds.items() if step != TESTS)
        for result in receipts
        if result.tests and result.seconds and not result.repairs  # one without tests starts no service
    ]
    return sum(paid) / len(paid) if paid else 0.0


def remember(settings: Settings, receipts: Iterable[Receipt]) -> None:
    """Keep what the shards of a run paid.

    Raises:
        PipelineError: it cannot be written.
    """
    paid_s = mean_s(receipts)
    if paid_s:
        text = json.dumps({"schema": SCHEMA, "fixed_s": round(paid_s, 1)}) + "\n"
        files.write_text(settings.state / FILE_NAME, text)


def known_s(settings: Settings) -> float:
    """Say what a node pays beside its tests, in s: by the results that are here, else as remembered; 0 if unknown."""
    found: List[Receipt] = []
    for file in settings.reports.glob(f"shard-*/{receipt.FILE_NAME}"):
        with suppress(PipelineError):  # the merge is there to complain of it
            found.append(receipt.read(file))
    with suppress(PipelineError, TypeError, ValueError):
        return mean_s(found) or float(files.read_json(settings.state / FILE_NAME, SCHEMA, "").get("fixed_s", 0))
    return 0.0
