"""Python environments for the suite and the service: made once per checksum of what defines them.

An environment is complete or absent: its stamp is written last, and without it the folder is made
anew. The stamp's time tells when a run last used it, and who uses it now holds a lock on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..console import bare_urls, printable, progress, say
from ..errors import InstallError, PipelineError
from ..system import files, locks, programs
from . import census, disk_errors, installation, installers
from . import requirements as requirements_files
from .census import Census
from .interpreters import OURS, Interpreter
from .locks import lock_files
from .orders import Order
from .sources import installed_sources, local_sources, source_trees
from .sources.digests import Memory
from .sources.local_sources import LocalSource, State

STAMP = "complete.json"
SHELL_PATH = "SHARDLINE_SHELL_PATH"  # the PATH of the shell that nox or bootstrap.sh was started in
SCHEMA = 1
KEEP_DAYS = 30.0  # without a use
MOST_TRIES = 3  # a build may leave files that count, and one that is begun while a person saves a file is half of each
UNFINISHED = "it is not there, or was not finished"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its folder and how to run things in it."""

    folder: Path
    sources: Sequence[LocalSource] = ()  # what is in it from paths and version control, as that stood

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        return self.bin / "python"

    @property
    def bin(self) -> Path:
        """The folder of the environment's programs."""
        return self.folder / "bin"

    def variables(self, environ: Mapping[str, str]) -> Dict[str, str]:
        """Change `environ` to what it is inside the activated environment; a person's PYTHONPATH counts there too."""
        outer = {name: value for name, value in environ.items() if name not in installation.OUTER}
        path = os.pathsep.join(filter(None, [str(self.bin), environ.get("PATH")]))
        return {**outer, "VIRTUAL_ENV": str(self.folder), "PATH": path}


def of_shell(environ: Mapping[str, str], own: Path) -> Optional[Environment]:
    """Choose the environment whose `python` a command without requirements means.

    It is the one that is active in the person's shell, else `own`, the one that this program runs in. Neither what nox
    nor what bootstrap.sh put before the shell's PATH counts: all ways to start it mean the same. None where both are a
    system's Python: then PATH says what it says.
    """
    path = environ.get(SHELL_PATH) or environ.get("PATH", os.defpath)
    found = shutil.which("python", path=path)
    folders = [*([Path(found).parent.parent] if found else []), own]
    return next((Environment(folder) for folder in folders if is_environment(folder)), None)


