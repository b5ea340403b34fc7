from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping, TypeVar

import pytest

from scripts.ci import Node
from scripts.distribution.desk import Claimed
from scripts.distribution.folder import FolderStore
from scripts.distribution.queue import Queue
from scripts.distribution.sight import latest, read
from scripts.distribution.store import Store, StoreError, Unreached
from scripts.proof.claimed import TAKEN_OVER
from tests.unit.distribution.runs import MemoryStore, pieces_of
from tests.unit.service.children import eventually

T = TypeVar("T")
MakeQueue = Callable[..., Queue]
PATIENCE_S = 20.0


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def queue() -> Iterator[MakeQueue]:
    """Make a shard's queue, which is closed when the test ends."""
    made: List[Queue] = []

    def make(store: Store, index: int, **options: Any) -> Queue:
        options = {"take_over_after_s": 0.2, "say": lambda line: None, **options}
        made.append(Queue(store, pieces_of(2, 2), Node(index, 2), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def take_all(one: Queue) -> List[Claimed]:
    found = []
    while not one.ended:
        claimed = one.take(PATIENCE_S)
        if claimed:
            one.began(claimed.piece)
            found.append(claimed)
    return found


def beats(store: MemoryStore, index: int) -> List[Any]:
    return [beat for beat in latest(store.look("beats").values()).values() if beat.owner.shard == index]


def test_shards_share_the_pieces_of_a_run(tmp_path: Path) -> None:
    found: List[Claimed] = []

    def shard(index: int) -> None:
        one = Queue(FolderStore(tmp_path), pieces_of(2, 2), Node(index, 2))
        found.extend(take_all(one))
        one.close()

    threads = [threading.Thread(target=shard, args=[index]) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)

    assert sorted(pieces_of(2, 2)) == sorted(claimed.piece for claimed in found)


def test_who_asks_again_gets_what_was_claimed_meanwhile(queue: MakeQueue) -> None:
    answers = threading.Event()

    class Slow(MemoryStore):
        def _claim(self, key: str, value: str) -> str:
            assert answers.wait(PATIENCE_S)
            return super()._claim(key, value)

    store = Slow()
    one = queue(store, 0)

    assert one.take(0.0) is None
    assert not one.ended
    answers.set()
    assert one.take(PATIENCE_S)
    assert 1 == len(store.look("claims"))


def test_a_piece_that_begins_while_the_store_is_looked_at_runs_for_no_negative_time(queue: MakeQueue) -> None:
    claimed, begun = threading.Event(), threading.Event()
    said: List[str] = []

    class Slow(MemoryStore):
        def _claim(self, key: str, value: str) -> str:
            claimed.set()
            return super()._claim(key, value)

        def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
            assert not claimed.is_set() or begun.wait(PATIENCE_S)
            return super()._look(folder, known)

        def _put(self, key: str, value: str) -> None:
            said.append(value)
            super()._put(key, value)

    one = queue(Slow(), 0)
    first = one.take(PATIENCE_S)
    time.sleep(0.01)
    assert first
    one.began(first.piece)
    begun.set()

    eventually(lambda: first.piece.name in said[-1])
    assert [] == [text for text in said if read(text) is None]


def test_a_store_that_is_gone_ends_what_comes_but_not_what_is_claimed(store: MemoryStore, queue: MakeQueue) -> None:
    said: List[str] = []
    one = queue(store, 0, say=said.append)
    first = one.take(PATIENCE_S)
    store.down = True

    assert first
    assert [] == take_all(one)
    assert ("memory: no answer", "memory: no answer") == (one.gone, one.why)
    one.close()
    assert 2 == len(said)


def test_a_store_that_is_down_for_a_while_is_borne(store: MemoryStore, queue: MakeQueue) -> None:
    store.down = True
    one = queue(store, 0, say=lambda line: setattr(store, "down", False))

    assert 4 == len(take_all(one))
    assert "" == one.gone


def test_who_cannot_be_heard_goes_on_without_the_store(queue: MakeQueue) -> None:
    class Deaf(MemoryStore):
        def _put(self, key: str, value: str) -> None:
            if self.claimed:
                raise Unreached("it does not write")
            super()._put(key, value)

        @property
        def claimed(self) -> bool:
            return bool(self.look("claims"))

    one = queue(Deaf(), 0)

    assert one.take(PATIENCE_S)
    assert "it does not write" == until(lambda: one.gone)


def test_a_store_that_was_emptied_gives_nothing_any_more(store: MemoryStore, queue: MakeQueue) -> None:
    one = queue(store, 0)
    assert one.take(PATIENCE_S)
    store.kept.clear()

    assert "no longer has what was claimed" in until(lambda: one.gone)
    assert [] == take_all(one)


def test_a_store_that_refuses_us_is_not_asked_again(queue: MakeQueue) -> None:
    class Refusing(MemoryStore):
        def _claim(self, key: str, value: str) -> str:
            raise StoreError("no right to write")

    one = queue(Refusing(), 0)

    assert [] == take_all(one)
    assert "no right to write" == one.gone


def test_who_claims_no_more_leaves_what_has_not_begun_to_others(store: MemoryStore, queue: MakeQueue) -> None:
    one = queue(store, 1)
    begun = one.take(PATIENCE_S)
    one.stop("the service died")

    assert begun
    assert (None, True, "the service died") == (one.take(PATIENCE_S), one.ended, one.why)
    one.close(left=[begun.piece.name])
    other = queue(store, 0)
    found = take_all(other)
    assert 4 == len(found)
    assert [(begun.piece, TAKEN_OVER, 1)] == [claimed for claimed in found if claimed.how == TAKEN_OVER]


def test_a_shard_that_does_not_get_on_gives_no_sign_and_loses_its_pieces(store: MemoryStore, queue: MakeQueue) -> None:
    """Also one that it has claimed, and not begun: when it wakes it does not begin it."""
    hung = queue(store, 1, alive=lambda: False)
    mine, waits = hung.take(PATIENCE_S), hung.take(0.0)
    assert mine
    assert until(lambda: len(store.look("claims")) == 2)
    other = queue(store, 0)
    found = take_all(other)
    other.close()

    assert (mine.piece, TAKEN_OVER, 1) in found
    assert 2 == len(until(lambda: hung.lost() if len(hung.lost()) > 1 else ()))
    assert waits or until(lambda: hung.take(0.1) or hung.ended) is True


def test_while_a_piece_runs_others_can_see_which(store: MemoryStore, queue: MakeQueue) -> None:
    one = queue(store, 1, take_over_after_s=60)
    claimed = one.take(PATIENCE_S)
    assert claimed
    one.began(claimed.piece)

    assert until(lambda: [beat.piece for beat in beats(store, 1)] == [claimed.piece.name])
    one.close()
    assert ["closed"] == [beat.state for beat in beats(store, 1)]


def test_the_first_red_stops_those_that_stop_at_one(store: MemoryStore, queue: MakeQueue) -> None:
    stops, goes_on, red = queue(store, 0, fail_fast=True), queue(store, 1), queue(store, 1)
    assert stops.take(PATIENCE_S)
    red.raise_red("t/a.py::x failed")

    assert until(lambda: stops.ended)
    assert ("t/a.py::x failed", "t/a.py::x failed") == (stops.why, stops.red())
    assert goes_on.take(PATIENCE_S)


def test_a_shard_that_never_asked_can_be_closed(store: MemoryStore, queue: MakeQueue) -> None:
    queue(store, 1).close()

    assert ["closed"] == [beat.state for beat in beats(store, 1)]


def until(found: Callable[[], T]) -> T:
    """Wait for something to be so."""
    tick = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        now = found()
        if now:
            return now
        tick.wait(0.01)
    raise AssertionError("it never came")
