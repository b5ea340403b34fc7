"""All signs, in the order in which a line is searched for them: of the machine first, which brings others about."""

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
