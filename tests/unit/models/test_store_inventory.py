"""What is here, what is missing, and what it takes to bring it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Sequence, Tuple

import pytest

from scripts.models.store import sizes, state_of
from scripts.models.verified import Stamps, stamp
from scripts.settings import ModelFile, Wheel
from scripts.typed_yaml import Bytes

ABC = ModelFile(Bytes(3), "a.bin", hashlib.sha256(b"abc").hexdigest(), ("file:a",))


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


@pytest.fixture
def stamps(tmp_path: Path) -> Stamps:
    return Stamps(tmp_path / "models.json")


@pytest.mark.parametrize("content, found", [(b"ab", "wrong: 2 bytes instead of 3"), (b"abd", "of the right size, not")])
def test_a_weight_nobody_verified_is_told_by_its_size(
    tmp_path: Path, stamps: Stamps, content: bytes, found: str
) -> None:
    (tmp_path / "a.bin").write_bytes(content)

    assert state_of(ABC, tmp_path / "a.bin", stamps).startswith(found)


def test_a_verified_weight_is_told_so_without_reading_it_again(tmp_path: Path, stamps: Stamps) -> None:
    (tmp_path / "a.bin").write_bytes(b"abd")  # as if it had been right
    stamps.put("a.bin", stamp((tmp_path / "a.bin").stat(), ABC.sha256))

    assert "verified when it was fetched" in state_of(ABC, tmp_path / "a.bin", stamps)


def test_a_missing_weight_is_told(tmp_path: Path, stamps: Stamps) -> None:
    assert "missing: No such file or directory" == state_of(ABC, tmp_path / "a.bin", stamps)
