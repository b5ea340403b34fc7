from __future__ import annotations

import json
from collections import Counter, defaultdict
from random import Random
from typing import Dict, List, Set

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.ci import Node
from scripts.distribution.desk import Claimed, Desk, mark_dead
from scripts.distribution.policy import End, Wait
from scripts.distribution.sight import MOST_TAKEOVERS, latest, read_owner
from scripts.distribution.store import StoreError
from scripts.planning.pieces import named
from scripts.proof.claimed import OWN, STOLEN, TAKEN_OVER
from tests.unit.distribution.runs import SILENCE_S, MemoryStore, Shard, pieces_of, run


def desk(store: MemoryStore, index: int = 0, total: int = 2, each: int = 2) -> Desk:
    return arrived(Desk(store, pieces_of(total, each), Node(index, total), SILENCE_S))


def arrived(one: Desk) -> Desk:
    one.arrive(0)
    return one


def listen(one: Desk, since: float, until: float) -> None:
    """Look every ten seconds."""
    for now in range(int(since), int(until) + 1, 10):
        one.look(now)


def take_all(one: Desk, now: float = 0) -> List[Claimed]:
    found = []
    step = one.next(now)
    while isinstance(step, Claimed):
        found.append(step)
        step = one.next(now)
    return found


def poisonous(store: MemoryStore) -> Set[str]:
    """The pieces that went from shard to shard as often as any may."""
    owners: Dict[str, List[int]] = defaultdict(list)
    for key, text in sorted(store.kept.items()):
        if key.startswith("claims/"):
            owners[key[len("claims/") :].rpartition(".")[0]].append(read_owner(text).shard)
    return {name for name, all_of in owners.items() if len(all_of) > MOST_TAKEOVERS}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(0, 4), st.sampled_from([0.0, 0.1, 0.3]))
def test_whoever_dies_sleeps_or_is_not_heard_each_piece_has_a_result(
    seed: int, total: int, each: int, fails: float
) -> None:
    """The first shard does not die; a piece that was with three that did is given to no fourth."""
    random, pieces = Random(seed), pieces_of(total, each)
    store = MemoryStore(random, fails)
    there = [Shard(Desk(store, pieces, Node(index, total), SILENCE_S)) for index in range(total)]
    for shard in there:
        shard.begins_s, shard.speed = random.choice([0, 0, 9]), random.choice([1.0, 1.0, 7.0])
    dead: Set[int] = set()
    wakes = dict.fromkeys(range(total), 0.0)
    now = 0.0
    while not all(shard.closed or index in dead for index, shard in enumerate(there)):
        now += random.choice([0.5, 2.0, 5.0])
        assert now < 100 * SILENCE_S
        for index, shard in random.sample(list(enumerate(there)), total):
            if index in dead or shard.closed or now < max(wakes[index], shard.begins_s):
                continue
            if index and random.random() < 0.02:
                dead.add(index)
            elif random.random() < 0.02:
                wakes[index] = now + random.choice([3, 30, 2 * SILENCE_S])
            else:
                shard.step(now)
    results = [claimed for shard in there if shard.written for claimed in shard.ran]

    simply_claimed = Counter(claimed.piece.name for claimed in results if claimed.how != TAKEN_OVER)
    assert set(simply_claimed.values()) <= {1}
    assert {piece.name for piece in pieces} - {claimed.piece.name for claimed in results} <= poisonous(store)


def test_own_pieces_come_first_then_those_of_the_one_with_most_left() -> None:
    found = take_all(desk(MemoryStore()))

    assert [(OWN, 0), (OWN, 0), (STOLEN, 1), (STOLEN, 1)] == [(claimed.how, claimed.whose) for claimed in found]


def test_a_claim_whose_answer_was_lost_is_found() -> None:
    class Lossy(MemoryStore):
        lost = False

        def claim(self, key: str, value: str) -> str:
            word = super().claim(key, value)
            if not self.lost:
                self.lost = True
                raise StoreError("cut")
            return word

    one = desk(Lossy())
    with pytest.raises(StoreError):
        one.next(0)

    assert 4 == len(take_all(one))


def test_what_a_silent_shard_claimed_is_taken_over_but_not_at_once() -> None:
    store = MemoryStore()
    desk(store, 1).next(0)
    guard = desk(store, 0)
    take_all(guard)

    listen(guard, 0, SILENCE_S - 1)
    assert isinstance(guard.next(SILENCE_S - 1), Wait)
    listen(guard, SILENCE_S, 2 * SILENCE_S)
    assert [(TAKEN_OVER, 1)] == [(claimed.how, claimed.whose) for claimed in take_all(guard, 2 * SILENCE_S)]


def test_nobody_is_silent_for_one_who_did_not_listen() -> None:
    """Both were suspended, and this one wakes first."""
    store = MemoryStore()
    desk(store, 1).next(0)
    guard = desk(store, 0)
    take_all(guard)

    assert isinstance(guard.next(100 * SILENCE_S), Wait)


def test_a_process_that_somebody_saw_end_is_not_waited_for() -> None:
    store = MemoryStore()
    desk(store, 1).next(0)
    mark_dead(store, 1)

    assert TAKEN_OVER in [claimed.how for claimed in take_all(desk(store, 0))]


