"""What one shard says to the store and hears from it, call by call: no threads, and the time is told."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import replace
from typing import Any, Dict, Iterable, NamedTuple, Sequence, Set, Union

from ..ci import Node
from ..planning.pieces import Piece
from ..proof.claimed import OWN
from .policy import CLOSED, End, Take, Wait, decide, pace_permille
from .sight import DEAD, Beat, Owner, Sight, latest, read_owner, written
from .store import Store


class Claimed(NamedTuple):
    """A piece that is ours to run, how we came by it, and the index of the shard that it was taken from, or ours."""

    piece: Piece
    how: str
    whose: int


class Desk:
    """One shard of a run, as the store knows it.

    Each method may raise StoreError, and may be called again then: a claim whose answer was lost is found.

    Args:
        attempt: the CI's name for this try at the run.
        take_over_after_s: how long another may be silent before its pieces may be taken over.
    """

    def __init__(
        self, store: Store, pieces: Sequence[Piece], node: Node, take_over_after_s: float, attempt: str = "1"
    ) -> None:
        self._store, self._node, self._attempt = store, node, attempt
        self._me = Owner(node.index, uuid.uuid4().hex[:16])
        self._sight = Sight(node, self._me, pieces, take_over_after_s)
        self._beat, self._pieces = Beat(self._me), pieces
        self.took_ms: Dict[str, int] = {}  # by the name of each piece that this shard has run
        self.claimed: Dict[str, Claimed] = {}
        self._unheard: Set[str] = set()  # claims without an answer: they may be carried out yet
        self.keeps_to_own = False
        self.latency_s = store.latency_s

    def arrive(self, now: float) -> None:
        """Say that this shard is there, before it claims: silence is known by the signs before it."""
        self.look(now)
        self.say(generation=self._sight.generation())

    def say(self, **changes: Any) -> None:
        """Give a sign of life, with what has changed."""
        serial = self._beat.serial + 1  # also if this one is not heard
        self._beat = self._beat._replace(**changes, serial=serial, pace_permille=self._pace())
        self._store.put(f"beats/{self._beat.key}", written(self._beat))

    def look(self, now: float) -> None:
        """See what others have claimed, and who is alive; `now` by our clock, in seconds."""
        claims = self._store.look("claims")
        self._sight.saw(claims, self._store.look("beats").values(), now)

    def next(self, now: float) -> Union[Claimed, Wait, End]:
        """Claim the next piece. What the last look has shown will do to claim; to wait or to end it is looked anew."""
        looked = False
        while True:
            for piece in self._sight.held():
                if piece.name not in self.claimed:  # the answer was lost, on its way to us
                    return self._ours(piece)
            again = self._sight.again()
            view = replace(self._sight.view(self.latency_s, self._pace()), keeps_to_own=self.keeps_to_own)
            step = Take(again, OWN, self._node.index) if again else decide(view)
            if isinstance(step, Take):
                self._claim(step.piece)
            elif looked:
                return step
            else:
                self.look(now)
                looked = True

    def _pace(self) -> int:
        return pace_permille(self._pieces, self._node.index, dict(self.took_ms))

    def _claim(self, piece: Piece) -> None:
        key, began = self._sight.key(piece), time.monotonic()
        value = json.dumps([*self._me, self._attempt, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())])
        self._unheard.add(piece.name)
        self._sight.heard(key, read_owner(self._store.claim(f"claims/{key}", value)))
        self._unheard.remove(piece.name)
        self.latency_s += (time.monotonic() - began - self.latency_s) / 4

    def _ours(self, piece: Piece) -> Claimed:
        self.claimed[piece.name] = Claimed(piece, *self._sight.origin(piece))
        return self.claimed[piece.name]

    def forget(self, name: str) -> None:
        """Drop a piece that was taken over before it began: should it ever be ours again, it is new."""
        self.claimed.pop(name, None)

    def own_left(self) -> bool:
        """Tell whether the plan gives this shard pieces that nobody has claimed, as far as we know."""
        return self._sight.own_left()

    def replaced(self) -> bool:
        """Tell whether another process goes by our index, started later."""
        return self._sight.replaced(self._beat.generation)

    def lost(self) -> Set[str]:
        """Name the pieces that we have claimed and others have taken over, as far as we know."""
        return self._sight.lost(self.claimed)

    def red(self) -> str:
        """Ask why the run stops at its first failure; empty where it has none."""
        return self._store.get(f"red/{self._attempt}") or ""

    def raise_red(self, why: str) -> None:
        """Tell all shards of this attempt that it has a failure."""
        self._store.claim(f"red/{self._attempt}", why)

    def close(self, left: Iterable[str]) -> None:
        """Say that our result is written, but for some pieces that we have claimed."""
        self.say(state=CLOSED, piece="", left=tuple(sorted({*left, *self._unheard})))


def mark_dead(store: Store, index: int) -> None:
    """Say that a shard's process has ended, for who has seen it: what it claimed may be taken over at once.

    Raises:
        StoreError: the store cannot be asked.
    """
    for beat in latest(store.look("beats").values()).values():
        if beat.owner.shard == index and beat.state != CLOSED:
            dead = beat._replace(state=DEAD, serial=beat.serial + 1)
            store.put(f"beats/{dead.key}", written(dead))
