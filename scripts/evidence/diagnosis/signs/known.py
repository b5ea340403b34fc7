"""All signs, in the order in which a line is asked for them: those of the machine first, for they bring others about."""

from __future__ import annotations

from typing import Tuple

from . import gpu, machine, network, packages, serving, suite, weights
from .sign import Sign

SIGNS: Tuple[Sign, ...] = (
    *gpu.SIGNS,
    *machine.SIGNS,
    *weights.SIGNS,
    *network.SIGNS,
    *packages.SIGNS,
    *serving.SIGNS,
    *suite.SIGNS,
)
