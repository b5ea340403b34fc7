"""What the tests of a shard need around them: the service, and the variables by which they find it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional

from .. import console
from ..environments.environments import Environment
from ..errors import PipelineError, ServiceDied
from ..service import lifecycle
from ..service.asking import Target, is_loopback
from ..service.lifecycle import RunningService
from ..service.monitor import Monitor
from ..service.readiness import wait_until_ready
from ..settings import Settings
from ..system.proxies import past_proxies
from ..typed_yaml import Seconds
from .preparation import Environments
from .watchdog import Watchdog

OF_OURS = ("SERVICE_PID", "SERVICE_LOG")
Say = Callable[[str], None]

ANSWERS_IN_S = 10.0  # it may be busy with what a test that was ended had asked


@contextmanager
def timed(seconds: Dict[str, float], step: str) -> Iterator[None]:
    """Note how long a step took."""
    started = time.monotonic()
    yield
    seconds[step] = time.monotonic() - started


def starts_service(settings: Settings) -> bool:
    """Tell whether the service is ours to start: the project has one, and nobody names one that runs."""
    return settings.service is not None and lifecycle.named_outside(settings.service, os.environ) is None


@contextmanager
def running_service(
    settings: Settings,
    environment: Optional[Environment],
    log: Path,
    dog: Watchdog,
    say: Say = console.say,
    index: int = 0,
    watch: lifecycle.Watch = lambda process: nullcontext(),
) -> Iterator[Optional[RunningService]]:
    """Run the service while the block runs; None for a project that has none."""
    if settings.service is None:
        yield None
        return
    environ = environment.variables(os.environ) if environment else os.environ
    with lifecycle.running(settings, environ, log, say, index, dog, watch) as running:
        yield running


class ServiceSession:
    """What the tests of a shard need around them while the block runs: the service, and where they find it.

    Args:
        folder: gets service.log, and artifacts/ for evidence.
        dog: ends the service should we be killed.
        say: tells that the service starts, and that it is ready.
        index: of the shard.
        monitor: watches the service, where somebody wants to know what it takes.
    """

    def __init__(
        self,
        settings: Settings,
        environments: Environments,
        folder: Path,
        dog: Watchdog,
        say: Say = console.say,
        index: int = 0,
        monitor: Optional[Monitor] = None,
    ) -> None:
        self._settings, self._environments, self._folder, self._dog = settings, environments, folder, dog
        self._say, self._index, self._monitor = say, index, monitor
        self._stack = ExitStack()
        self.suite = environments.suite
        self.service: Optional[RunningService] = None

    def __enter__(self) -> ServiceSession:
        try:
            self.start()
        except BaseException:  # `__exit__` is not called then
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the service; one that was started before is stopped, or what is left of it.

        Raises:
            PipelineError: it does not come up.
        """
        self._stack.close()
        log, name = self._folder / "service.log", next(iter(self._settings.all_services), "")
        watch = partial(self._monitor.watch, name) if self._monitor else lambda process: nullcontext()
        self.service = self._stack.enter_context(
            running_service(self._settings, self._environments.service, log, self._dog, self._say, self._index, watch)
        )
        if self._monitor and self.service and self.service.pid and self._settings.service:
            self._monitor.ready(name, self.service.url, self.service.ready_s, self._settings.service.ready)

    def variables(self) -> Dict[str, str]:
        """Make the suite's environment."""
        return suite_variables(self.suite.variables(os.environ), self.service, self._folder / "artifacts")

    def death(self) -> str:
        """Say how the service died, its last lines included; empty while it runs, and where it is not ours."""
        try:
            if self.service:
                self.service.check_alive()
        except ServiceDied as error:
            return error.message
        return ""

    def death_ago_s(self) -> float:
        """Count the seconds since its process ended; 0 where that is not known."""
        process = self.service.process if self.service else None
        return process.ended_ago_s() if process else 0.0

    def silence(self) -> str:
        """That the service answers its probe no more, and what came of that; empty where it does, or there is none."""
        if self.service is None or self._settings.service is None:
            return ""
        asked, probe = Target(self.service.url, phase="after a test hung"), self._settings.service.ready
        if probe.log is not None:  # it said once that it is ready; whether it serves, the port tells
            probe = replace(probe, log=None, tcp=True)
        try:
            wait_until_ready(asked, replace(probe, timeout_s=Seconds(ANSWERS_IN_S)))
        except PipelineError as error:
            return f"the service hung: {error.message}"
        return ""


def suite_variables(environ: Mapping[str, str], running: Optional[RunningService], artifacts: Path) -> Dict[str, str]:
    """Make the suite's environment: where the service is, and where to leave evidence.

    SERVICE_PID and SERVICE_LOG are there only for a service that we started.
    """
    own = {"SHARDLINE_ARTIFACTS": str(artifacts)}
    if running:
        own["SERVICE_URL"] = running.url
        own.update(past_proxies(environ) if is_loopback(running.url) else {})
    if running and running.pid is not None:
        own.update({"SERVICE_PID": str(running.pid), "SERVICE_LOG": str(running.log)})
    return {**{name: value for name, value in environ.items() if name not in OF_OURS}, **own}
