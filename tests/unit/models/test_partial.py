"""Parts: what came is hashed, survives the process, and gets its name only when it is whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.models import partial
from scripts.models.partial import Origin, open_part, part_bytes, part_path
from scripts.models.verified import Content
from scripts.system import locks
from scripts.system.modes import make_folder
from tests.unit.models.loopback import files_below
from tests.unit.users import as_user, needs_root, open_folder

ROOT = Path(__file__).parents[3]
DIGEST = hashlib.sha256(b"abcdef").hexdigest()
HERE = Origin("https://host/m.bin", '"v1"')
HOLD = """\
import sys, pathlib
from scripts.models.partial import open_part
with open_part(pathlib.Path(sys.argv[1]), sys.argv[2], print, print):
    print("held", flush=True)
    sys.stdin.read()
"""


def ignore(*_: object) -> None:
    pass


def begin(folder: Path, data: bytes) -> None:
    """Leave a part that the next run can go on with."""
    with open_part(folder, DIGEST, ignore, ignore) as part:
        part.came_from(HERE)
        part.write(data)


@given(first=st.lists(st.binary(max_size=2000)), second=st.lists(st.binary(max_size=2000)))
def test_the_content_is_the_same_however_it_came(first: List[bytes], second: List[bytes]) -> None:
    whole = b"".join(first + second)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin(folder, b"".join(first))
        with open_part(folder, DIGEST, ignore, ignore) as part:
            part.resume()
            for chunk in second:
                part.write(chunk)
            content = part.content()
            part.publish(folder / "m.bin")

        assert Content(len(whole), hashlib.sha256(whole).hexdigest(), whole[:512]) == content
        assert {"m.bin": whole} == files_below(folder)


def test_a_published_file_has_the_status_that_was_returned(tmp_path: Path) -> None:
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.write(b"abcdef")
        status = part.publish(tmp_path / "m.bin")

    seen = (tmp_path / "m.bin").stat()
    assert (seen.st_size, seen.st_mtime_ns, seen.st_ino) == (status.st_size, status.st_mtime_ns, status.st_ino)


def test_what_can_be_resumed_is_kept_with_its_origin(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.came_from(HERE)
        part.write(b"abc")
        raise KeyboardInterrupt

    assert 3 == part_bytes(tmp_path, DIGEST)
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        assert HERE == part.origin


@pytest.mark.parametrize("data", [b"abc", b""])
def test_what_cannot_be_resumed_is_removed(tmp_path: Path, data: bytes) -> None:
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.write(data)

    assert [] == list(tmp_path.iterdir())


def test_a_part_that_nobody_needed_stays(tmp_path: Path) -> None:
    begin(tmp_path, b"abc")
    with open_part(tmp_path, DIGEST, ignore, ignore):
        pass

    assert 3 == part_bytes(tmp_path, DIGEST)


def test_after_a_restart_nothing_is_known_of_what_came_before(tmp_path: Path) -> None:
    begin(tmp_path, b"xyz")
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.resume()
        part.restart()
        part.write(b"ab")

        assert (Content(2, hashlib.sha256(b"ab").hexdigest(), b"ab"), Origin()) == (part.content(), part.origin)
        assert b"ab" == part_path(tmp_path, DIGEST).read_bytes()


def test_progress_counts_what_is_resumed_and_takes_back_what_is_thrown_away(tmp_path: Path) -> None:
    begin(tmp_path, b"abc")
    counts: List[int] = []
    with open_part(tmp_path, DIGEST, ignore, counts.append) as part:
        part.resume()
        part.write(b"def")
        part.restart()

    assert [3, -6] == counts


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 2}', '{"schema": 1, "source": "a"}'])
def test_an_origin_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    begin(tmp_path, b"abc")
    part_path(tmp_path, DIGEST).with_name(f"{DIGEST}.part.json").write_text(text, encoding="utf-8")

    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        assert Origin() == part.origin


def test_a_part_that_another_process_writes_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "QUIET_S", 0)
    command = [sys.executable, "-c", HOLD, str(tmp_path), DIGEST]
    with subprocess.Popen(command, cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin and child.stdout and b"held\n" == child.stdout.readline()

        with open_part(tmp_path, DIGEST, child.stdin.close, ignore):
            assert child.stdin.closed


def test_where_no_locks_work_a_process_has_a_part_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:  # as network file systems do; none can be made here
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_part(tmp_path, DIGEST, ignore, ignore) as first, open_part(tmp_path, DIGEST, ignore, ignore) as second:
        first.write(b"abc")
        second.write(b"xyz")
        first.publish(tmp_path / "m.bin")

    assert b"abc" == (tmp_path / "m.bin").read_bytes()


@pytest.fixture
def unseen_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk whose locks other machines do not see, as NFS with `nolock`."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)


@pytest.mark.usefixtures("unseen_locks")
@pytest.mark.parametrize("is_begun", [True, False])
def test_what_another_machine_writes_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    if is_begun:
        begin(tmp_path, b"ab")
    with open_part(tmp_path, DIGEST, ignore, ignore) as here:
        here.resume()
        here.came_from(HERE)
        here.write(b"abc"[here.size_bytes :])
        monkeypatch.setattr(partial, "where", lambda: "another machine")
        with open_part(tmp_path, DIGEST, ignore, ignore) as there:
            there.resume()
            assert (3, HERE) == (there.size_bytes, there.origin)
            there.restart()
            there.write(b"xyz")
            here.write(b"def")
            here.publish(tmp_path / "m.bin")
            there.came_from(HERE)

    assert b"abcdef" == (tmp_path / "m.bin").read_bytes()
    assert b"xyz" == part_path(tmp_path, DIGEST).read_bytes()


@pytest.mark.usefixtures("unseen_locks")
def test_the_old_part_of_another_machine_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(tmp_path, b"abc")
    inode = part_path(tmp_path, DIGEST).stat().st_ino
    os.utime(str(part_path(tmp_path, DIGEST)), (1, 1))
    monkeypatch.setattr(partial, "where", lambda: "another machine")
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.resume()

        assert (3, inode) == (part.size_bytes, part_path(tmp_path, DIGEST).stat().st_ino)


def test_what_lies_in_the_place_of_a_part_stays_and_is_in_nobody_s_way(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    for put in (lambda path: path.symlink_to("mine"), Path.mkdir, lambda path: os.mkfifo(str(path))):
        put(part_path(tmp_path, DIGEST))
        begin(tmp_path, b"abc")
        with open_part(tmp_path, DIGEST, ignore, ignore) as part:
            part.resume()
            part.write(b"def")
            part.publish(tmp_path / "m.bin")

        assert b"abcdef" == (tmp_path / "m.bin").read_bytes()
        assert b"mine" == (tmp_path / "mine").read_bytes()
        there = part_path(tmp_path, DIGEST)
        there.rename(tmp_path / f"was-{there.lstat().st_ino}")


def test_a_disk_without_fsync_takes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fsync)
    begin(tmp_path, b"abc")
    with open_part(tmp_path, DIGEST, ignore, ignore) as part:
        part.publish(tmp_path / "m.bin")

    assert b"abc" == (tmp_path / "m.bin").read_bytes()


# A folder that two users share ---------------------------------------------------------------------

ANN, BOB, TEAM = 54001, 54002, 54000


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder of the group TEAM, as `chmod g+ws` makes it."""
    with open_folder() as above:
        folder = above / "weights"
        folder.mkdir()
        os.chown(str(folder), 0, TEAM)
        folder.chmod(0o2775)
        yield folder


