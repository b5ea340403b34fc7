"""Bring a service up for a block of work and take it down again.

When a shard needs its services, and what the suite hears of them, is said in runner/service_session.py.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Callable, Iterator, NamedTuple, Optional
from urllib.parse import urlsplit

from .. import console
from ..console import human_seconds
from ..errors import ServiceNotReady
from ..system import processes, records
from ..system.beside import Beside
from ..system.process_tree import Stop
from ..system.processes import Process
from ..system.records import Record
from ..system.signals import held_back, raise_on_signals
from . import command, log_files, ports, readiness, warm_up
from .asking import Target
from .elsewhere import named_outside
from .job import Job
from .launch import Launch, launching
from .names import ONLY, first, saying, told_of
from .running_service import RunningService
from .warm_up import Surroundings


@contextmanager
def running(job: Job) -> Iterator[RunningService]:
    """Run a service, ready and warmed up, while the block runs; afterwards nothing of it is left.

    With SERVICE_URL in its environment, or service.url, that service is used and left as it is. Leftovers of
    runs that were killed are stopped first.

    Raises:
        SettingsError: the service cannot be started as written.
        PrepareFailed: see `preparing`.
        PortInUse: a stranger has its fixed port.
        ServiceDied, ServiceNotReady, WarmUpFailed: see `readiness`.
    """
    job = job._replace(say=saying(job.name, job.say))
    with ExitStack() as stack:
        with told_of(job.name):
            outside = named_outside(job.service, job.environ, job.name, job.name == first(job.project))
            if outside:
                ready = _ready(job, Target(outside.url, setting=outside.setting), _around_outside(job, outside.url))
            else:
                stack.enter_context(raise_on_signals())
                start = stack.enter_context(_started(job))
                stack.enter_context(job.watch(start.process))
                ready = _ready_after_start(job, start)
        yield replace(ready, name=job.name)


class Rising(NamedTuple):
    """A service that has been started, and the wait for it to be ready and warmed up, in a thread."""

    begun: RunningService
    waiting: Beside[None]


@contextmanager
def rising(job: Job, then: Callable[[RunningService], None]) -> Iterator[Rising]:
    """Run a service that is ours while the block runs, which begins as soon as it is started.

    Args:
        then: hears of the service when it is ready, in that thread.

    Raises:
        SettingsError, PrepareFailed, PortInUse: as of `running`; what comes later, the wait raises.
    """
    job = job._replace(say=saying(job.name, job.say))
    with ExitStack() as stack, raise_on_signals():
        waited = stack.enter_context(ExitStack())  # left last: the wait ends when the service has
        with told_of(job.name):
            start = stack.enter_context(_started(job))
        stack.enter_context(job.watch(start.process))

        def wait() -> None:
            with told_of(job.name):
                ready = _ready_after_start(job, start, is_shown=not console.is_terminal())
            then(replace(ready, name=job.name))

        begun = RunningService(start.record.url, 0, 0, start.process, name=job.name, record=start.record)
        waiting = Beside(wait)
        waited.callback(waiting.join)
        yield Rising(begun, waiting)


def ending_words(ending: Stop) -> str:
    """Say in one line how a stop went."""
    if ending.left:
        return f"not all of it ended, even after SIGKILL: left is pid {', '.join(map(str, ending.left))}"
    if ending.by_itself:
        return f"had ended by itself with {processes.exit_words(ending.returncode)}"
    if ending.forced:
        return f"killed, as SIGTERM had not ended all of it after {human_seconds(ending.waited_s)}"
    return f"stopped ({processes.exit_words(ending.returncode)})"


class _Start(NamedTuple):
    """A process that was started and recorded, not ready yet."""

    process: Process
    record: Record
    launch: Launch


@contextmanager
def _started(job: Job) -> Iterator[_Start]:
    """Start and record the process, and stop it after the block, however that ends; unless it is released."""
    state, service = job.project.state, job.service
    records.sweep(state, job.say)
    if service.port:
        ports.check_port(state, service.port, service.host)  # before anything is prepared, which may take long
    owned: Optional[Process] = None
    record: Optional[Record] = None
    with launching(job) as launch, ExitStack() as stack:
        ports.check_port(state, launch.values.port, service.host)
        try:
            with held_back():
                job.dog.expect(launch.values.run_id)
                owned = processes.start(launch.argv, launch.cwd, launch.environ, launch.values.run_id, job.log)
                job.dog.watch(owned.run_id, owned.identity.pid)
                record = _recorded(job, launch, owned)
            stack.enter_context(log_files.limited(owned, service.log_limit_bytes))
            job.say(f"service: started {record.url}, pid {owned.identity.pid}, log {job.log}")
            yield _Start(owned, record, launch)
        finally:
            if owned and not owned.released:
                _stop(job, owned, record)
            job.dog.forget(launch.values.run_id)


def _recorded(job: Job, launch: Launch, owned: Process) -> Record:
    """Note what was started, for who comes after us."""
    port = launch.values.port
    url, log = ports.url(job.service.host, port), str(job.log)
    record = records.started("service", owned.run_id, owned.identity, launch.command, log=log, url=url, port=port)
    record = replace(record, name="" if job.name == ONLY else job.name)
    records.write(job.project.state, record)
    return record


def _stop(job: Job, owned: Process, record: Optional[Record]) -> None:
    with held_back() as hurry:
        with _shown("stopping the service"):
            ending = owned.stop(job.service.stop_timeout_s, hurry)
            if record and not ending.left:
                records.remove(job.project.state, record)
        job.say(f"service: {ending_words(ending)}")


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


def _ready_after_start(job: Job, start: _Start, is_shown: bool = True) -> RunningService:
    """Wait until what was started is ready, and let those start that wait for it.

    Args:
        is_shown: whether it is shown that somebody waits.

    Raises:
        ServiceNotReady: its hint says it where the service cannot know on which port it is expected.
    """
    launch = start.launch
    around = Surroundings(job.project.project, launch.cwd, launch.environ, launch.values._asdict())
    try:
        ready = _ready(job, Target(start.record.url, start.process), around, is_shown)
    except ServiceNotReady as error:
        if command.knows_port(job.service):
            raise
        hint = "Nothing tells the service its port: write {port} in service.command or service.environment, "
        raise ServiceNotReady(error.message, f"{hint}or service.port. {error.hint}") from None
    launch.turn.passed()
    return replace(ready, prepare_s=launch.waited_s, record=start.record)


def _around_outside(job: Job, url: str) -> Surroundings:
    """Say what the warm-up of a service that runs elsewhere finds on this machine."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    values = command.Values(port, job.project.models_directory, "", job.log.parent, job.shard, parts.hostname or "")
    own = command.environment(job.environ, job.service, values, command.Gpu())
    return Surroundings(job.project.project, command.folder(job.project, job.service), own, values._asdict())


def _ready(job: Job, target: Target, around: Surroundings, is_shown: bool = True) -> RunningService:
    """Wait for the probe, then for the warm-up."""
    service, shown = job.service, console.progress if is_shown else lambda title: nullcontext()
    with shown(f"waiting for {console.bare_urls(target.url)}"):
        ready_s = readiness.wait_until_ready(target, service.ready)
    warm_up_s = 0.0
    if service.warm_ups:
        with shown("warming up"):
            warm_up_s = warm_up.run(target, service.warm_ups, around)
    warm = f", warm-up {human_seconds(warm_up_s)}" if service.warm_ups else ""
    job.say(f"service: ready after {human_seconds(ready_s)}{warm}")
    return RunningService(target.url, ready_s, warm_up_s, target.process)
