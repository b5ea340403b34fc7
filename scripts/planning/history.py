"""The history of durations of a project: read, asked for estimates, added to."""

from __future__ import annotations

from pathlib import Path
from typing import Tuple

from ..settings import Settings
from ..system.machine import machine_class
from . import forecast, timings
from .estimates import Estimates, SetUp
from .timings import Timings


def file_of(settings: Settings) -> Path:
    """Where the durations of past runs are kept."""
    return settings.state / "timings.json"


def estimates(settings: Settings) -> Tuple[Estimates, SetUp]:
    """Estimate from past runs what the next one on this machine takes.

    Raises:
        PipelineError: the history cannot be read.
    """
    past = timings.load(file_of(settings))
    return forecast.estimates(past, machine_class()), forecast.set_up(past, machine_class())


def learn(settings: Settings, *parts: Timings) -> None:
    """Add what was measured; to add it twice changes nothing.

    Raises:
        PipelineError: the history cannot be read or written.
    """
    timings.save(timings.merge(timings.load(file_of(settings)), *parts), file_of(settings))
