"""Bring the service up for a block of work, or until somebody stops it, and take it down again.

One service, as pipeline.yml describes it. When a shard needs it, and what the suite hears of it, is said in
runner/service_session.py.
"""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from .. import console, settings
from ..console import human_seconds
from ..errors import PortInUse, SettingsError
from ..system import processes, records
from ..system.processes import Process, Stop
from ..system.records import Record
from ..system.signals import held_back, raise_on_signals
from . import asking, ports, readiness, warm_up
from .asking import Target
from .warm_up import Surroundings

Say = Callable[[str], None]


@dataclass(frozen=True)
class RunningService:
    """A service that is ready. One that we did not start has neither process nor run id nor log."""

    url: str
    ready_s: float
    warm_up_s: float
    process: Optional[Process] = None

    @property
    def pid(self) -> Optional[int]:
        """The pid of the service's first process."""
        return self.process.identity.pid if self.process else None

    @property
    def run_id(self) -> Optional[str]:
        """What marks everything that this start of the service started."""
        return self.process.run_id if self.process else None

    @property
    def log(self) -> Optional[Path]:
        """Where its output goes."""
        return self.process.log if self.process else None

    def check_alive(self, phase: str = "while it was in use") -> None:
        """Raise ServiceDied, naming the phase, if its process has ended; of others' services nothing is known."""
        asking.check_alive(Target(self.url, self.process, phase=phase))


class Outside(NamedTuple):
    """A service that somebody else runs: its url, and the setting or variable that names it."""

    url: str
    setting: str


@contextmanager
def running(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say
) -> Iterator[RunningService]:
    """Run the service, ready and warmed up, while the block runs; afterwards nothing of it is left.

    With SERVICE_URL in `environ`, or service.url, that service is used and left as it is. Leftovers of
    runs that were killed are stopped first.

    Args:
        environ: what the service inherits; its PATH finds the program.
        log: the file that the service's output is appended to.

    Raises:
        SettingsError: the service cannot be started as written.
        PortInUse: a stranger has its fixed port.
        ServiceDied, ServiceNotReady, WarmUpFailed: see `readiness`.
    """
    service = _service_of(project)
    outside = named_outside(service, environ)
    if outside:
        target = Target(outside.url, setting=outside.setting)
        yield _ready(service, target, _surroundings(project, service, environ, outside.url, log, ""), say)
        return
    with raise_on_signals(), _started(project, service, environ, log, say) as (owned, record):
        around = _surroundings(project, service, environ, record.url, log, record.run_id)
        yield _ready(service, Target(record.url, owned), around, say)


def start_detached(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say
) -> RunningService:
    """Start the service, see it ready and warmed up, and leave it running until `records.sweep` with `detached_too`.

    Arguments and errors as in `running`; SERVICE_URL is not heeded. What fails is stopped again.
    """
    service = _service_of(project)
    if not service.command:
        raise SettingsError("service.command is missing, so there is nothing to start", "Add it to pipeline.yml.")
    with raise_on_signals(), _started(project, service, environ, log, say) as (owned, record):
        around = _surroundings(project, service, environ, record.url, log, record.run_id)
        ready = _ready(service, Target(record.url, owned), around, say)
        with held_back():
            records.write(project.state, replace(record, detached=True))
            owned.release()
    return ready


def check_port(state: Path, port: int) -> None:
    """Refuse a fixed port that somebody holds.

    Raises:
        PortInUse: it names the holder, and what to do.
    """
    if ports.is_free(port):
        return
    holder = ports.listener(port)
    record = next((r for r in records.read_all(state) if holder and _belongs(holder.pid, r)), None)
    raise port_taken(port, holder, record)


def in_background(state: Path) -> List[Record]:
    """List the services that `start_detached` left running and that still run."""
    services = [record for record in records.read_all(state) if record.what == "service" and record.detached]
    return [record for record in services if processes.is_running(record.process)]


def named_outside(service: settings.Service, environ: Mapping[str, str]) -> Optional[Outside]:
    """Find the service that runs already, if SERVICE_URL or else service.url names one.

    Raises:
        SettingsError: the name is no http(s) url.
    """
    for setting, url in (("SERVICE_URL", environ.get("SERVICE_URL")), ("service.url", service.url)):
        if not url:
            continue
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError(
                f"{setting}: expected http://HOST:PORT, got {console.bare_urls(url)!r}", f"Correct {setting}."
            )
        return Outside(url.rstrip("/"), setting)
    return None


def command_line(words: Sequence[str], port: int, models: Path) -> Tuple[str, ...]:
    """Fill in {host}, {port} and {models} in the service's command.

    >>> command_line(("serve", "--port={port}"), 80, Path("/m"))
    ('serve', '--port=80')
    """
    return tuple(word.format(host=ports.HOST, port=port, models=models) for word in words)


