"""What the tests of a shard need around them: the service, and the variables by which they find it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, Iterator, Mapping, Optional

from .. import console
from ..environments.environments import Environment
from ..errors import PipelineError, ServiceDied
from ..service import lifecycle
from ..service.asking import Target, is_loopback
from ..service.lifecycle import RunningService
from ..service.readiness import wait_until_ready
from ..settings import Settings
from ..typed_yaml import Seconds
from .preparation import Environments
from .watchdog import Watchdog

PROXIES, NO_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("NO_PROXY", "no_proxy")
LOOPBACK = ("127.0.0.1", "localhost")
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
    settings: Settings, environment: Optional[Environment], log: Path, say: Say = console.say
) -> Iterator[Optional[RunningService]]:
    """Run the service while the block runs; None for a project that has none."""
    if settings.service is None:
        yield None
        return
    environ = environment.variables(os.environ) if environment else os.environ
    with lifecycle.running(settings, environ, log, say) as running:
        yield running


class ServiceSession:
    """What the tests of a shard need around them while the block runs: the service, and where they find it.

    Args:
        folder: gets service.log, and artifacts/ for evidence.
        dog: ends the service should we be killed.
        say: tells that the service starts, and that it is ready.
    """

    def __init__(
        self, settings: Settings, environments: Environments, folder: Path, dog: Watchdog, say: Say = console.say
    ) -> None:
        self._settings, self._environments, self._folder, self._dog = settings, environments, folder, dog
        self._say = say
        self._stack = ExitStack()
        self.suite = environments.suite
        self.service: Optional[RunningService] = None

    def __enter__(self) -> ServiceSession:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the service; one that was started before is stopped, or what is left of it.

        Raises:
            PipelineError: it does not come up.
        """
        self._stack.close()
        log = self._folder / "service.log"
        self.service = self._stack.enter_context(
            running_service(self._settings, self._environments.service, log, self._say)
        )
        if self.service and self.service.pid:
            self._dog.watch(self.service.pid)
            self._stack.callback(self._dog.forget, self.service.pid)

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

    def silence(self) -> str:
        """That the service answers its probe no more, and what came of that; empty where it does, or there is none."""
        if self.service is None or self._settings.service is None:
            return ""
        asked = Target(self.service.url, phase="after a test hung")
        try:
            wait_until_ready(asked, replace(self._settings.service.ready, timeout_s=Seconds(ANSWERS_IN_S)))
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


def past_proxies(environ: Mapping[str, str]) -> Dict[str, str]:
    """Let what is on this machine be reached past the proxies of an environment; nothing to add where it has none.

    Programs read NO_PROXY, no_proxy or both. Each keeps what it says; one that is not there says what the other does.

    >>> past_proxies({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".corp"})
    {'NO_PROXY': '.corp,127.0.0.1,localhost', 'no_proxy': '.corp,127.0.0.1,localhost'}
    """
    if not any(environ.get(name) or environ.get(name.lower()) for name in PROXIES):
        return {}
    said = {name: environ[name] for name in NO_PROXY if name in environ}
    return {name: _with_loopback(said.get(name, next(iter(said.values()), ""))) for name in NO_PROXY}


def _with_loopback(hosts: str) -> str:
    """Add this machine's own names to a list of hosts, unless it has them, or is all hosts."""
    there = [host.strip() for host in hosts.split(",")]
    missing = [] if "*" in there else [name for name in LOOPBACK if name not in there]
    return ",".join([*([hosts] if hosts else []), *missing])
