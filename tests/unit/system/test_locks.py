"""Locks between real processes."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Iterator, List

import pytest

from scripts.system import locks
from scripts.system.holders import Held, me
from scripts.system.locks import (
    Worker,
    acquire,
    exclusive,
    hold,
    hold_or_refuse,
    progress_of,
    try_acquire,
    worker,
)

ROOT = Path(__file__).parents[3]
HOLD = """\
import sys, pathlib
from scripts.system.locks import hold, worker
with hold([pathlib.Path(sys.argv[1])], "a", worker("x.bin"), print):
    print("held", flush=True)
    sys.stdin.read()
"""
COUNT = """\
import sys, pathlib, time
from scripts.system.locks import hold, worker
count = pathlib.Path(sys.argv[1], "count")
for _ in range(5):
    with hold([count.parent], "a", worker("x.bin"), print):
        before = int(count.read_text())
        time.sleep(0.002)
        count.write_text(str(before + 1))
"""


REFUSE = """\
import sys, pathlib
from scripts.system.holders import Held, me
from scripts.system.locks import hold_or_refuse
try:
    with hold_or_refuse(pathlib.Path(sys.argv[1], "owner"), me("nox -s 你"), shared=len(sys.argv) > 2):
        print("held", flush=True)
        sys.stdin.read()
except Held as held:
    print("refused", held.holder.pid, flush=True)
"""
NO_LOCKS = """\
import errno, fcntl
def flock(file, how):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""


def start(code: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), *more],
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

    with hold([tmp_path], "a", worker("y.bin"), tell):
        assert (1, True, True) == (
            len(told),
            told[0].startswith(f"waiting for pid {child.pid} (since "),
            told[0].endswith("which fetches x.bin"),
        )


def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    child.kill()
    child.wait()

    with hold([tmp_path], "a", worker("y.bin"), pytest.fail):
        assert os.getpid() == json.loads((tmp_path / "a.lock").read_text(encoding="utf-8"))[0]


def test_nothing_is_left_when_all_are_done(tmp_path: Path) -> None:
    with hold([tmp_path], "a", worker("y.bin"), print):
        pass

    assert [] == list(tmp_path.iterdir())


def test_the_next_folder_serves_where_the_first_cannot(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with hold([tmp_path / "file", tmp_path / "folder"], "a", worker("y.bin"), print):
        assert (tmp_path / "folder" / "a.lock").exists()


def test_where_no_folder_serves_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with hold([tmp_path / "file"], "a", worker("y.bin"), print):
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
def test_a_worker_s_progress_is_the_size_of_its_part(tmp_path: Path, there: bool, words: str) -> None:
    if there:
        (tmp_path / "part").write_bytes(bytes(1200))
    fetching = Worker(7, "10:22:01", "x.bin", str(tmp_path / "part"), 2600)

    assert f"pid 7 (since 10:22:01), which fetches x.bin{words}" == progress_of(fetching)


# Without waiting ---------------------------------------------------------------------------------


def first_line(process: subprocess.Popen[str]) -> str:
    """Read what it says first, but for the line about a disk without locks."""
    assert process.stdout
    return next(line.strip() for line in process.stdout if not line.startswith("the disk has no locks"))


@pytest.fixture(params=["flock", "no flock"])
def code(request: pytest.FixtureRequest) -> str:
    """What takes the lock for a command: by flock, and where the file system has none."""
    return REFUSE if request.param == "flock" else NO_LOCKS + REFUSE


def test_the_second_is_refused_and_told_who_holds_the_lock(tmp_path: Path, code: str) -> None:
    with start(code, tmp_path) as first:
        assert "held" == first_line(first)
        with start(code, tmp_path) as second:
            assert f"refused {first.pid}" == first_line(second)
        first.communicate("")
        with start(code, tmp_path) as third:
            assert "held" == first_line(third)
            third.communicate("")

    assert ["owner"] == [path.name for path in tmp_path.iterdir()]


def test_the_refused_is_told_since_when_and_for_which_command(tmp_path: Path) -> None:
    with start(REFUSE, tmp_path) as first:
        assert "held" == first_line(first)
        with pytest.raises(Held) as held, hold_or_refuse(tmp_path / "owner", me("mine")):
            pass
        first.communicate("")

    holder = held.value.holder
    assert holder and (first.pid, "nox -s 你", 19) == (holder.pid, holder.command, len(holder.since))
    assert str(held.value) == f"pid {first.pid} (since {holder.since}): nox -s 你"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path, code: str, number: signal.Signals) -> None:
    with start(code, tmp_path) as first:
        assert "held" == first_line(first)
        first.send_signal(number)
    with start(code, tmp_path) as second:
        assert "held" == first_line(second)
        second.communicate("")


