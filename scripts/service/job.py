"""What is asked of whoever runs a service: which one, with what, and who hears of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Callable, ContextManager, Mapping, NamedTuple

from .. import console
from ..errors import SettingsError
from ..settings import Service, Settings
from ..system.processes import Process
from .names import ONLY
from .watchdogs import NOBODY, Watchdog


class Job(NamedTuple):
    """A service to run.

    Args:
        environ: what the service inherits; its PATH finds the program.
        log: the file that its output goes to; those of earlier starts stay beside it, see `log_files`.
        name: which of several.
        shard: what {shard} stands for.
        say: hears what happens, a line at a time.
        dog: ends the service should we be killed.
        watch: watches the process from its start on until it is stopped.
    """

    project: Settings
    environ: Mapping[str, str]
    log: Path
    name: str = ONLY
    shard: int = 0
    say: Callable[[str], None] = console.say
    dog: Watchdog = NOBODY
    watch: Callable[[Process], ContextManager[None]] = lambda process: nullcontext()

    @property
    def service(self) -> Service:
        """Find its settings.

        Raises:
            SettingsError: the project has no such service.
        """
        service = self.project.all_services.get(self.name)
        if service is None:
            raise SettingsError(f"{self.project.file} has no service:", "Add one, or run the suite without.")
        return service
