"""Install packages into a new environment, by uv where it is found (many times faster), else by venv and pip."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import say
from ..system import caches, programs, proxies
from . import installers, pip_settings, reasons, requirements
from .requirements import Line

OUTER = ("PYTHONHOME", "VIRTUAL_ENV", "UV_PYTHON", "PIP_REQUIRE_VIRTUALENV", "PIP_TARGET")  # of another environment
_ISOLATED = (*OUTER, "PYTHONPATH")  # of what installs


class Order(NamedTuple):
    """What is to be installed, and where."""

    folder: Path  # of the new environment
    source: Path  # a requirements file, or a lock
    is_locked: bool
    project: Path  # whose folder the paths in requirements count from

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
    options = pip_settings.options(environ, _lines(order, environ))
    alone = "" if order.is_locked else pip_settings.only_pip(options)
    if uv and alone:
        say(f"{order.source.name}: installed by pip, since uv has no {alone}")
    if not uv or alone:
        _with_venv(order, environ, options, lock)
        return "pip"
    try:
        _with_uv(uv, order, environ, options, lock)
        return "uv"
    except programs.ProgramFailed as failed:
        why = reasons.may_differ(failed.output, several=len(pip_settings.urls(options)) > 1)
        if not why:
            raise
        say(f"uv: {installers.complaint(failed.output)}")
        say(f"trying pip, which {why}")
        _after_uv(order, environ, options, lock, failed)
        return "pip"


def _find_uv(order: Order, environ: Dict[str, str]) -> Tuple[Optional[str], Dict[str, str]]:
    """Find uv, and the variables by which it finds a cache; without a cache that works, uv does not."""
    uv = installers.find_uv()
    cache = caches.for_uv(environ, order.state) if uv else None
    return (None, environ) if cache is None else (uv, {**environ, **cache})


def _lines(order: Order, environ: Mapping[str, str]) -> Sequence[Line]:
    try:
        return requirements.read(order.source, environ)
    except (OSError, UnicodeDecodeError):  # the installer says what is wrong with it
        return []


def _with_uv(uv: str, order: Order, environ: Mapping[str, str], options: Mapping[str, str], lock: int) -> None:
    settings = pip_settings.variables(options, environ, order.is_locked)
    environ = {**environ, **settings}
    _run([uv, "venv", "--python", sys.executable, str(order.folder)], environ, lock)
    python = str(order.folder / "bin" / "python")
    install = [uv, "pip", "install", *pip_settings.uv_options(settings), "--python", python, "-r", str(order.source)]
    if order.is_locked:
        install.append("--require-hashes")
        try:  # A lock leaves no choice, so what the cache holds is right, and no index need be asked.
            return _run([*install, "--offline"], environ, lock)
        except programs.ProgramFailed:
            pass
    _run(install, environ, lock)


def _after_uv(
    order: Order, environ: Mapping[str, str], options: Mapping[str, str], lock: int, failed: programs.ProgramFailed
) -> None:
    """Let pip do what uv could not; where it cannot either, uv's words come first."""
    shutil.rmtree(order.folder, ignore_errors=True)
    try:
        _with_venv(order, environ, options, lock)
    except programs.ProgramFailed as second:
        output = (
            f"error: uv: {installers.complaint(failed.output)}\npip:{installers.explain(second.output or str(second))}"
        )
        raise programs.ProgramFailed(str(failed), failed.returncode, output) from None


def _with_venv(order: Order, environ: Mapping[str, str], options: Mapping[str, str], lock: int) -> None:
    _run([sys.executable, "-m", "venv", str(order.folder)], environ, lock)
    pip = [str(order.folder / "bin" / "python"), "-m", "pip", "install", "--no-compile", "--no-input"]
    pip += ["--disable-pip-version-check", *(["--require-hashes"] if order.is_locked else [])]
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"  # what kept pip from an index stands only there
        environ = {**environ, **pip_settings.for_pip(options, environ, Path(scratch))}
        try:
            _run([*pip, "--log", str(log), "-r", str(order.source)], environ, lock)
        except programs.ProgramFailed as failed:
            failed.output = f"{installers.refusals(log)}{failed.output}"
            raise


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
    """Say what may help, by what an installer printed."""
    return reasons.hint(output, _proxy(reasons.url(output)) if reasons.kind(output) in reasons.OF_WAY else "")


def _proxy(url: str) -> str:
    """Say which proxy an installer asks by, and where its name comes from; or ""."""
    own = pip_settings.options(os.environ).get("proxy")
    return f"{proxies.shown(own)} (pip's own setting)" if own else proxies.which(url, os.environ)


if __name__ == "__main__":  # bootstrap.sh asks, and hands in what pip printed
    print(hint(sys.stdin.read()))
