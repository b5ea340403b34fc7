"""What is here, what is missing, and what it takes to bring it."""

from __future__ import annotations

from typing import Sequence, Tuple

import pytest

from scripts.models.store import sizes
from scripts.settings import ModelFile, Wheel
from scripts.typed_yaml import Bytes


def needs(name: str, size_bytes: int, *sources: str) -> ModelFile:
    return ModelFile(path=name, size_bytes=Bytes(size_bytes), sha256="f" * 64, sources=sources)


@pytest.mark.parametrize(
    "files, expected",
    [
        ([], (0, 0)),
        ([needs("a", 5, "file:a")], (5, 5)),
        ([needs("a", 5, "file:a", "wheel:v==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:unknown==1#a")], (5, 5)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:v==1#b")], (100, 211)),
        ([needs("a", 5, "wheel:v==1#a"), needs("b", 6, "wheel:w==1#b"), needs("c", 7, "file:c")], (137, 248)),
    ],
)
def test_sizes_of_download_and_disk(files: Sequence[ModelFile], expected: Tuple[int, int]) -> None:
    wheels = {name: Wheel(size_bytes=Bytes(size), sha256="f" * 64) for name, size in (("v==1", 100), ("w==1", 30))}

    assert expected == sizes(files, wheels)
