"""What lies in the places of the weights, told without reading them again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.models.store import state_of
from scripts.models.verified import Stamps, stamp
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes

ABC = ModelFile(Bytes(3), "a.bin", hashlib.sha256(b"abc").hexdigest(), ("file:a",))


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
