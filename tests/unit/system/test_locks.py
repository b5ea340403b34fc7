"""Locks between real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from scripts.system import locks
from scripts.system.locks import Holder, acquire, exclusive, hold, me, progress_of

ROOT = Path(__file__).parents[3]
HOLD = """\
import sys, pathlib
from scripts.models.locks import hold, me
with hold([pathlib.Path(sys.argv[1])], "a", me("x.bin"), print):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """\
import sys, pathlib, time
from scripts.models.locks import hold, me
count = pathlib.Path(sys.argv[1], "count")
for _ in range(5):
    with hold([count.parent], "a", me("x.bin"), print):
        before = int(count.read_text())
        time.sleep(0.002)
        count.write_text(str(before + 1))
"""


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=str(ROOT), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", bufsize=0,
    )  # fmt: skip


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input is closed."""
    with start(HOLD, tmp_path) as child:
        assert child.stdout and "held\n" == child.stdout.readline()
        yield child


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "QUIET_S", 0)


def test_one_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0", encoding="utf-8")
    children = [start(COUNT, tmp_path) for _ in range(4)]

    assert [""] * 4 == [child.communicate()[0] for child in children]
    assert "20" == (tmp_path / "count").read_text(encoding="utf-8")


def test_who_waits_is_told_for_whom(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    told: List[str] = []

    def tell(text: str) -> None:
        told.append(text)
        assert child.stdin
        child.stdin.close()

    with hold([tmp_path], "a", me("y.bin"), tell):
        assert (1, True, True) == (
            len(told),
            told[0].startswith(f"waiting for pid {child.pid} (since "),
            told[0].endswith("which fetches x.bin"),
        )


def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()

    with hold([tmp_path], "a", me("y.bin"), pytest.fail):
        assert os.getpid() == json.loads((tmp_path / "a.lock").read_text(encoding="utf-8"))[0]


def test_nothing_is_left_when_all_are_done(tmp_path: Path) -> None:
    with hold([tmp_path], "a", me("y.bin"), print):
        pass

    assert [] == list(tmp_path.iterdir())


def test_the_next_folder_serves_where_the_first_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with hold([tmp_path / "file", tmp_path / "folder"], "a", me("y.bin"), print):
        assert (tmp_path / "folder" / "a.lock").exists()


def test_where_no_folder_serves_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with hold([tmp_path / "file"], "a", me("y.bin"), print):
        pass


def test_a_file_that_was_renamed_while_we_waited_is_not_taken_for_the_lock(tmp_path: Path) -> None:
    holder = acquire(tmp_path / "a", print)
    waits = threading.Event()
    taken: List[os.stat_result] = []

    def take() -> None:
        with exclusive(tmp_path / "a", waits.set) as file:
            taken.append(os.fstat(file.fileno()))

    thread = threading.Thread(target=take)
    thread.start()
    assert waits.wait(20)
    (tmp_path / "a").rename(tmp_path / "b")
    holder.close()
    thread.join()

    assert (tmp_path / "b").stat().st_ino != taken[0].st_ino


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")

    with pytest.raises(OSError, match="symbolic"):
        acquire(tmp_path / "a", print)

    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("there, words", [(True, ": 1.2 kB of 2.6 kB"), (False, "")])
def test_a_holder_s_progress_is_the_size_of_its_part(tmp_path: Path, there: bool, words: str) -> None:
    if there:
        (tmp_path / "part").write_bytes(bytes(1200))
    holder = Holder(7, "10:22:01", "x.bin", str(tmp_path / "part"), 2600)

    assert f"pid 7 (since 10:22:01), which fetches x.bin{words}" == progress_of(holder)
