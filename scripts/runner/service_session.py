"""What the tests of a shard need around them: the services, and the variables by which they find them."""

from __future__ import annotations

import dataclasses
import json
import os
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Callable, Container, ContextManager, Dict, Iterable, List, Mapping, Optional, Union
from urllib.parse import urlsplit

from .. import console
from ..errors import PipelineError, ServiceDied
from ..service import lifecycle, log_files
from ..service.asking import Target
from ..service.command import knows_port
from ..service.elsewhere import all_outside
from ..service.job import Job
from ..service.monitor import Monitor, Watched
from ..service.names import first, log_name, title, variable, which
from ..service.ports import HOST
from ..service.readiness import wait_until_ready
from ..service.running_service import RunningService, addresses
from ..settings import Service, Settings
from ..system.beside import Beside
from ..system.processes import Process
from ..system.proxies import is_loopback, past_proxies
from ..typed_yaml import Seconds
from . import service_coverage, sharing
from .preparation import Environments
from .sharing import SHARED
from .watchdog import Watchdog

OF_OURS = ("SERVICE_PID", "SERVICE_LOG")
# What judges sound in the suite; not what a run around this one says.
QUALITY, MODELS, RECOGNISER, BASELINE = OF_QUALITY = (
    "SHARDLINE_QUALITY",
    "SHARDLINE_MODELS",
    "SHARDLINE_RECOGNISER",
    "SHARDLINE_BASELINE",
)
Say = Callable[[str], None]

CLOSED_PORT = 9  # "discard" (RFC 863): no service listens there, and none may that is not root's
SHOWN_S = 0.1  # a look at what was prepared before is no step
ANSWERS_IN_S = 10.0  # it may be busy with what a test that was ended had asked
BESIDE_S = 500.0  # the plugin waits 600 s to hear which tests to run
CLOSES_IN_S = 30.0  # or with what the last test asked and did not wait for


def own_services(settings: Settings) -> Dict[str, Service]:
    """Find the services that are ours to start, by name: nobody names one that runs, and no run of all shards did."""
    elsewhere = all_outside(settings, os.environ)
    shared = sharing.names(settings) if sharing.handed(os.environ) else []
    services = settings.all_services
    return {name: services[name] for name in services if name not in elsewhere and name not in shared}


def starts_service(settings: Settings) -> bool:
    """Tell whether there is a service that is ours to start."""
    return bool(own_services(settings))


def comes_up_beside(settings: Settings) -> bool:
    """Tell whether pytest may start and collect while the service comes up: the only one, ours, and soon there."""
    own = list(own_services(settings).values())
    if settings.suite.asks_while_collected or len(own) != 1 or len(settings.all_services) != 1:
        return False
    return own[0].ready.timeout_s + sum(each.timeout_s for each in own[0].warm_ups) <= BESIDE_S


