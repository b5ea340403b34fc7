"""Writes down what happens, when it happens.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, Dict, List, Optional

import pytest

from .failure_text import MESSAGE_CHARACTERS, TEXT_CHARACTERS, capped, complaint, last_line, outcome_of, subtest_of
from .hook_style import IS_YOUNG, Wrapper, outermost
from .journal_writer import JournalWriter
from .watched import Watched

PYTESTS_OWN = "cache/"  # how the keys begin by which pytest keeps what failed, what is known, and where it stopped


class Recorder:
    """Writes down what happens, when it happens.

    Args:
        spared: what is not written into pytest's cache: keys that begin so; None for nothing.
        service: the pid of the service that is under test, where it is known.
    """

    def __init__(self, pen: JournalWriter, spared: Optional[str] = None, service: str = "") -> None:
        self._pen, self._spared = pen, spared
        self._service = Watched(service)
        self._of = ""
        self._seconds: Dict[str, float] = {}  # of the phases of that test

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Say where the ids come from."""
        config = session.config
        cache = getattr(config, "cache", None)
        folder = str(getattr(cache, "_cachedir", ""))
        if self._spared is not None and cache:
            cache.set = partial(_set, cache.set, self._spared)
        maxfail = 1 if getattr(config.option, "stepwise", False) else config.getoption("maxfail") or 0
        self._pen.write("session", rootdir=str(config.rootpath), maxfail=maxfail, cache=folder)

    @outermost
    def pytest_runtest_setup(self, item: pytest.Item) -> Wrapper:
        """Name the test that may end the process in its set-up."""
        self._seconds.clear()
        started = self._started(item.nodeid, "setup")
        try:
            return (yield)
        finally:
            self._seconds["setup"] = self._pen.clock() - started

    @outermost
    def pytest_runtest_call(self, item: pytest.Item) -> Wrapper:
        """Name the test that may end the process."""
        started = self._started(item.nodeid, "call")
        try:
            return (yield)
        finally:
            self._seconds["call"] = self._pen.clock() - started

    @outermost
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: Any) -> Wrapper:
        """Name the test that may end the process in its teardown."""
        bool(nextitem)  # where it is asked for, that takes its time now, and none of this test's
        started = self._started(item.nodeid, "teardown")
        try:
            return (yield)
        finally:
            self._seconds["teardown"] = self._pen.clock() - started

    def _started(self, nodeid: str, phase: str) -> float:
        self._pen.put("start", f'{self._pen.named(nodeid)},"{phase}"', at_once=True)
        self._of = nodeid
        return self._pen.clock()

    @outermost
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Wrapper:
        """Write that a phase ended, or a subtest in it. Afterwards, since plugins change a report's outcome here."""
        try:
            return (yield)
        finally:
            self._write_end(report)

    def _write_end(self, report: pytest.TestReport) -> None:
        outcome, subtest = outcome_of(report), subtest_of(report)
        told = complaint(report) if outcome != "passed" else {}
        if subtest is not None:  # in a test, nothing need follow at once
            self._pen.write("end", id=report.nodeid, phase=report.when, outcome=outcome, **told, subtest=subtest)
            return
        # Where a plugin runs tests in forked children, only pytest's own measure comes back.
        own = self._seconds if report.nodeid == self._of else {}
        seconds = own.pop(str(report.when), report.duration)
        if report.when == "teardown" and self._service.is_ending():  # by this test, or one before it
            told = {**told, "service": "ended"}
        named, word = self._pen.named(report.nodeid), '"passed"' if outcome == "passed" else self._pen.encode(outcome)
        more = f",{self._pen.encode(told)}" if told else ""
        # The next phase begins at once; after a teardown nothing need.
        at_once = report.when == "teardown"
        self._pen.put("end", f'{named},"{report.when}",{word},{seconds:.6f}{more}', at_once)

    @outermost
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Wrapper:
        """Measure what tests share. Finalizers run last in, first out: the two here enclose the fixture's own."""
        if fixturedef.scope == "function":
            return (yield)
        fixture = {"scope": fixturedef.scope, "base": fixturedef.baseid or "", "name": fixturedef.argname}
        fixture["node"] = request.node.nodeid
        end_teardown: List[Callable[[], None]] = []
        fixturedef.addfinalizer(lambda: end_teardown.pop()() if end_teardown else None)
        end_setup = self._fixture("setup", fixture)
        failed = True
        try:
            outcome = yield
            failed = not IS_YOUNG and outcome.excinfo is not None
            return outcome
        finally:
            end_setup(failed=failed)
            fixturedef.addfinalizer(lambda: end_teardown.append(self._fixture("teardown", fixture)))

    def _fixture(self, step: str, fixture: Dict[str, str]) -> Callable[..., None]:
        """Write that a step of a fixture begins; returns the function that writes that it ended."""
        self._pen.write("fixture start", step=step, **fixture)
        return partial(self._fixture_end, self._pen.clock(), step, fixture)

    def _fixture_end(self, started: float, step: str, fixture: Dict[str, str], failed: bool = False) -> None:
        seconds = round(self._pen.clock() - started, 6)
        self._pen.write("fixture end", step=step, **fixture, seconds=seconds, failed=failed)

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        """Say who stopped the run: a person, a test by pytest.exit, or pytest itself, as for --maxfail."""
        kinds = ((pytest.exit.Exception, "exit"), (pytest.Session.Interrupted, "stopped"))
        kind = next((kind for type_, kind in kinds if isinstance(excinfo.value, type_)), "keyboard")
        self._pen.write("interrupted", kind=kind, reason=capped(str(excinfo.value), MESSAGE_CHARACTERS))

    def pytest_internalerror(self, excrepr: Any) -> None:
        """Keep what went wrong in pytest or a plugin."""
        text = capped(str(excrepr), TEXT_CHARACTERS)
        self._pen.write("internal error", message=last_line(text), text=text)

    @outermost
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Wrapper:
        """Say that the tests are over; what comes now may still end the process."""
        reason = str(session.shouldfail or session.shouldstop or "")
        self._pen.write("finishing", status=int(exitstatus), reason=reason)
        try:
            return (yield)
        finally:
            self._pen.write("finish", status=int(session.exitstatus))


def _set(write: Callable[[str, object], None], spared: str, key: str, value: object) -> None:
    """Write what a suite or plugin keeps in pytest's cache, but for keys that begin as the spared ones."""
    if not key.startswith(spared):
        write(key, value)
