"""Lets two processes run a test each at the same time: `nox -s isolation` proves so that they disturb each other.

Each process appends a byte to a file of its own for each step that it came to, and waits for the other's file to be
as long: before a test's set-up, and before its call. Uses of what both touch are drawn out a little, so that they meet.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Dict, Mapping, Tuple

import pytest

from .hook_style import Wrapper, outermost
from .touches import READ, Eyes

POLL_S = 0.001
PAUSE_S = 0.03  # before a use of what both touch
MOST_PAUSES = 20  # of one test
GONE = 10**6  # bytes: who has ended is ahead of everybody


class Meeting:
    """Waits for the other process before each of the tests that are to meet one of its.

    Args:
        told: "mine" and "other", files; "tests": the ids that meet another, in order; "contested": what each of them
            and its partner touch; "wait_s": how long to wait at most, in each place.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._mine, self._other, self._wait_s = told["mine"], told["other"], float(told["wait_s"])
        self._steps = {nodeid: number for number, nodeid in enumerate(told["tests"])}
        self._contested: Mapping[str, Any] = told.get("contested", {})
        self._eyes, self._paused = Eyes(), 0
        self._seen: Dict[str, int] = {}  # how often a test has used what is contested
        self._now: Any = ()
        self._came, self._stat, self._open, self._write, self._close = 0, os.stat, os.open, os.write, os.close
        self._sleep, self._clock = time.sleep, time.monotonic

    def pytest_sessionstart(self) -> None:
        """Look out for what both touch."""
        sys.addaudithook(self._hook)

    @outermost
    def pytest_runtest_protocol(self, item: pytest.Item) -> Wrapper:
        """Begin together; one that ended early lets the other go on."""
        step = self._steps.get(item.nodeid)
        if step is not None:
            self._meet(2 * step + 1)
            self._seen, self._paused = {}, 0
            self._now = self._contested.get(item.nodeid, ())
        try:
            return (yield)
        finally:
            self._now = ()
            if step is not None:
                self._announce(2 * step + 2)

    @outermost
    def pytest_runtest_call(self, item: pytest.Item) -> Wrapper:
        """Come to the call together."""
        if item.nodeid in self._steps:
            self._meet(2 * self._steps[item.nodeid] + 2)
        return (yield)

    def pytest_sessionfinish(self) -> None:
        """Keep nobody waiting."""
        self._announce(GONE)

    def _announce(self, count: int) -> None:
        if count > self._came:
            descriptor = self._open(self._mine, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            self._write(descriptor, b"." * (count - self._came))
            self._close(descriptor)
            self._came = count

    def _meet(self, count: int) -> None:
        self._announce(count)
        until = self._clock() + self._wait_s
        while self._length() < count and self._clock() < until:
            self._sleep(POLL_S)

    def _length(self) -> int:
        try:
            return self._stat(self._other).st_size
        except OSError:
            return 0

    def _hook(self, event: str, args: Tuple[Any, ...]) -> None:
        if not self._now or self._paused >= MOST_PAUSES:
            return
        try:
            touched = [touch for touch in self._eyes.touched(event, args) if touch[1] in self._now]
        except Exception:
            return
        for kind, what in touched:
            self._seen[what] = self._seen.get(what, 0) + 1
            if kind == READ or self._seen[what] > 1:
                self._paused += 1
                self._sleep(PAUSE_S)
