"""Stamps: what was verified stays verified until it changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scripts.models.stamps import Stamps, stamp


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.bin"
    path.write_bytes(b"abc")
    return path


@pytest.fixture
def saved(tmp_path: Path, file: Path) -> Path:
    stamps = Stamps(tmp_path / "state" / "models.json")
    stamps.put("m.bin", stamp(file.stat(), "d" * 64))
    stamps.save()
    return tmp_path / "state" / "models.json"


def test_a_saved_stamp_stands(file: Path, saved: Path) -> None:
    assert Stamps(saved).hold("m.bin", file, "d" * 64)


def test_a_stamp_is_for_one_digest(file: Path, saved: Path) -> None:
    assert not Stamps(saved).hold("m.bin", file, "e" * 64)


def test_a_later_time_ends_a_stamp(file: Path, saved: Path) -> None:
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))

    assert not Stamps(saved).hold("m.bin", file, "d" * 64)


def test_another_inode_ends_a_stamp(file: Path, saved: Path, tmp_path: Path) -> None:
    before = file.stat()
    (tmp_path / "copy").write_bytes(b"abc")
    os.utime(tmp_path / "copy", ns=(0, before.st_mtime_ns))
    (tmp_path / "copy").replace(file)

    assert not Stamps(saved).hold("m.bin", file, "d" * 64)


def test_a_file_that_is_gone_has_no_stamp(file: Path, saved: Path) -> None:
    file.unlink()

    assert not Stamps(saved).hold("m.bin", file, "d" * 64)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 1, "files": {"m.bin": [3]}}', '{"schema": 1, "files": 3}']
)
def test_a_file_of_stamps_that_cannot_be_read_holds_none(file: Path, saved: Path, text: str) -> None:
    saved.write_text(text, encoding="utf-8")

    assert not Stamps(saved).hold("m.bin", file, "d" * 64)


def test_a_file_of_stamps_of_another_schema_holds_none(file: Path, saved: Path) -> None:
    saved.write_text(json.dumps({**json.loads(saved.read_text(encoding="utf-8")), "schema": 2}), encoding="utf-8")

    assert not Stamps(saved).hold("m.bin", file, "d" * 64)


def test_where_nothing_can_be_saved_nothing_is_left_and_nothing_raised(file: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be", encoding="utf-8")
    stamps = Stamps(tmp_path / "state" / "models.json")
    stamps.put("m.bin", stamp(file.stat(), "d" * 64))

    stamps.save()

    assert {"m.bin", "state"} == {path.name for path in tmp_path.iterdir()}
