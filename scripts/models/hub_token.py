"""The token of a person at Hugging Face, as the hub's own tools keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping

from ..system.files import expand_user


def find_token(environ: Mapping[str, str]) -> str:
    """Look up the person's token: HF_TOKEN, or the file in which `hf auth login` left it; empty if there is none."""
    if environ.get("HF_TOKEN"):
        return environ["HF_TOKEN"].strip()
    caches = Path(environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(environ.get("HF_HOME") or caches / "huggingface")
    file = Path(environ.get("HF_TOKEN_PATH") or home / "token")
    try:
        return expand_user(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
