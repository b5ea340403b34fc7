"""Install packages into a new environment, by uv where it is found (many times faster), else by venv and pip."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ..errors import InstallError
from ..system import caches, programs
from . import installers, orders, pip_settings
from .orders import Order, Step
from .requirements import BUILD_FILES

OUTER = ("PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")  # of another environment
_ISOLATED = (*OUTER, "PYTHONPATH")  # of what installs

_UNREACHABLE = re.compile(r"(?i)error sending request|dns error|connect error|timed out|network is unreachable")
Runs = Callable[[List[str], Mapping[str, str]], None]


def install(order: Order, lock: int) -> str:
    """Make an environment with what the order names; returns the installer's name.

    Args:
        lock: a descriptor that the installer holds too: should we be killed, the next run waits until it is gone.

    Raises:
        ProgramFailed: by what an installer printed; see `hint`.
        InstallError: what it installed lacks something; or only uv could do it.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _ISOLATED}
    uv, environ = _find_uv(order, environ)
    with orders.steps(order) as (steps, reworded), orders.apart_from_earlier_builds(order, environ) as environ:

        def run(step: List[str], environ: Mapping[str, str]) -> None:
            _run(step, environ, lock, order.project)

        try:
            if uv:
                _with_uv(uv, order, steps, environ, run)
            else:
                _with_venv(order, steps, environ, run)
        except programs.ProgramFailed as failed:
            output = re.sub(r"://[^/\s@]+@", "://", reworded(failed.output))  # users and passwords
            raise programs.ProgramFailed(str(failed), failed.returncode, output) from None
    return "uv" if uv else "pip"


def _find_uv(order: Order, environ: Dict[str, str]) -> Tuple[Optional[str], Dict[str, str]]:
    """Find uv, and the variables by which it finds a cache; without a cache that works, uv does not."""
    uv = installers.find_uv()
    cache = caches.for_uv(environ, order.state) if uv else None
    return (None, environ) if cache is None else (uv, {**environ, **cache})


def _with_uv(uv: str, order: Order, steps: Sequence[Step], environ: Mapping[str, str], run: Runs) -> None:
    settings = pip_settings.read(environ)
    environ = {**environ, **settings, "UV_PYTHON_DOWNLOADS": "never"}
    run([uv, "venv", "--python", sys.executable, str(order.folder)], environ)
    python = str(order.folder / "bin" / "python")
    for step in steps:
        install = [uv, "pip", "install", *pip_settings.uv_options(settings), "--python", python, "-r", str(step.file)]
        _install_with_uv([*install, *step.options, *step.fresh], step, environ, run)
    if len(steps) > 1:
        orders.check([uv, "pip", "check", "--python", python], order, environ)


def _install_with_uv(install: List[str], step: Step, environ: Mapping[str, str], run: Runs) -> None:
    """Install what a step says; without a network from the cache, after an edit of the source too."""
    if step.is_closed:
        with suppress(programs.ProgramFailed):
            return run([*install, "--offline"], environ)
    try:
        run(install, environ)
    except programs.ProgramFailed as failed:
        if step.is_closed or not step.fresh or not _UNREACHABLE.search(failed.output):
            raise
        try:
            run([*install, "--offline"], environ)
        except programs.ProgramFailed:
            raise failed from None


def _with_venv(order: Order, steps: Sequence[Step], environ: Mapping[str, str], run: Runs) -> None:
    if order.source.name in BUILD_FILES:
        message = f"{order.source}: only uv installs what a project needs without the project itself, and no uv is here"
        raise InstallError(message, "Install it: pip install uv. Or name a requirements.txt.")
    run([sys.executable, "-m", "venv", str(order.folder)], environ)
    pip = [str(order.folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    for step in steps:
        run([*pip, "install", "--no-compile", *step.options, "-r", str(step.file)], environ)
    if len(steps) > 1:
        orders.check([*pip, "check"], order, environ)


def _run(step: List[str], environ: Mapping[str, str], lock: int, folder: Path) -> None:
    """Run an installer. It holds our lock too: should we be killed, the next run waits until it is gone."""
    programs.output(step, None, environ=environ, merged=True, pass_fds=[lock], cwd=folder)


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
