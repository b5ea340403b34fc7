"""Start the service for a person, exactly as the pipeline starts it, until Ctrl-C."""

from __future__ import annotations

import dataclasses
import os
import time
from typing import Dict, Optional, Tuple

from ..console import say
from ..errors import SettingsError
from ..runner import preparation
from ..runner.watchdog import watchdog
from ..service import lifecycle
from ..settings import Settings

POLL_S = 0.2


def run(settings: Settings, port: Optional[int] = None) -> None:
    """Keep the service until Ctrl-C or SIGTERM; then stop it.

    Raises:
        PipelineError: it cannot be started, or it ends by itself.
    """
    settings, environ = prepare(settings, port)
    log = settings.reports / "serve.log"
    with watchdog() as dog, lifecycle.running(settings, environ, log, dog=dog) as running:
        say(f"\nopen {running.url}    (log: {running.log}; Ctrl-C stops it)")
        while True:
            running.check_alive()
            time.sleep(POLL_S)


def run_detached(settings: Settings, port: Optional[int] = None) -> None:
    """Start the service in the background, unless it runs there already, and say how to stop it.

    Raises:
        PipelineError: it cannot be started.
    """
    stop = f"stop it: {settings.command('invoke', 'stop')}"
    there = lifecycle.in_background(settings.state)
    if there:
        say(f"runs already: open {there[0].url}    (log: {there[0].log}; {stop})")
        return
    settings, environ = prepare(settings, port)
    running = lifecycle.start_detached(settings, environ, settings.reports / "background.log")
    say(f"\nopen {running.url}    (log: {running.log}; {stop})")


def prepare(settings: Settings, port: Optional[int] = None) -> Tuple[Settings, Dict[str, str]]:
    """Gather everything the service needs to start: settings with the port, and its variables.

    Raises:
        PipelineError: packages or weights cannot be had.
    """
    if settings.service is None or not settings.service.command:
        raise SettingsError(f"{settings.file} has no service.command, so there is nothing to start", "Add it.")
    settings.check_warm_up_files()
    ours = dataclasses.replace(settings.service, url=None, port=port or settings.service.port)
    settings = dataclasses.replace(settings, service=ours)
    environment = preparation.install(settings, with_suite=False).service
    preparation.fetch_weights(settings)
    environ = environment.variables(os.environ) if environment else dict(os.environ)
    environ.pop("SERVICE_URL", None)  # it names somebody else's service, this is ours
    return settings, environ
