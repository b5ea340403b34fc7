"""One service for all shards of a run here: what the run tells them of it, and how they ask for another.

The run of all shards starts it and writes where it is into a file, which it names to its shards. A shard that sees it
dead, or silent, asks for another one by laying a file beside that; the run starts it once for all who ask, and the
number of the generation in the file grows.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from .. import ci
from ..errors import PipelineError, ServiceDied
from ..service.running_service import RunningService
from ..settings import Settings
from ..system import files, records

VARIABLE = "SHARDLINE_SERVICES"  # in a shard's environment: the file of the run that started it
FOLDER = "shared-service"  # in the reports: the logs, and that file
FILE_NAME = "services.json"
SCHEMA = 1
SHARED = "the service that all shards share"
POLL_S = 0.1
SLACK_S = 60.0  # beyond what the settings allow a start: the run may be busy with its display, or the machine
TOLD_IN_S = 2.0  # for the run to see a death that a shard has seen


class Generation(NamedTuple):
    """The services of one start: the how manieth it is, how they ended, and why no other follows, in words."""

    number: int
    services: Tuple[RunningService, ...] = ()
    death: str = ""
    failure: str = ""


def names(settings: Settings) -> List[str]:
    """List the services that all shards here share, and what these need, in order of need."""
    shared = [name for name, service in settings.all_services.items() if service.shared]
    needed = {needed for name in shared for needed in settings.all_services[name].needs}
    return [name for name in settings.all_services if name in needed or name in shared]


def apart(settings: Settings) -> Settings:
    """Give each process a service of its own, whatever the settings share."""
    services = {name: replace(service, shared=False) for name, service in settings.services.items()}
    return replace(settings, services=services, service=settings.service and replace(settings.service, shared=False))


def handed(environ: Mapping[str, str]) -> Optional[Path]:
    """Name the file of the run that this process is a shard of; None where it is none, or shares nothing."""
    named = environ.get(VARIABLE)
    return Path(named) if named and ci.is_owned(environ) else None


def publish(file: Path, generation: Generation) -> None:
    """Tell the shards; they see all of it or what was there before."""
    services = [
        {"ready_s": service.ready_s, "warm_up_s": service.warm_up_s, "record": records.to_json(service.record)}
        for service in generation.services
        if service.record
    ]
    told = {"number": generation.number, "death": generation.death, "failure": generation.failure}
    files.write_text(file, json.dumps({"schema": SCHEMA, **told, "services": services}, indent=1) + "\n")


def read(file: Path) -> Generation:
    """Read what the run tells.

    Raises:
        ServiceDied: the file cannot be used: nobody tells where the service is.
    """
    try:
        told = files.read_json(file, SCHEMA, "")
        services = tuple(_service(each) for each in told["services"])
        return Generation(int(told["number"]), services, str(told["death"]), str(told["failure"]))
    except (PipelineError, KeyError, TypeError, ValueError) as error:
        raise ServiceDied(f"{file} does not tell where the service is that the shards share: {error}") from error


def _service(told: Any) -> RunningService:
    record = records.from_json(told["record"])
    if record is None:
        raise ValueError("expected the record of a process")
    return RunningService(
        record.url, float(told["ready_s"]), float(told["warm_up_s"]), name=record.name or "service", record=record
    )


def ask(file: Path, number: int) -> None:
    """Ask the run for other services than those of a generation; to ask twice is to ask once."""
    with suppress(OSError):  # where it cannot be written the wait ends with its limit
        _request(file, number).touch()


def is_asked(file: Path, number: int) -> bool:
    """Tell whether a shard wants other services than those of this generation."""
    return _request(file, number).exists()


def _request(file: Path, number: int) -> Path:
    return file.with_name(f"another-than-{number}")


def limit_s(settings: Settings) -> float:
    """Tell how long a new start of what is shared may take, with the end of what was there."""
    services = [settings.all_services[name] for name in names(settings)]
    warm_s = sum(step.timeout_s for service in services for step in service.warm_ups)
    prepared_s = sum(service.prepare.timeout_s for service in services if service.prepare)
    return SLACK_S + warm_s + prepared_s + sum(service.ready.timeout_s + service.stop_timeout_s for service in services)


class Shared:
    """What a shard knows of the services that it shares with others."""

    def __init__(self, file: Path, wait_s: float) -> None:
        self._file, self._wait_s = file, wait_s
        self._number = 0
        self._is_seen = False

    def join(self, is_unfit: bool) -> Dict[str, RunningService]:
        """Take the services that are there; where they are dead, or unfit, wait for others.

        Raises:
            ServiceDied: there are none, and none follow.
        """
        deadline = time.monotonic() + self._wait_s
        while True:
            told = read(self._file)
            if told.failure:
                raise ServiceDied(f"{SHARED} could not be started again: {told.failure}")
            if not _is_dead(told) and not (is_unfit and told.number == self._number):
                self._number, self._is_seen = told.number, False
                return {service.name: service for service in told.services}
            ask(self._file, told.number)
            if time.monotonic() > deadline or not ci.is_owned(os.environ):
                raise ServiceDied(f"{SHARED} was not started again within {self._wait_s:.0f} s")
            time.sleep(POLL_S)

    def death(self, seen: str) -> str:
        """Say how the services ended, as the run saw it, who alone knows by what.

        Args:
            seen: how it looks from here, which is said at once: what has to be ended then cannot wait.
        """
        first, self._is_seen = not self._is_seen, True
        until = time.monotonic() + TOLD_IN_S
        while not first:
            with suppress(ServiceDied):
                told = read(self._file)
                if told.number != self._number:
                    break
                if told.death:
                    return told.death
            if time.monotonic() > until or not ci.is_owned(os.environ):
                break
            time.sleep(POLL_S)
        return seen


def _is_dead(told: Generation) -> bool:
    try:
        for service in told.services:
            service.check_alive()
    except ServiceDied:
        return True
    return bool(told.death)
