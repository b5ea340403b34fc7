"""Which piece a shard claims next: its own in order, unless another's would end too late; then some of the others'.

Pure: what is known of a run goes in, what to do comes out. `queue.py` asks it anew for each piece, as late as it can.
What is left of a run, and the pace of each shard, say when all would end if it were shared out perfectly. A piece that
would end later than that where it is goes first, so that a shard that is late, slow or dead is helped while there is
time. Measured by `nox -s bench -- pieces`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from ..planning.pieces import Piece
from ..proof.claimed import OWN, STOLEN, TAKEN_OVER

# What a shard says of itself. Closed: its result is written; stopped: it claims no more, but runs what it has.
RUNS, IDLE, CLOSED, STOPPED = "runs", "idle", "closed", "stopped"

VICTIMS = 3  # how many shards, of those with most left, may be taken from
SHORTEST_PAUSE_MS = 500
ENDLESS = 1e15
FASTER = 1.2  # a shard counts as faster if it takes so much less
TOO_LATE = 0.8  # of what is left of the run: a piece that ends later here does not begin here
WORTH = 0.1  # of what is left of the run: what it must gain to take a piece while there are own ones
OVERDUE = 0.2


@dataclass(frozen=True)
class Peer:
    """What is known of another shard.

    Args:
        state: RUNS, IDLE, CLOSED or STOPPED, as its last beat says; empty where it never gave a sign.
        running: the name of the piece that it runs; empty where that is not known.
        elapsed_ms: for how long it has been running that, as far as we know.
        silent: it is not closed and gave no sign for so long that what it claimed may be taken over.
        pace_permille: what its pieces took, in thousandths of their estimates.
    """

    state: str = ""
    running: str = ""
    elapsed_ms: int = 0
    silent: bool = False
    pace_permille: int = 1000


@dataclass(frozen=True)
class View:
    """A run, as one shard sees it.

    Args:
        index: of this shard.
        pieces: of all shards, each shard's in its order.
        claims: by the name of a piece that is claimed, the index of the shard that claimed it last.
        peers: by index, the other shards of which anything is known.
        latency_ms: what a claim takes.
        pace_permille: of this shard, as those of the others.
        keeps_to_own: this shard is broken: it runs what the plan gives it, and nothing of others.
    """

    index: int
    pieces: Sequence[Piece]
    claims: Mapping[str, int] = field(default_factory=dict)
    peers: Mapping[int, Peer] = field(default_factory=dict)
    latency_ms: int = 0
    pace_permille: int = 1000
    keeps_to_own: bool = False


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


def pace_permille(pieces: Sequence[Piece], index: int, took_ms: Mapping[str, int]) -> int:
    """Compare what the pieces that a shard ran took with their estimates, in thousandths.

    A fifth of a shard's share counts as if it had taken what was estimated: the first tests may just be off. Never less
    than 1000: tests that take less than estimated were mostly guessed too long, and others would leave their largest
    pieces to a node that only seems fast.

    Args:
        took_ms: by the name of each piece that it has run.
    """
    ran = [piece for piece in pieces if piece.name in took_ms]
    estimated = sum(piece.estimate_ms if piece.shard == index else piece.alone_ms for piece in ran)
    shards = len({piece.shard for piece in pieces}) or 1
    usual = 1 + sum(piece.estimate_ms for piece in pieces) // shards // 5
    return max(1000, 1000 * (sum(took_ms[piece.name] for piece in ran) + usual) // (estimated + usual))


def decide(view: View) -> Union[Take, Wait, End]:
    """Decide what a shard that has nothing to run does next."""
    free = [piece for piece in view.pieces if piece.name not in view.claims]
    if view.keeps_to_own:
        mine = [piece for piece in free if piece.shard == view.index]
        return Take(mine[0], OWN, view.index) if mine else End()
    outlook = _Outlook(view)
    own = outlook.own()
    if own:
        return outlook.rescued(own) or Take(own, OWN, view.index)
    stolen = outlook.stolen()
    if stolen:
        return stolen
    if free or _guards(view):
        return Wait(max(SHORTEST_PAUSE_MS, 10 * view.latency_ms))
    return End()


class _Outlook:
    """What is to be expected of a run, in ms from now."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._by_name = {piece.name: piece for piece in view.pieces}
        self._open = _open(view)
        self._begun = {view.index, *view.claims.values(), *(i for i, peer in view.peers.items() if peer.state)}
        planned = {view.index, *(piece.shard for piece in view.pieces)}
        self._live = [index for index in sorted(planned) if not _is_lost(view.peers.get(index, Peer()))]

    def own(self) -> Optional[Piece]:
        """Choose the first of our own pieces that no faster shard would end sooner.

        What would end too late here, a faster shard takes as soon as it has ended what it runs: see `rescued`. For one
        that runs nothing nobody waits: it may not have begun, and would have taken the piece already.
        """
        index, pace, late = self._view.index, self._pace(self._view.index), TOO_LATE * self._fair()
        faster = [other for other in self._live if FASTER * self._pace(other) < pace]
        running = [other for other in faster if self._view.peers.get(other, Peer()).state == RUNS]
        at_end = [(self._left(each), each) for each in faster]
        at_once = [(self._rest(each), each) for each in running] or at_end
        for piece in self._open.get(index, ()):
            end = piece.estimate_ms * pace
            ready = at_once if end > late else at_end
            if all(end <= at + self._view.latency_ms + piece.alone_ms * self._pace(each) for at, each in ready):
                return piece
        return None

    def rescued(self, own: Piece) -> Optional[Take]:
        """Take the largest piece, longer than our own, that would end too late where it is, and here after our own."""
        fair, pace = self._fair(), self._pace(self._view.index)
        found = []
        for whose, piece, end in self._others():
            here = self._view.latency_ms + piece.alone_ms * pace
            gain = end - max(fair, here)
            price = self._view.latency_ms + piece.alone_ms - piece.estimate_ms
            longer = piece.alone_ms > own.alone_ms  # else ours is the one that must not wait
            cannot_wait = longer and own.estimate_ms * pace + here > fair
            if cannot_wait and gain > max(price, fair * WORTH):
                found.append(self._take(piece, whose))
        return max(found, key=lambda take: take.piece.alone_ms, default=None)

    def stolen(self) -> Optional[Take]:
        """Take from one of those with most left the largest piece that is at most half of it, else its last."""
        left = {whose: self._left(whose) for whose in self._open if whose != self._view.index}
        for whose in sorted(left, key=lambda whose: (-left[whose], whose))[:VICTIMS]:
            halves = [piece for piece in self._open[whose] if 2 * piece.alone_ms <= left[whose]]
            piece = max(halves, key=lambda piece: piece.alone_ms) if halves else self._open[whose][-1]
            if self._view.latency_ms + piece.alone_ms * self._pace(self._view.index) <= left[whose]:
                return self._take(piece, whose)
        return None

    def _take(self, piece: Piece, whose: int) -> Take:
        return Take(piece, TAKEN_OVER if piece.name in self._view.claims else STOLEN, whose)

    def _others(self) -> Iterator[Tuple[int, Piece, float]]:
        """List the pieces that others would run: (whose, the piece, when it would end there)."""
        for whose, pieces in self._open.items():
            end = self._rest(whose) if whose in self._live else ENDLESS
            for piece in pieces if whose != self._view.index else ():
                end += piece.estimate_ms * self._pace(whose)
                yield whose, piece, end

    def _fair(self) -> float:
        """Tell when all would end if they shared out perfectly what is left."""
        work = sum(piece.estimate_ms for pieces in self._open.values() for piece in pieces)
        running = sum(self._rest(index) / self._pace(index) for index in self._live)
        return (work + running) / sum(1 / self._pace(index) for index in self._live)

    def _left(self, index: int) -> float:
        """Estimate what a shard has left; one that has not begun, or claims no more, would never end."""
        if index not in self._live or index not in self._begun:
            return ENDLESS
        return self._rest(index) + self._pace(index) * sum(piece.estimate_ms for piece in self._open.get(index, ()))

    def _rest(self, index: int) -> float:
        """Estimate what a shard has left of the piece that it runs; of one that is overdue a fifth of what it took."""
        peer = self._view.peers.get(index, Peer())
        piece = self._by_name.get(peer.running)
        if not piece or peer.state != RUNS:
            return 0.0
        cost = piece.estimate_ms if piece.shard == index else piece.alone_ms
        left = cost * self._pace(index) - peer.elapsed_ms
        return left if left > 0 else OVERDUE * peer.elapsed_ms

    def _pace(self, index: int) -> float:
        mine = index == self._view.index
        return (self._view.pace_permille if mine else self._view.peers.get(index, Peer()).pace_permille) / 1000


def _is_lost(peer: Peer) -> bool:
    return peer.silent or peer.state in (CLOSED, STOPPED)


def _open(view: View) -> Dict[int, List[Piece]]:
    """List the pieces that may be claimed, by the shard that would run them: also all that a silent one has claimed."""
    found: Dict[int, List[Piece]] = defaultdict(list)
    for piece in view.pieces:
        whose = view.claims.get(piece.name, piece.shard)
        if piece.name not in view.claims or (whose != view.index and view.peers.get(whose, Peer()).silent):
            found[whose].append(piece)
    return found


def _guards(view: View) -> bool:
    """Tell whether this shard stays to take over from those that fall silent: the first idle one does.

    What a closed shard has claimed has its result; what is claimed by us, too.
    """
    closed = {index for index, peer in view.peers.items() if peer.state == CLOSED}
    idle = [index for index, peer in view.peers.items() if peer.state == IDLE and not peer.silent]
    return bool(set(view.claims.values()) - closed - {view.index}) and not any(index < view.index for index in idle)
