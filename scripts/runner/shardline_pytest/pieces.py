"""Runs the tests piece by piece, as the runner gives them, in one session: as if they had been one list from the start.

pytest must know the test after each before it tears that one down: fixtures that both need live on. After the last
test of a piece comes one that is asked for as late as that allows, or this shard would hold two pieces while others
have none. So a stand-in goes in its place, and asks when it is first looked at. That may be within the time-out of a
test: where there is no answer soon, a placeholder at session level takes its place, and the question is put again
between the tests.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import signal
from collections import deque
from contextlib import contextmanager, suppress
from dis import get_instructions
from functools import partial
from inspect import CO_COROUTINE, CO_GENERATOR
from typing import Any, Deque, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

import pytest

from .channel import Channel, Gone, Unanswered
from .hook_style import Wrapper, is_wrapper, outermost
from .journal_writer import JournalWriter
from .next_test import Later, Unknown

IN_TEST_S, BETWEEN_S = 0.3, 2.0  # how long the runner is to wait for a piece before it says "not yet"
GRACE_S = (0.2, 30.0)  # and how long we wait for that word
PAUSE_S, GIVE_UP_S = 0.05, 300.0
OFF = "`distribution: {store: none}`"
SESSION = pytest.StashKey["Pieces"]()


class Alarm:
    """The alarm clock of this process, by which pytest-timeout, say, ends a test that takes too long."""

    def __init__(self) -> None:
        self._set, self._which = signal.setitimer, signal.ITIMER_REAL

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Stop it while the block runs, which takes no time of the test's own."""
        left_s = interval_s = 0.0
        with suppress(ValueError):  # not in the main thread: nobody can set it here
            left_s, interval_s = self._set(self._which, 0.0)
        try:
            yield
        finally:
            if left_s:
                self._set(self._which, left_s, interval_s)


class Pieces:
    """The tests of a session that this process was given so far."""

    def __init__(self, session: pytest.Session, channel: Channel, pen: JournalWriter, ordered: bool) -> None:
        self._session, self._channel, self._pen, self._ordered = session, channel, pen, ordered
        self._items: List[pytest.Item] = []
        self._given: Set[str] = set()
        self._due: Deque[pytest.Item] = deque()
        self._latest = ""  # piece
        self._runs = self._ended = False
        self._unheard_since: Optional[float] = None
        self._alarm = Alarm()
        self._unknown = Unknown.from_parent(session, name="a test that is not known yet")

    def run(self) -> bool:
        """Run them, as pytest's own loop does, until there are no more."""
        session = self._session
        self._runs, self._items, session.testscollected = True, list(session.items), 0
        item = None
        self._wait()
        while self._due:
            item = self._due.popleft()
            following: Any = self._due[0] if self._due else Later(partial(self._following, item), self._unknown)
            if following is item:  # listed twice, and here nothing comes between: pytest would not set it up again
                following = self._unknown
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail or session.shouldstop:
                break
            self._wait()
        if item:
            self._tear_down(item)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    def pytest_report_collectionfinish(self) -> str:
        """Say why not all of them will run here."""
        return "these are shared out while they run: this shard gets some of them"

    @outermost
    def pytest_runtest_protocol(self, item: pytest.Item) -> Wrapper:
        """Let no loop of the suite's own run tests that other shards run, too."""
        if not self._runs:
            pytest.exit(f"a plugin runs the tests in a way of its own, {item.nodeid} first: say {OFF}")
        return (yield)

    def _following(self, item: pytest.Item) -> Optional[pytest.Item]:
        """Find what comes after the last test that we know: the placeholder while we do not, None at the end."""
        try:
            if not (self._due or self._is_over()):
                with self._alarm.held_back():
                    self._ask(IN_TEST_S, GRACE_S[0])
        except BaseException as error:  # the test's time is up: its teardown is to say so, and must not fail half-way
            try:
                item.addfinalizer(partial(_raise, error))
            except Exception:  # nothing of it is set up
                raise error from None
        return self._due[0] if self._due else None if self._is_over() else self._unknown

    def _wait(self) -> None:
        """Ask between the tests, until some are due or this is the end."""
        while not (self._due or self._is_over()):
            asked_at = self._channel.clock()
            self._ask(BETWEEN_S, GRACE_S[1])
            if not self._due and self._channel.clock() - asked_at < PAUSE_S:
                self._channel.sleep(PAUSE_S)

    def _is_over(self) -> bool:
        return bool(self._ended or self._session.shouldfail or self._session.shouldstop or not self._channel.is_ours)

    def _ask(self, patience_s: float, grace_s: float) -> None:
        question = {"next": {"patience_s": patience_s, "after": self._latest}}
        try:
            said = self._channel.ask(question, patience_s + grace_s)
            self._unheard_since = None
            self._take(said)
        except Gone as reason:
            self._pen.write("note", text=f"no more tests were asked for: {reason}")
            self._ended = True
        except Unanswered as reason:
            now = self._channel.clock()
            self._unheard_since = now if self._unheard_since is None else self._unheard_since
            if now - self._unheard_since > GIVE_UP_S:
                self._session.shouldstop = f"no answer to which tests come next: {reason}"
        except ValueError as reason:
            self._session.shouldstop = f"no answer to which tests come next: {reason}"

    def _take(self, said: Mapping[str, Any]) -> None:
        """Take what comes next: a piece, the end, or nothing yet.

        Raises:
            ValueError: it is none of these.
        """
        if isinstance(said.get("end"), str):
            self._ended, self._session.shouldstop = True, said["end"] or self._session.shouldstop
        elif said.get("wait") is not True:
            name, ids = piece_in(said, {item.nodeid for item in self._items}, self._given)
            self._pen.write("piece", name=name, ids=ids)
            self._latest = name
            self._given.update(ids)
            due = choose(self._items, ids, self._ordered)
            self._due.extend(due)
            self._session.testscollected += len(due)  # by which the terminal measures progress

    def _tear_down(self, item: pytest.Item) -> None:
        """End what has outlived the last test, as nobody knew that it was the last: an error of that is its error."""
        state: Any = self._session._setupstate
        reraise = (pytest.exit.Exception, KeyboardInterrupt)
        call = pytest.CallInfo.from_call(lambda: state.teardown_exact(None), when="teardown", reraise=reraise)
        if call.excinfo:
            report = item.ihook.pytest_runtest_makereport(item=item, call=call)
            item.ihook.pytest_runtest_logreport(report=report)


