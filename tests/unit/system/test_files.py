"""Files that appear whole or not at all, records in whose place anything may lie, and what is swept up."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.errors import PipelineError
from scripts.system import files
from scripts.system.files import (
    PART_STALE_S,
    SCRATCH_STALE_S,
    is_leftover,
    parse_json,
    read_bytes,
    read_json,
    replacing,
    scratch,
    scratch_name,
    sweep,
    text_of,
    write_bytes,
    write_text,
)

ROOT = Path(__file__).parents[3]
PART = "0123456789abcdef" * 4 + ".part"


def names(folder: Path) -> List[str]:
    return sorted(path.name for path in folder.iterdir())


# Writing ------------------------------------------------------------------------------------------


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b.json", "你\n")

    assert ("你\n", ["b.json"]) == (
        (tmp_path / "a" / "b.json").read_text(encoding="utf-8"),
        names(tmp_path / "a"),
    )


def test_until_it_is_whole_readers_see_the_old_content(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    with replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"new")
        seen = (tmp_path / "a").read_bytes()

    assert (b"old", b"new") == (seen, (tmp_path / "a").read_bytes())


def test_who_has_the_old_file_open_reads_on_in_it(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    with (tmp_path / "a").open("rb") as reader:
        write_bytes(tmp_path / "a", b"new")

        assert b"old" == reader.read()


@contextmanager
def longest_file(size_bytes: int) -> Iterator[None]:
    """Let the system refuse longer files, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def mask(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


def test_a_file_that_does_not_fit_is_refused_in_a_line_and_leaves_the_old_one_alone(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    with longest_file(1000), pytest.raises(PipelineError) as refused:
        write_text(tmp_path / "a", "x" * 1001)

    assert (f"cannot write {tmp_path / 'a'}: File too large", 1) == (
        refused.value.message,
        len(refused.value.hint.splitlines()),
    )
    assert ("old", ["a"]) == ((tmp_path / "a").read_text(), names(tmp_path))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"), replacing(tmp_path / "a") as temporary:
        temporary.symlink_to("/dev/full")
        temporary.write_bytes(b"x")

    assert [] == names(tmp_path)


@pytest.mark.parametrize("place", ["file/a", "folder", "x" * 256])
def test_a_place_that_takes_no_file_is_refused_in_a_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "b").mkdir(parents=True)

    with pytest.raises(PipelineError, match=r"\Acannot write [^\n]*\nhint: [^\n]*\Z"):
        write_text(tmp_path / place, "x")

    assert ["file", "folder"] == names(tmp_path)


NOBODY = """\
import os, pathlib, sys, tempfile
from scripts.errors import PipelineError
from scripts.system.files import write_text
if os.getuid() == 0:
    os.setuid(65534)
folder = pathlib.Path(tempfile.mkdtemp())
folder.chmod(int(sys.argv[1], 8))
os.umask(int(sys.argv[2], 8))
try:
    write_text(folder / sys.argv[3], "x")
except PipelineError as error:
    print(error.message.replace(str(folder), "FOLDER"))
print(*(path.name for path in folder.iterdir()))
folder.chmod(0o700)
for path in folder.iterdir():
    path.rmdir()
folder.rmdir()
"""


@pytest.mark.parametrize(
    "mode, umask, place, left", [("555", "022", "a", ""), ("777", "777", "new/a", "new")], ids=["read-only", "umask"]
)
def test_a_folder_that_is_not_ours_to_write_is_told_in_a_line(mode: str, umask: str, place: str, left: str) -> None:
    words = [sys.executable, "-c", NOBODY, mode, umask, place]
    lines = subprocess.check_output(words, cwd=str(ROOT), encoding="utf-8").splitlines()

    assert [f"cannot write FOLDER/{place}: Permission denied", left] == lines


def test_under_a_umask_that_takes_all_rights_nothing_is_left_behind(tmp_path: Path) -> None:
    with mask(0o777):
        write_bytes(tmp_path / "a", b"x")

    assert ["a"] == names(tmp_path)


def test_a_name_as_long_as_the_file_system_takes_has_a_temporary_one_too(tmp_path: Path) -> None:
    name = "你" * 85  # 255 bytes
    write_bytes(tmp_path / name, b"x")

    assert [name] == names(tmp_path)


# Reading ------------------------------------------------------------------------------------------


def refusal(file: Path, limit_bytes: int = 1000) -> str:
    with pytest.raises(PipelineError) as refused:
        read_json(file, 1, "Make it anew.", limit_bytes)
    assert 1 == len(refused.value.message.splitlines())
    return refused.value.message.partition(": ")[2]


def test_a_record_of_the_schema_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"schema": 1, "x": [1.5, -2, null, "\\ud800"]}')

    assert {"schema": 1, "x": [1.5, -2, None, "\ud800"]} == read_json(tmp_path / "a", 1, "")


def test_what_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    os.mkfifo(str(tmp_path / "pipe"))
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        names = ("gone", "nowhere", "loop", "zero", "folder", "pipe", "socket")
        refusals = {name: refusal(tmp_path / name) for name in names}

    expected = {
        "gone": "No such file or directory",
        "nowhere": "No such file or directory",
        "loop": "Too many levels of symbolic links",
        "zero": "expected a file, got a device",
        "folder": "expected a file, got a folder",
        "pipe": "expected a file, got a pipe",
        "socket": "No such device or address",
    }
    assert expected == refusals