def left_by_ann(folder: Path, mode: int) -> Path:
    """Leave a part that an older version made, which did not let the group write to it."""
    part = part_path(folder, DIGEST)
    part.write_bytes(b"abc")
    os.chown(str(part), ANN, TEAM)
    part.chmod(mode)
    return part


def fetch(folder: Path) -> str:
    """Bring the file, and say how much of it an earlier run had left."""
    with open_part(folder, DIGEST, ignore, ignore) as part:
        part.resume()
        begun_bytes = part.size_bytes
        part.write(b"abcdef"[begun_bytes:])
        part.publish(folder / "m.bin")
    return str(begun_bytes)


@needs_root
@pytest.mark.parametrize("mode, begun", [(0o600, "0"), (0o644, "3"), (0o664, "3")])
def test_the_part_of_another_user_is_taken_over_as_far_as_it_can_be_read(
    shared_folder: Path, mode: int, begun: str
) -> None:
    left_by_ann(shared_folder, mode)

    assert begun == as_user(BOB, lambda: fetch(shared_folder), gid=TEAM)
    assert b"abcdef" == (shared_folder / "m.bin").read_bytes()
    assert (mode == 0o600) == part_path(shared_folder, DIGEST).exists()  # whether somebody writes to it is not told


@needs_root
def test_where_only_owners_may_rename_the_part_of_another_is_copied(shared_folder: Path) -> None:
    left_by_ann(shared_folder, 0o644)
    shared_folder.chmod(0o3775)

    assert "3" == as_user(BOB, lambda: fetch(shared_folder), gid=TEAM)
    assert b"abc" == part_path(shared_folder, DIGEST).read_bytes()
    assert b"abcdef" == (shared_folder / "m.bin").read_bytes()


@needs_root
def test_another_user_who_still_writes_is_waited_for(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "QUIET_S", 0)

    def waiting() -> None:
        raise RuntimeError("waits")

    def open_it() -> str:
        with open_part(shared_folder, DIGEST, waiting, ignore):
            return "did not wait"

    with locks.acquire(left_by_ann(shared_folder, 0o644)):
        assert "RuntimeError: waits" == as_user(BOB, open_it, gid=TEAM)


@needs_root
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002, 0o027])
def test_what_came_is_for_all_who_share_the_folder(shared_folder: Path, mask: int) -> None:
    below = shared_folder / "a" / "b"

    def fetch_below() -> str:
        make_folder(below)
        return fetch(below)

    as_user(ANN, fetch_below, gid=TEAM, mask=mask)

    assert [0o060, 0o070, 0o070] == [path.stat().st_mode & 0o070 for path in (below / "m.bin", below, below.parent)]
    assert "0" == as_user(BOB, lambda: fetch(below), gid=TEAM)  # may replace it
