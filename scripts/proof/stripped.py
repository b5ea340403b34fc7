"""A result without the text of tests: what a shard leaves in a store, for the one that says the verdict of all."""

from __future__ import annotations

import json
from dataclasses import replace

from ..errors import service_error
from ..system import files
from ..system import packed as packing
from . import receipt
from .receipt import MOST_BYTES, ExtraError, Receipt

ELSEWHERE = "see that shard's own results"


def stripped(result: Receipt) -> Receipt:
    """Leave ids, outcomes, times, digests and arguments as they are stored; what tests and services wrote goes."""
    tests = (
        replace(test, attempts=tuple(replace(attempt, message="", text="") for attempt in test.attempts))
        for test in result.tests
    )
    errors = (ExtraError(error.name, _kind_of(error)) for error in result.errors)
    return replace(result, tests=tuple(tests), errors=tuple(errors), beside={})


def _kind_of(error: ExtraError) -> str:
    """Keep how a service ended, in our own words, which decide the exit code of the run."""
    kind = service_error(error.message).ended
    return f"{kind}: {ELSEWHERE}" if error.message.startswith(f"{kind}: ") else ELSEWHERE


def packed(result: Receipt) -> str:
    """Pack a sealed result into one word; that of 10,000 tests takes some 100 kB."""
    return packing.packed(json.dumps(receipt.sealed(result), separators=(",", ":")))


def unpacked(word: str) -> Receipt:
    """Unpack a result.

    Raises:
        ValueError: it is none, or not as it was packed.
    """
    return receipt.from_json(files.parse_json(packing.unpacked(word, MOST_BYTES).encode("utf-8")))
