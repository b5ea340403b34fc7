"""A Hugging Face cache made of the files that index-tts keeps in hf_cache/, for the package that asks a hub for them.

A manifest brings the files with their digests; nothing is asked of a hub while the service starts.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Dict

# Repository, and its files or folders: where they lie below hf_cache/.
REPOSITORIES: Dict[str, Dict[str, str]] = {
    "facebook/w2v-bert-2.0": {"": "w2v-bert-2.0"},
    "amphion/MaskGCT": {"semantic_codec/model.safetensors": "semantic_codec_model.safetensors"},
    "funasr/campplus": {"campplus_cn_common.bin": "campplus_cn_common.bin"},
    "nvidia/bigvgan_v2_22khz_80band_256x": {"": "bigvgan"},
}


def check(hf_cache: Path) -> None:
    """Refuse to start where a file is missing: the engine would ask a hub for it, and say so in its own words.

    Raises:
        FileNotFoundError: with the places of all that are missing.
    """
    places = [hf_cache / place for members in REPOSITORIES.values() for place in members.values()]
    missing = [str(place) for place in places if not place.exists()]
    if missing:
        raise FileNotFoundError(f"no {', '.join(missing)}; what a run's manifest brings")


def link(hf_cache: Path, cache: Path) -> None:
    """Lay out a cache of links (refs/main, snapshots/COMMIT/...), the only one that the hub's client uses."""
    for repository, members in REPOSITORIES.items():
        commit = hashlib.sha256(repository.encode()).hexdigest()[:40]  # any name of that length will do
        folder = cache / ("models--" + repository.replace("/", "--"))
        for member, place in members.items():
            _link(hf_cache / place, folder / "snapshots" / commit / member)
        (folder / "refs").mkdir(parents=True, exist_ok=True)
        (folder / "refs" / "main").write_text(commit, encoding="ascii")
    os.environ.update(HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")


def _link(source: Path, target: Path) -> None:
    files = [path for path in source.rglob("*") if path.is_file()] if source.is_dir() else [source]
    for path in files:
        link_to = target / path.relative_to(source) if source.is_dir() else target
        link_to.parent.mkdir(parents=True, exist_ok=True)
        link_to.symlink_to(path.resolve())
