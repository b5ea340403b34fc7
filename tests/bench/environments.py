"""Part `environments`: how long the packages of a suite take to be there, against venv and pip.

Cold: nothing in the installer's cache. Warm: the cache is there, the environment is not. Unchanged: both are.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Iterator, List, NamedTuple

from scripts.environments.installers import find_uv

from .measuring import ROOT, Table, in_turns, load, low_median_high, measured, project, shardline

SUITE = ROOT / "tests" / "integration"
STATES = ("cold", "warm", "unchanged")


class Installer(NamedTuple):
    """Who makes the environment: its command, the variable that names its cache, and what it makes."""

    words: List[str]
    cache_variable: str
    made: Path


def tables(rounds: int) -> Iterator[Table]:
    """Install the packages of this project's integration suite, by both."""
    with tempfile.TemporaryDirectory() as folder:
        installers = {"venv and pip": pip(Path(folder, "pip")), "nox -s deps": ours(Path(folder, "deps"))}
        found = in_turns({name: partial(installed_s, each) for name, each in installers.items()}, rounds)
    rows = [
        (name, *(low_median_high([times[state] for times in each], 1) for state in range(len(STATES))))
        for name, each in found.items()
    ]
    uses = "uv" if find_uv() else "venv and pip: there is no uv here"
    notes = [f"s: least / median / most of {rounds}; deps uses {uses}; {load()}."]
    yield Table("Packages of the integration suite", ("made by", *STATES), rows, notes)


def pip(folder: Path) -> Installer:
    """What a person without us would type: an environment, and pip with hashes."""
    made = folder / "environment"
    lock = SUITE / "requirements.lock"
    line = '"$0" -m venv "$1" && "$1/bin/python" -m pip install -q --require-hashes -r "$2"'
    return Installer(["sh", "-c", line, sys.executable, str(made), str(lock)], "PIP_CACHE_DIR", made)


def ours(folder: Path) -> Installer:
    """The same lock, as the suite of a project."""
    files = {name: (SUITE / name).read_text(encoding="utf-8") for name in ("requirements.txt", "requirements.lock")}
    settings = project(folder, "suite:\n  path: suite\n  requirements: requirements.txt\n", files)
    return Installer(shardline("deps", settings), "UV_CACHE_DIR", folder / ".pipeline")


def installed_s(installer: Installer) -> List[float]:
    """Seconds of one round: cold, warm, unchanged."""
    cache = installer.made.with_name("cache")
    environ = {installer.cache_variable: str(cache)}
    shutil.rmtree(str(cache), ignore_errors=True)
    seconds = []
    for state in STATES:
        if state != "unchanged":
            shutil.rmtree(str(installer.made), ignore_errors=True)
        seconds.append(measured(installer.words, environ=environ).wall_s)
    return seconds
