"""Install packages into a new environment, by uv where it is found (many times faster), else by venv and pip."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import say, without_secrets
from ..errors import InstallError
from ..system import caches, programs, proxies
from . import installers, orders, pip_settings, reasons
from .orders import Order, Step
from .requirements import BUILD_FILES, Line
from .running import HERE
from .sources.local_sources import lines_of

OUTER = ("PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")  # of another environment
_ISOLATED = (*OUTER, "PYTHONPATH")  # of what installs

_WANT_HASHES = ("UV_REQUIRE_HASHES", "PIP_REQUIRE_HASHES")
Runs = Callable[[List[str], Mapping[str, str]], None]


class _Work(NamedTuple):
    """An order as an installer is given it."""

    order: Order
    steps: Sequence[Step]
    environ: Mapping[str, str]
    options: Mapping[str, str]  # of pip, in force: of this machine and of the requirements
    run: Runs


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
    options = pip_settings.options(environ, _lines(order))
    with orders.steps(order) as (steps, reworded), orders.apart_from_earlier_builds(order, environ) as environ:

        def run(step: List[str], environ: Mapping[str, str]) -> None:
            try:
                _run(step, environ, lock, order.project)
            except programs.ProgramFailed as failed:
                failed.output = without_secrets(reworded(failed.output))
                raise

        return _with_either(uv, _Work(order, steps, environ, options, run))


def _find_uv(order: Order, environ: Dict[str, str]) -> Tuple[Optional[str], Dict[str, str]]:
    """Find uv, and the variables by which it finds a cache; without a cache that works, uv does not."""
    uv = installers.find_uv()
    cache = caches.for_uv(environ, order.state) if uv else None
    return (None, environ) if cache is None else (uv, {**environ, **cache})


def _lines(order: Order) -> Sequence[Line]:
    """Read the lines of the requirements file; of a lock's, too, which names no index and no host itself."""
    with suppress(InstallError):  # the installer says what is wrong with it
        return lines_of(order.requirements, order.project)
    return []


def _with_either(uv: Optional[str], work: _Work) -> str:
    """Install with uv, or with pip where that alone can; returns which."""
    order, options = work.order, work.options
    is_for_uv = order.is_locked or order.source.name in BUILD_FILES
    alone = "" if is_for_uv else pip_settings.only_pip(options)
    if uv and alone:
        say(f"{order.source.name}: installed by pip, since uv has no {alone}")
    if not uv or alone:
        _with_venv(work)
        return "pip"
    try:
        _with_uv(uv, work)
        return "uv"
    except programs.ProgramFailed as failed:
        why = reasons.may_differ(failed.output, several=len(pip_settings.urls(options)) > 1)
        if not why or order.source.name in BUILD_FILES:
            raise
        say(f"uv: {installers.complaint(failed.output)}")
        say(f"trying pip, which {why}")
        _after_uv(work, failed)
        return "pip"


def _with_uv(uv: str, work: _Work) -> None:
    order, run = work.order, work.run
    settings = pip_settings.variables(work.options, work.environ, order.is_locked)
    environ = {**work.environ, **settings, "UV_LINK_MODE": installers.link_mode(work.environ)}
    if order.is_locked:  # a step that wants hashes of all says so
        environ = {name: value for name, value in environ.items() if name not in _WANT_HASHES}
    run([uv, "venv", "--python", order.python, str(order.folder)], environ)
    python = str(order.folder / "bin" / "python")
    for step in work.steps:
        install = [uv, "pip", "install", *pip_settings.uv_options(settings), "--python", python, "-r", str(step.file)]
        _install_with_uv([*install, *step.options, *step.fresh], step, environ, run)
    if len(work.steps) > 1:
        orders.check([uv, "pip", "check", "--python", python], order, environ)


def _install_with_uv(install: List[str], step: Step, environ: Mapping[str, str], run: Runs) -> None:
    """Install what a step says; without a network from the cache, after an edit of the source too."""
    if step.is_closed:
        with suppress(programs.ProgramFailed):
            return run([*install, "--offline"], environ)
    try:
        run(install, environ)
    except programs.ProgramFailed as failed:
        if step.is_closed or not step.fresh or reasons.kind(failed.output) not in reasons.OF_WAY:
            raise
        try:
            run([*install, "--offline"], environ)
        except programs.ProgramFailed:
            raise failed from None


def _after_uv(work: _Work, failed: programs.ProgramFailed) -> None:
    """Let pip do what uv could not; where it cannot either, uv's words come first."""
    shutil.rmtree(work.order.folder, ignore_errors=True)
    try:
        _with_venv(work)
    except programs.ProgramFailed as second:
        first, then = installers.complaint(failed.output), installers.explain(second.output or str(second))
        raise programs.ProgramFailed(str(failed), failed.returncode, f"error: uv: {first}\npip:{then}") from None


def _with_venv(work: _Work) -> None:
    order, run = work.order, work.run
    if order.source.name in BUILD_FILES:
        message = f"{order.source}: only uv installs what a project needs without the project itself, and no uv is here"
        raise InstallError(message, "Install it: pip install uv. Or name a requirements.txt.")
    run([order.python, "-m", "venv", str(order.folder)], work.environ)
    pip = [str(order.folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"  # what kept pip from an index stands only there
        environ = {**work.environ, **pip_settings.for_pip(work.options, work.environ, Path(scratch))}
        install = [*pip, "install", "--no-compile", "--no-input", "--log", str(log)]
        try:
            for step in work.steps:
                run([*install, *step.options, "-r", str(step.file)], environ)
        except programs.ProgramFailed as failed:
            failed.output = f"{installers.refusals(log)}{failed.output}"
            raise
    if len(work.steps) > 1:
        orders.check([*pip, "check"], order, work.environ)


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


def hint(output: str, python: str = HERE) -> str:
    """Say what may help, by what an installer printed; `python` is what it installed for, as 3.11."""
    proxy = _proxy(reasons.url(output)) if reasons.kind(output) in reasons.OF_WAY else ""
    return reasons.hint(output, proxy, python)


def _proxy(url: str) -> str:
    """Say which proxy an installer asks by, and where its name comes from; or ""."""
    own = pip_settings.options(os.environ).get("proxy")
    return f"{proxies.shown(own)} (pip's own setting)" if own else proxies.which(url, os.environ)


if __name__ == "__main__":  # bootstrap.sh asks, and hands in what pip printed
    print(hint(sys.stdin.read()))
