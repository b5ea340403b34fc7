"""Start the service under test, know when it can work, and leave nothing of it behind."""

from .lifecycle import Service, check_port, in_background, named_outside, running, start_detached, stop_recorded

__all__ = [
    "Service",
    "check_port",
    "in_background",
    "named_outside",
    "running",
    "start_detached",
    "stop_recorded",
]
