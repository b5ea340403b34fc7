"""Prepare a machine for a shard: the environments of suite and services, and the model weights."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence

from .. import ci, console
from ..console import counted, human_bytes, say
from ..environments import environments, interpreters
from ..environments.environments import Environment, Recipe
from ..environments.interpreters import OURS
from ..environments.locks import lock_files
from ..environments.sources.local_sources import LocalSource, State
from ..errors import PipelineError
from ..models import store
from ..service.elsewhere import all_outside
from ..service.names import ONLY, title
from ..settings import Settings
from ..system.beside import Beside

SEEN = "SHARDLINE_SOURCES"  # in a shard's environment: the states of local sources that the run of all shards has seen


@dataclass(frozen=True)
class Environments:
    """Where the suite and the services run; a service without requirements has no environment of its own."""

    suite: Environment
    services: Mapping[str, Environment] = field(default_factory=dict)

    @property
    def sources(self) -> Dict[str, LocalSource]:
        """What of suite and services comes from paths and version control, by who has it and what it is called."""
        owners = {"suite": self.suite, **{title(name): made for name, made in self.services.items()}}
        return {f"{owner}: {each.label}": each for owner, made in owners.items() for each in made.sources}

    @property
    def seen(self) -> Dict[str, str]:
        """The variable by which the shards of a run hear what is to be installed, and all install the same.

        What tests write meanwhile, or a branch that moves, is nothing to them.
        """
        states = {each.identity: each.state for each in self.sources.values()}
        return {SEEN: json.dumps(states)} if states else {}

    def tell(self) -> None:
        """Say in which state that is which comes from paths and version control."""
        for name, each in self.sources.items():
            say(f"{name}{each.state.text}")

    def of_service(self, name: str, environ: Mapping[str, str]) -> Dict[str, str]:
        """Change `environ` to what it is where a service runs."""
        return self.services[name].variables(environ) if name in self.services else dict(environ)


@contextmanager
def timed(seconds: Dict[str, float], step: str) -> Iterator[None]:
    """Note how long a step took."""
    started = time.monotonic()
    yield
    seconds[step] = time.monotonic() - started


def install(
    settings: Settings,
    with_suite: bool = True,
    with_service: bool = True,
    environ: Mapping[str, str] = os.environ,
) -> Environments:
    """Make the environments that are missing, saying first what will be downloaded and where to.

    Args:
        with_suite: no where only the service is wanted.
        with_service: no where no service is to be started.
        environ: says which services somebody else runs: they need none here.

    Raises:
        SettingsError: `adopt` left a word of a service's command open.
        InstallError: a requirements file is missing, its lock is stale, or packages cannot be had.
    """
    names = _services(settings, environ) if with_service else []
    for name in names:
        settings.check_edited(name)
    own = settings.project / "requirements.txt"
    if own.is_file() and own.with_suffix(".lock").is_file():
        lock_files.check_lock(own, own.with_suffix(".lock"), settings.project)
    known = _seen(environ)
    suite = _make("suite", settings.suite.requirements if with_suite else None, settings, known)
    own = Path(sys.prefix)
    made = {
        name: _make(_folder_name(name), service.requirements, settings, known, service.pythons)
        or environments.of_shell(os.environ, own)
        for name, service in settings.all_services.items()
        if name in names
    }
    found = {name: environment for name, environment in made.items() if environment}
    return Environments(suite or Environment(own), found)


def _seen(environ: Mapping[str, str]) -> Dict[str, State]:
    """Read what the run has seen that this is a shard of; nothing where it is none."""
    with suppress(ValueError, TypeError, AttributeError):
        if ci.is_owned(environ):
            return {name: State(*map(str, state)) for name, state in json.loads(environ.get(SEEN, "{}")).items()}
    return {}


def _services(settings: Settings, environ: Mapping[str, str]) -> List[str]:
    """List the services that nobody else runs."""
    elsewhere = all_outside(settings, environ)
    return [name for name in settings.all_services if name not in elsewhere]


def _folder_name(service: str) -> str:
    return service if service == ONLY else f"{ONLY}-{service}"


def digest(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """Take the sha-256 of all that decides which environments `install` makes here, or takes as they are.

    A cache that was saved under it holds exactly these: it changes with what they are made from, and with the places
    that their programs name, which are the project's folder and the interpreter.

    Raises:
        InstallError: a requirements file is missing, or its lock is stale.
    """
    suite = [_recipe("suite", settings.suite.requirements, (), settings, {})] if settings.suite.requirements else []
    services = [(_folder_name(name), settings.all_services[name]) for name in _services(settings, environ)]
    recipes = suite + [_recipe(n, s.requirements, s.pythons, settings, {}) for n, s in services if s.requirements]
    others = {os.path.realpath(each.interpreter.program) for each in recipes if each.interpreter != OURS}
    folders = sorted(str(recipe.folder) for recipe in recipes)
    content = json.dumps([os.path.realpath(sys.executable), folders, *sorted(others)])
    return hashlib.sha256(content.encode()).hexdigest()


def _recipe(
    name: str, requirements: str, asked: Sequence[str], settings: Settings, known: Mapping[str, State]
) -> Recipe:
    file, interpreter = settings.project / requirements, interpreters.choose(asked, name)
    return environments.recipe(name, file, settings.state, settings.project, known, interpreter)


def _make(
    name: str,
    requirements: Optional[str],
    settings: Settings,
    known: Mapping[str, State],
    asked: Sequence[str] = (),
) -> Optional[Environment]:
    if requirements is None:
        return None
    recipe = _recipe(name, requirements, asked, settings, known)
    if recipe.ready:
        return environments.make(recipe)
    folder = recipe.folder.relative_to(settings.project)
    size = lock_files.header(recipe.lock).get("download") if recipe.lock else None
    on = "" if recipe.interpreter == OURS else f", on Python {recipe.interpreter.version}"
    say(f"packages for the {name}: {size or requirements}, into {folder}{on}")
    made = environments.make(recipe)
    prune(settings)
    return made


def prune(settings: Settings, days: float = environments.KEEP_DAYS) -> List[Path]:
    """Remove the environments that no run used for so many days, say so, and return their folders."""
    gone = environments.prune(settings.state / "environments", days)
    if gone:
        names = ", ".join(folder.name for folder in gone)
        say(f"removed {counted(len(gone), 'environment')} not used for {days:g} days: {names}")
    return gone


def fetch_weights(settings: Settings, offline: bool = False) -> None:
    """Fetch what is missing of the weights; one line when all is there and verified.

    Args:
        offline: verify only, fetch nothing.

    Raises:
        SettingsError: nobody has looked up sizes and digests.
        ModelError: a file is missing, cannot be had, or is not what the manifest says.
    """
    if settings.models is None:
        return
    fetched = store.fetch(settings, offline)
    say(verified(fetched.files, fetched.total_bytes))


def wants_weights(settings: Settings, with_service: bool) -> bool:
    """Tell whether weights are wanted: by a service that is started, or by the tests of a project that has none."""
    return with_service or not settings.all_services


def prepare(settings: Settings, with_service: bool, seconds: Dict[str, float]) -> Environments:
    """Make the environments while the weights arrive: one keeps the processor busy, the other the network.

    On a terminal one comes after the other, since each draws what it does.

    Args:
        with_service: no where no service is to be started.
        seconds: gets what each step took.

    Raises:
        InstallError, ModelError, SettingsError: see `install` and `fetch_weights`; the former's goes before.
    """

    def fetch() -> None:
        with timed(seconds, "weights"):
            fetch_weights(settings)

    with_weights = wants_weights(settings, with_service)
    if with_weights:
        settings.check_weights()
    seconds["packages"] = 0.0  # it is shown first, whatever ends first
    weights = Beside(fetch) if with_weights and not console.is_terminal() else None
    try:
        with timed(seconds, "packages"):
            environments = install(settings, with_service=with_service)
    except PipelineError:
        if weights and weights.failure:  # else nobody waits for them now
            say(f"weights: {weights.failure}")
        raise
    if weights:
        weights.wait()
    elif with_weights:
        fetch()
    return environments


def verified(files: int, total_bytes: int) -> str:
    """Say that all is well.

    >>> verified(12, 2_600_000_000)
    'weights: 12 files verified, 2.6 GB'
    """
    return f"weights: {counted(files, 'file')} verified, {human_bytes(total_bytes)}"
