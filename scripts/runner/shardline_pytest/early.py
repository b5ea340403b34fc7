"""Notes whether the suite asked the service while it was collected, when that may not have been ready.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from typing import Any, Tuple


class Early:
    """Hears of each connection of this process to a port, until the suite is collected."""

    def __init__(self, port: int) -> None:
        self._port, self._is_over = port, False
        self.asked = False
        sys.addaudithook(self._hear)  # for good: there is no way to take one away

    def _hear(self, event: str, arguments: Tuple[Any, ...]) -> None:
        if self._is_over or event != "socket.connect":
            return
        address = arguments[1]
        if isinstance(address, tuple) and len(address) > 1 and address[1] == self._port:
            self.asked = True

    def close(self) -> bool:
        """Hear no more, and tell whether anybody asked."""
        self._is_over = True
        return self.asked
