"""What one shard knows of the others of its run: who has claimed what, who gave a sign of life, and when.

Nothing here asks a store or a clock: what a look has shown is told, with the time. Silence is counted by the clock of
the one who listens, and never across a gap: who was suspended has not listened.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..ci import Node
from ..planning.pieces import Piece
from ..proof.claimed import OWN, STOLEN, TAKEN_OVER
from .policy import CLOSED, IDLE, RUNS, STOPPED, Peer, View

DEAD = "dead"  # ended without a result, says who saw it end
STATES = (RUNS, IDLE, CLOSED, STOPPED, DEAD)
MOST_TAKEOVERS = 2  # a piece that was with three shards which all fell silent may be what silences them
LOOKS = 4  # how many looks without a sign make a silence, at least


class Owner(NamedTuple):
    """Who claims: the index of a shard, and the token that only this process of it has."""

    shard: int
    token: str


class Beat(NamedTuple):
    """A sign of life.

    Args:
        generation: how many processes of this shard were there before: one that was started again goes before.
        serial: counts the signs of a process.
        piece: the name of the piece that runs; empty where none does.
        for_ms: for how long it runs.
        left: the names of claimed pieces which a closed shard has no whole result of.
        pace_permille: what its pieces took, in thousandths of their estimates.
    """

    owner: Owner
    generation: int = 0
    serial: int = 0
    state: str = RUNS
    piece: str = ""
    for_ms: int = 0
    left: Tuple[str, ...] = ()
    pace_permille: int = 1000

    @property
    def key(self) -> str:
        """Name the key below `beats/`: a process writes over its own beats only.

        The last word has a key of its own. What was sent before and arrives late does not write over it.
        """
        word = f".{self.state}" if self.state in (CLOSED, DEAD) else ""
        return f"{self.owner.shard}.{self.owner.token}{word}"


def written(beat: Beat) -> str:
    """Write a beat as it is put into a store."""
    return json.dumps({**beat._asdict(), "owner": beat.owner})


def read(text: str) -> Optional[Beat]:
    """Read a beat; None where it is damaged, or of a form that we do not know."""
    try:
        beat = Beat(**json.loads(text))
        numbers = (beat.generation, beat.serial, beat.for_ms, beat.pace_permille - 1)
        sound = beat.state in STATES and all(isinstance(each, int) and each >= 0 for each in numbers)
        return beat._replace(owner=Owner(*beat.owner), left=tuple(beat.left)) if sound else None
    except (ValueError, TypeError):
        return None


def latest(texts: Iterable[str]) -> Dict[Owner, Beat]:
    """Read the last word of each process from all that is written below `beats/`."""
    found: Dict[Owner, Beat] = {}
    for beat in sorted(filter(None, map(read, texts)), key=lambda beat: beat.serial):
        found[beat.owner] = beat
    return found


def read_owner(text: str) -> Owner:
    """Read who has made a claim; what cannot be read is somebody who never gives a sign."""
    try:
        owner = Owner(*json.loads(text)[:2])
        return owner if isinstance(owner.shard, int) and isinstance(owner.token, str) else Owner(-1, text)
    except (ValueError, TypeError):
        return Owner(-1, text)


class Sight:
    """What this shard knows of its run. A claim that was seen once is never forgotten."""

    def __init__(self, node: Node, me: Owner, pieces: Sequence[Piece], take_over_after_s: float) -> None:
        self._node, self._me, self._pieces = node, me, pieces
        self._after_s = take_over_after_s
        self._chains: Dict[str, Dict[int, Owner]] = defaultdict(dict)
        self._beats: Dict[Owner, Beat] = {}
        self._listened_s = 0.0
        self._looked_at: Optional[float] = None
        self._moved_s: Dict[Owner, float] = {}

    def saw(self, claims: Mapping[str, str], beats: Iterable[str], now: float) -> None:
        """Learn from a look: `claims` by PIECE.N, and the beats, at a time by our clock in seconds."""
        if self._looked_at is not None:
            self._listened_s += min(now - self._looked_at, self._after_s / LOOKS)
        self._looked_at = now
        for key, text in claims.items():
            self.heard(key, read_owner(text))
        for beat in latest(beats).values():
            known = self._beats.get(beat.owner)
            if known is None or beat.serial > known.serial:
                self._beats[beat.owner] = beat
                self._moved_s[beat.owner] = self._listened_s

    def heard(self, key: str, owner: Owner) -> None:
        """Learn who has claimed PIECE.N."""
        name, _, number = key.rpartition(".")
        if number.isdigit():
            self._chains[name][int(number)] = owner
            self._moved_s.setdefault(owner, self._listened_s)

    def generation(self) -> int:
        """Count the processes of this shard that were there before."""
        return max((beat.generation + 1 for beat in self._own_beats()), default=0)

    def replaced(self, generation: int) -> bool:
        """Tell whether a later process of this shard has come; of two that came at once one goes on."""
        return any((beat.generation, beat.owner) > (generation, self._me) for beat in self._own_beats())

    def _own_beats(self) -> List[Beat]:
        return [beat for owner, beat in self._beats.items() if owner.shard == self._node.index and owner != self._me]

    def key(self, piece: Piece) -> str:
        """Name the next claim of a piece: PIECE.0, or that of a takeover."""
        return f"{piece.name}.{max(self._chains.get(piece.name, {}), default=-1) + 1}"

    def held(self) -> List[Piece]:
        """List the pieces whose last claim is ours."""
        return [piece for piece in self._pieces if self._last(piece.name) == self._me]

    def own_left(self) -> bool:
        """Tell whether this shard has pieces by the plan that nobody has claimed."""
        return any(piece.shard == self._node.index and piece.name not in self._chains for piece in self._pieces)

    def again(self) -> Optional[Piece]:
        """Choose what an earlier process of this shard has claimed and nobody has taken over; None where none is left.

        A job that is run again gets its own tests again.
        """
        for piece in self._pieces:
            last = self._last(piece.name)
            if last and last != self._me and last.shard == self._node.index:
                return piece
        return None

    def origin(self, piece: Piece) -> Tuple[str, int]:
        """Say how this shard came by a piece that it has claimed, and the index of the shard that it is from."""
        owners = [owner.shard for _, owner in sorted(self._chains[piece.name].items())]
        others = [index for index in owners if index != self._node.index]
        if others:
            named = [index for index in others if 0 <= index < self._node.total]  # but claims that cannot be read
            return TAKEN_OVER, named[-1] if named else piece.shard
        return (OWN if piece.shard == self._node.index else STOLEN), piece.shard

    def _last(self, name: str) -> Optional[Owner]:
        chain = self._chains.get(name)
        return chain[max(chain)] if chain else None

    def view(self, latency_s: float, pace_permille: int = 1000) -> View:
        """Tell the policy what is known.

        It thinks of shards, we know processes. So claims of processes that fell silent, are closed or claim no more
        are told as those of three shards that are not in the plan.
        """
        silent, closed, stopped = range(self._node.total, self._node.total + 3)
        claims = {}
        for piece in self._pieces:
            last = self._last(piece.name)
            if last:
                claims[piece.name] = self._standing(piece.name, last, silent, closed, stopped)
        peers = {beat.owner.shard: self._peer(beat) for beat in self._others() if beat.owner.shard != self._node.index}
        peers.update({silent: Peer(silent=True), closed: Peer(CLOSED), stopped: Peer(STOPPED)})
        return View(self._node.index, self._pieces, claims, peers, round(1000 * latency_s), pace_permille)

    def _standing(self, name: str, last: Owner, silent: int, closed: int, stopped: int) -> int:
        beat = self._beats.get(last, Beat(last))
        if last == self._me:
            return self._node.index
        if beat.state == CLOSED and name not in beat.left:
            return closed
        if beat.state == CLOSED or self._silent(last):
            owners = [owner.shard for _, owner in sorted(self._chains[name].items())]
            takeovers = sum(one != other for one, other in zip(owners, owners[1:]))
            return silent if takeovers < MOST_TAKEOVERS else closed
        return stopped if beat.state == STOPPED or not 0 <= last.shard < self._node.total else last.shard

    def _silent(self, owner: Owner) -> bool:
        beat = self._beats.get(owner)
        return bool(beat and beat.state == DEAD) or self._listened_s - self._moved_s[owner] >= self._after_s

    def _others(self) -> Iterable[Beat]:
        others = [beat for beat in self._beats.values() if beat.owner != self._me]
        return sorted(others, key=lambda beat: (beat.generation, beat.owner))

    def _peer(self, beat: Beat) -> Peer:
        if beat.state in (CLOSED, STOPPED):
            return Peer(CLOSED)  # it claims no more: what is free of its pieces is for others
        if self._silent(beat.owner):
            return Peer(silent=True)
        elapsed_s = self._listened_s - self._moved_s[beat.owner]
        return Peer(beat.state, beat.piece, beat.for_ms + round(1000 * elapsed_s), pace_permille=beat.pace_permille)

    def lost(self, claimed: Iterable[str]) -> Set[str]:
        """Name those of the pieces that we have claimed which others have taken over."""
        return {name for name in claimed if self._last(name) != self._me}