def test_those_that_share_a_lock_exclude_only_who_wants_it_alone(tmp_path: Path, code: str) -> None:
    with start(code, tmp_path, "shared") as first, start(code, tmp_path, "shared") as second:
        assert ["held", "held"] == [first_line(first), first_line(second)]
        first.communicate("")  # lives no longer, but stands in the file
        with start(code, tmp_path) as alone:
            assert f"refused {second.pid}" == first_line(alone)
        second.communicate("")
    with start(code, tmp_path) as alone:
        assert "held" == first_line(alone)
        with start(code, tmp_path, "shared") as late:
            assert f"refused {alone.pid}" == first_line(late)
        alone.communicate("")


def test_of_many_that_start_at_once_one_gets_the_lock(tmp_path: Path) -> None:
    processes = [start(REFUSE, tmp_path) for _ in range(6)]
    words = [first_line(process).split()[0] for process in processes]
    for process in processes:
        process.communicate("")

    assert ["held"] + ["refused"] * 5 == sorted(words)


def test_of_those_that_shared_a_lock_one_that_still_runs_is_named(tmp_path: Path, code: str) -> None:
    with start(code, tmp_path, "shared") as first, start(code, tmp_path, "shared") as second:
        assert ["held", "held"] == [first_line(first), first_line(second)]
        second.kill()
        second.wait()
        with start(code, tmp_path) as alone:
            assert f"refused {first.pid}" == first_line(alone)
        first.communicate("")


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[1]\n", b'{"pid": "x"}', b"[" * 100_000, b'{"pid": 1e400}', b'{"pid": -7}']
)
def test_a_holder_that_does_not_say_who_it_is_holds_the_lock_all_the_same(tmp_path: Path, content: bytes) -> None:
    with acquire(tmp_path / "owner"):
        (tmp_path / "owner").write_bytes(content)

        with pytest.raises(Held, match="does not say who it is"), hold_or_refuse(tmp_path / "owner", me("mine")):
            pass


def test_a_lock_is_taken_once_in_a_process_too(tmp_path: Path) -> None:
    owner = tmp_path / "owner"
    with hold_or_refuse(owner, me("a")), pytest.raises(Held, match=r"\): a"), hold_or_refuse(owner, me("b")):
        pass


def test_a_failure_while_it_is_held_lets_go(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), hold_or_refuse(tmp_path / "owner", me("first")):
        raise KeyboardInterrupt
    with hold_or_refuse(tmp_path / "owner", me("second")):
        pass


def test_what_is_not_there_is_not_made_unless_wanted(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        try_acquire(tmp_path / "a", create=False)
    assert [] == list(tmp_path.iterdir())


def test_a_pipe_in_the_place_of_a_lock_hangs_nobody(tmp_path: Path) -> None:
    os.mkfifo(str(tmp_path / "a"))

    acquire(tmp_path / "a").close()
    acquire(tmp_path / "a", shared=True).close()


def test_where_locks_do_not_work_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(file: object, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(locks.fcntl, "flock", flock)

    with pytest.raises(OSError, match="not implemented"):
        try_acquire(tmp_path / "a")
