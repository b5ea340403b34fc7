"""Which piece a shard claims next: its own in order, then some of those who have most left, then of the silent.

Pure: what is known of a run goes in, what to do comes out. `queue.py` asks it anew for each piece, as late as it can.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Sequence, Tuple, Union

from ..planning.pieces import Piece

OWN, STOLEN, TAKEN_OVER = "own", "stolen", "taken over"
RUNS, IDLE, CLOSED = "runs", "idle", "closed"  # what a shard says of itself; closed: its result is written

VICTIMS = 3  # how many shards, of those with most left, may be taken from
SHORTEST_PAUSE_MS = 500
ENDLESS_MS = 10**15


@dataclass(frozen=True)
class Peer:
    """What is known of another shard.

    Args:
        state: RUNS, IDLE or CLOSED, as its last beat says; empty where it never gave a sign.
        running: the name of the piece that it runs; empty where that is not known.
        elapsed_ms: for how long it has been running that, as far as we know.
        silent: it is not closed and gave no sign for so long that what it claimed may be taken over.
    """

    state: str = ""
    running: str = ""
    elapsed_ms: int = 0
    silent: bool = False


@dataclass(frozen=True)
class View:
    """A run, as one shard sees it.

    Args:
        index: of this shard.
        pieces: of all shards, each shard's in its order.
        claims: by the name of a piece that is claimed, the index of the shard that claimed it last.
        peers: by index, the other shards of which anything is known.
        latency_ms: what a claim takes.
    """

    index: int
    pieces: Sequence[Piece]
    claims: Mapping[str, int] = field(default_factory=dict)
    peers: Mapping[int, Peer] = field(default_factory=dict)
    latency_ms: int = 0


@dataclass(frozen=True)
class Take:
    """Claim this piece; if another shard was faster, ask again.

    Args:
        how: OWN, STOLEN or TAKEN_OVER.
        whose: the index of the shard that would run it otherwise: that of the plan, or that claimed it and is silent.
    """

    piece: Piece
    how: str
    whose: int


@dataclass(frozen=True)
class Wait:
    """There is nothing to claim yet: say that this shard is IDLE, and ask again after the pause."""

    pause_ms: int


@dataclass(frozen=True)
class End:
    """No piece will come any more: write the result, and close."""


def decide(view: View) -> Union[Take, Wait, End]:
    """Decide what a shard that has nothing to run does next."""
    free = [piece for piece in view.pieces if piece.name not in view.claims]
    for piece in free:
        if piece.shard == view.index:
            return Take(piece, OWN, view.index)
    for whose, left_ms, pieces in _victims(view, free):
        piece = _largest(pieces, left_ms)
        if view.latency_ms + piece.alone_ms <= left_ms:
            return Take(piece, TAKEN_OVER if piece.name in view.claims else STOLEN, whose)
    if free or _guards(view):
        return Wait(max(SHORTEST_PAUSE_MS, 10 * view.latency_ms))
    return End()


def _victims(view: View, free: Sequence[Piece]) -> Iterator[Tuple[int, int, List[Piece]]]:
    """Name the shards with most left: (index, what it has left in ms, the pieces that may be taken)."""
    pieces_of: Dict[int, List[Piece]] = defaultdict(list)
    for piece in free:
        pieces_of[piece.shard].append(piece)
    left_ms = {index: _left_ms(view, index, pieces) for index, pieces in pieces_of.items()}
    for piece in view.pieces:
        whose = view.claims.get(piece.name, view.index)
        if whose != view.index and view.peers.get(whose, Peer()).silent:
            pieces_of[whose].append(piece)
            left_ms[whose] = ENDLESS_MS
    most_first = sorted(pieces_of, key=lambda index: (-left_ms[index], index))
    for index in most_first[:VICTIMS]:
        yield index, left_ms[index], pieces_of[index]


def _left_ms(view: View, index: int, unclaimed: Sequence[Piece]) -> int:
    """Estimate what a shard has left, in ms; one that has claimed nothing, or will claim no more, counts as endless."""
    peer = view.peers.get(index, Peer())
    begun = peer.state or index in view.claims.values()
    if not begun or peer.silent or peer.state == CLOSED:
        return ENDLESS_MS
    return sum(piece.estimate_ms for piece in unclaimed) + _rest_ms(view, peer)


def _rest_ms(view: View, peer: Peer) -> int:
    """Estimate what a shard has left of the piece that it runs: at least a fifth of what it took so far."""
    running = [piece for piece in view.pieces if piece.name == peer.running]
    if not running or peer.state != RUNS:
        return 0
    return max(running[0].estimate_ms - peer.elapsed_ms, peer.elapsed_ms // 5)


def _largest(pieces: Sequence[Piece], left_ms: int) -> Piece:
    """Choose the largest piece that is at most half of what is left, else the last: it costs its owner least."""
    halves = [piece for piece in pieces if 2 * piece.alone_ms <= left_ms]
    return max(halves, key=lambda piece: piece.alone_ms) if halves else pieces[-1]


def _guards(view: View) -> bool:
    """Tell whether this shard stays to take over from those that fall silent: the first idle one does.

    What a closed shard has claimed has its result; what is claimed by us, too.
    """
    closed = {index for index, peer in view.peers.items() if peer.state == CLOSED}
    idle = [index for index, peer in view.peers.items() if peer.state == IDLE and not peer.silent]
    return bool(set(view.claims.values()) - closed - {view.index}) and not any(index < view.index for index in idle)
