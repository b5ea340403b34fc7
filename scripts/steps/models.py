"""Bring the model weights to this machine, or write their digest for CI's cache: `nox -s models`."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ..console import say
from ..models import manifest
from ..runner import preparation
from ..settings import Models, Settings
from ..system import files
from . import weights


def run(settings: Settings, offline: bool = False, digest_file: Optional[Path] = None) -> None:
    """Fetch what is missing and verify all.

    Args:
        offline: verify only, fetch nothing.
        digest_file: only write the manifest's digest to it.

    Raises:
        ModelError: a file is missing, cannot be had, or is not what the manifest says.
    """
    if digest_file is None:
        preparation.fetch_weights(settings, offline)
        weights.say_unpinned(settings)
        return
    files.write_text(digest_file, manifest.digest(settings.models or Models(files=())) + "\n")
    say(f"digest of the manifest: {digest_file}")
