"""What it takes to run the shards of a run again: commit, arguments, settings, packages and weights by their digests.

The tests of each shard, and the order in which they ran, stand in its receipt.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any, Dict, Iterable, List, Sequence

from ..models import manifest
from ..proof import results
from ..proof.receipt import Receipt
from ..settings import Settings
from ..system.files import read_bytes

SCHEMA = 1
MOST_BYTES = 20_000_000  # of settings, requirements or a lock


def describe(settings: Settings, packages: Iterable[str]) -> Dict[str, Any]:
    """Describe it, by the results that lie in the reports.

    Args:
        packages: the files of requirements and their locks, from the project's folder.
    """
    files = {file: _digest(settings, file) for file in (settings.file.name, *packages)}
    return {
        "schema": SCHEMA,
        "files": {name: digest for name, digest in files.items() if digest},
        "weights": manifest.digest(settings.models) if settings.models else "",
        "shards": shards(results.gather(settings.reports).receipts),
    }


def shards(receipts: Sequence[Receipt]) -> List[Dict[str, Any]]:
    """Say of each shard with which number, arguments, commit, Python and plan it ran."""
    return [
        {
            "name": result.name,
            "index": result.index,
            "total": result.total,
            "run": result.run_id,
            "plan": result.plan_id,
            "commit": result.commit,
            "files": result.files_digest,
            "arguments": list(result.arguments),
            "python": result.python,
            "machine": result.machine,
        }
        for result in receipts
    ]


def _digest(settings: Settings, name: str) -> str:
    """Take the sha-256 of a file of the project; empty where it cannot be read."""
    with suppress(OSError):
        return hashlib.sha256(read_bytes(settings.project / name, MOST_BYTES)).hexdigest()
    return ""
