"""Start the service under test, know when it can work, and leave nothing of it behind."""

from .lifecycle import Service, check_port, in_background, named_outside, running, start_detached, stop_recorded
from .signals import ends_with, held_back, raise_on_signals

__all__ = [
    "Service",
    "check_port",
    "ends_with",
    "held_back",
    "in_background",
    "named_outside",
    "raise_on_signals",
    "running",
    "start_detached",
    "stop_recorded",
]
