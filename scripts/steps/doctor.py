"""Is this machine ready: what is there, what is missing, and what to do about each."""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Callable, Iterable, Iterator, Optional, Sequence

from ..adoption import files as adoption_files
from ..adoption import looks, missing
from ..console import counted, human_bytes, say
from ..distribution import opening
from ..distribution.store import StoreError
from ..environments import environments, installers
from ..environments.interpreters import choose
from ..environments.locks import lock_files
from ..environments.pythons import find
from ..errors import PipelineError
from ..models import store
from ..service import ports
from ..service.elsewhere import all_outside
from ..service.names import ONLY, title
from ..settings import Settings
from ..system import machine
from ..system.programs import ProgramFailed, output
from . import lock

OK, NOTE, WRONG = "ok", "note", "wrong"
WIDTH = len("installer")  # the longest name of a check
ANSWERS_IN_S = 20.0  # a Python on a slow disk; a driver that has to wake up


@dataclass(frozen=True)
class Check:
    """One thing looked at: ok, note (works, but know this) or wrong, and what to do about it."""

    status: str
    about: str
    text: str
    advice: str = ""


def run(settings: Settings, pythons: Sequence[str], preferred: str) -> int:
    """Print a line for each check, as it is done; return 0 unless one is wrong.

    Args:
        pythons: those that the project is run on; `preferred`: the one that CI uses.
    """
    wrong = 0
    for check in examine(settings, pythons, preferred):
        below = " " * len(f"{'':<5}  {'':<{WIDTH}}  ")
        say(f"{check.status:<5}  {check.about:<{WIDTH}}  " + check.text.replace("\n", f"\n{below}"))
        if check.advice:
            say(f"{below}-> " + check.advice.replace("\n", f"\n{below}   "))
        wrong += check.status == WRONG
    say()
    say(f"{wrong} thing(s) to mend first" if wrong else f"ready: {settings.command('nox', '-s', 'integration')}")
    return 1 if wrong else 0


def examine(settings: Settings, pythons: Sequence[str], preferred: str) -> Iterator[Check]:
    """Look at everything a run needs, without changing anything, but for a key in the store that shards would use."""
    yield Check(OK, "settings", f"{settings.file}: {settings.name}")
    yield interpreters([version for version in pythons if find(version, answers_in_s=ANSWERS_IN_S)], pythons, preferred)
    yield installer(installers.find_uv())
    yield from _guarded(settings, "packages", lambda: _requirements(settings))
    yield from _guarded(settings, "weights", lambda: _weights(settings))
    yield from _guarded(settings, "port", lambda: _services(settings))
    yield from _guarded(settings, "store", lambda: _store(settings))
    yield from _guarded(settings, "project", lambda: _project(settings))
    yield gpu()


def _project(settings: Settings) -> Iterator[Check]:
    """Say what the project itself lacks, as `adopt` does."""
    facts = looks.facts(settings.project.name, adoption_files.read(settings.project))
    for lack in missing.look(settings, facts):
        yield Check(lack.status, lack.about, lack.text, lack.advice)


def _guarded(settings: Settings, about: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except PipelineError as error:
        yield Check(WRONG, about, error.message, error.hint_for(settings.command))


def interpreters(found: Sequence[str], wanted: Sequence[str], preferred: str) -> Check:
    """Say which Pythons of the matrix are here; the one CI uses matters most."""
    missing = [version for version in wanted if version not in found]
    running = "{}.{}.{}".format(*sys.version_info)
    text = f"running {running}; found {', '.join(found) or 'none of the matrix'}"
    if preferred not in found:
        return Check(NOTE, "python", text, f"CI uses {preferred}; until it is installed, sessions run on {running}.")
    advice = f"Missing {', '.join(missing)}: only the sessions named after them need these." if missing else ""
    return Check(NOTE if missing else OK, "python", text, advice)


def installer(uv: Optional[str]) -> Check:
    """Say what makes environments: uv, or the slower standard library."""
    if uv:
        return Check(OK, "installer", f"{_printed([uv, '--version']) or 'uv'} at {uv}")
    return Check(NOTE, "installer", "venv and pip", "uv makes environments about 10 times faster: pip install uv")


def _requirements(settings: Settings) -> Iterator[Check]:
    asked = lock.pythons(settings)
    for file in lock.files(settings):
        interpreter = choose(asked.get(file, ()), file.name)
        recipe = environments.recipe(file.parent.name, file, settings.state, settings.project, {}, interpreter)
        text = str(file.relative_to(settings.project))
        if recipe.lock is None:
            yield Check(NOTE, "packages", f"{text}: no lock", f"Pin it: {settings.command('nox', '-s', 'lock')}")
        else:
            yield Check(OK, "packages", f"{text}: locked, {lock_files.header(recipe.lock).get('download', '')}")


def _weights(settings: Settings) -> Iterator[Check]:
    if settings.models is None:
        return
    settings.check_weights()
    plan = store.plan(settings)
    where = settings.models_directory
    if not plan.missing:
        yield Check(OK, "weights", f"{counted(len(settings.models.files), 'file')} verified in {where}")
        return
    free = machine.free_bytes(where)
    room = f"{human_bytes(free)} free, {human_bytes(plan.disk_bytes)} needed in {where}"
    if free < plan.disk_bytes:
        yield Check(WRONG, "weights", room, "Make room, or set models.directory to another disk.")
    else:
        yield Check(
            NOTE, "weights", f"to fetch: {plan}; {room}", f"Fetch now: {settings.command('nox', '-s', 'models')}"
        )


def _services(settings: Settings) -> Iterator[Check]:
    """Look where each service runs, or would listen."""
    elsewhere = all_outside(settings, os.environ)
    for name, outside in elsewhere.items():
        what = "nothing" if name == ONLY else f"no {title(name)}"
        yield Check(NOTE, "service", f"{outside.setting} names {outside.url}: {what} will be started")
    here = [service for name, service in settings.all_services.items() if name not in elsewhere]
    if any(service.port is None for service in here):
        yield Check(OK, "port", "a free one for every start")
    for service in here:
        if service.port:
            yield from _guarded(settings, "port", partial(_fixed_port, settings, service.port, service.host))


def _store(settings: Settings) -> Iterator[Check]:
    """Try the store that shards share their tests out by; without it they run what the plan gives them."""
    at = f"doctor/{uuid.uuid4().hex}"
    try:
        store = opening.open_store(settings.distribution, os.environ, settings.project, at)
    except StoreError as error:
        yield Check(NOTE, "store", f"{error.message}; until then shards run what the plan gives them", error.hint)
        return
    if store:
        yield Check(OK, "store", f"{store.where}: a claim takes {store.latency_s * 1000:.0f} ms, and only one can win")


def _fixed_port(settings: Settings, port: int, host: str) -> Iterator[Check]:
    ports.check_port(settings.state, port, host)
    yield Check(OK, "port", f"{port} is free")


def gpu() -> Check:
    """Say which GPUs there are; none is no fault, a driver that does not answer is."""
    names: Sequence[str] = []
    if machine.has_gpu_program():
        try:
            names = machine.gpus(ANSWERS_IN_S, "name", "memory.total")
        except ProgramFailed as failed:
            return Check(NOTE, "gpu", str(failed), "The service may not get a GPU: look after its driver.")
    return Check(OK, "gpu", "; ".join(names) or f"none found ({machine.GPU_PROGRAM}); the service runs on the CPU")


def _printed(words: Sequence[str]) -> str:
    """Return what a program prints, stripped; nothing where it fails or hangs."""
    try:
        return output(words, ANSWERS_IN_S).strip()
    except ProgramFailed:
        return ""
