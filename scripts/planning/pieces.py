"""Cut the tests of each shard into pieces: what is claimed, and moves from shard to shard, as a whole.

Pure and deterministic, as the plan is. The policy is that of facts measured on recorded suites: large pieces first,
and smaller ones as the shard nears its end.
"""

from __future__ import annotations

import hashlib
import json
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple


class Piece(NamedTuple):
    """Tests that are claimed together, in the order in which their shard would come to them.

    Args:
        name: "2-07-1a2b3c4d": the shard of the plan, its place there, and the digest of its ids: who has other tests
            in mind never claims by the same name.
        shard: the index of the shard that the plan gives it to.
        nodeids: by name.
        estimate_ms: what it takes in its place: own times, and the set-ups that no piece before it has paid.
        alone_ms: what it takes on a shard that has run nothing of these files: all its set-ups.
    """

    name: str
    shard: int
    nodeids: Tuple[str, ...]
    estimate_ms: int
    alone_ms: int


def named(shard: int, number: int, nodeids: Sequence[str], estimate_ms: int, alone_ms: int) -> Piece:
    """Make a piece, with its name."""
    ids = tuple(sorted(nodeids))
    digest = hashlib.sha256(json.dumps(ids).encode("ascii")).hexdigest()
    return Piece(f"{shard}-{number:02}-{digest[:8]}", shard, ids, estimate_ms, alone_ms)


def by_file(shard: int, nodeids: Sequence[str], times: Mapping[str, int]) -> Tuple[Piece, ...]:
    """Make each file of a shard a piece (to be replaced by the measured policy)."""
    files: Dict[str, List[str]] = {}
    for nodeid in nodeids:
        files.setdefault(nodeid.split("::", 1)[0], []).append(nodeid)
    blocks = sorted(files.values(), key=lambda ids: (-max(times.get(each, 1) for each in ids), ids[0]))
    costs = [sum(times.get(each, 1) for each in ids) for ids in blocks]
    return tuple(named(shard, number, ids, cost, cost) for number, (ids, cost) in enumerate(zip(blocks, costs)))