def test_who_is_closed_keeps_what_it_has_a_result_of() -> None:
    store = MemoryStore()
    closed = desk(store, 1)
    done, left = closed.next(0), closed.next(0)
    assert isinstance(done, Claimed)
    assert isinstance(left, Claimed)
    closed.close([left.piece.name])
    found = take_all(desk(store, 0))

    assert [left.piece] == [claimed.piece for claimed in found if claimed.how == TAKEN_OVER]
    assert done.piece not in [claimed.piece for claimed in found]


def test_a_sign_that_arrives_late_does_not_open_what_is_closed() -> None:
    store = MemoryStore()
    one = desk(store, 1)
    one.next(0)
    [(key, early)] = store.look("beats").items()
    one.close([])
    store.put(f"beats/{key}", early)
    mark_dead(store, 1)

    assert TAKEN_OVER not in [claimed.how for claimed in take_all(desk(store, 0))]


def test_a_claim_that_arrives_after_its_shard_has_closed_is_left_to_others() -> None:
    store = MemoryStore()
    one = desk(store, 1)
    store.down = True
    with pytest.raises(StoreError):
        one.next(0)
    store.down = False
    one.close([])
    late = pieces_of(2, 2)[2]
    store.claim(f"claims/{late.name}.0", word_of(store))

    assert 4 == len(take_all(desk(store, 0)))


def word_of(store: MemoryStore) -> str:
    """What the one shard that has ever given a sign claims with."""
    [owner] = latest(store.look("beats").values())
    return json.dumps(owner)


def test_who_was_taken_over_from_hears_of_it() -> None:
    store = MemoryStore()
    asleep, guard = desk(store, 1), desk(store, 0)
    mine = asleep.next(0)
    assert isinstance(mine, Claimed)
    take_all(guard)
    listen(guard, 0, 2 * SILENCE_S)
    take_all(guard, 2 * SILENCE_S)
    assert set() == asleep.lost()
    asleep.look(2 * SILENCE_S)

    assert {mine.piece.name} == asleep.lost()
    asleep.forget(mine.piece.name)
    mark_dead(store, 0)
    assert (mine.piece, TAKEN_OVER, 0) in take_all(asleep, 3 * SILENCE_S)


def test_a_piece_that_three_shards_fell_silent_with_is_given_to_no_other() -> None:
    store = MemoryStore()
    for index in (3, 2, 1):
        take_all(desk(store, index, 4, 1))
        mark_dead(store, index)
    last = desk(store, 0, 4, 1)

    assert isinstance(last.next(0), End)


def test_a_claim_that_cannot_be_read_is_that_of_a_silent_one() -> None:
    store = MemoryStore()
    for piece in pieces_of(2, 2):
        store.kept[f"claims/{piece.name}.0"] = "["
    one = desk(store)
    assert isinstance(one.next(0), Wait)
    listen(one, 0, 2 * SILENCE_S)

    assert {0, 1} == {claimed.whose for claimed in take_all(one, 2 * SILENCE_S)}
    assert 4 == len(one.claimed)


def test_a_shard_that_is_run_again_gets_its_own_tests_again() -> None:
    """Also where its result was written: who runs it again wants a new one."""
    store = MemoryStore()
    first = [Shard(desk(store, index)) for index in (0, 1)]
    run(first)
    again = [Shard(desk(store, index)) for index in (1, 0)]
    run(again)

    assert [sorted(shard.ran) for shard in first] == [sorted(shard.ran) for shard in reversed(again)]


def test_a_run_that_was_stopped_goes_on_where_one_shard_is_run_again() -> None:
    store = MemoryStore()
    for index in (0, 1):
        one = desk(store, index)
        one.next(0)
        one.close([])

    assert 3 == len(take_all(desk(store, 0)))  # its own again, and what nobody had


def test_a_shard_that_is_run_again_gets_what_nobody_had_and_not_what_others_took_over() -> None:
    store = MemoryStore()
    desk(store, 1).next(0)
    mark_dead(store, 1)
    other = desk(store, 0)
    while not other.claimed or TAKEN_OVER not in [claimed.how for claimed in other.claimed.values()]:
        other.next(0)
    again = take_all(desk(store, 1))

    assert 4 == len(other.claimed) + len(again)
    assert TAKEN_OVER not in [claimed.how for claimed in again]


def test_of_two_processes_with_one_index_the_later_goes_on() -> None:
    store = MemoryStore()
    early, late = desk(store, 0), desk(store, 0)
    early.look(0)
    late.look(0)

    assert [True, False] == [early.replaced(), late.replaced()]


def test_red_is_of_one_try() -> None:
    store = MemoryStore()
    node, pieces = Node(0, 2), pieces_of(2, 1)
    Desk(store, pieces, node, SILENCE_S, "1").raise_red("t/0.py::t0")

    assert ["t/0.py::t0", ""] == [Desk(store, pieces, node, SILENCE_S, attempt).red() for attempt in "12"]


def test_who_has_other_tests_in_mind_claims_under_other_names() -> None:
    store = MemoryStore()
    other = [named(0, number, ["t/0.py::t0", "t/0.py::t1"], 1000, 1000) for number in range(2)]
    take_all(arrived(Desk(store, other, Node(1, 2), SILENCE_S)))

    assert 4 == len(take_all(desk(store)))


def test_one_shard_alone_runs_all() -> None:
    one = desk(MemoryStore(), 0, 1, 3)

    assert 3 == len(take_all(one))
    assert isinstance(one.next(0), End)
