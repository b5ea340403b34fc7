"""Parts: what came is hashed, survives the process, and gets its name only when it is whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.models.partial import Origin, open_part, part_bytes, part_path
from scripts.models.verified import Content
from scripts.system import locks
from tests.unit.models.loopback import files_below

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


def test_a_link_in_the_place_of_a_part_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    part_path(tmp_path, DIGEST).symlink_to("mine")

    with pytest.raises(OSError), open_part(tmp_path, DIGEST, ignore, ignore):
        pass

    assert b"mine" == (tmp_path / "mine").read_bytes()
