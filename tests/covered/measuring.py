"""Measure this Python, from its start to its end.

A line of a .pth file imports it in each Python of the environment that the measured tests run in: neither an
environment that was emptied, nor another current folder or -I keeps it from that, and forks go on measuring. What
SIGKILL ends is lost. Whatever goes wrong here is not the tests' concern: disks that are full, other users.
"""

import atexit
import os
from contextlib import suppress
from functools import lru_cache


@lru_cache(maxsize=None)  # Python reads a .pth file twice where lib64 is another name of lib
def start(config: str) -> None:
    """Begin, into a file of this process's own.

    Args:
        config: of coverage, which names that file's folder.
    """
    with suppress(Exception):
        import coverage

        measured = coverage.Coverage(config_file=config, data_suffix=True)
        measured.start()
        atexit.register(_keep, measured)
        os.register_at_fork(before=measured.save)  # else each fork of a long run keeps all of that once more
        leave = os._exit

        def keep_and_leave(status: int) -> None:
            _keep(measured)
            leave(status)

        os._exit = keep_and_leave  # type: ignore[assignment]


def _keep(measured: object) -> None:
    with suppress(BaseException):
        measured.stop()  # type: ignore[attr-defined]
        measured.save()  # type: ignore[attr-defined]
