"""Measuring and explaining contents."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from scripts.models.verified import Content, difference, likely_cause, measure
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes

ABC = hashlib.sha256(b"abc").hexdigest()
EXPECTED = ModelFile(path="m.bin", size_bytes=Bytes(3), sha256=ABC, sources=("file:m.bin",))


def ignore(count: int) -> None:
    pass


def test_a_file_of_the_wrong_size_is_not_hashed(tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(b"abcd")

    assert Content(4, "", b"abcd") == measure(tmp_path / "m.bin", 3, ignore)[0]


def test_a_file_longer_than_its_head_is_hashed_as_a_whole(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    (tmp_path / "m.bin").write_bytes(data)

    assert hashlib.sha256(data).hexdigest() == measure(tmp_path / "m.bin", len(data), ignore)[0].sha256


def test_the_expected_content_has_no_difference() -> None:
    assert "" == difference(EXPECTED, Content(3, ABC, b"abc"))


def test_a_difference_names_sizes_and_digests() -> None:
    text = difference(EXPECTED, Content(3, "f" * 64, b"xyz"))

    assert f"expected 3 bytes with sha256 {ABC}, got 3 bytes with sha256 {'f' * 64}" == text.partition(" (")[0]


@pytest.mark.parametrize(
    "head, size_bytes, words",
    [
        (b"\xef\xbb\xbf \n<HTML><body>", 900, "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", 130, "Git LFS pointer"),
        (b"", 0, "empty"),
        (b"TFL3", 999, "cut off"),
        (b"TFL3", 1000, "another version"),
    ],
)
def test_the_likely_cause_is_named(head: bytes, size_bytes: int, words: str) -> None:
    assert words in likely_cause(size_bytes, head, expected_bytes=1000)
