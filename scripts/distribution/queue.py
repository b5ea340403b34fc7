"""Which piece comes next for one shard of a run: its own, then of others, until all are claimed.

Keys of the store: `claims/PIECE.N` says who claimed a piece, N counts takeovers from 0; `beats/INDEX.TOKEN` that a
process of a shard lives, and what it runs; `red/ATTEMPT` why a run that stops at its first failure does.

One thread speaks with the store. It claims only when it is asked for a piece: who claims earlier gets two long ones.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from typing import Callable, Deque, Iterable, List, Optional, Sequence, Set

from ..ci import Node
from ..console import human_seconds
from ..console import say as say_line
from ..planning.pieces import Piece
from .desk import Claimed, Desk
from .policy import IDLE, RUNS, STOPPED, End, Wait
from .store import Store, StoreError, Unreached

LONGEST_BEAT_S = 15.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 2.0  # between two looks of a shard that has to take from others
LATENCIES = 20  # a pause is so many of what a claim takes
APART = "where that is another run, give each a SHARDLINE_RUN of its own"


class Queue:
    """The pieces of a run, as one shard sees them.

    Args:
        attempt: the CI's name for this try at the run (`ci.attempt`).
        take_over_after_s: how long another shard may be silent before its pieces may be taken over.
        alive: whether this shard gets on. While it does not, it gives no sign of life, and others take its pieces over.
        fail_fast: end when any shard of the run has raised the red flag.

    `gone` says why the store cannot be asked any more; empty as long as it can.
    """

    def __init__(
        self,
        store: Store,
        pieces: Sequence[Piece],
        node: Node,
        *,
        attempt: str = "1",
        take_over_after_s: float = 60.0,
        alive: Callable[[], bool] = lambda: True,
        fail_fast: bool = False,
        say: Callable[[str], None] = say_line,
    ) -> None:
        self._desk = Desk(store, pieces, node, take_over_after_s, attempt)
        self._node, self._alive, self._fail_fast = node, alive, fail_fast
        self._beat_s = min(take_over_after_s / 4, LONGEST_BEAT_S)
        self._bearable_s = take_over_after_s / 2  # without a store; half of the silence that costs us our pieces
        self._again_s = min(self._bearable_s / 5, 1.0)
        self._tell = say
        self._thread: Optional[threading.Thread] = None
        self._changed = threading.Condition()  # guards what follows
        self._ready: Deque[Claimed] = deque()
        self._wanted = self._idle = self._finished = self._closing = False
        self._stopped = self.gone = self._red = ""
        self._running, self._began_at = "", 0.0
        self._beat_at = self._look_at = self._claim_at = 0.0  # when next, by our clock
        self._lost: Set[str] = set()
        self._dropped: List[str] = []
        self._arrived = self._red_told = False  # what follows is the thread's alone
        self._stepped_at = self._failing_since = 0.0

    def take(self, patience_s: float = 10.0) -> Optional[Claimed]:
        """Claim the next piece; None where there is none yet, or none any more: see `ended`.

        Args:
            patience_s: wait so long for one. Who asks again gets what was claimed meanwhile.
        """
        with self._changed:
            if not self._wanted:
                if self._running:
                    self._desk.took_ms[self._running] = round(1000 * (time.monotonic() - self._began_at))
                self._wanted, self._running, self._claim_at = True, "", 0.0
            self._wake()
            self._changed.wait_for(lambda: self._ready or self.ended, patience_s)
            while self._ready and self._ready[0].piece.name in self._lost:  # we slept on it
                self._dropped.append(self._ready.popleft().piece.name)
            if self._stopped or not self._ready:  # what we stop with has not begun: `close` leaves it to others
                return None
            self._wanted = False
            return self._ready.popleft()

    @property
    def ended(self) -> bool:
        """Tell whether no piece will ever come again."""
        return bool(self._stopped or ((self._finished or self.gone) and not self._ready))

    @property
    def why(self) -> str:
        """Say why no piece comes again; empty where all are claimed."""
        return self._stopped or self.gone

    def began(self, piece: Piece) -> None:
        """Note that the tests of a piece begin."""
        with self._changed:
            self._running, self._began_at, self._beat_at = piece.name, time.monotonic(), 0.0
            self._wake()

    def lost(self) -> Set[str]:
        """Name the pieces of ours that others have taken over, as far as we know: what has not begun need not run."""
        return self._lost

    def stop(self, why: str = "this shard claims no more") -> None:
        """Claim no more: the service died for good, a session fixture failed, somebody stops us."""
        with self._changed:
            self._stopped, self._beat_at = self._stopped or why, 0.0
            self._wake()

    def keep_to_own(self) -> None:
        """Claim from now on only what the plan gives this shard: it is broken, and would drain the queue."""
        self._desk.keeps_to_own = True

    def raise_red(self, why: str) -> None:
        """Tell all shards of the run that it has a failure: those that stop at the first then do."""
        with self._changed:
            self._red = self._red or why
            self._wake()

    def red(self) -> str:
        """Say why the run stops at its first failure, as far as we know; empty where it has none."""
        return self._red

    def close(self, left: Iterable[str] = ()) -> None:
        """Say that the result of this shard is written: nothing of it need be taken over.

        Args:
            left: the names of claimed pieces of which a test has no result. Others may take these over, and what was
                claimed and never handed out.
        """
        with self._changed:
            self._closing = True
            self._wake()
        if self._thread:
            self._thread.join()
        if self._red and not self._red_told:
            self._bear(lambda: self._desk.raise_red(self._red))
        never = [claimed.piece.name for claimed in self._ready]
        while not self.gone and not self._bear(lambda: self._desk.close([*left, *never, *self._dropped])):
            time.sleep(self._again_s)

    def _wake(self) -> None:
        if not self._thread:
            self._thread = threading.Thread(target=self._serve, name="queue", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _serve(self) -> None:
        while not self._closing and not self.gone:
            went_well = self._bear(self._step)
            with self._changed:
                if not self._closing:
                    self._changed.wait(self._rest_s() if went_well else self._again_s)

    def _bear(self, call: Callable[[], None]) -> bool:
        """Call the store, and tell whether it did; one not reached for long, or that refuses or forgets, is gone."""
        try:
            call()
            self._failing_since = 0.0
            return True
        except StoreError as error:
            now = time.monotonic()
            lasting = self._failing_since and now - self._failing_since >= self._bearable_s
            if lasting or not isinstance(error, Unreached):
                self._give_up(error.message)
            elif not self._failing_since:
                self._failing_since = now
                self._tell(f"store: {error.message}; asked again for {human_seconds(self._bearable_s)}")
            return False
        except Exception as error:  # a mistake of ours: who waits for a piece must hear that none comes
            traceback.print_exc()
            self._give_up(f"{type(error).__name__}: {error}")
            return False

    def _give_up(self, why: str) -> None:
        with self._changed:
            self.gone = why
            self._changed.notify_all()
        self._tell(f"store: {why}; this shard runs what it has claimed, and takes no more")

    def _rest_s(self) -> float:
        due = [self._beat_at, self._look_at]
        if self._asked():
            due.append(self._claim_at)
        return max(min(due) - time.monotonic(), 0.001)

    def _pause_s(self) -> float:
        pause_s = min(max(LATENCIES * self._desk.latency_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        return min(pause_s, self._beat_s)

    def _asked(self) -> bool:
        return self._wanted and not self._ready and not self.ended

    def _step(self) -> None:
        """Do what is due: claim, look, give a sign of life."""
        now = time.monotonic()
        if now - self._stepped_at > 2 * self._beat_s:  # it was suspended: much may have changed
            self._look_at = 0.0
        self._stepped_at = now
        while self._dropped:
            self._desk.forget(self._dropped.pop())
        if not self._arrived:
            self._desk.arrive(now)
            self._arrived, self._beat_at = True, now + self._beat_s
        if self._red and not self._red_told:
            self._desk.raise_red(self._red)
            self._red_told = True
        if self._asked() and now >= self._claim_at:
            self._claim(now)
        if now >= self._look_at:
            self._look(now)
        if now >= self._beat_at:
            self._beat(now)

    def _claim(self, now: float) -> None:
        found = self._desk.next(now)
        with self._changed:
            if isinstance(found, Claimed):
                self._ready.append(found)
            self._finished = isinstance(found, End)
            if isinstance(found, Wait):
                self._claim_at = now + self._pause_s()
            if isinstance(found, Wait) != self._idle:
                self._idle, self._beat_at = not self._idle, 0.0
            self._changed.notify_all()

    def _look(self, now: float) -> None:
        self._desk.look(now)
        red = self._desk.red() if self._fail_fast and not self._red else ""
        hurry = self._fail_fast or not self._desk.own_left()
        with self._changed:
            self._look_at = now + (self._pause_s() if hurry else self._beat_s)
            self._lost = self._desk.lost()
            self._red = self._red or red
            if self._fail_fast:
                self._stopped = self._stopped or self._red
            if self._desk.replaced():
                self._stopped = f"another process goes by shard index {self._node.index} in this run; {APART}"
            self._changed.notify_all()

    def _beat(self, now: float) -> None:
        with self._changed:
            state = STOPPED if self._stopped else IDLE if self._idle else RUNS
            # By the clock as it is: what began since this step did would have run for less than nothing.
            piece, for_s = self._running, time.monotonic() - self._began_at if self._running else 0.0
            self._beat_at = now + self._beat_s
        try:
            if self._alive():
                self._desk.say(state=state, piece=piece, for_ms=round(1000 * for_s))
        except StoreError:
            self._beat_at = 0.0  # it stays due: a step that asks nothing of the store would pass for one that went well
            raise
