"""A folder of recordings and what each says: texts.json ({"hello.wav": "Hello."}), or NAME.txt beside NAME.wav."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Iterator, NamedTuple

from .baseline import BaselineError

TEXTS = "texts.json"
SOUNDS = (".wav", ".flac", ".ogg")


class Recording(NamedTuple):
    """A file, and the text that it says; "" where that is not known."""

    path: Path
    text: str


def recordings_of(folder: Path) -> Iterator[Recording]:
    """List the recordings of a folder, sorted by name.

    Raises:
        BaselineError: texts.json is no JSON object.
    """
    file = folder / TEXTS
    texts: Dict[str, str] = {}
    try:
        if file.is_file():
            texts = dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise BaselineError(f"{file}: expected JSON, {{file name: text}}: {error}") from None
    for path in sorted(folder.iterdir()):
        beside = path.with_suffix(".txt")
        if path.suffix.lower() in SOUNDS:
            text = texts.get(path.name, beside.read_text(encoding="utf-8").strip() if beside.is_file() else "")
            yield Recording(path, text)
