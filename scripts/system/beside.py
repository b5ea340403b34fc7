"""Work that is done in a thread while something else goes on, and what came of it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Callable, Generic, List, Optional, TypeVar

from ..errors import PipelineError

NAME = "beside"  # of the thread, in a traceback
LOOK_S = 0.1  # between two looks whether anybody still waits

T = TypeVar("T")


class Beside(Generic[T]):
    """Does work in a thread; where none can be started (`ulimit -u`), at once."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._over = threading.Event()
        self._found: List[T] = []
        self._error: Optional[BaseException] = None
        self._thread = threading.Thread(target=self._do, name=NAME, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._do()

    def _do(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:  # whoever asks what came of it hears it, a mistake of ours, too
            self._error = error
        finally:
            self._over.set()

    @property
    def is_over(self) -> bool:
        """Whether it is done, or has failed."""
        return self._over.is_set()

    @property
    def failure(self) -> str:
        """Why it failed; empty as long as it has not."""
        error = self._error
        return error.message if isinstance(error, PipelineError) else repr(error) if error else ""

    def check(self) -> None:
        """Raise what it failed with, if it has."""
        if self._error:
            raise self._error

    def wait(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Wait until it is done, as long as `goes_on`; raise what it failed with."""
        while goes_on() and not self._over.wait(LOOK_S):
            pass
        self.check()

    def result(self) -> T:
        """Wait for what comes of it; raise what it failed with."""
        self.wait()
        return self._found[0]

    def join(self) -> None:
        """Wait for the thread's end; nothing is raised."""
        with suppress(RuntimeError):  # it was not started
            self._thread.join()