def child_environment(environ: Mapping[str, str], given: Mapping[str, str]) -> Dict[str, str]:
    """Make what the service inherits: ours, then the settings'. Unbuffered, so that its last words reach the log."""
    return {**environ, "PYTHONUNBUFFERED": "1", **given}


def port_taken(port: int, holder: Optional[ports.Listener], record: Optional[Record]) -> PortInUse:
    """Say that a fixed port is taken: by whom, and what to do about it."""
    leave_out = "leave service.port out of pipeline.yml, so that every start takes a free one"
    if holder is None:
        return PortInUse(f"service.port {port} is in use by a process that cannot be seen", f"Stop it, or {leave_out}.")
    held = f"service.port {port} is in use by pid {holder.pid} ({holder.command})"
    if record is None:
        return PortInUse(f"{held}, which was not started by us", f"Stop it, or {leave_out}.")
    if record.detached:
        return PortInUse(f"{held}, left over from an earlier run of ours", "Run `{command}`.", ("invoke", "stop"))
    return PortInUse(f"{held}, the service of another run of ours that still goes on", f"Wait for it, or {leave_out}.")


def ending_words(ending: Stop) -> str:
    """Say in one line how a stop went."""
    if ending.left:
        return f"not all of it ended, even after SIGKILL: left is pid {', '.join(map(str, ending.left))}"
    if ending.by_itself:
        return f"had ended by itself with {processes.exit_words(ending.returncode)}"
    if ending.forced:
        return f"killed, as SIGTERM had not ended all of it after {human_seconds(ending.waited_s)}"
    return f"stopped ({processes.exit_words(ending.returncode)})"


def _service_of(project: settings.Settings) -> settings.Service:
    if project.service is None:
        raise SettingsError(f"{project.file} has no service:", "Add one, or run the suite without.")
    return project.service


@contextmanager
def _started(
    project: settings.Settings, service: settings.Service, environ: Mapping[str, str], log: Path, say: Say
) -> Iterator[Tuple[Process, Record]]:
    """Start and record the process, and stop it after the block, however that ends; unless it is released."""
    records.sweep(project.state, say)
    port = service.port or ports.free_port()
    check_port(project.state, port)
    argv = command_line(service.command, port, project.models_directory)
    run_id = uuid.uuid4().hex[:12]
    environ = child_environment(environ, service.environment)
    owned: Optional[Process] = None
    record: Optional[Record] = None
    try:
        with held_back():
            owned = processes.start(argv, project.project, environ, run_id, log)
            url = f"http://{ports.HOST}:{port}"
            record = records.started("service", run_id, owned.identity, argv, log=str(log), url=url, port=port)
            records.write(project.state, record)
        say(f"service: started {url}, pid {owned.identity.pid}, log {log}")
        yield owned, record
    finally:
        if owned and not owned.released:
            _stop(owned, record, project.state, service.stop_timeout_s, say)


def _stop(owned: Process, record: Optional[Record], state: Path, timeout_s: float, say: Say) -> None:
    with held_back() as hurry:
        with ExitStack() as stack:
            with suppress(OSError):  # The terminal may be gone: that is no reason to let the service live.
                stack.enter_context(console.progress("stopping the service"))
            ending = owned.stop(timeout_s, hurry)
            if record and not ending.left:
                records.remove(state, record)
        say(f"service: {ending_words(ending)}")


def _surroundings(
    project: settings.Settings, service: settings.Service, environ: Mapping[str, str], url: str, log: Path, run_id: str
) -> Surroundings:
    """Say what the steps of a warm-up find on this machine."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    values = {"host": parts.hostname, "port": port, "models": project.models_directory}
    return Surroundings(
        folder=project.project,
        directory=project.project / service.directory,
        environ=child_environment(environ, service.environment),
        values={**values, "run_id": run_id, "reports": log.parent, "shard": 0},
    )


def _ready(service: settings.Service, target: Target, around: Surroundings, say: Say) -> RunningService:
    """Wait for the probe, then for the warm-up."""
    with console.progress(f"waiting for {console.bare_urls(target.url)}"):
        ready_s = readiness.wait_until_ready(target, service.ready)
    warm_up_s = 0.0
    if service.warm_ups:
        with console.progress("warming up"):
            warm_up_s = warm_up.run(target, service.warm_ups, around)
    warm = f", warm-up {human_seconds(warm_up_s)}" if service.warm_ups else ""
    say(f"service: ready after {human_seconds(ready_s)}{warm}")
    return RunningService(target.url, ready_s, warm_up_s, target.process)


def _belongs(pid: int, record: Record) -> bool:
    return any(member.pid == pid for member in processes.tree(record.process, record.run_id))
