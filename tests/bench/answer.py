"""Answer another bench that asks for a plan in JSON: `python -m tests.bench.answer < asked.json`."""

from __future__ import annotations

import json
import sys
from typing import Any, List

from scripts.errors import PipelineError
from scripts.planning.estimates import Estimates, SetUp
from scripts.planning.plan import split


def from_json(text: str) -> str:
    """Plan what stands in a JSON text.

    Args:
        text: {"durations": {nodeid: s}, "tests": [nodeid, ...], "total": N, "setup_s": s per file and shard};
            `setup_s` may be missing.

    Returns:
        [[node ids of shard 0], ...] as JSON.

    Raises:
        PipelineError: the text is not of this form.
    """
    try:
        asked = json.loads(text)
        # Whole microseconds: packing asks only for integers, and a bench may have tests below a millisecond.
        known = {str(nodeid): _microseconds(seconds) for nodeid, seconds in asked["durations"].items()}
        tests = _texts(asked["tests"])
        set_up = SetUp(file_ms=_microseconds(asked.get("setup_s", 0)))
        return json.dumps(split(tests, Estimates(known), int(asked["total"]), set_up))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        form = '{"durations": {NODEID: SECONDS}, "tests": [NODEID, ...], "total": N, "setup_s": SECONDS}'
        raise PipelineError(f"expected {form}: {error!r}") from error


def _microseconds(seconds: Any) -> int:
    return max(0, round(float(seconds) * 1_000_000))


def _texts(value: Any) -> List[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("tests: expected a list of node ids")
    return value


if __name__ == "__main__":
    print(from_json(sys.stdin.read()))
