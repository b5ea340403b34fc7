"""Change files kept between runs (timings, memory, what failed last): one writer at a time, and no bad one matters."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Callable, Optional, TypeVar

from ..console import say
from ..errors import PipelineError
from . import locks
from .files import NewerSchema, write_text

T = TypeVar("T")


def update(file: Path, read: Callable[[Path], T], change: Callable[[Optional[T]], str]) -> None:
    """Read, change and replace a file, while no other process does.

    What a run learns must not decide how it ends: so nothing is raised where the file cannot be used, and a line says
    what is lost. One that cannot be read is set aside; one that a newer version wrote is left alone. Where locks do not
    work, or their holder hangs, two that write at the same moment may lose what one of them adds, and nothing else.

    Args:
        read: raises PipelineError where the file cannot be used.
        change: makes the new text of what was read; of None where there is nothing.
    """
    with locks.briefly(file.with_name(f".{file.name}.lock"), _Patience(file)):
        try:
            known = read(file) if os.path.lexists(str(file)) else None
        except NewerSchema as error:
            say(f"{error.message}; it is left as it is, and nothing is added to it. {error.hint}")
            return
        except PipelineError as error:
            known = None
            if not _set_aside(file, error):
                return
        try:
            write_text(file, change(known))
        except PipelineError as error:
            say(f"{error.message}; what this run would add is lost. {error.hint}")


class _Patience:
    """Say once that another process changes a file, and give up the second time: nobody needs half a minute for it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waited = False

    def __call__(self) -> None:
        if self._waited:
            raise TimeoutError(f"another process holds the lock of {self._file}")
        self._waited = True
        say(f"waiting for another process that changes {self._file}")


def _set_aside(file: Path, reason: PipelineError) -> bool:
    """Rename a file that cannot be read, and say so; say whether its name is free now."""
    aside = file.with_name(f"{file.name}.unreadable")
    try:
        file.replace(aside)
    except OSError as error:
        say(f"{reason.message}; it cannot be set aside ({error}), and nothing is kept. Delete it.")
        return False
    say(f"{reason.message}; it is set aside as {aside.name}, and a new one is begun.")
    return True
