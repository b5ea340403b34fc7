"""Read and write the JSON files that sharding keeps: written whole or not at all, refused where unknown."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict

from ..errors import PipelineError


def write_text(file: Path, text: str) -> None:
    """Write a file under a temporary name in its folder and rename it: no reader ever sees half of it.

    Raises:
        PipelineError: the folder or file cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=str(file.parent), prefix=f".{file.name}.")
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            part.chmod(0o644)  # mkstemp makes it readable by its owner only
            part.replace(file)
        finally:
            if part.exists():
                part.unlink()
    except OSError as error:
        raise PipelineError(f"cannot write {file}: {error}", "Check that the folder exists and is yours.") from error


def read_json(file: Path, schema: int, hint: str) -> Dict[str, Any]:
    """The object in a JSON file of a known schema.

    Raises:
        PipelineError: no file, no JSON, or another schema; with `hint`, unless a newer program wrote it.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PipelineError(f"cannot read {file}: {error}", hint) from error
    found = data.get("schema") if isinstance(data, dict) else None
    if found == schema:
        return dict(data)
    newer = isinstance(found, int) and found > schema
    wrote = "A newer version of this program wrote it: update, or delete the file." if newer else hint
    raise PipelineError(f"{file}: expected schema {schema}, got {found!r}", wrote)