class ServiceSession:
    """What the tests of a shard need around them while the block runs: the services, and where they find them.

    Args:
        folder: gets service.log, or a log for each of several, and artifacts/ for evidence.
        dog: ends the services should we be killed.
        say: tells that a service starts, and that it is ready.
        index: of the shard.
        names: of the services that are wanted; None for all.
        monitor: watches the services, where somebody wants to know what they take.
        beside: the block begins while a service comes up, where the suite asks it for nothing until it is collected.
    """

    def __init__(
        self,
        settings: Settings,
        environments: Environments,
        folder: Path,
        dog: Watchdog,
        say: Say = console.say,
        index: int = 0,
        names: Optional[Container[str]] = None,
        monitor: Optional[Monitor] = None,
        beside: bool = False,
    ) -> None:
        self._settings, self._environments, self._folder, self._dog = settings, environments, folder, dog
        self._say, self._index, self._monitor = say, index, monitor
        self._wanted = [name for name in settings.all_services if names is None or name in names]
        self._stack = ExitStack()
        file = sharing.handed(os.environ)
        self._shared = sharing.Shared(file, sharing.limit_s(settings)) if file else None
        self._is_silent = False
        self._beside = beside
        self.took: Dict[str, float] = {}  # by step, until the services that we started were ready for the first time
        self._rising: Optional[Beside[None]] = None
        self.lost_shared = False  # whether what died, or hung, when that was last asked is shared with other shards
        self.suite = environments.suite
        self.services: Dict[str, RunningService] = {}

    @property
    def service(self) -> Optional[RunningService]:
        """The one that SERVICE_URL names; None for a project that has none."""
        return self.services.get(first(self._settings))

    def __enter__(self) -> ServiceSession:
        try:
            self.start(self._beside and comes_up_beside(self._settings))
        except BaseException:  # `__exit__` is not called then
            self._stack.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def stop_measured(self) -> None:
        """Stop the services where one measures its coverage: it saves that at its end, before the result is written."""
        if service_coverage.names(self._settings, self._wanted):
            self._stack.close()
            for line in service_coverage.missing(self._settings, self._wanted, self._folder):
                self._say(line)

    def start(self, beside: bool = False) -> None:
        """Start the services, in order of need; those that were started before are stopped, or what is left of them.

        Args:
            beside: return when they have been started; `wait` until they are ready.

        Raises:
            PipelineError: one does not come up; those before it are stopped.
        """
        self._stack.close()
        joined = self._shared.join(self._is_silent) if self._shared else {}
        self.services, self._is_silent, self._rising = {}, False, None
        for name in self._wanted:
            if name in joined:
                self._up(self._join(joined[name]))
            elif beside:
                begun, self._rising = self._stack.enter_context(lifecycle.rising(self._job(name), self._up))
                self.services.setdefault(name, begun)  # where it is not ready already
            else:
                self._up(self._stack.enter_context(lifecycle.running(self._job(name))))

    def _up(self, running: RunningService) -> None:
        """Take note that a service is ready."""
        name = running.name
        self.services[name] = running
        self.took = self.took or self._seconds() if len(self.services) == len(self._wanted) else {}
        if self._monitor and running.record:
            self._monitor.ready(name, running.url, running.ready_s, self._settings.all_services[name].ready)

    @property
    def rises_at(self) -> str:
        """The port of a service that comes up while pytest collects; empty where none does."""
        urls = [service.url for service in self.services.values()] if self._rising else []
        return str(urlsplit(urls[0]).port) if urls else ""

    def wait(self, goes_on: Callable[[], bool]) -> None:
        """Wait until the services are ready that come up while pytest collects, as long as `goes_on`.

        Raises:
            PipelineError: one does not come up.
        """
        if self._rising:
            self._rising.wait(goes_on)

    def check(self) -> None:
        """Raise what keeps a service from being ready that came up while pytest collected.

        Raises:
            PipelineError: as where it is waited for before pytest starts.
        """
        if self._rising:
            self._rising.check()

    def _join(self, service: RunningService) -> RunningService:
        """Take a service that the run of all shards has started."""
        self._say(f"{title(service.name)}: shared {service.url}, pid {service.pid}, log {service.log}")
        if service.record:
            self._stack.enter_context(self._watch(service.name, Watched(service.record.process, service.record.run_id)))
        return service

    def _job(self, name: str) -> Job:
        needed = [self.services[needed] for needed in self._settings.all_services[name].needs]
        environ = {**self._environments.of_service(name, os.environ), **addresses(needed)}
        if self._settings.all_services[name].coverage:
            environ = service_coverage.measuring(self._settings, name, environ, self._folder)
        log, watch = self._folder / log_name(name), partial(self._watch, name)
        return Job(self._settings, environ, log, name, self._index, self._say, self._dog, watch)

    def _watch(self, name: str, process: Union[Process, Watched]) -> ContextManager[None]:
        return self._monitor.watch(name, process) if self._monitor else nullcontext()

    def _seconds(self) -> Dict[str, float]:
        """Tell how long it took until the services that we started were ready, and to warm them up."""
        own = [service for service in self.services.values() if not service.is_shared]
        if not own:
            return {}
        prepare_s = sum(service.prepare_s for service in own)
        return {
            **({"prepare": prepare_s} if prepare_s >= SHOWN_S else {}),
            "service ready": sum(service.ready_s for service in own),
            "warm-up": sum(service.warm_up_s for service in own),
        }

    def variables(self) -> Dict[str, str]:
        """Make the suite's environment."""
        given = {name: value for name, value in self.suite.variables(os.environ).items() if name not in OF_QUALITY}
        environ = {**given, **quality_variables(self._settings)}
        artifacts = self._folder / "artifacts"
        several = self.services.values() if self._settings.services else ()
        return suite_variables(environ, self.service, artifacts, several)

    def death(self) -> str:
        """Say how a service died, its last lines included; empty while all run, and of those that are not ours."""
        if self._rising and (self._rising.failure or not self._rising.is_over):
            return self._rising.failure
        for service in self.services.values():
            try:
                service.check_alive()
            except ServiceDied as error:
                self.lost_shared = service.is_shared
                return self._shared.death(error.message) if self._shared and service.is_shared else error.message
        return ""

    def death_ago_s(self) -> float:
        """Count the seconds since the first process of ours ended; 0 where that is not known."""
        own = [service.process for service in self.services.values() if service.process]
        return max((process.ended_ago_s() for process in own), default=0.0)

    def silence(self) -> str:
        """Say which service answers its probe no more, and what came of that; empty where all do, or there is none."""
        asked = ("the service hung", "after a test hung", ANSWERS_IN_S)
        return next(filter(None, (self._silence_of(service, *asked) for service in self.services.values())), "")

    def closing(self) -> str:
        """Say which service does not answer its probe after the last test; empty where all do, or there is none.

        Tests that skip or pass where they reach none say nothing of it. One without a port has said all in its log.
        """
        asked = ("the service answers no more", "after the last test", CLOSES_IN_S)
        services = [service for service in self.services.values() if self._has_port(service.name)]
        silences = (self._silence_of(service, *asked) for service in services)
        return self.death() or next(filter(None, silences), "")

    def _has_port(self, name: str) -> bool:
        service = self._settings.all_services[name]
        return service.ready.log is None or knows_port(service)

    def _silence_of(self, service: RunningService, how: str, phase: str, patience_s: float) -> str:
        probe = self._settings.all_services[service.name].ready
        if probe.log is not None:  # it said once that it is ready
            probe = dataclasses.replace(probe, log=None, tcp=True)  # whether it serves, the port tells
        asked = Target(service.url, phase=phase)
        try:
            wait_until_ready(asked, dataclasses.replace(probe, timeout_s=Seconds(patience_s)))
        except PipelineError as error:
            self.lost_shared = self._is_silent = service.is_shared
            words = SHARED if service.is_shared else f"the {title(service.name)}"
            return which(f"{how}: {error.message}", words)
        return ""


