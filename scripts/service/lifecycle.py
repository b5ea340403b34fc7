"""Bring a service up for a block of work, or until somebody stops it, and take it down again.

One service, or all of them in order of need, as pipeline.yml describes them. When a shard needs them, and what the
suite hears of them, is said in runner/service_session.py.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, ContextManager, Dict, Iterable, Iterator, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from .. import console, settings
from ..console import human_seconds
from ..errors import PortInUse, ServiceDied, ServiceNotReady, SettingsError
from ..system import process_tree, processes, records
from ..system.identity import is_running
from ..system.process_tree import Stop
from ..system.processes import Process
from ..system.records import Record
from ..system.signals import held_back, raise_on_signals
from . import asking, command, log_files, ports, readiness, warm_up
from .asking import Target
from .launch import Launch, launching
from .names import ONLY, key, saying, told_of, variable
from .warm_up import Surroundings
from .watchdogs import NOBODY, Watchdog

Say = Callable[[str], None]
Watch = Callable[[Process], ContextManager[None]]


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
    name: str = ONLY,
) -> Iterator[RunningService]:
    """Run a service, ready and warmed up, while the block runs; afterwards nothing of it is left.

    With SERVICE_URL in `environ`, or service.url, that service is used and left as it is. Leftovers of
    runs that were killed are stopped first.

    Args:
        environ: what the service inherits; its PATH finds the program.
        log: the file that the service's output goes to; those of earlier starts stay beside it, see `log_files`.
        shard: what {shard} stands for.
        dog: ends the service should we be killed.
        watch: watches the process from its start on until it is stopped.
        name: which of several.

    Raises:
        SettingsError: the service cannot be started as written.
        PrepareFailed: see `preparing`.
        PortInUse: a stranger has its fixed port.
        ServiceDied, ServiceNotReady, WarmUpFailed: see `readiness`.
    """
    say = saying(name, say)
    with ExitStack() as stack:
        with told_of(name):
            service = _service_of(project, name)
            outside = named_outside(service, environ, name, name == first(project))
            if outside:
                target = Target(outside.url, setting=outside.setting)
                around = _around_outside(project, service, environ, outside.url, log, shard)
                ready = _ready(service, target, around, say)
            else:
                stack.enter_context(raise_on_signals())
                start = stack.enter_context(_started(project, service, environ, log, say, shard, dog, name))
                stack.enter_context(watch(start.process))
                ready = _ready_after_start(project, service, start, say)
        yield replace(ready, name=name)


def start_detached(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say, name: str = ONLY
) -> RunningService:
    """Start a service, see it ready and warmed up, and leave it running until `records.sweep` with `detached_too`.

    Arguments and errors as in `running`; SERVICE_URL is not heeded. What fails is stopped again.
    """
    say = saying(name, say)
    with told_of(name):
        service = _service_of(project, name)
        if not service.command:
            raise SettingsError("service.command is missing, so there is nothing to start", "Add it to pipeline.yml.")
        with raise_on_signals(), _started(project, service, environ, log, say, name=name) as start:
            ready = replace(_ready_after_start(project, service, start, say), name=name)
            detach(project.state, [ready])
    return ready


def detach(state: Path, services: Iterable[RunningService]) -> None:
    """Leave services running that were started in a block of `running`, when that ends."""
    with held_back():
        for service in services:
            if service.process and service.record:
                records.write(state, replace(service.record, detached=True))
                service.process.release()


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


def check_port(state: Path, port: int, host: str = ports.HOST) -> None:
    """Refuse a fixed port that somebody holds.

    Raises:
        PortInUse: it names the holder, and what to do.
        SettingsError: it is no address of this machine, or this user may not listen there.
    """
    if ports.is_free(port, host):
        return
    holder = ports.listener(port)
    record = next((r for r in records.read_all(state) if holder and _belongs(holder.pid, r)), None)
    raise port_taken(port, holder, record)


def in_background(state: Path) -> Dict[str, RunningService]:
    """Find the services, by name, that `detach` left running and that still run."""
    found = [record for record in records.read_all(state) if record.what == "service" and record.detached]
    return {
        record.name or ONLY: RunningService(record.url, 0, 0, name=record.name or ONLY, record=record)
        for record in found
        if is_running(record.process)
    }


def first(project: settings.Settings) -> str:
    """Name the service that SERVICE_URL is about: the first, as they are written."""
    return next(iter(project.services), ONLY)


def all_outside(project: settings.Settings, environ: Mapping[str, str]) -> Dict[str, Outside]:
    """Find the services that run already, by name.

    Raises:
        SettingsError: an address is no http(s) url.
    """
    named = {
        name: named_outside(service, environ, name, name == first(project))
        for name, service in project.all_services.items()
    }
    return {name: outside for name, outside in named.items() if outside}


def named_outside(
    service: settings.Service, environ: Mapping[str, str], name: str = ONLY, is_first: bool = True
) -> Optional[Outside]:
    """Find the service that runs already, if a variable or else service.url names one.

    Args:
        name: which of several; SERVICE_NAME_URL is about it.
        is_first: whether SERVICE_URL is about it, too.

    Raises:
        SettingsError: the name is no http(s) url.
    """
    variables = [*([] if name == ONLY else [variable(name)]), *(["SERVICE_URL"] if is_first else [])]
    said = [*((each, environ.get(each)) for each in variables), (key(name, "url"), service.url)]
    for setting, url in said:
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


def _service_of(project: settings.Settings, name: str) -> settings.Service:
    service = project.all_services.get(name)
    if service is None:
        raise SettingsError(f"{project.file} has no service:", "Add one, or run the suite without.")
    return service


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
    name: str = ONLY,
) -> Iterator[_Start]:
    """Start and record the process, and stop it after the block, however that ends; unless it is released."""
    records.sweep(project.state, say)
    if service.port:
        check_port(project.state, service.port, service.host)  # before anything is prepared, which may take long
    owned: Optional[Process] = None
    record: Optional[Record] = None
    with launching(project, service, environ, log, say, shard, dog) as launch, ExitStack() as stack:
        port, run_id = launch.values.port, launch.values.run_id
        check_port(project.state, port, service.host)
        try:
            with held_back():
                dog.expect(run_id)
                owned = processes.start(launch.argv, launch.cwd, launch.environ, run_id, log)
                dog.watch(run_id, owned.identity.pid)
                url = ports.url(service.host, port)
                record = records.started(
                    "service", run_id, owned.identity, launch.command, log=str(log), url=url, port=port
                )
                record = replace(record, name="" if name == ONLY else name)
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
    return replace(ready, prepare_s=launch.waited_s, record=start.record)


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
