"""Bring the service up for a block of work, or until somebody stops it, and take it down again."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from .. import console, settings
from ..console import human_seconds
from ..errors import PortInUse, SettingsError
from ..system import processes
from ..system.processes import Ending, Identity, Process
from ..system.signals import held_back, raise_on_signals
from . import ports, readiness, records
from .readiness import Target
from .records import Record

Say = Callable[[str], None]

STOP_TIMEOUT_S = 10.0  # for leftovers, whose settings may have been another project's


@dataclass(frozen=True)
class Service:
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
        readiness.check_alive(Target(self.url, self.process, phase=phase))


class Outside(NamedTuple):
    """A service that somebody else runs: its url, and the setting or variable that names it."""

    url: str
    setting: str


@contextmanager
def running(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say
) -> Iterator[Service]:
    """The service, ready and warmed up, while the block runs; afterwards nothing of it is left.

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
        yield _ready(service, Target(outside.url, setting=outside.setting), say)
        return
    with raise_on_signals(), _started(project, service, environ, log, say) as (owned, record):
        yield _ready(service, Target(record.url, owned), say)


def start_detached(
    project: settings.Settings, environ: Mapping[str, str], log: Path, say: Say = console.say
) -> Service:
    """Start the service, see it ready and warmed up, and leave it running for `stop_recorded`.

    Arguments and errors as in `running`; SERVICE_URL is not heeded. What fails is stopped again.
    """
    service = _service_of(project)
    if not service.command:
        raise SettingsError("service.command is missing, so there is nothing to start", "Add it to pipeline.yml.")
    with raise_on_signals(), _started(project, service, environ, log, say) as (owned, record):
        ready = _ready(service, Target(record.url, owned), say)
        with held_back():
            records.write(project.state, replace(record, detached=True))
            owned.release()
    return ready


def stop_recorded(state: Path, say: Say = console.say, timeout_s: float = STOP_TIMEOUT_S) -> List[Record]:
    """Stop what we started and nobody watches: detached services and leftovers of killed runs.

    A service of another run that still goes on is left alone, and so is whatever we did not start.

    Returns:
        the records of what was stopped.
    """
    return _sweep(state, say, timeout_s, detached_too=True)


def check_port(state: Path, port: int) -> None:
    """Refuse a fixed port that somebody holds.

    Raises:
        PortInUse: it names the holder, and what to do.
    """
    if ports.is_free(port):
        return
    holder = ports.holder(port)
    record = next((r for r in records.read_all(state) if holder and _belongs(holder.pid, r)), None)
    raise PortInUse(*held_message(port, holder, record))


def in_background(state: Path) -> List[Record]:
    """The services that `start_detached` left running and that still run."""
    return [record for record in records.read_all(state) if record.detached and processes.is_running(record.service)]


def named_outside(service: settings.Service, environ: Mapping[str, str]) -> Optional[Outside]:
    """The service that runs already, if SERVICE_URL or else service.url names one.

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
    """The service's command with {host}, {port} and {models} filled in.

    >>> command_line(("serve", "--port={port}"), 80, Path("/m"))
    ('serve', '--port=80')
    """
    return tuple(word.format(host=ports.HOST, port=port, models=models) for word in words)


def child_environment(environ: Mapping[str, str], given: Mapping[str, str]) -> Dict[str, str]:
    """What the service inherits: ours, then the settings'. Unbuffered, so that its last words reach the log."""
    return {**environ, "PYTHONUNBUFFERED": "1", **given}


def held_message(port: int, holder: Optional[ports.Listener], record: Optional[Record]) -> Tuple[str, str]:
    """Message and hint for a fixed port that is taken: by whom, and what to do about it."""
    leave_out = "leave service.port out of pipeline.yml, so that every start takes a free one"
    if holder is None:
        return f"service.port {port} is in use by a process that cannot be seen", f"Stop it, or {leave_out}."
    held = f"service.port {port} is in use by pid {holder.pid} ({holder.command})"
    if record is None:
        return f"{held}, which was not started by us", f"Stop it, or {leave_out}."
    if record.detached:
        return f"{held}, left over from an earlier run of ours", f"Run `{console.command('invoke', 'stop')}`."
    return f"{held}, the service of another run of ours that still goes on", f"Wait for it, or {leave_out}."


def ending_words(ending: Ending) -> str:
    """How a stop went, in one line."""
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
    """The process, recorded, while the block runs, however it ends; unless it is released."""
    _sweep(project.state, say, STOP_TIMEOUT_S)
    port = service.port or ports.free_port()
    check_port(project.state, port)
    argv = command_line(service.command, port, project.models_directory)
    run_id = uuid.uuid4().hex[:12]
    environ = child_environment(environ, service.environment)
    owner = processes.identify(os.getpid()) or Identity(os.getpid(), time.time())
    owned: Optional[Process] = None
    record: Optional[Record] = None
    try:
        with held_back():
            owned = processes.start(argv, project.project, environ, run_id, log)
            url = f"http://{ports.HOST}:{port}"
            record = Record(run_id, owned.identity, owner, argv, port, url, str(log))
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


def _ready(service: settings.Service, target: Target, say: Say) -> Service:
    """Wait for the probe, then for the warm-up."""
    with console.progress(f"waiting for {console.bare_urls(target.url)}"):
        ready_s = readiness.wait_until_ready(target, service.ready)
    warm_up_s = 0.0
    if service.warm_up:
        with console.progress("warming up"):
            warm_up_s = readiness.warm_up(target, service.warm_up)
    warm = f", warm-up {human_seconds(warm_up_s)}" if service.warm_up else ""
    say(f"service: ready after {human_seconds(ready_s)}{warm}")
    return Service(target.url, ready_s, warm_up_s, target.process)


def _belongs(pid: int, record: Record) -> bool:
    return any(member.pid == pid for member in processes.tree(record.service, record.run_id))


def _sweep(state: Path, say: Say, timeout_s: float, detached_too: bool = False) -> List[Record]:
    """Stop leftovers and forget stale records; what another run still uses is not touched."""
    stopped = []
    for record in records.read_all(state):
        action = records.verdict(
            replace(record, detached=record.detached and not detached_too),
            service_runs=bool(processes.tree(record.service, record.run_id)),
            owner_runs=not record.detached and processes.is_running(record.owner),
        )
        if action == "stop":
            ending = processes.end_tree(record.service, record.run_id, timeout_s)
            say(f"service: stopped {record.url} (pid {record.service.pid}, {' '.join(record.command)}), {_why(record)}")
            stopped.append(record)
            if ending.left:
                continue
        if action != "keep":
            records.remove(state, record)
    return stopped


def _why(record: Record) -> str:
    return "which ran in the background" if record.detached else "left over from a run that was killed"
