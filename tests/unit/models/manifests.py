"""Small projects that want weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, Mapping

import yaml

from scripts import settings


def entry(data: bytes, *sources: str, path: str = "m.bin") -> Dict[str, Any]:
    """A file of the manifest, as pipeline.yml has it."""
    return {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "sources": list(sources)}


def project(folder: Path, *files: Mapping[str, Any], **models: Any) -> settings.Settings:
    """The settings of a project in `folder` that wants these files; an earlier manifest is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump({"suite": {"path": "tests"}, "models": {"files": list(files), **models}}, allow_unicode=True)
    (folder / "pipeline.yml").write_text(text, encoding="utf-8")
    return settings.load(None, {}, folder)
