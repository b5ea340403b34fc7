"""What this machine's pip is set to, as uv understands it.

uv reads neither pip.conf nor PIP_* variables: behind a mirror or a private certificate it would
hang or fail where pip works. Whoever calls uv adds these variables to its environment. No package is
imported, and it is runnable alone (`python -m scripts.environments.pip_settings` prints JSON), because
noxfile.py needs it before any environment of ours exists.

Sources: pip's "Configuration" and uv's "Environment variables" pages.
"""

from __future__ import annotations

import functools
import json
import os
import shlex
import sys
from typing import Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from ..system.programs import ProgramFailed, output, works

PIP_ANSWERS_IN_S = 60.0  # from a slow network disk

# pip's option -> uv's variable
_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",  # our name: uv has the option, but no variable; see uv_options
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


def as_uv(options: Mapping[str, str], environ: Mapping[str, str]) -> Dict[str, str]:
    """Translate pip's options into uv's variables; what the person set for uv stays.

    Args:
        options: pip's long option names without dashes, values as pip shows them.
        environ: the environment uv will run in.

    >>> as_uv({"index-url": "https://mirror.test/simple"}, {})
    {'UV_DEFAULT_INDEX': 'https://mirror.test/simple'}
    """
    variables: Dict[str, str] = {}
    for option, variable in _VARIABLES.items():
        if options.get(option) and variable not in environ:
            variables[variable] = _value(option, options[option])
    if "UV_INDEX" in variables and "UV_INDEX_STRATEGY" not in environ:
        # pip takes the best version over all indexes, uv the first index that knows the name.
        # Hashes in our locks keep the looser rule safe.
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables


def _value(option: str, value: str) -> str:
    if option.endswith("timeout"):
        return str(int(float(value)))
    if option == "no-index":
        return "true" if value.lower() in ("1", "true", "yes", "on") else "false"
    words = value.split()
    if option == "find-links":  # uv separates these by commas
        return ",".join(words)
    if option == "trusted-host":
        return " ".join(urlsplit("//" + word).netloc for word in words)
    return value if option == "cert" else " ".join(words)


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
        return " ".join(shlex.split(text.replace("\\n", " ")))
    except ValueError:
        return text.strip("'\"")


@functools.lru_cache(maxsize=None)
def find_pip() -> Optional[List[str]]:
    """Find the command of a pip that works here; an environment made by uv has none of its own."""
    # The one our Python was made from comes before those on PATH, which may belong to any Python.
    base = os.path.join(sys.base_prefix, "bin", "python{}.{}".format(*sys.version_info))
    for pip in ([sys.executable, "-m", "pip"], [base, "-m", "pip"], ["pip3"], ["pip"]):
        if works([*pip, "--version"], PIP_ANSWERS_IN_S):
            return pip
    return None


def uv_options(variables: Mapping[str, str]) -> List[str]:
    """List what uv must be told on its command line, because it has no variable for it."""
    return ["--no-index"] if variables.get("UV_NO_INDEX") == "true" else []


def read(environ: Optional[Mapping[str, str]] = None) -> Dict[str, str]:
    """Ask for uv's variables for this machine: from `pip config list`; from PIP_* alone where there is no pip."""
    environ = os.environ if environ is None else environ
    pip = find_pip()
    if not pip:
        return as_uv(_from_variables(environ), environ)
    try:
        listing = output([*pip, "config", "list"], PIP_ANSWERS_IN_S, environ=environ)
    except ProgramFailed as failed:  # a pip.conf that it cannot read: what it printed before counts
        listing = failed.output
    return as_uv(parse(listing), environ)


def _from_variables(environ: Mapping[str, str]) -> Dict[str, str]:
    """Read PIP_INDEX_URL and the like, where there is no pip to ask."""
    return {name[4:].lower().replace("_", "-"): value for name, value in environ.items() if name.startswith("PIP_")}


if __name__ == "__main__":
    json.dump(read(), sys.stdout)
