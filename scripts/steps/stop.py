"""Stop what runs in the background and what a killed run left behind; nothing else."""

from __future__ import annotations

from ..console import say
from ..runner import hygiene
from ..settings import Settings
from ..system import records


def run(settings: Settings) -> None:
    """Stop it, and say what, or that there is nothing; its log is cleaned then."""
    if not records.sweep(settings.state, detached_too=True):
        say("nothing of ours is running")
    hygiene.left_behind(settings)
