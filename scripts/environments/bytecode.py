"""Compile an environment's modules before CI's cache is saved: else each node compiles them at its first import.

A service that imports torch and what goes with it pays 2 to 8 s for that, on every node. The compiled files name
their source by its digest, not by its time: an archive keeps whole seconds only, and some round.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ..system import machine, programs
from .environments import Environment
from .installation import OUTER

DONE = "compiled"  # this file in an environment says that it was compiled
_ELSEWHERE = (*OUTER, "PYTHONPATH", "PYTHONPYCACHEPREFIX")


def compile(environment: Environment) -> bool:
    """Compile all modules of an environment, once; those that cannot be compiled are left as they are.

    Returns:
        whether there was something to do.
    """
    done = environment.folder / DONE
    if done.exists():
        return False
    environ = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    # -f: of a compiled file that is there, its time would be compared.
    words = ["-m", "compileall", "-f", "-qq", "-j", str(machine.cores()), "--invalidation-mode", "checked-hash"]
    with suppress(programs.ProgramFailed):  # there are files in the syntax of other Pythons, templates and such
        programs.output([str(environment.python), *words, str(environment.folder / "lib")], None, environ=environ)
    with suppress(OSError):
        done.touch()
    return True
