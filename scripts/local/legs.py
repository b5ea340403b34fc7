"""Run a leg of a matrix on this machine: the session of the menu that runs the suite on one Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Set

import psutil

from ..environments.running import HERE
from ..settings import Settings
from ..system import programs, signals

MENU = "noxfile.py"
LISTED_IN_S = 60.0
HEARS_IN_S = 5.0  # a leg that was interrupted as we were
STOPS_IN_S = 45.0  # so long nox and a service may take
OUTER = ("NOXSESSION", "NOXPYTHON", "NOXEXTRAPYTHON", "NOXFORCEPYTHON")  # what a person wants of nox is for ours


def menu_of(settings: Settings, start: Path) -> Optional[Path]:
    """Find the folder whose noxfile.py has the sessions of the legs: the project's, else the one that we run in."""
    return next((folder for folder in (settings.project, start) if (folder / MENU).is_file()), None)


def sessions_in(menu: Optional[Path]) -> Set[str]:
    """List the sessions of a menu; none where nox cannot read it, or is not there."""
    if menu is None:
        return set()
    try:
        listed = programs.output([*_nox(), "-l"], LISTED_IN_S, cwd=menu, environ=_environ(os.environ))
    except programs.ProgramFailed:
        return set()
    return set(re.findall(r"(?m)^[*-] (\S+)", listed))


def words_of(settings: Settings, python: str, session: str, reports: Path, sessions: Set[str]) -> List[str]:
    """Write the command of a leg, but for what the suite gets; none where no session is for this Python.

    The Python that runs us needs no session: it runs the step itself.
    """
    options = ["--reports", str(reports)]
    if "--settings" in settings.addressed:
        options = ["--settings", str(settings.file), *options]
    if f"{session}-{python}" in sessions:
        return [*_nox(), "-s", f"{session}-{python}", "--", *options]
    if python == HERE and session == "integration":
        return [sys.executable, "-m", __name__.partition(".")[0], "integration", *options]
    return []


def _nox() -> List[str]:
    beside = Path(sys.executable).with_name("nox")
    return [str(beside)] if beside.exists() else ["nox"]


def _environ(environ: Mapping[str, str]) -> Dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in OUTER}
    return {**kept, signals.MATRIX: str(os.getpid())}


def run(words: Sequence[str], folder: Path) -> int:
    """Run a leg to its end, on our own terminal, and return its exit code; nothing of it outlives us.

    Raises:
        OSError: it cannot be started.
    """
    environ = _environ(os.environ)
    if words[0] == sys.executable:
        environ["SHARDLINE_PARENT"] = str(os.getpid())
    popen = subprocess.Popen(words, cwd=str(folder), env=environ)  # noqa: S603 - nox, or this program
    try:
        return popen.wait()
    except KeyboardInterrupt:
        _end(popen, HEARS_IN_S)
        raise
    except BaseException:
        _end(popen)
        raise


def _end(popen: subprocess.Popen[bytes], hears_in_s: float = 0.0) -> None:
    """End a leg: its own step stops tests and service as soon as nox is gone; what does not stop is killed.

    Args:
        hears_in_s: how long it may take for what a terminal has told of Ctrl-C, as it told us.
    """
    with signals.held_back():
        _, alive = psutil.wait_procs(_parts(popen.pid), hears_in_s)
        if popen.poll() is None:
            popen.terminate()
        _, alive = psutil.wait_procs(alive, STOPS_IN_S)
        for process in alive:
            process.kill()
        popen.wait()


def _parts(pid: int) -> List[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
