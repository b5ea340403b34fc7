"""What every store promises: one wins, all hear who, and whatever an answer meets, no claim is lost or doubled."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from typing import Any

import pytest

from scripts.distribution import opening
from scripts.distribution.store import BEGAN, CLAIMS, Store, StoreError, Unreached
from tests.unit.distribution.conftest import Place, Remote
from tests.unit.distribution.proxy import Fault

RACERS, ROUNDS = 16, 3
FAULTS = ["lose", "refuse", "truncate", "double", "late"]


def test_of_sixteen_who_claim_at_once_one_wins_and_all_hear_who(place: Place) -> None:
    race(place.open())


def test_one_wins_where_the_disk_knows_no_links(of_folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    race(of_folder.open())


def race(store: Store) -> None:
    fork = multiprocessing.get_context("fork")
    start, heard = fork.Barrier(RACERS), fork.SimpleQueue()

    def run(number: int) -> None:
        for each in range(ROUNDS):
            start.wait(30)
            try:
                heard.put((each, store.claim(f"claims/{each}", f"of {number}")))
            except Exception as error:
                heard.put((each, repr(error)))

    racers = [fork.Process(target=run, args=(number,)) for number in range(RACERS)]
    for racer in racers:
        racer.start()
    answers = [heard.get() for _ in range(RACERS * ROUNDS)]
    for racer in racers:
        racer.join()

    assert ROUNDS == len(set(answers)), answers


def test_who_claims_again_hears_what_was_claimed_first(place: Place) -> None:
    first, second = place.open(), place.open()

    assert ["a", "a", "a"] == [first.claim("plan", "a"), second.claim("plan", "b"), first.claim("plan", "c")]


def test_what_is_put_replaces_what_was_there(place: Place) -> None:
    store, other = place.open(), place.open()
    store.put("beats/0", "你好\r\n1")
    store.put("beats/0", "你好\r\n2")

    assert ("你好\r\n2", None) == (other.get("beats/0"), other.get("beats/1"))


def test_a_look_shows_all_keys_of_a_folder_and_no_others(place: Place) -> None:
    store, other = place.open(), place.open()
    for key in ("claims/1-a.0", "claims/1-a.1"):
        store.claim(key, key)
    store.put("beats/0", "alive")

    assert {"1-a.0": "claims/1-a.0", "1-a.1": "claims/1-a.1"} == other.look(CLAIMS)
    assert ({"0": "alive"}, {}) == (other.look("beats"), other.look("receipts"))


def test_the_first_word_of_a_run_is_not_shown(place: Place) -> None:
    store = place.open()
    opening.probe(store)

    assert {} == store.look(CLAIMS)
    assert store.latency_s > 0


def test_a_claim_that_is_gone_is_an_error(place: Place) -> None:
    ours, other = place.open(), place.open()
    ours.claim("claims/a", "ours")
    place.empty()
    other.claim("claims/b", "other")

    with pytest.raises(StoreError, match="no longer has what was claimed there"):
        ours.look(CLAIMS)


def test_a_store_that_was_emptied_and_begun_anew_is_an_error(place: Place) -> None:
    ours, late = place.open(), place.open()
    opening.probe(ours)
    place.empty()
    opening.probe(late)

    with pytest.raises(StoreError, match="no longer has what was claimed there"):
        ours.look(CLAIMS)


def test_a_redis_without_the_first_word_of_the_run_grants_nothing(of_redis: Place) -> None:
    store = of_redis.open()
    store.claim(f"{CLAIMS}/{BEGAN}", "first")
    of_redis.empty()

    with pytest.raises(StoreError, match="no longer has"):
        store.claim("claims/a", "ours")


# What happens to answers on their way -------------------------------------------------------------------


@pytest.mark.parametrize("kind", FAULTS)
def test_whatever_an_answer_meets_one_claims_it_and_all_hear_who(remote: Remote, kind: str) -> None:
    ours, second = remote.open_by_proxy(), remote.open_by_proxy()
    for store in (ours, second):
        remote.proxy.faults = [Fault(kind, delay_s=0.05)] * 2

        assert "ours" == store.claim("claims/a", "ours" if store is ours else "another's")
        assert ("ours", {"a": "ours"}) == (store.get("claims/a"), store.look(CLAIMS))


def test_a_store_that_stalls_is_an_error_in_time_and_found_to_have_carried_it_out(remote: Remote) -> None:
    store = remote.open_by_proxy()
    store.deadline_s = 0.2
    remote.proxy.faults = [Fault("stall")]
    with pytest.raises(Unreached, match=r"no answer within 0\.2 s"):
        store.claim("claims/a", "ours")
    store.deadline_s = 8

    assert "ours" == store.claim("claims/a", "ours")


def test_a_store_that_is_away_for_a_moment_is_asked_again(remote: Remote) -> None:
    store = remote.open_by_proxy()
    remote.proxy.down = True
    back = threading.Timer(0.1, setattr, (remote.proxy, "down", False))
    back.start()

    assert "ours" == store.claim("claims/a", "ours")
    back.join()
