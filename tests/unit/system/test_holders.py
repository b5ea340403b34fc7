"""Who holds a lock by what its file says: here while the process runs, elsewhere while the file is set."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import List

import pytest

from scripts.system import holders
from scripts.system.holders import Held, Holder, me, recorded
from scripts.system.identity import where

ELSEWHERE = "another-boot pid:[1]"


def written(path: Path, holder: Holder, age_s: float = 0.0) -> Path:
    path.write_bytes(holders.lines([holder]))
    os.utime(str(path), (time.time() - age_s,) * 2)
    return path


def test_one_of_another_machine_holds_it_while_its_file_is_set(tmp_path: Path) -> None:
    other = me("nox -s shard")._replace(where=ELSEWHERE)
    lock = written(tmp_path / "lock", other, age_s=holders.SILENT_S / 2)

    with pytest.raises(Held, match=f"^pid {os.getpid()} of another machine or container"), recorded(lock, me("mine")):
        pass
    with recorded(written(lock, other, age_s=holders.SILENT_S * 2), me("mine")):
        assert ["mine"] == [holder.command for holder in holders.read(lock)]


def test_a_pid_of_another_machine_is_not_looked_for_here(tmp_path: Path) -> None:
    gone = Holder(2**22 + 1, "", "nox", where=ELSEWHERE)  # more than pids go up to

    with pytest.raises(Held), recorded(written(tmp_path / "lock", gone), me("mine")):
        pass
    with recorded(written(tmp_path / "lock", gone._replace(where=where())), me("mine")):
        pass


@pytest.mark.parametrize("with_times", [True, False])
def test_who_holds_it_sets_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_times: bool) -> None:
    def utime(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(holders, "BEAT_S", 0.01)
    if not with_times:
        monkeypatch.setattr(holders.os, "utime", utime)
    lock = tmp_path / "lock"
    with recorded(lock, me("mine")):
        before = lock.stat().st_mtime_ns
        deadline = time.monotonic() + 20
        while lock.stat().st_mtime_ns == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_of_many_at_once_one_holds_it(tmp_path: Path) -> None:
    told: List[str] = []
    all_tried = threading.Barrier(4)

    def hold(name: str) -> None:
        try:
            with recorded(tmp_path / "lock", me(name)):
                told.append("held")
                all_tried.wait(20)
        except Held:
            told.append("refused")
            all_tried.wait(20)

    threads = [threading.Thread(target=hold, args=[str(number)]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["held", "refused", "refused", "refused"] == sorted(told)
    assert [b""] == [path.read_bytes() for path in tmp_path.iterdir()]


def test_a_guard_that_a_killed_process_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "GUARDED_S", 0.0)
    (tmp_path / "lock.guard").mkdir()
    with recorded(tmp_path / "lock", me("mine")):
        pass

    assert ["lock"] == [path.name for path in tmp_path.iterdir()]
