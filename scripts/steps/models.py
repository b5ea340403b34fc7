"""Bring the model weights to this machine: say what is missing, fetch it, verify it."""

from __future__ import annotations

from ..console import counted, human_bytes, say
from ..models import store
from ..settings import Settings


def run(settings: Settings, offline: bool = False) -> None:
    """Fetch what is missing; one line when all is there and verified.

    Args:
        offline: verify only, fetch nothing.

    Raises:
        ModelError: a file is missing, cannot be had, or is not what the manifest says.
    """
    if settings.models is None:
        return
    fetched = store.fetch(settings, offline)
    say(f"weights: {counted(fetched.files, 'file')} verified, {human_bytes(fetched.total_bytes)}")
