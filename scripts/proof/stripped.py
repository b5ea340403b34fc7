"""A result without the text of tests: what a shard leaves in a store, for the one that says the verdict of all."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace

from ..errors import service_error
from ..system import files
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
    text = json.dumps(receipt.sealed(result), separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("ascii"))).decode("ascii")


def unpacked(word: str) -> Receipt:
    """Unpack a result.

    Raises:
        ValueError: it is none, or not as it was packed.
    """
    try:
        unpacking = zlib.decompressobj()
        text = unpacking.decompress(base64.b64decode(word.encode("ascii"), validate=True), MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("it is cut, or too long")
    return receipt.from_json(files.parse_json(text))
