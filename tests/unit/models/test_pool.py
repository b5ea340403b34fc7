from __future__ import annotations

import threading
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.models.pool import Ended, Pool


def never(job: object) -> bool:
    return False


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.integers(1, 4))
def test_every_job_is_done_once_and_the_results_have_their_order(jobs: List[Tuple[int, bool]], at_once: int) -> None:
    done: List[Tuple[int, bool]] = []
    pool: Pool[Tuple[int, bool], int] = Pool()

    def do(job: Tuple[int, bool]) -> int:
        done.append(job)
        return 2 * job[0]

    results = pool.run(jobs, lambda: do, at_once, lambda job: job[1], lambda job: job[0])

    assert ([2 * size for size, _ in jobs], sorted(jobs)) == (results, sorted(done))


def test_the_largest_begin_first_and_say_so() -> None:
    both = threading.Barrier(3)
    pool: Pool[int, None] = Pool()
    seen: List[List[int]] = []

    def do(job: int) -> None:
        if job > 1:
            both.wait(20)
            both.wait(20)

    def look() -> None:
        both.wait(20)
        seen.append([*pool.in_hand, pool.left])
        both.wait(20)

    looker = threading.Thread(target=look)
    looker.start()
    pool.run([1, 3, 1, 2], lambda: do, 2, never, lambda job: job)
    looker.join()

    assert [[3, 2, 2]] == seen


def test_what_starts_programs_is_done_by_the_caller_s_own_thread() -> None:
    pool: Pool[int, str] = Pool()
    names = pool.run([1, 2, 3, 4], lambda: lambda job: threading.current_thread().name, 2, lambda job: job < 3, int)

    assert [True, True, False, False] == [name == threading.current_thread().name for name in names]


def test_one_job_needs_no_thread() -> None:
    pool: Pool[int, str] = Pool()

    assert [threading.current_thread().name] == pool.run(
        [1], lambda: lambda job: threading.current_thread().name, 4, never, int
    )


@pytest.mark.parametrize("failing", [0, 1])
def test_a_failure_ends_those_that_wait_and_those_that_receive(failing: int) -> None:
    """Where the others went on, this would never end."""
    pool: Pool[int, None] = Pool()
    begun, ended = threading.Barrier(3), []

    def do(job: int) -> None:
        begun.wait(20)
        if job == failing:
            raise OSError("disk full")
        try:
            if job == 2:
                pool.sleep(600)
            while True:
                pool.advance(lambda count: None, 1)
        except Ended:
            ended.append(job)
            raise

    with pytest.raises(OSError, match="disk full"):
        pool.run([0, 1, 2], lambda: do, 3, lambda job: job == 0, int)

    assert {0, 1, 2} - {failing} == set(ended)


def test_where_no_thread_can_be_started_all_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    pool: Pool[int, int] = Pool()

    assert [1, 2, 3] == pool.run([1, 2, 3], lambda: lambda job: job, 2, lambda job: job == 2, int)


def test_bytes_that_come_at_once_are_all_counted() -> None:
    pool: Pool[int, None] = Pool()
    counted = [0]

    def count(number: int) -> None:
        """As a display does, which asks for what it shows while it hears of bytes."""
        counted[0] += number * len(pool.in_hand[:1])

    def do(job: int) -> None:
        for _ in range(job):
            pool.advance(count, 1)

    pool.run([1000] * 4, lambda: do, 4, never, int)

    assert [4000] == counted
