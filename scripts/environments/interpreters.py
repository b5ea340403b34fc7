"""Which Python an environment is made on: the one that runs us, or the first of those that a service asks for."""

from __future__ import annotations

import json
import os
import platform
import sys
import sysconfig
from typing import Mapping, NamedTuple, Sequence

from ..errors import InstallError
from ..system import programs
from . import installers, pythons

_ABOUT = """\
import json, platform, sys, sysconfig
print(json.dumps([sys.executable, platform.python_version(), sys.version, sysconfig.get_platform()]))
"""


class Interpreter(NamedTuple):
    """A Python on this machine: its program, its release (3.11.7), what it says of its build, and what it is for."""

    program: str
    release: str
    build: str
    machine: str  # linux-x86_64

    @property
    def version(self) -> str:
        """Its version, as 3.11."""
        return ".".join(self.release.split(".")[:2])


OURS = Interpreter(sys.executable, platform.python_version(), sys.version, sysconfig.get_platform())


def choose(wanted: Sequence[str], who: str, environ: Mapping[str, str] = os.environ) -> Interpreter:
    """Find the first of the wanted Pythons (3.11) that this machine has; ours where none is wanted.

    Raises:
        InstallError: none is here, with where it was looked for and how to get one.
    """
    found = (pythons.find(python, environ) for python in wanted)
    program = next(filter(None, found), None) if wanted else OURS.program
    if program is None:
        raise _none_is_here(wanted, who, environ)
    return OURS if program == OURS.program else _asked(program)


def _asked(program: str) -> Interpreter:
    """Ask a Python what it is, and where: a shim of pyenv starts in one folder, and in another it does not."""
    try:
        itself, *about = map(str, json.loads(programs.output([program, "-I", "-c", _ABOUT], pythons.ANSWERS_IN_S)))
        return Interpreter(itself or program, *about)
    except (programs.ProgramFailed, ValueError, TypeError) as error:
        raise InstallError(f"{program} does not say which Python it is: {error}", "Install it anew.") from None


def _none_is_here(wanted: Sequence[str], who: str, environ: Mapping[str, str]) -> InstallError:
    """Say which Pythons were looked for and where, which are here instead, and what to do."""
    uv = installers.find_uv()
    programs_looked_for = " or ".join(f"python{each}" for each in wanted)
    places = f"on PATH or in {pythons.of_pyenv(environ)}{', and uv has none' if uv else ''}"
    here = ", ".join(each for each in pythons.supported() if pythons.find(each, environ))
    message = f"no Python {' or '.join(wanted)} for the {who}: no {programs_looked_for} that starts is {places}"
    first = wanted[0]
    install = f"pyenv install {first}{f', or uv python install {first}' if uv else ''}"
    hint = f"Install it: {install}; or put python{first} on PATH. Or let `python` in pipeline.yml name one of {here}."
    return InstallError(message, hint)
