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
    say(verified(fetched.files, fetched.total_bytes))


def verified(files: int, total_bytes: int) -> str:
    """What is said where all is well.

    >>> verified(12, 2_600_000_000)
    'weights: 12 files verified, 2.6 GB'
    """
    return f"weights: {counted(files, 'file')} verified, {human_bytes(total_bytes)}"
