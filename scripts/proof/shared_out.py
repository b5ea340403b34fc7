"""What receipts explain where tests were shared out while they ran: who took what from whom, and why one ran twice.

Pure, and it fails closed: what no receipt explains is as red as it is in shards that a plan alone made.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Collection, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from .claimed import OWN, TAKEN_OVER, ClaimedPiece, cut
from .outcomes import NOT_RUN
from .receipt import Receipt, digest

Claim = Tuple[Receipt, ClaimedPiece]
Claims = Mapping[str, Sequence[Claim]]


@dataclass(frozen=True)
class Move:
    """How many tests, of `all` that a shard had, it took from another, `whose` index this is."""

    index: int
    how: str
    whose: int
    count: int
    all: int


def moves(shards: Iterable[Receipt]) -> List[Move]:
    """Add up what each shard took from each other one.

    >>> moves([])
    []
    """
    found: List[Move] = []
    for shard in shards:
        counts: Dict[Tuple[str, int], int] = defaultdict(int)
        for piece in shard.pieces:
            if piece.whose != shard.index:
                counts[piece.how, piece.whose] += piece.count
        found += [Move(shard.index, *pair, count, len(shard.tests)) for pair, count in counts.items() if count]
    return found


def by_piece(shards: Iterable[Receipt]) -> Claims:
    """Sort what shards claimed by the names of the pieces."""
    found: Dict[str, List[Claim]] = defaultdict(list)
    for shard in shards:
        for piece in shard.pieces:
            found[piece.name].append((shard, piece))
    return dict(found)


def by_test(shards: Iterable[Receipt]) -> Claims:
    """Sort what shards claimed by the ids of the tests."""
    found: Dict[str, List[Claim]] = defaultdict(list)
    for shard in shards:
        for piece, tests in cut(shard.pieces, shard.tests):
            for test in tests:
                found[test.nodeid].append((shard, piece))
    return dict(found)


def is_chain(claims: Sequence[Claim], silent: Collection[int]) -> bool:
    """Tell whether those who claimed a piece did so one after another: one at most simply, each other took it over.

    Nobody took it over twice from the same shard, and from none that left a result without it, nor in a circle.

    Args:
        silent: the indices of shards that left no result; each of these may have had it between two others.
    """
    whose = {shard.index: piece.whose for shard, piece in claims if piece.how == TAKEN_OVER}
    shards = {shard.index for shard, _ in claims}
    is_line = len(shards) == len(claims) <= len(whose) + 1 and len(set(whose.values())) == len(whose)
    known = all(other in shards or other in silent for other in whose.values())
    return is_line and known and len({piece.name for _, piece in claims}) == 1 and not _circles(whose)


def _circles(whose: Mapping[int, int]) -> bool:
    """Tell whether shards took a piece over in a circle; one that did so from an earlier start of its own did not.

    >>> _circles({1: 0, 2: 1, 0: 0}), _circles({1: 2, 2: 1})
    (False, True)
    """
    for index in whose:
        steps = 0
        while index in whose and whose[index] != index:
            index, steps = whose[index], steps + 1
            if steps > len(whose):
                return True
    return False


def is_explained(ran: Sequence[Receipt], claims: Sequence[Claim], planned: int, silent: Collection[int]) -> bool:
    """Tell whether receipts say why a test ran in more than one shard.

    Either all but one took its piece over from another; or one had no store, and ran what the plan gave it.

    Args:
        ran: those who had it.
        claims: of its piece, by those of them who had a store.
        planned: the index of the shard that the plan gives it to; -1 where that is not known.
        silent: see `is_chain`.
    """
    without = [shard for shard in ran if not shard.store]
    by_plan = all(planned in (-1, shard.index) for shard in without)
    return len(without) < 2 and by_plan and is_chain(claims, silent)


def is_replaced(index: int, shards: Sequence[Receipt], claims: Claims, own: Optional[Sequence[str]]) -> bool:
    """Tell whether others say that they ran what a shard without result had to: that each test ran is not asked here.

    All that ran tests must have gone by one plan, and what was the shard's, others took. What it took itself nobody
    else has, unless they took it over.

    Args:
        claims: by test.
        own: the tests that the plan gives it; None where no plan is known.
    """
    plans = {shard.plan_id for shard in shards if shard.plan_id or shard.tests}
    if len(plans) != 1 or "" in plans:
        return False
    if own is None:
        return any(piece.whose == index != shard.index for shard in shards for piece in shard.pieces)
    taken = all(any(piece.how != OWN for _, piece in claims.get(nodeid, ())) for nodeid in own)
    return taken and any(shard.store for shard in shards)


def covers(shards: Sequence[Receipt]) -> bool:
    """Tell whether each test that was there to be shared out has an outcome in one of these results.

    All that collected must have collected the same tests, by whose digest what ran is compared with them.
    """
    counts: Dict[str, int] = {}
    for test in (test for shard in shards for test in shard.tests if test.proven != NOT_RUN):
        counts[test.nodeid] = max(counts.get(test.nodeid, 0), test.count)
    ran = digest(nodeid for nodeid, count in counts.items() for _ in range(count))
    return {shard.collected_digest for shard in shards if shard.collected_digest or shard.tests} == {ran}
