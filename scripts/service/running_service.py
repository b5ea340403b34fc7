"""A service that is ready: where it is, what is known of it, whether it lives, and how it is left running."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterable, Optional

from ..errors import ServiceDied
from ..system import records
from ..system.identity import is_running
from ..system.processes import Process
from ..system.records import Record
from ..system.signals import held_back
from . import asking
from .asking import Target
from .names import ONLY, told_of, variable


@dataclass(frozen=True)
class RunningService:
    """A service that is ready. One that runs elsewhere has neither process nor record: no pid, run id and log.

    One that this process has started has both. Of one that the shards of a run share, these have the record alone.
    """

    url: str
    ready_s: float
    warm_up_s: float
    process: Optional[Process] = None
    prepare_s: float = 0.0
    name: str = ONLY
    record: Optional[Record] = None

    @property
    def is_shared(self) -> bool:
        """Whether the run of all shards has started it, of which this process is one."""
        return self.record is not None and self.process is None

    @property
    def pid(self) -> Optional[int]:
        """The pid of the service's first process."""
        return self.record.process.pid if self.record else None

    @property
    def run_id(self) -> Optional[str]:
        """What marks everything that this start of the service started."""
        return self.record.run_id if self.record else None

    @property
    def log(self) -> Optional[Path]:
        """Where its output goes."""
        return Path(self.record.log) if self.record else None

    def check_alive(self, phase: str = "while it was in use") -> None:
        """Raise ServiceDied, naming the phase, if its process has ended; of others' services nothing is known."""
        with told_of(self.name):
            asking.check_alive(Target(self.url, self.process, phase=phase))
            if self.record and self.is_shared and not is_running(self.record.process):
                raise ServiceDied(f"the service that all shards share ended, {phase}", f"Its log is {self.log}.")


def addresses(several: Iterable[RunningService]) -> Dict[str, str]:
    """Make the variables that tell where services are: SERVICE_TTS_URL for each of several.

    SERVICE_TTS_PID is there only for one that we started.
    """
    told: Dict[str, str] = {}
    for service in several:
        told[variable(service.name)] = service.url
        if service.pid is not None:
            told[variable(service.name, "PID")] = str(service.pid)
    return told


def detach(state: Path, services: Iterable[RunningService]) -> None:
    """Leave services running that were started in a block of `running`, when that ends."""
    with held_back():
        for service in services:
            if service.process and service.record:
                records.write(state, replace(service.record, detached=True))
                service.process.release()


def in_background(state: Path) -> Dict[str, RunningService]:
    """Find the services, by name, that `detach` left running and that still run."""
    found = [record for record in records.read_all(state) if record.what == "service" and record.detached]
    return {
        record.name or ONLY: RunningService(record.url, 0, 0, name=record.name or ONLY, record=record)
        for record in found
        if is_running(record.process)
    }
