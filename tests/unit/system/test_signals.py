from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Callable, Iterator, List, Optional

import pytest

from scripts.system.signals import ends_with, held_back, let_through, noted, raise_on_signals


@pytest.fixture(autouse=True)
def default_ctrl_c() -> Iterator[None]:
    """Ctrl-C as in a terminal: a shell's background jobs, and so this test run, may ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.05)  # Python runs the handler between two of its instructions


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_end_is_an_exit_with_the_usual_code(number: int, code: int) -> None:
    with pytest.raises(SystemExit) as caught, raise_on_signals():
        send(number)

    assert code == caught.value.code


def test_ctrl_c_stays_a_keyboard_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), raise_on_signals():
        send(signal.SIGINT)


def test_after_the_block_the_earlier_handlers_are_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with raise_on_signals():
        pass

    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with raise_on_signals():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_signal_does_not_break_into_the_clean_up() -> None:
    done: List[str] = []
    with pytest.raises(KeyboardInterrupt), raise_on_signals():
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGTERM)
            done.append("cleaned up")

    assert ["cleaned up"] == done


def test_a_third_signal_breaks_into_a_clean_up_that_hangs() -> None:
    done: List[str] = []
    with pytest.raises(KeyboardInterrupt), raise_on_signals():
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGINT)
            send(signal.SIGINT)
            done.append("never")

    assert [] == done


def test_a_signal_that_is_held_back_is_raised_at_the_blocks_end() -> None:
    done: List[str] = []
    with pytest.raises(SystemExit), raise_on_signals():
        with held_back():
            send(signal.SIGTERM)
            done.append("finished")
        done.append("never")

    assert ["finished"] == done


def test_whoever_holds_signals_back_sees_that_one_came() -> None:
    seen: List[bool] = []
    with pytest.raises(KeyboardInterrupt), raise_on_signals(), held_back() as came:
        seen.append(came())
        send(signal.SIGINT)
        seen.append(came())

    assert [False, True] == seen


def test_a_signal_of_before_does_not_hurry() -> None:
    seen: List[bool] = []
    with pytest.raises(KeyboardInterrupt), raise_on_signals():
        try:
            send(signal.SIGINT)
        finally:
            with held_back() as came:
                seen.append(came())

    assert [False] == seen


def test_a_signal_that_is_noted_is_seen_and_forgotten_so_that_the_first_reason_to_end_stays() -> None:
    with pytest.raises(ValueError, match="the reason"), raise_on_signals():
        try:
            raise ValueError("the reason")
        except ValueError:
            with noted() as came:
                assert not came()
                send(signal.SIGINT)
                assert came()
            raise


def test_inner_blocks_leave_the_handlers_to_the_outer_one() -> None:
    with pytest.raises(SystemExit), raise_on_signals():
        with raise_on_signals():
            pass
        send(signal.SIGTERM)


def test_other_threads_may_hold_back_nothing_and_do_not_fail() -> None:
    results: List[bool] = []

    def work(came: Callable[[], bool]) -> None:
        results.append(came())

    def thread() -> None:
        with raise_on_signals(), held_back() as came:
            work(came)

    worker = threading.Thread(target=thread)
    worker.start()
    worker.join()

    assert [False] == results


@pytest.mark.parametrize("early", [False, True], ids=["within the block", "before it"])
def test_a_signal_is_let_through_at_once_and_held_again_for_who_catches_it(early: bool) -> None:
    done: List[str] = []
    with pytest.raises(SystemExit) as ended, raise_on_signals(), held_back() as signalled:
        if early:
            send(signal.SIGTERM)
        with pytest.raises(SystemExit), let_through():
            send(signal.SIGTERM)
            done.append("never")
        done.append(f"written, signalled: {signalled()}")

    assert (143, ["written, signalled: True"]) == (ended.value.code, done)


def test_without_a_signal_nothing_is_let_through() -> None:
    with raise_on_signals(), held_back() as signalled, let_through():
        assert not signalled()


def test_after_the_block_signals_are_held_back_again() -> None:
    done: List[str] = []
    with pytest.raises(KeyboardInterrupt), raise_on_signals(), held_back():
        with let_through():
            pass
        send(signal.SIGINT)
        done.append("finished")

    assert ["finished"] == done


def test_whoever_was_orphaned_before_it_could_look_ends_too() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as parent:
        parent.wait()

    with pytest.raises(SystemExit) as caught, raise_on_signals(), ends_with(str(parent.pid)):
        time.sleep(5)

    assert 143 == caught.value.code


def test_nobody_outlives_the_run_of_several_that_it_is_a_part_of() -> None:
    above = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with pytest.raises(SystemExit) as caught, raise_on_signals(), ends_with(None, str(above.pid)):
        time.sleep(0.05)
        above.communicate(b"\n")
        time.sleep(5)

    assert 143 == caught.value.code


@pytest.mark.parametrize("parent", [None, "", "no pid", pytest.param(str(os.getpid()), id="itself"), "9" * 400])
def test_whoever_has_no_such_parent_goes_on(parent: Optional[str]) -> None:
    with raise_on_signals(), ends_with(parent):
        time.sleep(0.1)
