"""Keep what trials told while a study goes on, so that one that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Optional, Sequence

from ..errors import PipelineError
from ..system import files
from .trials import Result, Trial, from_json, to_json

SCHEMA = 1
MOST_BYTES = 200_000_000
HINT = "Remove the folder .pipeline/isolation and run again."


class Archive:
    """The results of a study's trials, a file each.

    Args:
        folder: of all studies here; one of another suite, or of another state of it, is removed.
        subject: what the trials are about; where any of it changes, nothing that was kept counts.
    """

    def __init__(self, folder: Path, subject: Sequence[str]) -> None:
        digest = hashlib.sha256(json.dumps([SCHEMA, *subject]).encode("ascii")).hexdigest()[:24]
        self.folder = folder / digest
        for other in folder.glob("*"):
            if other.is_dir() and other != self.folder and len(other.name) == len(digest):
                files.remove(other)

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.json")))

    def read(self, trial: Trial) -> Optional[Result]:
        """Recall what a trial told; None where it has not been made, or what is kept of it cannot be read."""
        with suppress(PipelineError, LookupError, TypeError, ValueError):
            return from_json(files.read_json(self._file(trial), SCHEMA, HINT, MOST_BYTES))
        return None

    def write(self, trial: Trial, result: Result) -> None:
        """Keep what a trial told.

        Raises:
            PipelineError: it cannot be written.
        """
        told = {"schema": SCHEMA, "purpose": trial.purpose, **to_json(result)}
        files.write_text(self._file(trial), json.dumps(told) + "\n")

    def clear(self) -> None:
        """Forget all: the study has ended."""
        files.remove(self.folder)

    def _file(self, trial: Trial) -> Path:
        return self.folder / f"{trial.digest}.json"
