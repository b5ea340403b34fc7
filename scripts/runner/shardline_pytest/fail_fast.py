"""Tells the runner after each test how it ended, and stops where that says so: at the first that fails, in any shard.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from .channel import Channel, Gone, Unanswered
from .hook_style import Wrapper, outermost

ANSWERED_IN_S = 2.0


class FailFast:
    """Sees whether a test is red: after its retries, and as plugins have changed its reports."""

    def __init__(self, channel: Channel) -> None:
        self._channel, self._red = channel, False

    @outermost
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Wrapper:
        """See it."""
        try:
            return (yield)
        finally:
            self._red = self._red or bool(report.failed)

    @outermost
    def pytest_runtest_protocol(self, item: pytest.Item) -> Wrapper:
        """Say it when the test has ended."""
        self._red = False
        outcome = yield
        with suppress(Unanswered, Gone, ValueError):  # the next question finds out, and this one is not worth a run
            said = self._channel.is_ours and self._channel.ask({"ended": item.nodeid, "red": self._red}, ANSWERED_IN_S)
            if said and said.get("stop"):
                item.session.shouldstop = str(said["stop"])
        return outcome
