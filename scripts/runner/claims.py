"""What a shard has claimed of a run whose tests are shared out while it runs: what its processes get, what it owes.

The queue lives here, outside of pytest: whatever a test does to its process, the next one goes on with the rest of the
piece, and the shard's result answers for every test that was claimed in its name.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .. import ci
from ..ci import Node
from ..console import say
from ..distribution import agreement, opening
from ..distribution.desk import Claimed
from ..distribution.queue import Queue
from ..distribution.sight import read_owner
from ..distribution.store import CLAIMS, Store, StoreError
from ..errors import PipelineError
from ..planning import plan as planning
from ..planning.pieces import Piece
from ..planning.plan import Plan
from ..proof.claimed import ClaimedPiece
from ..proof.journal import Tail
from ..proof.outcomes import ERROR, FAILED, Fate
from ..proof.receipt import FINISHED, STOPPED
from ..settings import Settings
from ..settings.distribution import NO_STORE
from .decisions import FAIL_FAST

REMAINING = "remaining"  # the name of the piece that a later round begins with
MOST_PATIENCE_S = 5.0
LIVES_S = 600.0  # without a sign from the loop that watches pytest, and ends it where it hangs; a service may start


class Given(NamedTuple):
    """A piece as a process gets it: its name, and the ids as they are called there, in the order to run."""

    name: str
    ids: List[str]


class Late(NamedTuple):
    """Why there was nothing for a shard when it came, and how it ends for that: FINISHED or STOPPED."""

    why: str
    ended: str


class Claims:
    """What one shard has claimed, over all its rounds.

    Questions come from the channel, one at a time, while the round's process runs; the rest is asked between rounds.

    Args:
        store: of the run.
        attempt: the CI's name for this try at it.
        take_over_after_s: how long another shard may be silent before its pieces are taken over.
        fail_fast: stop all shards at the first red test.
        late: why nothing was left for this shard when it came; None where it came in time.
        where: what people call the store, where it is not what that says.
    """

    UNSHARED = "tests are not shared out while they run, the plan holds as it stands"

    def __init__(
        self,
        store: Store,
        node: Node,
        attempt: str = "1",
        take_over_after_s: float = 60.0,
        fail_fast: bool = False,
        late: Optional[Late] = None,
        where: str = "",
    ) -> None:
        self.where, self.fail_fast, self.late = where or store.where, fail_fast, late
        self.unshared = ""
        self._store, self._node, self._attempt, self._after_s = store, node, attempt, take_over_after_s
        self._queue: Optional[Queue] = None
        self._plan: Optional[Plan] = None
        self._taken: List[Claimed] = []
        self._counts: Dict[str, int] = {}  # by planned id of what was taken, how many tests share it
        self._due: Tuple[str, ...] = ()
        self._given = Given("", [])
        self._here: Dict[str, str] = {}  # by planned id, what a test is called in the process that runs now
        self._places: Dict[str, int] = {}  # by that, its place there
        self._shared: Mapping[str, int] = {}  # by planned id, how many tests share it there
        self._heard_end = False
        self._failing = _Failing()
        self._watched_at = time.monotonic()
        self._is_interrupted = False
        self._is_served: Callable[[], bool] = lambda: True

    # Rounds -------------------------------------------------------------------------------------------

    def begin(self, due: Sequence[str], journal: Tail, is_served: Callable[[], bool]) -> None:
        """Begin a round.

        Args:
            due: the planned ids that remain of what was claimed.
            journal: of the shard, from here on; it tells which fixtures fail.
            is_served: whether the service lives: while it does not, tests would fail one after another.
        """
        self._due, self._given, self._heard_end = tuple(due), Given("", []), False
        self._failing, self._is_served = _Failing(journal), is_served

    def watching(self, signalled: Callable[[], bool]) -> Callable[[], bool]:
        """Take what the loop that watches pytest asks all the time for a sign that this shard gets on."""

        def noted() -> bool:
            self._watched_at = time.monotonic()
            self._is_interrupted = signalled()
            return self._is_interrupted

        return noted

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
        return [nodeid for nodeid, count in self._counts.items() for _ in range(count)]

    @property
    def pieces(self) -> Tuple[ClaimedPiece, ...]:
        """Say what was claimed, as a result does: a piece that came back to this shard once."""
        taken = zip(self._taken, self._numbers())
        return tuple(ClaimedPiece(each.piece.name, each.how, each.whose, count) for each, count in taken if count)

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

    def agreed(self, own: Plan) -> Plan:
        """Return the plan that all shards go by where none was handed out: that of the first to come.

        The store is asked once: a later round runs what is left of this plan, also where the store is gone.

        Args:
            own: this shard's, from its own history.

        Raises:
            StoreError: the store cannot be asked, or what it says is no plan.
        """
        if self._plan is None:
            text = agreement.agreed_plan(self._store, lambda: planning.dump(own))
            try:
                self._plan = planning.parse(json.loads(text), self.where)
            except (ValueError, PipelineError) as error:
                raise StoreError(f"{self.where}: {error}") from error
        return self._plan

    def offer(self, plan_id: str, pieces: Sequence[Piece], collected: Sequence[str], names: Mapping[str, str]) -> None:
        """Note what a process has collected; the first time, the queue of the run is opened.

        Args:
            names: by collected id, the planned one, where that is another.

        Raises:
            SettingsError: other shards of the run go by another plan.
            StoreError: the store cannot be asked.
        """
        self._here = {names.get(nodeid, nodeid): nodeid for nodeid in collected}
        self._places = {nodeid: place for place, nodeid in enumerate(dict.fromkeys(collected))}
        self._shared = Counter(names.get(nodeid, nodeid) for nodeid in collected)
        if self._queue is None:
            agreement.check_plan(self._store, self._attempt, plan_id)
            self._queue = Queue(
                self._store,
                pieces,
                self._node,
                attempt=self._attempt,
                take_over_after_s=self._after_s,
                fail_fast=self.fail_fast,
                alive=lambda: time.monotonic() - self._watched_at < LIVES_S,
            )

    def next(self, patience_s: float, after: str) -> Dict[str, Any]:
        """Answer which tests come next: a piece, the end, or that there is none yet.

        Args:
            after: the name of the piece that this process got last. Where an answer came too late for it, it gets
                the same piece again.
        """
        if self._given.name != after:
            return {"piece": self._given._asdict()}
        self._given = self._remaining() or self._new(patience_s) or self._given
        if self._given.name != after:
            return {"piece": self._given._asdict()}
        if self._queue and not self._queue.ended:
            return {"wait": True}
        return {"end": self._end()}

    def _remaining(self) -> Optional[Given]:
        ids, self._due = self._as_collected(self._due), ()
        return Given(REMAINING, ids) if ids else None

    def _new(self, patience_s: float) -> Optional[Given]:
        """Claim a piece with tests that are there, and that this shard has not had: it may take over its own."""
        if self._queue and self._failing.look():
            self._queue.keep_to_own()
        while self._queue and self._is_served() and not self._is_interrupted:
            claimed = self._queue.take(min(patience_s, MOST_PATIENCE_S))
            if claimed is None:
                break
            ids = self._as_collected(self._note(claimed))
            if ids:
                self._queue.began(claimed.piece)
                return Given(claimed.piece.name, ids)
        return None

    def _note(self, claimed: Claimed) -> List[str]:
        """Note what was claimed, in the order in which it runs; the planned ids that are new."""
        self._taken.append(claimed)
        new = [nodeid for nodeid in claimed.piece.nodeids if nodeid not in self._counts]
        new.sort(key=lambda nodeid: self._places.get(self._here.get(nodeid, ""), len(self._places)))
        self._counts.update((nodeid, self._shared.get(nodeid, 1)) for nodeid in new)
        return new

    def _as_collected(self, planned: Iterable[str]) -> List[str]:
        """Call tests as the process that runs now does, in its order, without those that it lacks."""
        ids = (self._here[nodeid] for nodeid in planned if nodeid in self._here)
        return sorted(ids, key=self._places.__getitem__)

    def _end(self) -> str:
        """Say why there is no more: empty where all is claimed, or the store is gone, and what was claimed has run."""
        red = self._red()
        self._heard_end = not red
        return red or (self._queue.why if self._queue and not self._queue.gone else "")

    def ended(self, nodeid: str, is_red: bool) -> Dict[str, Any]:
        """Note that a test ended; answer why to stop, empty to go on."""
        if is_red:
            self._raise_red(nodeid)
        return {"stop": self._red()}

    def _red(self) -> str:
        red = self._queue.red() if self._queue and self.fail_fast else ""
        return f"{FAIL_FAST}: {red}" if red else ""

    # The end ------------------------------------------------------------------------------------------

    def _raise_red(self, nodeid: str) -> None:
        """Stop all shards at their next test, where a person wants that."""
        if self._queue and self.fail_fast:
            self._queue.raise_red(nodeid)

    def note(self, fates: Iterable[Fate], is_end: bool) -> None:
        """Note what became of tests when a round has ended, also of those that ended it; at the end, claim no more."""
        for red in (fate.nodeid for fate in fates if fate.outcome in (FAILED, ERROR)):
            self._raise_red(red)
        if self._queue and is_end:
            self._queue.stop()

    def close(self, not_run: Iterable[str]) -> None:
        """Say to the others that the result of this shard is written.

        Args:
            not_run: the planned ids that it says were not run: others may take their pieces over.
        """
        if self._queue:
            left = set(not_run)
            self._queue.close(each.piece.name for each in self._taken if not left.isdisjoint(each.piece.nodeids))


class _Failing:
    """Whether a node is broken, as its journal tells: a fixture for the whole session failed, and tests with it.

    It must not drain the queue, each test failing at once. What the plan gives it, it runs all the same: where the
    fixture fails everywhere, every test is to say so.
    """

    def __init__(self, journal: Optional[Tail] = None) -> None:
        self._journal = journal
        self._setups = self._fixtures = 0
        if journal:
            journal.latest()  # what earlier rounds told

    def look(self) -> bool:
        """Read what was added, and tell."""
        for event in self._journal.look(self._tells_nothing) if self._journal else ():
            wide = event.get("scope") in ("session", "package") and event.get("step") == "setup"
            self._fixtures += wide and event.get("failed") is True
        return bool(self._fixtures and self._setups)

    def _tells_nothing(self, line: bytes) -> bool:
        self._setups += b',"setup","failed",' in line
        return b'"event": "fixture end"' not in line


# Opened -----------------------------------------------------------------------------------------------


def unshared(error: StoreError) -> str:
    """Say why the plan alone holds, and what to do about it."""
    return f"{error.message}: {Claims.UNSHARED}" + (f"\n  {error.hint}" if error.hint else "")


def of_run(
    settings: Settings, node: Node, plan: Optional[Plan], fail_fast: bool = False
) -> Tuple[Optional[Claims], str]:
    """Open the store in which the shards of a run share out their tests; None where the plan alone says who runs what.

    Args:
        plan: the one that was handed out, if there is one.

    Returns:
        What is claimed with, and why that is None though a store is named.

    Raises:
        SettingsError: what is named is no store, or one that lets everybody win; or nothing says which run this is.
    """
    if node.total < 2 or os.environ.get(opening.HANDED) == NO_STORE:
        return None, ""
    owned = ci.is_owned(os.environ)
    environ = {name: value for name, value in os.environ.items() if owned or name != opening.HANDED}
    try:
        store = store_of_run(settings, node.total, environ)
        if store is None:
            return None, ""
        attempt = attempt_of(store, node.index, environ)
        red = store.get(f"red/{attempt}") if fail_fast else None
        late = Late(f"{FAIL_FAST}: {red}", STOPPED) if red else None
        if late is None and _is_all_claimed(store, plan, node):
            late = Late("all tests were claimed before it came", FINISHED)
    except StoreError as error:
        say(unshared(error))
        return None, error.message
    handed = environ.get(opening.HANDED, "")
    where = settings.shown(Path(handed)) if store.where == handed else ""
    return Claims(store, node, attempt, settings.distribution.take_over_after_s, fail_fast, late, where), ""


def store_of_run(settings: Settings, total: int, environ: Mapping[str, str], trying: bool = True) -> Optional[Store]:
    """Open the run's place in its store; None where it has none. Arguments and errors as those of `open_store`."""
    if not opening.named(settings.distribution, environ):
        return None
    return opening.open_store(settings.distribution, environ, settings.project, ci.place(environ, total), trying)


def attempt_of(store: Store, index: int, environ: Mapping[str, str]) -> str:
    """Name this try at the run as the CI does; where that does not count, the shard's tries are counted in the store.

    Raises:
        StoreError: it cannot be asked.
    """
    execution, number = ci.execution(environ), 1
    while execution and store.claim(f"tries/{index}.{number}", execution) != execution:
        number += 1
    return str(number) if execution else ci.attempt(environ)


def _is_all_claimed(store: Store, plan: Optional[Plan], node: Node) -> bool:
    """Tell whether nothing is left for a shard; what it had claimed itself, in an earlier try at the run, is."""
    left = {piece.name for shard in plan.shards for piece in shard.pieces} if plan else set()
    claims = store.look(CLAIMS) if left else {}
    left -= {key.rpartition(".")[0] for key in claims}
    return bool(claims) and not left and all(read_owner(text).shard != node.index for text in claims.values())
