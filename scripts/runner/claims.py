"""What a shard has claimed of a run whose tests are shared out while it runs: what its processes get, what it owes.

The queue lives here, outside of pytest: whatever a test does to its process, the next one goes on with the rest of the
piece, and the shard's result answers for every test that was claimed in its name.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..distribution.queue import Claimed, Queue
from ..planning.pieces import Piece
from ..proof.claimed import ClaimedPiece
from ..proof.journal import Tail

MOST_PATIENCE_S = 5.0
REMAINING = "remaining"  # the name of the piece that a later round begins with
LOOKS_S = 1.0  # between two looks whether a test failed in another shard


class Claims:
    """What one shard has claimed, over all its rounds.

    All but the first and the last call come from the channel, one at a time, while the round's process runs.

    Args:
        open_queue: opens the queue of a run's pieces, once these are known.
        where: what people call its store.
        fail_fast: stop all shards at the first red test.
        may_start: False for a shard that came when all was claimed, and has no service: it claims nothing.
    """

    def __init__(
        self,
        open_queue: Callable[[Sequence[Piece]], Queue],
        where: str,
        fail_fast: bool = False,
        may_start: bool = True,
    ) -> None:
        self.where, self.fail_fast = where, fail_fast
        self._open, self._may_start = open_queue, may_start
        self._queue: Optional[Queue] = None
        self._taken: List[Claimed] = []
        self._ids: Dict[str, int] = {}  # the planned ids of what was taken, and how many tests share each
        self._due: Tuple[str, ...] = ()
        self._here: Dict[str, str] = {}  # by planned id, what a test is called in the process that runs now
        self._places: Dict[str, int] = {}
        self._counts: Mapping[str, int] = {}
        self._heard_end = self._is_broken = False
        self._looked_at = 0.0
        self._red = ""
        self._journal: Optional[Tail] = None

    # Rounds -------------------------------------------------------------------------------------------

    def begin(self, due: Sequence[str]) -> None:
        """Begin another round, with what remains of what was claimed."""
        self._due, self._heard_end = tuple(due), False

    @property
    def is_on(self) -> bool:
        """Tell whether tests are shared out: a process asked, and the plan has pieces."""
        return self._queue is not None

    @property
    def is_cut_off(self) -> bool:
        """Tell whether the round that runs, or ran last, was not told that there is no more for it."""
        return self.is_on and not self._heard_end

    @property
    def nodeids(self) -> List[str]:
        """List the planned ids of what was claimed, in the order in which it was, an id as often as tests share it."""
        return [nodeid for nodeid, count in self._ids.items() for _ in range(count)]

    @property
    def pieces(self) -> Tuple[ClaimedPiece, ...]:
        """Say what was claimed, as a result does."""
        return tuple(
            ClaimedPiece(each.piece.name, each.how, each.whose, count)
            for each, count in zip(self._taken, self._numbers())
        )

    def _numbers(self) -> Iterator[int]:
        """Count the ids of each piece that were in none before it."""
        known: Dict[str, None] = {}
        for each in self._taken:
            before = len(known)
            known.update(dict.fromkeys(each.piece.nodeids))
            yield len(known) - before

    @property
    def gone(self) -> str:
        """Say why the store cannot be asked any more; empty while it can."""
        return self._queue.gone if self._queue else ""

    # Questions ----------------------------------------------------------------------------------------

    def offer(self, pieces: Sequence[Piece], collected: Sequence[str], names: Mapping[str, str]) -> None:
        """Note what a process has collected; the first time, the queue of the run is opened.

        Args:
            names: by collected id, the planned one, where that is another.
        """
        self._here = {names.get(nodeid, nodeid): nodeid for nodeid in collected}
        self._places = {nodeid: place for place, nodeid in enumerate(dict.fromkeys(collected))}
        self._counts = Counter(names.get(nodeid, nodeid) for nodeid in collected)
        if self._queue is None:
            self._queue = self._open(pieces)
            if not self._may_start:
                self._queue.stop()

    def next(self, patience_s: float) -> Dict[str, Any]:
        """Answer which tests come next: a piece, the end, or that there is none yet."""
        due, self._due = self._as_collected(self._due), ()
        if due:
            return {"piece": {"name": REMAINING, "ids": due}}
        red = self._red_elsewhere()
        if red:
            return {"end": red}
        claimed = self._claim(patience_s)
        if claimed:
            return {"piece": {"name": claimed.piece.name, "ids": self._as_collected(claimed.piece.nodeids)}}
        if self._queue and not self._queue.ended:
            return {"wait": True}
        self._heard_end = True
        return {"end": ""}

    def _claim(self, patience_s: float) -> Optional[Claimed]:
        """Claim a piece with tests that are there, and that this shard has not had: it may take over its own."""
        while self._queue:
            claimed = self._queue.take(min(patience_s, MOST_PATIENCE_S))
            if claimed is None:
                return None
            new = self._note(claimed)
            if self._as_collected(new):
                self._queue.began(claimed.piece)
                return claimed._replace(piece=claimed.piece._replace(nodeids=tuple(new)))
        return None

    def _note(self, claimed: Claimed) -> List[str]:
        """Note what was claimed, in the order in which it runs; the ids that are new."""
        self._taken.append(claimed)
        new = [nodeid for nodeid in claimed.piece.nodeids if nodeid not in self._ids]
        last = len(self._places)
        new.sort(key=lambda nodeid: self._places.get(self._here.get(nodeid, ""), last))
        self._ids.update((nodeid, self._counts.get(nodeid, 1)) for nodeid in new)
        return new

    def _as_collected(self, planned: Iterable[str]) -> List[str]:
        """Call tests as the process that runs now does, in its order, without those that it lacks."""
        return sorted((self._here[nodeid] for nodeid in planned if nodeid in self._here), key=self._places.__getitem__)

    # Red early ----------------------------------------------------------------------------------------

    def ended(self, nodeid: str, is_red: bool) -> Dict[str, Any]:
        """Note that a test ended; answer why to stop, empty to go on."""
        return {"stop": self._red_elsewhere()}

    def _red_elsewhere(self) -> str:
        return ""

    # The end ------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Claim no more."""
        if self._queue:
            self._queue.stop()

    def close(self) -> None:
        """Say to the others that the result of this shard is written."""
        if self._queue:
            self._queue.close()
