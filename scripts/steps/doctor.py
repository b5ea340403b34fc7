"""Is this machine ready: what is there, what is missing, and what to do about each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Iterator, List, Optional, Sequence

from ..console import counted, human_bytes, say
from ..environments import environments, installers, lock_files
from ..errors import PipelineError
from ..models import store
from ..service import lifecycle
from ..settings import Settings
from . import lock

OK, NOTE, WRONG = "ok", "note", "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ok, note (works, but know this) or wrong, and what to do about it."""

    status: str
    about: str
    text: str
    advice: str = ""


def run(settings: Settings, pythons: Sequence[str], preferred: str) -> int:
    """Print a line for each finding; 0 unless one is wrong."""
    findings = list(examine(settings, pythons, preferred))
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        say(f"{finding.status:<5}  {finding.about:<{width}}  {finding.text}")
        if finding.advice:
            say(f"{'':<5}  {'':<{width}}  -> {finding.advice}")
    wrong = sum(finding.status == WRONG for finding in findings)
    say()
    say(f"{wrong} thing(s) to mend first" if wrong else f"ready: {settings.command('nox', '-s', 'integration')}")
    return 1 if wrong else 0


def examine(settings: Settings, pythons: Sequence[str], preferred: str) -> Iterator[Finding]:
    """Look at everything a run needs, without changing anything."""
    yield Finding(OK, "settings", f"{settings.file}: {settings.name}")
    yield interpreters([version for version in pythons if _has_python(version)], pythons, preferred)
    yield installer(installers.find_uv())
    yield from _guarded(settings, "packages", lambda: _requirements(settings))
    yield from _guarded(settings, "weights", lambda: _weights(settings))
    yield from _guarded(settings, "port", lambda: _port(settings))
    yield gpu(_gpus())


def _guarded(settings: Settings, about: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except PipelineError as error:
        yield Finding(WRONG, about, error.message, error.hint_for(settings.command))


def interpreters(found: Sequence[str], wanted: Sequence[str], preferred: str) -> Finding:
    """Which Pythons of the matrix are here; the one CI uses matters most."""
    missing = [version for version in wanted if version not in found]
    running = "{}.{}.{}".format(*sys.version_info)
    text = f"running {running}; found {', '.join(found) or 'none of the matrix'}"
    if preferred not in found:
        return Finding(NOTE, "python", text, f"CI uses {preferred}; until it is installed, sessions run on {running}.")
    advice = f"Missing {', '.join(missing)}: only the sessions named after them need these." if missing else ""
    return Finding(NOTE if missing else OK, "python", text, advice)


def _has_python(version: str) -> bool:
    if version == "{}.{}".format(*sys.version_info):
        return True
    program = shutil.which(f"python{version}")
    return bool(program) and _output([str(program), "-c", "print(1)"]) == "1"


def installer(uv: Optional[str]) -> Finding:
    """uv, or the slower standard library."""
    if uv:
        return Finding(OK, "installer", f"{_output([uv, '--version']) or 'uv'} at {uv}")
    return Finding(NOTE, "installer", "venv and pip", "uv makes environments about 10 times faster: pip install uv")


def _requirements(settings: Settings) -> Iterator[Finding]:
    for file in lock.files(settings):
        recipe = environments.recipe(file.parent.name, file, settings.state)
        text = str(file.relative_to(settings.project))
        if recipe.lock is None:
            yield Finding(NOTE, "packages", f"{text}: no lock", f"Pin it: {settings.command('nox', '-s', 'lock')}")
        else:
            yield Finding(OK, "packages", f"{text}: locked, {lock_files.header(recipe.lock).get('download', '')}")


def _weights(settings: Settings) -> Iterator[Finding]:
    if settings.models is None:
        return
    plan = store.plan(settings)
    where = settings.models_directory
    if not plan.missing:
        yield Finding(OK, "weights", f"{counted(len(settings.models.files), 'file')} verified in {where}")
        return
    free = shutil.disk_usage(existing(where)).free
    room = f"{human_bytes(free)} free, {human_bytes(plan.disk_bytes)} needed in {where}"
    if free < plan.disk_bytes:
        yield Finding(WRONG, "weights", room, "Make room, or set models.directory to another disk.")
    else:
        yield Finding(
            NOTE, "weights", f"to fetch: {plan}; {room}", f"Fetch now: {settings.command('nox', '-s', 'models')}"
        )


def existing(folder: Path) -> Path:
    """The folder itself or the nearest one above it that is there."""
    return next(above for above in (folder, *folder.parents) if above.exists())


def _port(settings: Settings) -> Iterator[Finding]:
    if settings.service is None:
        return
    outside = lifecycle.named_outside(settings.service, os.environ)
    if outside:
        yield Finding(NOTE, "service", f"{outside.setting} names {outside.url}: nothing will be started")
    elif settings.service.port is None:
        yield Finding(OK, "port", "a free one for every start")
    else:
        lifecycle.check_port(settings.state, settings.service.port)
        yield Finding(OK, "port", f"{settings.service.port} is free")


def gpu(names: Sequence[str]) -> Finding:
    """Which GPUs there are; none is no fault."""
    return Finding(OK, "gpu", "; ".join(names) or "none found (nvidia-smi); the service runs on the CPU")


def _gpus() -> List[str]:
    if not shutil.which("nvidia-smi"):
        return []
    return _output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]).splitlines()


def _output(words: Sequence[str]) -> str:
    """What a program prints, stripped; nothing where it fails."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
