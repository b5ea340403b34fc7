"""Read and write the JSON files that sharding keeps: written whole or not at all, refused where unknown."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any, Dict

from ..errors import PipelineError


class NewerSchema(PipelineError):
    """A newer version of this program wrote the file."""


def write_text(file: Path, text: str) -> None:
    """Write a file whole, under a temporary name that no writer on any machine shares.

    Raises:
        PipelineError: the folder or file cannot be written.
    """
    try:
        write_whole(file, text, f".{file.name}.{uuid.uuid4().hex}")
    except OSError as error:
        raise PipelineError(f"cannot write {file}: {error}", "Check that the folder exists and is yours.") from error


def write_whole(file: Path, text: str, temporary: str) -> None:
    """Write a file under a temporary name in its folder and rename it: no reader ever sees half of it.

    Raises:
        OSError: the folder or file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(temporary)
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        part.replace(file)
    finally:
        if part.exists():
            part.unlink()


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
    kind = NewerSchema if newer else PipelineError
    raise kind(f"{file}: expected schema {schema}, got {found!r}", wrote)