def is_environment(folder: Path) -> bool:
    """Tell whether a folder is an environment that can be activated: of venv, virtualenv, uv or conda."""
    return (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()


@dataclass(frozen=True)
class Recipe:
    """What defines an environment: a requirements file, its lock where it has one, this Python."""

    name: str
    requirements: Path
    lock: Optional[Path]
    folder: Path
    project: Path  # whose folder the paths in requirements count from
    sources: Tuple[LocalSource, ...] = ()  # what comes from paths and version control
    learnt: Tuple[LocalSource, ...] = ()  # what these themselves have from there, as the last installation showed
    notes: Path = field(default=Path(), compare=False)  # the file of what was learnt
    known: Mapping[str, State] = field(default_factory=dict, compare=False)
    interpreter: Interpreter = OURS

    @property
    def ready(self) -> bool:
        """Tell whether it is there and can be used as it is."""
        return not self.fault

    @property
    def fault(self) -> str:
        """Say why it has to be made, or made anew; "" where it is complete, and was made at this very place.

        Its programs name their interpreter by its full path: in a project that was moved or copied
        they would run the other one's, or none.
        """
        try:
            stamp = files.read_json(self.folder / STAMP, SCHEMA, "")
        except PipelineError:
            return UNFINISHED
        if stamp.get("folder") != str(self.folder):
            return f"it was made as {printable(str(stamp.get('folder')))}"
        python = Environment(self.folder).python
        if not python.exists():
            return f"there is no {os.readlink(python) if python.is_symlink() else python} any more"
        count, size_bytes = stamp.get("files"), stamp.get("bytes")
        if not isinstance(count, int) or not isinstance(size_bytes, int):  # of an earlier version
            return ""
        return census.fault(self.folder, Census(count, size_bytes))

    @property
    def source(self) -> Path:
        """The file to install from: the lock, else the requirements themselves."""
        return self.lock or self.requirements

    def now(self) -> Recipe:
        """Look anew at all that decides it; a commit that was told to us is installed, whatever a branch is at now."""
        commits = {each.identity for each in (*self.sources, *self.learnt) if not each.source.is_local}
        known = {name: state for name, state in self.known.items() if name in commits}
        state = self.folder.parent.parent
        return recipe(self.name, self.requirements, state, self.project, known, self.interpreter)


def recipe(
    name: str,
    requirements: Path,
    state: Path,
    project: Path,
    known: Mapping[str, State] = {},
    interpreter: Interpreter = OURS,
) -> Recipe:
    """Decide which environment serves a requirements file of a project on this machine and a Python.

    Args:
        known: the states of local sources that the run has seen which we are a part of.
        interpreter: what it is made on.

    Raises:
        InstallError: the file is missing, was edited after its lock was made, or names what cannot be found.
    """
    if not requirements.is_file():
        raise InstallError(f"no requirements file {requirements} for the {name}", "Correct its path in pipeline.yml.")
    lock = requirements.with_suffix(".lock")
    if lock.is_file():
        lock_files.check_lock(requirements, lock, project)
        lock_files.check_python(lock, interpreter.version, interpreter.program)
    source = lock if lock.is_file() else requirements
    with progress(f"reading what {source.name} installs from this machine"):
        locked = lock if lock.is_file() else None
        return _recipe(Recipe(name, requirements, locked, state, project, known=known, interpreter=interpreter))


def _recipe(asked: Recipe) -> Recipe:
    """Find the folder below `asked.folder`, the project's state, by all that decides what is in it."""
    place, project, source = asked.folder / "environments", asked.project, asked.source
    memory = Memory(place / "digests.json")
    lines = local_sources.lines_of(source, project)
    definition = b"\0".join([_definition(source, memory), *_filled_in(lines)])
    python = asked.interpreter
    notes = place / f"{asked.name}-{cache_key(definition, python.release, '')[:12]}.learnt.json"
    sources = tuple(local_sources.find(lines, project, memory, asked.known))
    learnt = tuple(local_sources.find(_lines_learnt(notes), project, memory, asked.known, may_be_gone=True))
    memory.save()
    states = [os.fsencode(f"{each.label} {each.state.key}") for each in (*sources, *learnt)]
    key = cache_key(b"\0".join([definition, *states]), python.build, python.machine)
    folder = place / f"{asked.name}-{python.release}-{key[:12]}"
    return replace(asked, folder=folder, sources=sources, learnt=learnt, notes=notes)


def _definition(source: Path, memory: Memory) -> bytes:
    """Give all that a file says of what is to be installed; a pyproject.toml says it with the files it names."""
    if source.name in requirements_files.BUILD_FILES:
        tree = source_trees.read(source.parent, memory)
        return source_trees.metadata(tree, source.parent).encode()
    return lock_files.definition(source)


def _filled_in(lines: Sequence[requirements_files.Line]) -> List[bytes]:
    """Give all lines as they are meant where one names a variable: another package, say, or the file of the others.

    A user and password may be others each time, and install the same.
    """
    is_filled_in = any(line.text != (line.written or line.text) for line in lines)
    return [os.fsencode(bare_urls(line.text)) for line in lines] if is_filled_in else []


def _lines_learnt(file: Path) -> List[requirements_files.Line]:
    """Read what local packages have from paths and version control themselves, as lines of requirements."""
    with suppress(PipelineError, KeyError, TypeError):
        texts = files.read_json(file, SCHEMA, "")["lines"]
        return [requirements_files.Line(file, number, str(text)) for number, text in enumerate(texts, 1)]
    return []


def cache_key(requirements: bytes, python_version: str, machine: str) -> str:
    """Take the sha-256 of all that decides what an environment holds."""
    parts = [requirements, python_version.encode(), machine.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make(recipe: Recipe) -> Environment:
    """Make the environment unless it is there; safe against other processes doing the same.

    It counts as used until this process ends.

    Raises:
        InstallError: no installer works here, the packages could not be had, or they change all the time.
    """
    for _ in range(MOST_TRIES):
        found = _make(recipe)
        if found.folder == recipe.folder:
            return Environment(recipe.folder, (*recipe.sources, *recipe.learnt))
        recipe = found
    names = ", ".join(str(each) for each in recipe.sources)
    message = (
        f"packages for the {recipe.name}: what they are built from changed during each of {MOST_TRIES} builds: {names}"
    )
    raise InstallError(message, "Does something write there? Let git ignore what no package needs.")


def _make(recipe: Recipe) -> Recipe:
    """Make an environment unless it is there.

    Returns:
        the recipe, or what it is now, where that changed meanwhile: then the environment is not complete.
    """
    try:
        recipe.folder.parent.mkdir(parents=True, exist_ok=True)
        if not _use(recipe):
            with _alone(recipe) as lock:
                if not _use(recipe):
                    installer = _build(recipe, lock)
                    now = _after_build(recipe)
                    if now.folder != recipe.folder:
                        files.remove(recipe.folder)
                        return now
                    _write_stamp(recipe, installer)
                    _use(recipe)
    except BrokenPipeError:  # nobody reads what we say, and the disk is not to blame
        raise
    except OSError as error:
        why = f"cannot make {recipe.folder}: {error.strerror or error}"
        raise InstallError(why, "Is there space left, and the right to write there?") from error
    return recipe


def _after_build(recipe: Recipe) -> Recipe:
    """Look again at what the environment was made from: only what is as it was before is known to be in it."""
    lines = list(installed_sources.lines(recipe.folder))
    if installed_sources.unknown(lines, [*recipe.sources, *recipe.learnt]):
        more = installed_sources.unknown(lines, recipe.sources)
        files.write_text(recipe.notes, json.dumps({"schema": SCHEMA, "lines": more}))
    return recipe.now()


def _build(recipe: Recipe, lock: int) -> str:
    """Install into an empty folder; returns the installer's name."""
    if recipe.fault not in ("", UNFINISHED):
        say(f"{recipe.folder.name} is made anew: {recipe.fault}")
    shutil.rmtree(recipe.folder, ignore_errors=True)
    title = f"installing packages for the {recipe.name}"
    with progress(title):
        try:
            places = (recipe.folder, recipe.source, recipe.requirements, recipe.project)
            order = Order(*places, recipe.sources, recipe.learnt, recipe.interpreter.program)
            return installation.install(order, lock)
        except programs.ProgramFailed as failed:
            full = disk_errors.error(title, failed.output, installation.places(recipe.folder))
            shutil.rmtree(recipe.folder, ignore_errors=True)  # half of it is of no use, and takes room
            if full:
                raise full from None
            why = failed if failed.returncode is None else installers.explain(failed.output)
            hint = installation.hint(failed.output, recipe.interpreter.version)
            raise InstallError(f"{title} failed: {why}", hint) from None


def _write_stamp(recipe: Recipe, installer: str) -> None:
    """Say that the environment is complete: all of the stamp, or none of it."""
    stamp: Dict[str, Any] = {"schema": SCHEMA, "folder": str(recipe.folder), "python": recipe.interpreter.build}
    stamp.update({"installed_from": str(recipe.source), "with": installer})
    counted = census.take(recipe.folder)
    stamp.update({"files": counted.files, "bytes": counted.size_bytes})
    census.note(recipe.folder)
    files.write_bytes(recipe.folder / STAMP, json.dumps(stamp, indent=1).encode("ascii"))


@contextmanager
def _alone(recipe: Recipe) -> Iterator[int]:
    """Hold a lock across processes; the system frees it when all who hold it are dead.

    Yields:
        the descriptor that holds it.
    """
    file = recipe.folder.with_name(recipe.folder.name + ".lock")
    with ExitStack() as stack:
        with progress(f"waiting for another run that holds {file.name}"):
            lock = stack.enter_context(locks.alone(file, lambda: None, f"packages for the {recipe.name}"))
        yield lock


# Use and age --------------------------------------------------------------------------------------


def _use(recipe: Recipe) -> bool:
    """Mark a ready environment as used, now and until this process ends; False if it is not ready."""
    if not recipe.ready:
        return False
    # An environment that cannot be written, or lies on a disk without locks, serves all the same.
    with suppress(OSError), locks.acquire(recipe.folder / STAMP, shared=True, create=False) as stamp:
        os.dup(stamp.fileno())  # holds the lock too, and is closed by the end of the process
    with suppress(OSError):
        os.utime(str(recipe.folder / STAMP))
    return recipe.ready  # `prune` may have been faster


def prune(folder: Path, days: float = KEEP_DAYS) -> List[Path]:
    """Remove the environments in `folder` that no run used for so many days, and none that is in use.

    Returns:
        the folders that are gone.
    """
    with suppress(OSError):
        old = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and _is_older(entry, days)]
        return [entry for entry in old if _remove(entry, days)]
    return []


def _is_older(folder: Path, days: float) -> bool:
    """Judge it by its stamp; an installation that never became complete, by itself."""
    with suppress(OSError):
        stamp = folder / STAMP
        return time.time() - (stamp if stamp.exists() else folder).stat().st_mtime > days * 86400
    return False


def _remove(folder: Path, days: float) -> bool:
    """Remove an environment, its stamp first; False where somebody uses it, or is making it."""
    stamp = folder / STAMP
    with suppress(OSError), ExitStack() as stack:
        with suppress(locks.NoLocks):  # then its age alone tells that nobody uses it
            lock = locks.try_acquire(stamp if stamp.exists() else folder.with_name(folder.name + ".lock"), create=False)
            if lock is None:
                return False
            stack.enter_context(lock)
        if not _is_older(folder, days):  # used since we looked
            return False
        with suppress(FileNotFoundError):
            stamp.unlink()
        shutil.rmtree(folder)
        return True
    return False
