"""Keep the history of durations of a project: read it, ask it for estimates, add to it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional, Tuple

from ..console import say
from ..errors import PipelineError
from ..system import shared_file
from ..system.machine import machine_class
from . import forecast, timings
from .estimates import Estimates, SetUp
from .timings import Timings

if TYPE_CHECKING:  # each round asks for its selection, in a process of its own that needs no settings
    from ..settings import Settings


def file_of(settings: Settings) -> Path:
    """Name the file in which the durations of past runs are kept."""
    return settings.state / "timings.json"


def quiet(_: str) -> None:
    """Say nothing."""


def past(file: Path, tell: Callable[[str], None] = say) -> Timings:
    """Read the history; where it cannot be used, tell so in a line and go on as if nothing were known."""
    try:
        return timings.load(file)
    except PipelineError as error:
        tell(f"{error.message}; planned without timings. {error.hint}")
        return Timings()


def estimates(settings: Settings, tell: Callable[[str], None] = say) -> Tuple[Estimates, SetUp]:
    """Estimate from past runs what the next one on this machine takes.

    Args:
        tell: told why, where the history cannot be used; `quiet` where that was said before.
    """
    known = past(file_of(settings), tell)
    return forecast.estimates(known, machine_class()), forecast.set_up(known, machine_class())


def learn(settings: Settings, *parts: Timings) -> None:
    """Add what was measured; to add it twice changes nothing, and what others add meanwhile is kept.

    What a run teaches is decided by `timings.teaches`. Nothing is raised: see `shared_file.update`.
    """
    now_s = int(time.time())

    def text(known: Optional[Timings]) -> str:
        return timings.dump(timings.merge(*(timings.believed(part, now_s) for part in (known or Timings(), *parts))))

    shared_file.update(file_of(settings), timings.load, text)
