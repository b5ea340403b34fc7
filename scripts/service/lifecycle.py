"""Bring the service up for a block of work, or until somebody stops it, and take it down again.

One service, as pipeline.yml describes it. When a shard needs it, and what the suite hears of it, is said in
runner/service_session.py.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, ContextManager, Iterator, List, Mapping, NamedTuple, Optional, Protocol
from urllib.parse import urlsplit

from .. import console, settings
from ..console import human_seconds
from ..errors import PortInUse, ServiceNotReady, SettingsError
from ..system import process_tree, processes, records
from ..system.identity import is_running
from ..system.process_tree import Stop
from ..system.processes import Process
from ..system.records import Record
from ..system.signals import held_back, raise_on_signals
from . import asking, command, log_files, ports, readiness, warm_up
from .asking import Target
from .launch import Launch, launching
from .warm_up import Surroundings

Say = Callable[[str], None]
Watch = Callable[[Process], ContextManager[None]]


@dataclass(frozen=True)
class RunningService:
    """A service that is ready. One that we did not start has neither process nor run id nor log."""

    url: str
    ready_s: float
    warm_up_s: float
    process: Optional[Process] = None
    prepare_s: float = 0.0

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


class Watchdog(Protocol):
    """Whoever ends what we started should we be killed; it is told of a start before it is made."""

    def expect(self, mark: str) -> None:
        """Hear that all with this mark is to end with us."""

    def watch(self, mark: str, pid: int) -> None:
        """Hear who leads the session of it."""

    def forget(self, mark: str) -> None:
        """Hear that it has ended."""


class NoWatchdog:
    """Nobody: what is left of a killed run is ended at the next start."""

    def expect(self, mark: str) -> None:
        """Do nothing."""

    def watch(self, mark: str, pid: int) -> None:
        """Do nothing."""

    def forget(self, mark: str) -> None:
        """Do nothing."""


NOBODY = NoWatchdog()


class Outside(NamedTuple):
    """A service that somebody else runs: its url, and the setting or variable that names it."""

    url: str
    setting: str


@contextmanager
def running(
    project: settings.Settings,
    environ: Mapping[str, str],
    log: Path,
    say: Say = console.say,
    shard: int = 0,
    dog: Watchdog = NOBODY,
    watch: Watch = lambda process: nullcontext(),
) -> Iterator[RunningService]:
    """Run the service, ready and warmed up, while the block runs; afterwards nothing of it is left.

    With SERVICE_URL in `environ`, or service.url, that service is used and left as it is. Leftovers of
    runs that were killed are stopped first.

    Args:
        environ: what the service inherits; its PATH finds the program.
        log: the file that the service's output goes to; those of earlier starts stay beside it, see `log_files`.
        shard: what {shard} stands for.
        dog: ends the service should we be killed.
        watch: watches the process from its start on until it is stopped.

    Raises:
        SettingsError: the service cannot be started as written.
        PrepareFailed: see `preparing`.
        PortInUse: a stranger has its fixed port.
        ServiceDied, ServiceNotReady, WarmUpFailed: see `readiness`.
    """
    service = _service_of(project)
    outside = named_outside(service, environ)
    if outside:
        target = Target(outside.url, setting=outside.setting)
        yield _ready(service, target, _around_outside(project, service, environ, outside.url, log, shard), say)
        return
    with raise_on_signals(), _started(project, service, environ, log, say, shard, dog) as start, watch(start.process):
        yield _ready_after_start(project, service, start, say)


def start_detached(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say
) -> RunningService:
    """Start the service, see it ready and warmed up, and leave it running until `records.sweep` with `detached_too`.

    Arguments and errors as in `running`; SERVICE_URL is not heeded. What fails is stopped again.
    """
    service = _service_of(project)
    if not service.command:
        raise SettingsError("service.command is missing, so there is nothing to start", "Add it to pipeline.yml.")
    with raise_on_signals(), _started(project, service, environ, log, say) as start:
        ready = _ready_after_start(project, service, start, say)
        with held_back():
            records.write(project.state, replace(start.record, detached=True))
            start.process.release()
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
    return [record for record in services if is_running(record.process)]


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


class _Start(NamedTuple):
    """A process that was started and recorded, not ready yet."""

    process: Process
    record: Record
    launch: Launch


@contextmanager
def _started(
    project: settings.Settings,
    service: settings.Service,
    environ: Mapping[str, str],
    log: Path,
    say: Say,
    shard: int = 0,
    dog: Watchdog = NOBODY,
) -> Iterator[_Start]:
    """Start and record the process, and stop it after the block, however that ends; unless it is released."""
    records.sweep(project.state, say)
    if service.port:
        check_port(project.state, service.port)  # before anything is prepared, which may take long
    owned: Optional[Process] = None
    record: Optional[Record] = None
    with launching(project, service, environ, log, say, shard) as launch, ExitStack() as stack:
        port, run_id = launch.values.port, launch.values.run_id
        check_port(project.state, port)
        try:
            with held_back():
                dog.expect(run_id)
                owned = processes.start(launch.argv, launch.cwd, launch.environ, run_id, log)
                dog.watch(run_id, owned.identity.pid)
                url = f"http://{ports.HOST}:{port}"
                record = records.started(
                    "service", run_id, owned.identity, launch.command, log=str(log), url=url, port=port
                )
                records.write(project.state, record)
            stack.enter_context(log_files.limited(owned, service.log_limit_bytes))
            say(f"service: started {url}, pid {owned.identity.pid}, log {log}")
            yield _Start(owned, record, launch)
        finally:
            if owned and not owned.released:
                _stop(owned, record, project.state, service.stop_timeout_s, say)
            dog.forget(run_id)


def _stop(owned: Process, record: Optional[Record], state: Path, timeout_s: float, say: Say) -> None:
    with held_back() as hurry:
        with _shown("stopping the service"):
            ending = owned.stop(timeout_s, hurry)
            if record and not ending.left:
                records.remove(state, record)
        say(f"service: {ending_words(ending)}")


@contextmanager
def _shown(title: str) -> Iterator[None]:
    """Show progress as far as that works: no lost terminal and no thread that cannot start lets the service live."""
    stack = ExitStack()
    with suppress(Exception):
        stack.enter_context(console.progress(title))
    try:
        yield
    finally:
        with suppress(Exception):
            stack.close()


def _ready_after_start(
    project: settings.Settings, service: settings.Service, start: _Start, say: Say
) -> RunningService:
    """Wait until what was started is ready, and let those start that wait for it.

    Raises:
        ServiceNotReady: its hint says it where the service cannot know on which port it is expected.
    """
    launch = start.launch
    around = Surroundings(project.project, launch.cwd, launch.environ, launch.values._asdict())
    try:
        ready = _ready(service, Target(start.record.url, start.process), around, say)
    except ServiceNotReady as error:
        if command.knows_port(service):
            raise
        hint = "Nothing tells the service its port: write {port} in service.command or service.environment, "
        raise ServiceNotReady(error.message, f"{hint}or service.port. {error.hint}") from None
    launch.turn.passed()
    return replace(ready, prepare_s=launch.waited_s)


def _around_outside(
    project: settings.Settings, service: settings.Service, environ: Mapping[str, str], url: str, log: Path, shard: int
) -> Surroundings:
    """Say what the warm-up of a service that runs elsewhere finds on this machine."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    values = command.Values(port, project.models_directory, "", log.parent, shard, parts.hostname or "")
    own = command.environment(environ, service, values, command.Gpu())
    return Surroundings(project.project, command.folder(project, service), own, values._asdict())


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
    return any(member.pid == pid for member in process_tree.tree(record.process, record.run_id))