HOSTILE = {
    "empty": (b"", "Expecting value: line 1 column 1 (char 0)"),
    "cut off": (b'{"schema": 1', "Expecting ',' delimiter: line 1 column 13 (char 12)"),
    "not UTF-8": (b'{"schema": 1, "x": "\xff"}', "'utf-8' codec can't decode byte 0xff in position 20"),
    "NaN": (b'{"schema": 1, "x": NaN}', "expected a number, got NaN"),
    "Infinity": (b'{"schema": 1, "x": -Infinity}', "expected a number, got -Infinity"),
    "1e999": (b'{"schema": 1, "x": 1e999}', "expected a number, got 1e999, which is infinite"),
    "brackets": (b"[" * 100_000, "too many brackets inside each other"),
    "digits": (b'{"schema": ' + b"9" * 5000 + b"}", "expected a number, got one of 5000 digits"),
    "twice": (b'{"schema": 1, "x": 1, "x": 2}', "the key 'x' stands there twice"),
    "list": (b"[1]", "expected schema 1, got None"),
    "other": (b'{"schema": true}', "expected schema 1, got True"),
    "deep": (b'{"schema": {"a": [[]]}}', "expected schema 1, got an object"),
    "long": (b'{"schema": "' + b"x" * 10_000 + b'"}', f"expected schema 1, got '{'x' * 39}..."),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_damaged_record_is_refused_in_a_line(tmp_path: Path, kind: str) -> None:
    content, expected = HOSTILE[kind]
    (tmp_path / "a").write_bytes(content)

    assert refusal(tmp_path / "a", 200_000).startswith(expected)


@given(st.binary() | st.lists(st.sampled_from('{}[]",:1eNaInfity-."\\ \xff')).map(lambda c: "".join(c).encode()))
def test_any_bytes_are_read_or_refused_in_a_line(content: bytes) -> None:
    try:
        parse_json(content)
        lines = 1
    except ValueError as error:
        lines = len(str(error).splitlines())

    assert 1 == lines


def test_a_newer_record_says_that_its_writer_is_newer(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"schema": 2}')

    with pytest.raises(PipelineError, match="expected schema 1, got 2") as refused:
        read_json(tmp_path / "a", 1, "Make it anew.")
    assert refused.value.hint.startswith("A newer version")


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert b"x" * 10 == read_bytes(tmp_path / "a", 10)


@pytest.mark.parametrize("size_bytes", [11, 10**12])
def test_a_larger_file_is_refused_without_reading_it(tmp_path: Path, size_bytes: int) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(size_bytes)

    with pytest.raises(OSError, match="expected at most 10 bytes, got more"):
        read_bytes(tmp_path / "a", 10)


def test_a_file_that_grows_while_it_is_read_is_not_followed_beyond_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(os, "read", lambda handle, count: b"x")

    with pytest.raises(OSError, match="at most 10 bytes"):
        read_bytes(tmp_path / "a", 10)


# Sweeping -----------------------------------------------------------------------------------------


def dead(pid: int) -> bool:
    return False


def alive(pid: int) -> bool:
    return True


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_text_that_cannot_be_read_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff text")
    os.mkfifo(tmp_path / "pipe")

    assert "\ufffd text" == text_of(tmp_path / "a")
    assert "" == text_of(tmp_path / "a", 3)
    assert ["", "", "", ""] == [text_of(tmp_path / name) for name in ("", "none", "pipe", "a\0b")]


def test_names_never_repeat() -> None:
    assert scratch_name("m.json", 1) != scratch_name("m.json", 1)


def test_the_scratch_of_a_process_that_ended_is_a_leftover() -> None:
    assert is_leftover(scratch_name("m.json", 7), 0, dead)


def test_the_scratch_of_a_living_process_is_not() -> None:
    assert not is_leftover(scratch_name("m.json", 7), SCRATCH_STALE_S - 1, alive)


def test_the_scratch_of_another_machine_is_one_only_after_a_day() -> None:
    foreign = "m.json.scratch-elsewhere-7-0123abcd"

    assert [False, True] == [is_leftover(foreign, age_s, dead) for age_s in (SCRATCH_STALE_S - 1, SCRATCH_STALE_S + 1)]


@pytest.mark.parametrize("name", [PART, PART + ".json"])
def test_a_part_waits_a_week_for_the_run_that_goes_on_with_it(name: str) -> None:
    assert [False, True] == [is_leftover(name, age_s, dead) for age_s in (PART_STALE_S - 1, PART_STALE_S + 1)]


@pytest.mark.parametrize("name", ["m.bin", "m.part", "scratch-host-7-0123abcd", "m.scratch-2-of-3", "x" + PART])
def test_files_that_are_not_clearly_ours_stay(name: str) -> None:
    assert not is_leftover(name, PART_STALE_S + 1, dead)


def test_a_sweep_removes_files_and_folders_of_the_dead_and_nothing_else(tmp_path: Path) -> None:
    ours = scratch_name("m.json", os.getpid())
    for name in (scratch_name("m.json", ended_pid()), ours, "m.json", PART):
        (tmp_path / name).write_bytes(b"half")
    folder = tmp_path / scratch_name("wheels", ended_pid())
    folder.mkdir()
    (folder / "a.whl").write_bytes(b"half")

    sweep(tmp_path)

    assert {ours, "m.json", PART} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "none")


def test_scratch_is_removed_whatever_ends_its_block(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path / "m.json") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt

    assert [] == list(tmp_path.iterdir())


def test_containers_of_one_name_leave_each_other_s_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = scratch_name("m.bin", 7)  # a pid that none of our processes may have
    with monkeypatch.context() as container:
        container.setattr(files, "where", lambda: "the same boot, pid:[2]")
        files.machine.cache_clear()

        assert not is_leftover(theirs, files.SCRATCH_STALE_S - 1, lambda pid: False)
        assert is_leftover(theirs, files.SCRATCH_STALE_S + 1, lambda pid: True)
    files.machine.cache_clear()
    assert is_leftover(theirs, 0, lambda pid: False)
