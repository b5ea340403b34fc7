"""What a file holds, measured and explained, and stamps: what was verified stays verified until it changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.models.verified import Content, Stamps, difference, likely_cause, measure, stamp
from scripts.settings import ModelFile
from scripts.typed_yaml import Bytes

ABC = hashlib.sha256(b"abc").hexdigest()
EXPECTED = ModelFile(path="m.bin", size_bytes=Bytes(3), sha256=ABC, sources=("file:m.bin",))


def ignore(count: int) -> None:
    pass


def test_a_file_of_the_wrong_size_is_not_hashed(tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(b"abcd")

    assert Content(4, "", b"abcd") == measure(tmp_path / "m.bin", 3, ignore)[0]


def test_nobody_waits_for_a_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "a.bin"))

    with pytest.raises(OSError, match="expected a file, got a pipe"):
        measure(tmp_path / "a.bin", 0, ignore)


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


# Stamps --------------------------------------------------------------------------------------------


ROOT = Path(__file__).parents[3]


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


def test_another_content_under_the_same_time_ends_a_stamp(file: Path, saved: Path) -> None:
    before = file.stat()
    time.sleep(0.02)  # some disks note a time every few milliseconds
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(str(file), ns=(before.st_atime_ns, before.st_mtime_ns))

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


def test_what_others_saved_meanwhile_is_kept(file: Path, tmp_path: Path) -> None:
    ours, theirs = (Stamps(tmp_path / "models.json") for _ in range(2))
    ours.put("a.bin", stamp(file.stat(), "a" * 64))
    theirs.put("b.bin", stamp(file.stat(), "b" * 64))
    theirs.save()
    ours.save()

    both = Stamps(tmp_path / "models.json")
    assert [True, True] == [both.hold(f"{name}.bin", file, name * 64) for name in "ab"]


def test_places_where_no_file_is_any_more_are_forgotten_when_others_are_saved(file: Path, tmp_path: Path) -> None:
    (tmp_path / "gone").write_bytes(b"abc")
    for name in ("gone", "m.bin"):
        stamps = Stamps(tmp_path / "places.json")
        stamps.put(str(tmp_path / name), stamp((tmp_path / name).stat(), "a" * 64))
        stamps.save(forget_gone=True)
        (tmp_path / "gone").unlink(missing_ok=True)

    assert [str(file)] == list(json.loads((tmp_path / "places.json").read_text(encoding="utf-8"))["files"])


def test_many_processes_lose_no_stamp(file: Path, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from scripts.models.verified import Stamps, stamp\n"
        "stamps = Stamps(pathlib.Path(sys.argv[1]))\n"
        "stamps.put(sys.argv[3], stamp(pathlib.Path(sys.argv[2]).stat(), 'a' * 64)); stamps.save()"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "models.json"), str(file)]
    children = [subprocess.Popen([*words, str(number)], cwd=str(ROOT)) for number in range(6)]

    assert [0] * 6 == [child.wait() for child in children]
    saved = Stamps(tmp_path / "models.json")
    assert all(saved.hold(str(number), file, "a" * 64) for number in range(6))
    assert {"m.bin", "models.json"} == {path.name for path in tmp_path.iterdir() if path.is_file()}


def test_the_places_of_a_content_are_those_that_did_not_change(file: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.bin"
    changed.write_bytes(b"abc")
    stamps = Stamps(tmp_path / "places.json")
    for path, digest in ((file, "a"), (changed, "a"), (tmp_path / "pipeline.yml", "b")):
        stamps.put(str(path), stamp(file.stat() if path == file else changed.stat(), digest * 64))
    changed.write_bytes(b"changed")

    assert [file] == stamps.places("a" * 64)
