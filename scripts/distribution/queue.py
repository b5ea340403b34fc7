"""Which piece comes next for one shard of a run: its own, then of others, until all are claimed.

Keys of the store: `claims/PIECE.N` says who claimed a piece, N counts takeovers from 0; `beats/INDEX` says that a shard
lives, and what it runs.
"""

from __future__ import annotations

import json
import uuid
from typing import NamedTuple, Optional, Sequence

from ..ci import Node
from ..planning.pieces import Piece
from .store import Store, StoreError

OWN, STOLEN, TAKEN_OVER = "own", "stolen", "taken over"


class Claimed(NamedTuple):
    """A piece that is ours to run, how we came by it, and the index of the shard that it was taken from, or ours."""

    piece: Piece
    how: str
    whose: int


class Queue:
    """The pieces of a run, as one shard sees them.

    `gone` says why the store cannot be asked any more; empty as long as it can.
    """

    def __init__(self, store: Store, pieces: Sequence[Piece], node: Node) -> None:
        self._store, self._pieces, self._node = store, pieces, node
        self._token = json.dumps([node.index, uuid.uuid4().hex])
        self.gone = ""

    def take(self, patience_s: float = 0.0) -> Optional[Claimed]:
        """Claim the next piece; None where there is none (any more): see `ended`.

        Args:
            patience_s: wait so long for one to become free.
        """
        mine = [piece for piece in self._pieces if piece.shard == self._node.index]
        others = [piece for piece in self._pieces if piece.shard != self._node.index]
        try:
            there = self._store.look("claims")
            for piece in [*mine, *others]:
                key = f"{piece.name}.0"
                if key not in there and self._store.claim(f"claims/{key}", self._token) == self._token:
                    return Claimed(piece, OWN if piece in mine else STOLEN, piece.shard)
        except StoreError as error:
            self.gone = error.message
        return None

    @property
    def ended(self) -> bool:
        """Tell whether no piece will ever come again."""
        return True

    def began(self, piece: Piece) -> None:
        """Note that the tests of a piece begin."""

    def stop(self) -> None:
        """Claim no more: the service died for good, a session fixture failed, somebody stops us."""

    def close(self) -> None:
        """Say that the result of this shard is written: nothing of it need be taken over."""
