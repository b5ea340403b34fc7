"""Let SIGTERM end the program as Ctrl-C does, and hold signals back while something must finish."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from types import FrameType
from typing import Callable, Iterator, List, Optional

WATCH_S = 0.3  # between two looks at the parent
MATRIX = "SHARDLINE_MATRIX"  # the pid of the run of all Pythons, in the environment of a leg
CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    """What became of the signals: raised as an exception, or held until a block has ended."""

    def __init__(self) -> None:
        self.seen = 0
        self.raised = 0
        self.holders = 0
        self.held: List[int] = []
        self.last = 0

    def handle(self, number: int, frame: Optional[FrameType]) -> None:
        self.seen += 1
        self.last = number
        if self.holders:
            self.held.append(number)
        else:
            self.throw(number)

    def throw(self, number: int) -> None:
        # Whoever cancels a job often sends two signals at once (SIGINT and SIGTERM). The second would
        # raise inside the `finally` that the first one woke, so it is dropped; the third raises again.
        self.raised += 1
        if self.raised != 2:
            raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def release(self) -> None:
        self.holders -= 1
        if not self.holders:
            held, self.held = self.held, []
            for number in held:
                self.throw(number)


_active: Optional[_Interrupts] = None


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit (143, 129) within the block, so that `finally` blocks run.

    SIGINT raises KeyboardInterrupt as ever. Signals that were ignored (nohup) stay ignored. Blocks may
    be nested; outside the main thread, where Python allows no handlers, the block changes nothing.
    """
    global _active
    if _active is not None or not _in_main_thread():
        yield
        return
    _active = interrupts = _Interrupts()
    ours_to_set = {number: signal.getsignal(number) for number in CAUGHT}
    earlier = {number: was for number, was in ours_to_set.items() if was not in (signal.SIG_IGN, None)}
    try:
        for number in earlier:
            signal.signal(number, interrupts.handle)
        yield
    finally:
        for number, was in earlier.items():
            signal.signal(number, was)
        _active = None


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Hold signals back inside `raise_on_signals`; those that came are raised at the block's end.

    Yields:
        a function that tells whether a signal came since the block began.
    """
    interrupts = _active
    if interrupts is None or not _in_main_thread():
        yield lambda: False
        return
    before = interrupts.seen
    interrupts.holders += 1
    try:
        yield lambda: interrupts.seen > before
    finally:
        interrupts.release()


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """Note signals within the block, and forget them at its end: the program ends then anyway, and knows how.

    Yields:
        a function that tells whether a signal came since the block began.
    """
    interrupts = _active
    before = interrupts.seen if interrupts else 0
    with held_back() as signalled:
        try:
            yield signalled
        finally:
            if interrupts and interrupts.holders == 1 and interrupts.seen > before:
                interrupts.held.clear()


@contextmanager
def let_through() -> Iterator[None]:
    """Let signals raise at once within the block, inside `held_back`: for a long wait that nobody has to sit out.

    What was raised is held back again from the block's end on, so that who catches it can finish. A signal that is
    held already raises at the block's beginning.
    """
    interrupts = _active
    if interrupts is None or not interrupts.holders or not _in_main_thread():
        yield
        return
    holders, interrupts.holders = interrupts.holders, 1
    try:
        interrupts.release()
        yield
    finally:
        interrupts.holders = holders
        if interrupts.raised:
            interrupts.raised = 0
            interrupts.held.append(interrupts.last)


@contextmanager
def ends_with(parent: Optional[str], above: Optional[str] = None) -> Iterator[None]:
    """Send ourselves SIGTERM within the block, as soon as our parent process is gone.

    Args:
        parent: the pid of a parent that must not be outlived; nothing is watched where it is not ours, but where it
            is gone already: it was killed before we came so far.
        above: the pid of one above the parent, of a run of several of us, that must not be outlived either.
    """
    if any(pid and _is_gone(pid) for pid in (parent, above)):
        os.kill(os.getpid(), signal.SIGTERM)
    is_ours = parent == str(os.getppid())
    if not (is_ours or above):
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_S):
            if (is_ours and str(os.getppid()) != parent) or (above and _is_gone(above)):
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _is_gone(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, OSError):  # no pid, or somebody else's
        return False
    return False


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
