"""Start the services for a person, exactly as the pipeline starts them, until Ctrl-C."""

from __future__ import annotations

import dataclasses
import os
import time
from contextlib import ExitStack
from typing import Dict, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import bare_urls, say
from ..errors import SettingsError
from ..runner import hygiene, preparation
from ..runner.preparation import Environments
from ..runner.watchdog import watchdog
from ..service import command, lifecycle, ports, running_service
from ..service.job import Job
from ..service.names import ONLY, first, log_name, variable
from ..service.running_service import RunningService
from ..service.watchdogs import NOBODY, Watchdog
from ..settings import Settings

POLL_S = 0.2


class Wish(NamedTuple):
    """What a person wants of the first service: where it listens, if not as the settings say, and further words."""

    host: Optional[str] = None
    port: Optional[int] = None
    words: Sequence[str] = ()


AS_SET = Wish()


def run(settings: Settings, wish: Wish = AS_SET) -> None:
    """Keep the services until Ctrl-C or SIGTERM; then stop them.

    Raises:
        PipelineError: one cannot be started, or ends by itself.
    """
    settings, environments = prepare(settings, wish)
    with ExitStack() as stack:
        stack.callback(hygiene.of_services, settings)  # when they have ended
        up = _up(settings, environments, "serve", {}, stack, stack.enter_context(watchdog()))
        say()
        for service in up.values():
            say(_open(service, "Ctrl-C stops it"))
        _tell_reach(settings)
        while True:
            for service in up.values():
                service.check_alive()
            time.sleep(POLL_S)


def run_detached(settings: Settings, wish: Wish = AS_SET) -> None:
    """Start the services in the background, but for those that run there already, and say how to stop them.

    Raises:
        PipelineError: one cannot be started; those that were are stopped again.
    """
    there = running_service.in_background(settings.state)
    stop = f"stop it: {settings.command('invoke', 'stop')}"
    wanted = {name for name, service in settings.all_services.items() if service.command}
    if wanted and there.keys() >= wanted:
        for name in settings.all_services:
            if name in there:
                say(f"runs already: {_open(there[name], stop)}")
        return
    settings, environments = prepare(settings, wish)
    with ExitStack() as stack:
        up = _up(settings, environments, "background", there, stack)
        running_service.detach(settings.state, up.values())
    say()
    for service in up.values():
        say(f"{'runs already: ' if service.name in there else ''}{_open(service, stop)}")
    if first(settings) not in there:
        _tell_reach(settings)


def _up(
    settings: Settings,
    environments: Environments,
    use: str,
    there: Mapping[str, RunningService],
    stack: ExitStack,
    dog: Watchdog = NOBODY,
) -> Dict[str, RunningService]:
    """Start the services that are not there yet, in order of need.

    Args:
        use: what their logs are called.
        stack: ends them.
        dog: ends them should we be killed.
    """
    up: Dict[str, RunningService] = {}
    own = _without_addresses(settings, os.environ)
    for name, service in settings.all_services.items():
        needed = [up[needed] for needed in service.needs]
        environ = {**environments.of_service(name, own), **running_service.addresses(needed)}
        if name in there:
            up[name] = there[name]
        elif not service.command:  # elsewhere: to ask it is up to who needs it
            up[name] = RunningService(str(service.url), 0, 0, name=name)
        else:
            log = settings.reports / log_name(name, use)
            up[name] = stack.enter_context(lifecycle.running(Job(settings, environ, log, name, dog=dog)))
    return up


def _open(service: RunningService, stop: str) -> str:
    name = "" if service.name == ONLY else f"{service.name}; "
    more = f"log: {service.log}; {stop}" if service.log else "runs elsewhere"
    return f"open {bare_urls(service.url)}    ({name}{more})"


def _tell_reach(settings: Settings) -> None:
    """Say that others reach the first service too, where it listens on more than the url shows."""
    service = settings.all_services[first(settings)]
    if service.command and service.host in ports.ALL:
        say(f"it listens on all addresses of this machine ({service.host}): whoever reaches it can use the service")


def prepare(settings: Settings, wish: Wish = AS_SET) -> Tuple[Settings, Environments]:
    """Gather everything the services need to start: settings with what is wished, and their environments.

    What has a command is started, whoever else names a url of it.

    Raises:
        PipelineError: packages or weights cannot be had.
    """
    if not any(service.command for service in settings.all_services.values()):
        raise SettingsError(f"{settings.file} has no service.command, so there is nothing to start", "Add it.")
    settings.check_warm_up_files()
    settings.check_weights()
    ours = {
        name: dataclasses.replace(service, url=None) if service.command else service
        for name, service in settings.all_services.items()
    }
    main = first(settings)
    ours[main] = command.placed(ours[main], *wish)
    in_their_order = {name: ours[name] for name in settings.services}
    settings = dataclasses.replace(settings, service=ours[main], services=in_their_order)
    environ = _without_addresses(settings, os.environ)
    environments = preparation.install(settings, with_suite=False, environ=environ)
    environments.tell()
    preparation.fetch_weights(settings)
    return settings, environments


def _without_addresses(settings: Settings, environ: Mapping[str, str]) -> Dict[str, str]:
    """Drop the variables that name somebody else's services: these are ours."""
    named = {"SERVICE_URL", *map(variable, settings.services)}
    return {name: value for name, value in environ.items() if name not in named}
