"""A folder of recordings and what each says: texts.json, or NAME.txt beside NAME.wav.

texts.json: {"hello.wav": "Hello."}, or all that a request had: {"hello.wav": {"text": "Hello.", "options": {...}}}.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, NamedTuple

from .baseline import BaselineError, golden_name

TEXTS = "texts.json"
SOUNDS = (".wav", ".flac", ".ogg")


class Recording(NamedTuple):
    """A file, and what it should say, "" where that is not known; `problem`: why there is none."""

    path: Path
    text: str = ""
    options: Mapping[str, Any] = {}
    problem: str = ""

    @property
    def key(self) -> str:
        """Name it by what it says, as its golden one is, so that it finds itself in another set."""
        return golden_name(self.text, self.options) if self.text else self.path.name


def recordings_of(folder: Path) -> Iterator[Recording]:
    """List the recordings of a folder, sorted by name.

    Raises:
        BaselineError: texts.json cannot be used.
    """
    texts = read_texts(folder)
    for path in sorted(folder.iterdir()):
        beside = path.with_suffix(".txt")
        if path.suffix.lower() in SOUNDS:
            told = texts.get(path.name, beside.read_text(encoding="utf-8").strip() if beside.is_file() else "")
            yield recording(path, told)


def read_texts(folder: Path) -> Dict[str, Any]:
    """Read the texts.json of a folder; empty where there is none.

    Raises:
        BaselineError: it is no JSON object.
    """
    file = folder / TEXTS
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
    except (ValueError, TypeError) as error:
        raise BaselineError(f"{file}: expected JSON, {{file name: text}}: {error}") from None


def recording(path: Path, told: Any) -> Recording:
    """Put together a recording and what a texts.json tells of it.

    Raises:
        BaselineError: that is neither a text nor an object.
    """
    if not told or isinstance(told, str):
        return Recording(path, told or "")
    if not isinstance(told, dict):
        place = path.with_name(TEXTS)
        raise BaselineError(f'{place}: {path.name}: expected a text, or {{"text": ...}}, got {json.dumps(told)}')
    return Recording(path, str(told.get("text", "")), told.get("options") or {}, str(told.get("problem", "")))