def piece_in(said: Mapping[str, Any], there: Set[str], given: Set[str]) -> Tuple[str, List[str]]:
    """Read a piece: its name, and the ids of its tests.

    Args:
        there: the ids of all tests that could be given.
        given: the ids of those that were.

    Raises:
        ValueError: it is none, or has other tests.
    """
    piece = said.get("piece")
    name, ids = (piece.get("name"), piece.get("ids")) if isinstance(piece, dict) else (None, None)
    if not (isinstance(name, str) and isinstance(ids, list) and all(isinstance(each, str) for each in ids)):
        raise ValueError(str(said.get("error") or f"expected a piece, the end or to wait, got {str(said)[:200]}"))
    foreign, again = sorted(set(ids) - there), sorted(given.intersection(ids))
    if foreign or again:
        raise ValueError(
            f"piece {name} has {(foreign or again)[0]!a}, which {'is not here' if foreign else 'was given'}"
        )
    return name, ids


def loop_of_its_own(config: pytest.Config) -> str:
    """Name the plugin or conftest.py that comes before us to run the tests, or may; "" where there is none."""
    for each in reversed(config.hook.pytest_runtestloop.get_hookimpls()):
        if getattr(each.plugin, "__package__", "") == __package__:
            return ""
        if not (is_wrapper(each) or returns_nothing(each.function)):
            return str(getattr(each.plugin, "__name__", type(each.plugin).__name__))
    return ""


def returns_nothing(function: Any) -> bool:
    """Tell whether a function can return None alone, by its code: as a hook it only looks, and the next one is called.

    >>> returns_nothing(lambda: None), returns_nothing(lambda: True), returns_nothing(len)
    (True, False, False)
    """
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & (CO_GENERATOR | CO_COROUTINE):
        return False
    steps = list(get_instructions(code))
    returned = [
        step if step.opname == "RETURN_CONST" else before
        for before, step in zip(steps, steps[1:])
        if step.opname in ("RETURN_CONST", "RETURN_VALUE")
    ]
    return all(step.opname in ("RETURN_CONST", "LOAD_CONST") and step.argval is None for step in returned)


def choose(items: Sequence[pytest.Item], select: Sequence[str], ordered: bool) -> List[pytest.Item]:
    """Keep the chosen of the items, in collection order or in that of the choice."""
    wanted = dict.fromkeys(select)
    if not ordered:
        return [item for item in items if item.nodeid in wanted]
    same: Dict[str, List[pytest.Item]] = {nodeid: [] for nodeid in wanted}
    for item in items:
        same.get(item.nodeid, []).append(item)
    return [item for nodeid in wanted for item in same[nodeid]]


def _raise(error: BaseException) -> None:
    raise error
