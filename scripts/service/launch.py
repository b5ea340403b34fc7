"""Make all that the start of a service needs: its turn, its preparation, its words, folder and environment, its log."""

from __future__ import annotations

import resource
import sys
import uuid
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Callable, ContextManager, Iterator, Mapping, NamedTuple, Sequence, Tuple

from .. import ci
from ..errors import SettingsError
from ..settings import Limits, Service
from ..system import machine, processes
from . import command, log_files, ports, preparing
from .command import Gpu, Values
from .job import Job
from .preparing import Step, Turn

Say = Callable[[str], None]


class Launch(NamedTuple):
    """What is to be started: `argv` in `cwd` with `environ`. `command` is that of the settings, without limits.

    `turn` is to be passed once the service is ready. `waited_s` is what its preparation took, or waiting for others.
    """

    command: Tuple[str, ...]
    argv: Tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    values: Values
    turn: Turn
    waited_s: float


@contextmanager
def launching(job: Job) -> Iterator[Launch]:
    """Wait for the turn of a service, prepare it, and say with what it is started within the block.

    Raises:
        SettingsError: it cannot be started as written.
        PrepareFailed: see `preparing`.
    """
    project, service, environ = job.project, job.service, job.environ
    cwd, gpu = command.folder(project, service), _gpu(service, environ)
    with _turn(job) as turn:
        waited_s = turn.waited_s
        if service.prepare:
            values = _values(job)  # of its own: a free port may be taken when it is done
            own = command.environment(environ, service, values, gpu)
            argv = command.filled(service.prepare.command, values)
            name, output = preparing.name_of(project, service), values.reports / log_files.PREPARE_LOG
            step = Step(name, service.prepare, argv, cwd, own, values.run_id, output, job.dog)
            waited_s += preparing.prepare(project, step, job.say)
        values = _values(job)
        words = command.filled((*service.command, *gpu.words), values)
        own = command.environment(environ, service, values, gpu)
        limited = _limited(words, cwd, own, service.limits, job.say)
        log_files.rotate(job.log)
        yield Launch(words, limited, cwd, own, values, turn, waited_s)


def _gpu(service: Service, environ: Mapping[str, str]) -> Gpu:
    slot = command.slot_of(environ)
    gpus = machine.visible_gpus(environ) if command.asks_for_gpus(service.gpu, slot) else ()
    return command.gpu(service.gpu, slot, gpus)


def _turn(job: Job) -> ContextManager[Turn]:
    """Wait for the turn of this service to start; all have theirs at once unless one is to be first."""
    if job.service.start == "together":
        return nullcontext(Turn())
    name = preparing.name_of(job.project, job.service)
    return preparing.turn(job.project, name, ci.run_id(job.environ), job.say)


def _values(job: Job) -> Values:
    host = job.service.host
    port = job.service.port or ports.free_port(host)
    return Values(port, job.project.models_directory, uuid.uuid4().hex[:12], job.log.parent, job.shard, host)


def _limited(words: Sequence[str], cwd: Path, environ: Mapping[str, str], limits: Limits, say: Say) -> Tuple[str, ...]:
    """Put the limits before the command, where there are any; its program is found first, so that a typo is told.

    Raises:
        SettingsError: a limit is above what the system grants us, which no process may raise.
    """
    if limits == Limits():
        return tuple(words)
    if limits.memory_bytes and sys.platform == "darwin":
        say("service: macOS knows no limit of memory, so service.limits.memory is not heeded")
        limits = replace(limits, memory_bytes=None)
    asked = (
        ("memory", limits.memory_bytes, resource.RLIMIT_AS),
        ("open_files", limits.open_files, resource.RLIMIT_NOFILE),
    )
    for name, amount, kind in asked:
        most = resource.getrlimit(kind)[1]
        if amount and most != resource.RLIM_INFINITY and amount > most:
            raise SettingsError(f"service.limits.{name}: expected at most {most}, which is our own, got {amount}")
    return command.limited((processes.find_program(words[0], cwd, environ), *words[1:]), limits)
