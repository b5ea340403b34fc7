"""Keep for pytest's own --lf, --ff, --nf and --sw what several shards found, each of which saw a part only.

A shard of several reads pytest's cache and does not write it; the merge does, once, in the forms that pytest reads.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Dict, List, Sequence

from ..proof.findings import Verdict
from ..proof.outcomes import RED
from ..proof.receipt import Receipt
from ..system import files
from . import subset


def remember(verdict: Verdict, receipts: Sequence[Receipt], arguments: Sequence[str]) -> None:
    """Write which tests are red, which are known, and where --stepwise goes on.

    Args:
        arguments: of the run; --stepwise is kept only where it is one of them, as pytest does.

    Raises:
        OSError: it cannot be written.
    """
    caches = {each.cache for each in receipts if each.cache}
    if len(receipts) < 2 or len(caches) != 1 or not Path(*caches).parent.is_dir():  # of another machine, perhaps
        return
    if not Path(*caches).exists():
        files.write_text(Path(*caches, ".gitignore"), "# as pytest does\n*\n")
    cache = Path(*caches, "v", "cache")
    red = subset.still_red(_held(cache / "lastfailed"), verdict.outcomes)
    _hold(cache / "lastfailed", dict.fromkeys(red, True))
    _hold(cache / "nodeids", sorted({*_held(cache / "nodeids"), *verdict.outcomes}))
    if any(word.startswith(("--sw", "--stepwise")) for word in arguments):
        _hold(cache / "stepwise", step(verdict))


def step(verdict: Verdict) -> Dict[str, object]:
    """Say where --stepwise goes on: at the first test that did not pass, which may be another shard's than failed.

    The form is that of pytest 8.4; an older one finds no such test, says so, and runs all.
    """
    first = next((test.nodeid for test in verdict.tests if test.outcome in RED), None)
    return {"last_failed": first, "last_test_count": None, "last_cache_date_str": datetime.now().isoformat()}


def _held(file: Path) -> List[str]:
    """Read the ids that the cache holds under a name; none where it cannot be read."""
    with suppress(OSError, ValueError):
        held = files.parse_json(files.read_bytes(file))
        return [nodeid for nodeid in held if isinstance(nodeid, str)] if isinstance(held, (dict, list)) else []
    return []


def _hold(file: Path, value: object) -> None:
    files.write_bytes(file, json.dumps(value, indent=2).encode("ascii"))
