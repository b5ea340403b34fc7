"""Python environments for the suite and the service: made once per checksum of what defines them.

An environment is complete or absent: its stamp is written last, and without it the folder is made
anew. The stamp's time tells when a run last used it, and who uses it now holds a lock on it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional

from ..console import progress
from ..errors import InstallError, PipelineError
from ..system import files, locks, programs
from . import disk_errors, installation, installers, lock_files
from .installation import Order

STAMP = "complete.json"
SHELL_PATH = "SHARDLINE_SHELL_PATH"  # the PATH of the shell that nox or bootstrap.sh was started in
SCHEMA = 1
KEEP_DAYS = 30.0  # without a use


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its folder and how to run things in it."""

    folder: Path

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

    @property
    def ready(self) -> bool:
        """Tell whether it is there, complete, made at this very place, with an interpreter that still exists.

        Its programs name their interpreter by its full path: in a project that was moved or copied
        they would run the other one's, or none.
        """
        try:
            stamp = files.read_json(self.folder / STAMP, SCHEMA, "")
        except PipelineError:
            return False
        return stamp.get("folder") == str(self.folder) and Environment(self.folder).python.exists()

    @property
    def source(self) -> Path:
        """The file to install from: the lock, else the requirements themselves."""
        return self.lock or self.requirements


def recipe(name: str, requirements: Path, state: Path, project: Path) -> Recipe:
    """Decide which environment serves a requirements file of a project on this machine and Python.

    Raises:
        InstallError: the file is missing, or was edited after its lock was made.
    """
    if not requirements.is_file():
        raise InstallError(f"no requirements file {requirements} for the {name}", "Correct its path in pipeline.yml.")
    lock = requirements.with_suffix(".lock")
    if lock.is_file():
        lock_files.check_lock(requirements, lock, project)
        lock_files.check_python(lock)
    source = lock if lock.is_file() else requirements
    key = cache_key(lock_files.definition(source), sys.version, sysconfig.get_platform())
    folder = state / "environments" / f"{name}-{platform.python_version()}-{key[:12]}"
    return Recipe(name, requirements, lock if lock.is_file() else None, folder, project)


def cache_key(requirements: bytes, python_version: str, machine: str) -> str:
    """Take the sha-256 of all that decides what an environment holds."""
    parts = [requirements, python_version.encode(), machine.encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def make(recipe: Recipe) -> Environment:
    """Make the environment unless it is there; safe against other processes doing the same.

    It counts as used until this process ends.

    Raises:
        InstallError: no installer works here, or the packages could not be had.
    """
    try:
        recipe.folder.parent.mkdir(parents=True, exist_ok=True)
        if not _use(recipe):
            with _alone(recipe) as lock:
                if not _use(recipe):
                    _build(recipe, lock)
                    _use(recipe)
    except BrokenPipeError:  # nobody reads what we say, and the disk is not to blame
        raise
    except OSError as error:
        why = f"cannot make {recipe.folder}: {error.strerror or error}"
        raise InstallError(why, "Is there space left, and the right to write there?") from error
    return Environment(recipe.folder)


def _build(recipe: Recipe, lock: int) -> None:
    shutil.rmtree(recipe.folder, ignore_errors=True)
    title = f"installing packages for the {recipe.name}"
    with progress(title):
        try:
            installer = installation.install(
                Order(recipe.folder, recipe.source, bool(recipe.lock), recipe.project, recipe.requirements), lock
            )
        except programs.ProgramFailed as failed:
            full = disk_errors.error(title, failed.output, installation.places(recipe.folder))
            shutil.rmtree(recipe.folder, ignore_errors=True)  # half of it is of no use, and takes room
            if full:
                raise full from None
            why = failed if failed.returncode is None else installers.explain(failed.output)
            raise InstallError(f"{title} failed: {why}", installation.hint(failed.output)) from None
    _write_stamp(recipe, installer)


def _write_stamp(recipe: Recipe, installer: str) -> None:
    """Say that the environment is complete: all of the stamp, or none of it."""
    stamp = {"schema": SCHEMA, "folder": str(recipe.folder), "python": sys.version}
    stamp.update({"installed_from": str(recipe.source), "with": installer})
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
