"""A service that has been started and is not ready yet, while something else goes on beside it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Callable, Optional

from ..errors import PipelineError
from .running_service import RunningService

LOOK_S = 0.1  # between two looks whether anybody still waits


class Rising:
    """Waits in a thread until a service is ready and warmed up, and keeps what came of that.

    Args:
        service: as far as it is known once it is started.
        wait: waits, and says all of it.
        then: hears it when it is ready.
    """

    def __init__(
        self, service: RunningService, wait: Callable[[], RunningService], then: Callable[[RunningService], None]
    ) -> None:
        self.service = service
        self._wait, self._then = wait, then
        self._over = threading.Event()
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # no thread can be started (`ulimit -u`)
            self._work()

    def _work(self) -> None:
        try:
            self.service = self._wait()
            self._then(self.service)
        except BaseException as error:  # whoever waits for it hears it, a mistake of ours, too
            self._error = error
        finally:
            self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether it is ready, or will never be."""
        return self._over.is_set()

    @property
    def failure(self) -> str:
        """Why it will not be ready; empty as long as it may be."""
        error = self._error
        return error.message if isinstance(error, PipelineError) else repr(error) if error else ""

    def check(self) -> None:
        """Raise what keeps it from being ready; nothing as long as it may be.

        Raises:
            ServiceDied, ServiceNotReady, PortInUse, WarmUpFailed: as of a service that is waited for.
        """
        if self._error:
            raise self._error

    def wait(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Wait until it is ready, as long as `goes_on`.

        Raises:
            PipelineError: see `check`.
        """
        while goes_on() and not self._over.wait(LOOK_S):
            pass
        self.check()

    def end(self) -> None:
        """Wait for the thread; to be called when the service is stopped, which ends the wait."""
        with suppress(RuntimeError):  # it was not started
            self._thread.join()
