"""Install packages into a new environment, by uv where it is found (many times faster), else by venv and pip."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from ..system import caches, programs
from . import indexes, installers, lock_files, pip_settings

OUTER = ("PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")  # of another environment
_ISOLATED = (*OUTER, "PYTHONPATH")  # of what installs


class Order(NamedTuple):
    """What is to be installed, and where."""

    folder: Path  # of the new environment
    source: Path  # a requirements file, or a lock
    is_locked: bool
    project: Path  # whose folder the paths in requirements count from
    requirements: Path  # the file that a lock was made from: it names the indexes, which a lock does not

    @property
    def state(self) -> Path:
        """The project's state folder, which holds its environments."""
        return self.folder.parents[1]


def install(order: Order, lock: int) -> str:
    """Make an environment with what the order names; returns the installer's name.

    Args:
        lock: a descriptor that the installer holds too: should we be killed, the next run waits until it is gone.

    Raises:
        ProgramFailed: by what an installer printed; see `hint`.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _ISOLATED}
    uv, environ = _find_uv(order, environ)
    if uv:
        _with_uv(uv, order, environ, lock)
    else:
        _with_venv(order, environ, lock)
    return "uv" if uv else "pip"


def _find_uv(order: Order, environ: Dict[str, str]) -> Tuple[Optional[str], Dict[str, str]]:
    """Find uv, and the variables by which it finds a cache; without a cache that works, uv does not."""
    uv = installers.find_uv()
    cache = caches.for_uv(environ, order.state) if uv else None
    return (None, environ) if cache is None else (uv, {**environ, **cache})


def _with_uv(uv: str, order: Order, environ: Mapping[str, str], lock: int) -> None:
    settings = pip_settings.read(environ)
    environ = {**environ, **settings, "UV_PYTHON_DOWNLOADS": "never"}
    if order.is_locked:
        environ.update(indexes.of(lock_files.lines(order.requirements), environ).for_uv())
    _run([uv, "venv", "--python", sys.executable, str(order.folder)], environ, lock)
    python = str(order.folder / "bin" / "python")
    install = [uv, "pip", "install", *pip_settings.uv_options(environ), "--python", python, "-r", str(order.source)]
    if order.is_locked:
        install.append("--require-hashes")
        try:  # A lock leaves no choice, so what the cache holds is right, and no index need be asked.
            return _run([*install, "--offline"], environ, lock)
        except programs.ProgramFailed:
            pass
    _run(install, environ, lock)


def _with_venv(order: Order, environ: Mapping[str, str], lock: int) -> None:
    _run([sys.executable, "-m", "venv", str(order.folder)], environ, lock)
    pip = [str(order.folder / "bin" / "python"), "-m", "pip", "install", "--no-compile"]
    hashes = ["--require-hashes"] if order.is_locked else []
    if order.is_locked:
        environ = indexes.pip_environment(lock_files.lines(order.requirements), environ)
    _run([*pip, "--disable-pip-version-check", *hashes, "-r", str(order.source)], environ, lock)


def _run(step: List[str], environ: Mapping[str, str], lock: int) -> None:
    """Run an installer. It holds our lock too: should we be killed, the next run waits until it is gone."""
    programs.output(step, None, environ=environ, merged=True, pass_fds=[lock])


def places(folder: Path) -> Dict[str, Path]:
    """Name the folders that an installer writes to, by the variable that names another one, "" where none does.

    Args:
        folder: of the new environment.
    """
    cache = caches.of_user("uv", "UV_CACHE_DIR", os.environ)
    named = {"": folder.parent, "UV_CACHE_DIR": cache, "TMPDIR": Path(tempfile.gettempdir())}
    return {variable: place for variable, place in named.items() if place}


def hint(output: str) -> str:
    """Say what may help, by what an installer printed.

    >>> hint("No solution found when resolving")[:21], hint("Failed to fetch")[:31]
    ('Edit the requirements', 'Is the package index reachable?')
    """
    if "ensurepip" in output:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return f"This Python lacks ensurepip. On Debian or Ubuntu: sudo apt install python{version}-venv"
    if "No solution found" in output:  # uv asked, and was answered
        why = "no index that is asked has such a version, or its lines exclude each other"
        return f"Edit the requirements: {why}. `pip config list` shows which are asked."
    return "Is the package index reachable? `pip config list` shows which one is asked. Then run the command again."