def suite_variables(
    environ: Mapping[str, str],
    main: Optional[RunningService],
    artifacts: Path,
    several: Iterable[RunningService] = (),
) -> Dict[str, str]:
    """Make the suite's environment: where the services are, and where to leave evidence.

    SERVICE_PID and SERVICE_LOG are there only for a service that we started.

    Args:
        main: the one that SERVICE_URL names.
        several: those that have names; each has its SERVICE_NAME_URL.
    """
    services = list(several)
    own = {"SHARDLINE_ARTIFACTS": str(artifacts), **addresses(services)}
    if main:
        own["SERVICE_URL"] = main.url
    if main and main.pid is not None:
        own.update({"SERVICE_PID": str(main.pid), "SERVICE_LOG": str(main.log)})
    urls = [service.url for service in (*services, *([main] if main else []))]
    if any(map(is_loopback, urls)):
        own.update(past_proxies(environ, urls))
    old = {*OF_OURS, *(variable(service.name, "PID") for service in services)}
    return {**{name: value for name, value in environ.items() if name not in old}, **own}


def quality_variables(settings: Settings) -> Dict[str, str]:
    """Hand on what judges sound in the suite: limits of pipeline.yml, and the folder of the weights, where there are.

    >>> quality_variables(Settings())
    {}
    """
    limits = {name: dataclasses.asdict(bounds) for name, bounds in settings.quality.items()}
    variables = {QUALITY: json.dumps(limits)} if limits else {}
    if settings.suite.recogniser:
        variables[RECOGNISER] = json.dumps(settings.suite.recogniser)
    if settings.suite.baseline:
        variables[BASELINE] = str(settings.project / settings.suite.baseline)
    return {**variables, MODELS: str(settings.models_directory)} if settings.models else variables


def urls_of(settings: Settings) -> Dict[str, str]:
    """Give the variables that name the services where the suite is collected only, without what may be a secret."""
    found = collection_variables(settings, {}, Path())
    return {name: console.bare_urls(value) for name, value in found.items() if name.startswith("SERVICE_")}


def collection_variables(settings: Settings, environ: Mapping[str, str], artifacts: Path) -> Dict[str, str]:
    """Make the environment in which the suite is collected only: no service runs, and each has a URL all the same.

    A suite may read it when it is imported. Whoever asks there is refused: nothing listens on that port.
    """
    elsewhere = all_outside(settings, environ)
    services = {}
    for name, service in settings.all_services.items():
        url = elsewhere[name].url if name in elsewhere else f"http://{HOST}:{service.port or CLOSED_PORT}"
        services[name] = RunningService(url, 0, 0, name=name)
    several = services.values() if settings.services else ()
    return suite_variables(environ, services.get(first(settings)), artifacts, several)


def logs_of(settings: Settings, folder: Path, death: str = "") -> List[Path]:
    """List the logs of the services that a shard used which are there: its own, then what it shared.

    Args:
        death: the words of an error that may say which service it is about.
    """
    names = [name for name in settings.all_services if f" {title(name)} " in f" {death} "] or settings.all_services
    places = (folder, settings.reports / sharing.FOLDER)
    logs = [log for place in places for name in names for log in log_files.all_of(place / log_name(name))]
    return [*logs, *(log for place in places for log in log_files.all_of(place / log_files.PREPARE_LOG))]
