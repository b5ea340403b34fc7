"""Who ends what we started should we be killed, as a runner has one (runner/watchdog.py)."""

from __future__ import annotations

from typing import Protocol


class Watchdog(Protocol):
    """Whoever ends what we started should we be killed; it is told of a start before it is made."""

    def expect(self, mark: str) -> None:
        """Hear that all with this mark is to end with us."""

    def watch(self, mark: str, pid: int) -> None:
        """Hear who leads the session of it."""

    def forget(self, mark: str) -> None:
        """Hear that it has ended."""


class NoWatchdog:
    """Nobody: what is left of a killed run is ended at the next start."""

    def expect(self, mark: str) -> None:
        """Do nothing."""

    def watch(self, mark: str, pid: int) -> None:
        """Do nothing."""

    def forget(self, mark: str) -> None:
        """Do nothing."""


NOBODY = NoWatchdog()
