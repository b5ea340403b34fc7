"""Take secrets out of what comes in: `shardline redact < service.log > clean.log`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO, Callable, Mapping, NamedTuple, Optional

from .. import settings
from ..errors import SettingsError
from ..evidence.redaction.known import known_secrets
from ..evidence.redaction.redactor import Redactor
from ..settings import Settings


class Around(NamedTuple):
    """The project around, whose secrets are known; one without settings where there is none."""

    settings: Settings

    @property
    def command(self) -> Callable[..., str]:
        """Give what writes a command about this project."""
        return self.settings.command


def load(named: Optional[str], environ: Mapping[str, str], start: Path, reports: Optional[str] = None) -> Around:
    """Find the project, if there is one; arguments as those of `settings.load`.

    Raises:
        SettingsError: the one that was named, or the one that is here, cannot be read: its secrets would be left in.
    """
    try:
        settings.find(named or environ.get("PIPELINE_SETTINGS"), start)
    except SettingsError:
        if named or environ.get("PIPELINE_SETTINGS"):
            raise
        return Around(Settings())
    return Around(settings.load(named, environ, start, reports))


def run(around: Around, source: Optional[BinaryIO] = None, sink: Optional[BinaryIO] = None) -> None:
    """Copy standard input to standard output without its secrets; nothing else is printed there."""
    sink = sink or sys.stdout.buffer
    Redactor(known_secrets(around.settings, os.environ)).stream(source or sys.stdin.buffer, sink)
    sink.flush()
