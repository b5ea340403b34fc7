"""Which Python an environment is made on: the one that runs us, or the first of those that a service asks for."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Mapping, NamedTuple, Sequence

from ..errors import InstallError
from ..system import programs
from . import pythons

ANSWERS_IN_S = 20.0  # a Python on a slow disk
_ABOUT = "import json, platform, sys; print(json.dumps([platform.python_version(), sys.version]))"


class Interpreter(NamedTuple):
    """A Python on this machine: its program, its release (3.11.7), and what it says of its build."""

    program: str
    release: str
    build: str

    @property
    def version(self) -> str:
        """Its version, as 3.11."""
        return ".".join(self.release.split(".")[:2])


OURS = Interpreter(sys.executable, platform.python_version(), sys.version)


def choose(wanted: Sequence[str], who: str, environ: Mapping[str, str] = os.environ) -> Interpreter:
    """Find the first of the wanted Pythons (3.11) that this machine has; ours where none is wanted.

    Raises:
        InstallError: none is here, with how to get one.
    """
    found = (pythons.find(python, environ) for python in wanted)
    program = next(filter(None, found), None) if wanted else OURS.program
    if program is None:
        named = " or ".join(wanted)
        message = f"no Python {named} for the {who}: none on PATH, of pyenv or of uv starts"
        hint = f"Install one: pyenv install {wanted[0]}, or uv python install {wanted[0]}. Or change `python` of it."
        raise InstallError(message, hint)
    return OURS if program == OURS.program else _asked(program)


def _asked(program: str) -> Interpreter:
    """Ask a Python what it is."""
    try:
        release, build = json.loads(programs.output([program, "-I", "-c", _ABOUT], ANSWERS_IN_S))
    except (programs.ProgramFailed, ValueError) as error:
        raise InstallError(f"{program} does not say which Python it is: {error}", "Install it anew.") from None
    return Interpreter(program, str(release), str(build))
