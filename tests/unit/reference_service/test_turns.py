"""One request at a time, each with its own answer; what is too much is refused with the time to wait."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from turns import Busy, Gone, Turns


def until_there_wait(number, turns):
    deadline = time.monotonic() + 10
    while turns.waiting != number:
        assert time.monotonic() < deadline, f"{turns.waiting} wait, expected {number}"
        time.sleep(0.001)


def test_two_never_have_their_turn_at_once():
    turns, inside, most = Turns(20), [0], [0]

    def work(number):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        inside[0] -= 1
        return number

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: turns.take(lambda: work(number)), range(16)))

    assert (list(range(16)), 1) == (answers, most[0])
    assert 0 == turns.waiting


def test_all_turns_are_of_one_thread():
    turns = Turns(2)

    assert 1 == len({turns.take(threading.get_ident) for _ in range(3)} - {threading.get_ident()})


def test_one_more_than_may_wait_is_told_when_to_come_back():
    turns, open_, seen = Turns(1), threading.Event(), threading.Event()

    def hold():
        seen.set()
        open_.wait(10)

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(turns.take, hold)
        assert seen.wait(10)
        second = pool.submit(turns.take, lambda: "second")
        until_there_wait(1, turns)
        with pytest.raises(Busy) as busy:
            turns.take(lambda: "third")
        open_.set()

        assert (None, "second") == (first.result(), second.result())
    assert busy.value.retry_after_s >= 1
    assert "again" == turns.take(lambda: "again")


def test_nothing_is_done_for_who_has_hung_up():
    done = []

    with pytest.raises(Gone):
        Turns(1).take(lambda: done.append(1), lambda: True)
    assert [] == done


def test_who_has_hung_up_gives_a_place_to_others():
    turns, open_, seen, gone = Turns(2), threading.Event(), threading.Event(), threading.Event()

    def hold():
        seen.set()
        open_.wait(10)

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(turns.take, hold)
        assert seen.wait(10)
        left = [pool.submit(turns.take, lambda: "left", gone.is_set) for _ in range(2)]
        until_there_wait(2, turns)
        gone.set()
        late = pool.submit(turns.take, lambda: "late")
        try:
            until_there_wait(1, turns)
        finally:
            open_.set()

        assert (None, "late") == (first.result(), late.result())
        for each in left:
            with pytest.raises(Gone):
                each.result()


def test_loading_and_failures_say_nothing_of_how_long_to_wait():
    turns = Turns(0)
    turns.first(lambda: time.sleep(0.2))
    with pytest.raises(ZeroDivisionError):
        turns.take(lambda: 1 // 0)

    assert [1.0] == list(turns._took_s)


def test_a_failure_is_its_own_and_frees_the_turn():
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError):
        turns.take(lambda: 1 // 0)

    assert 2 == turns.take(lambda: 2)
