from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripts.evidence.allowlist import HEAD_BYTES, TAIL_BYTES, WHOLE_BYTES, Rule
from scripts.evidence.files import read

LOG, OTHER = Rule("a", "a log", log=True), Rule("a", "a file")
LIMIT = HEAD_BYTES + TAIL_BYTES


def test_a_file_is_taken_byte_by_byte_with_its_time(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)))
    os.utime(tmp_path / "a", (1, 1234.5))

    member = read(tmp_path / "a", "logs/a", OTHER)

    assert ("logs/a", bytes(range(256)), 1234.5, "a file", 0, ()) == member


@pytest.mark.parametrize("size", [0, LIMIT - 1, LIMIT])
def test_a_log_that_has_room_is_whole(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)

    member = read(tmp_path / "a", "a", LOG)

    assert (size, 0) == (len(member.content), member.cut_bytes)


@pytest.mark.parametrize("more", [1, 1000])
def test_a_long_log_keeps_head_and_tail_and_says_what_is_cut(tmp_path: Path, more: int) -> None:
    content = b"h" * HEAD_BYTES + b"m" * more + b"t" * TAIL_BYTES
    (tmp_path / "a").write_bytes(content)

    member = read(tmp_path / "a", "a", LOG)

    marker = f"\n[... {more} bytes are cut here ...]\n".encode()
    assert b"h" * HEAD_BYTES + marker + b"t" * TAIL_BYTES == member.content
    assert more == member.cut_bytes


def test_a_log_of_a_hundred_gigabytes_is_read_at_its_ends_only(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(100_000_000_000)

    assert 100_000_000_000 - LIMIT == read(tmp_path / "a", "a", LOG).cut_bytes


def test_a_file_that_grew_since_it_was_found_gets_no_more_than_its_limit(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(WHOLE_BYTES + 5)

    assert WHOLE_BYTES == len(read(tmp_path / "a", "a", OTHER).content)


def test_a_pipe_that_took_the_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "a"))

    with pytest.raises(OSError, match="not a plain file any more"):
        read(tmp_path / "a", "a", LOG)


def test_a_link_that_took_the_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "a").symlink_to(tmp_path / "secret")

    with pytest.raises(OSError):
        read(tmp_path / "a", "a", LOG)
