"""What this machine's pip is set to: which pip that is, its files and variables.

No package is imported: noxfile.py needs it before any environment of ours exists.
"""

from __future__ import annotations

import configparser
import functools
import os
import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from ..system.programs import ProgramFailed, output, works

PIP_ANSWERS_IN_S = 60.0  # from a slow network disk
PATHS, FILES = ("constraint", "build-constraint", "find-links"), ("cert", "client-cert")  # several; one


def read(environ: Mapping[str, str]) -> Dict[str, str]:
    """Ask for pip's options: long names without dashes, values as pip shows them, several parted by spaces."""
    return placed(_told(environ), Path.cwd())


@functools.lru_cache(maxsize=None)
def find_pip() -> Optional[List[str]]:
    """Find the command of a pip that works here; an environment made by uv has none of its own."""
    # The one our Python was made from comes before those on PATH, which may belong to any Python.
    base = os.path.join(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))
    for pip in ([sys.executable, "-m", "pip"], [base, "-m", "pip"], ["pip3"], ["pip"]):
        if works([*pip, "--version"], PIP_ANSWERS_IN_S):
            return pip
    return None


def _told(environ: Mapping[str, str]) -> Dict[str, str]:
    """Read `pip config list`; where there is no pip, what that would read."""
    pip = find_pip()
    if not pip:
        return {**from_files(environ), **_from_variables(environ)}
    try:
        listing = output([*pip, "config", "list"], PIP_ANSWERS_IN_S, environ=environ)
    except ProgramFailed as failed:  # a pip.conf that it cannot read: what it printed before counts
        listing = failed.output
    return parse(listing)


def from_files(environ: Mapping[str, str]) -> Dict[str, str]:
    """Read the files of pip's settings, the strongest last; one that cannot be read is left out."""
    named, home = environ.get("PIP_CONFIG_FILE", ""), Path(environ.get("HOME") or os.devnull)
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(folder, "pip", "pip.conf") for folder in shared] + [Path("/etc/pip.conf")]
    if named != os.devnull:
        files += [home / ".pip" / "pip.conf", own / "pip" / "pip.conf"]
    files += [Path(sys.prefix, "pip.conf"), *([Path(named)] if named else [])]
    lines: List[str] = []
    for file in files:
        parser = configparser.RawConfigParser()
        with suppress(OSError, configparser.Error, UnicodeDecodeError):
            parser.read(file, encoding="utf-8")
        for section in ("global", "install"):
            items = parser.items(section) if parser.has_section(section) else []
            lines += [f"{section}.{name.replace('_', '-')}={value!r}" for name, value in items]
    return parse("\n".join(lines))


def _from_variables(environ: Mapping[str, str]) -> Dict[str, str]:
    """Read PIP_INDEX_URL and the like, where there is no pip to ask."""
    return {name[4:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("PIP_")}


def parse(listing: str) -> Dict[str, str]:
    """Read `pip config list`: lines such as `global.index-url='https://...'`.

    Environment variables (`:env:`) win over files, `install.` over `global.`, as in pip.

    >>> parse("global.cert='/a.pem'\\n:env:.cert='/b.pem'\\ninstall.no-index='true'")
    {'cert': '/b.pem', 'no-index': 'true'}
    """
    ranks = {"global": 0, "install": 1, ":env:": 2}
    options: Dict[str, str] = {}
    rank: Dict[str, int] = {}
    for line in listing.splitlines():
        name, _, quoted = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in ranks and ranks[section] >= rank.get(option, 0):
            options[option] = _unquote(quoted)
            rank[option] = ranks[section]
    return options


def _unquote(text: str) -> str:
    """Read a value as pip prints it, with repr; one of several lines holds \\n between the words."""
    try:
        return " ".join(shlex.split(text.replace("\\n", " "))).strip()
    except ValueError:
        return text.strip("'\"")


def placed(options: Mapping[str, str], folder: Path) -> Dict[str, str]:
    """Make paths of the machine's options absolute: they count from where a command is typed, not from the project."""

    def absolute(word: str) -> str:
        return str(folder / word) if "://" not in word and (folder / word).exists() else word

    found = {name: " ".join(map(absolute, value.split())) for name, value in options.items() if name in PATHS}
    single = {name: absolute(value) for name, value in options.items() if name in FILES}
    return {**options, **found, **single}
