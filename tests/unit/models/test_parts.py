"""Temporary names, and what is removed as left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.models.parts import STALE_S, is_leftover, part_name, sweep, temporary


def dead(pid: int) -> bool:
    return False


def alive(pid: int) -> bool:
    return True


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_names_never_repeat() -> None:
    assert part_name("m.bin", 1) != part_name("m.bin", 1)


def test_the_part_of_a_process_that_ended_is_a_leftover() -> None:
    assert is_leftover(part_name("m.bin", 7), 0, dead)


def test_the_part_of_a_living_process_is_not() -> None:
    assert not is_leftover(part_name("m.bin", 7), STALE_S - 1, alive)


def test_the_part_of_another_machine_is_one_only_after_a_day() -> None:
    foreign = "m.bin.part-elsewhere-7-0123abcd"

    assert [False, True] == [is_leftover(foreign, age_s, dead) for age_s in (STALE_S - 1, STALE_S + 1)]


@pytest.mark.parametrize("name", ["m.bin", "m.bin.part", "m.bin.part-3", "part-host-7-0123abcd", "m.part-2-of-3"])
def test_files_that_are_not_clearly_ours_stay(name: str) -> None:
    assert not is_leftover(name, STALE_S + 1, dead)


def test_a_sweep_removes_files_and_folders_of_the_dead_and_nothing_else(tmp_path: Path) -> None:
    ours = part_name("m.bin", os.getpid())
    for name in (part_name("m.bin", ended_pid()), ours, "m.bin"):
        (tmp_path / name).write_bytes(b"half")
    folder = tmp_path / part_name("wheels", ended_pid())
    folder.mkdir()
    (folder / "a.whl").write_bytes(b"half")

    sweep(tmp_path)

    assert {ours, "m.bin"} == {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    sweep(tmp_path / "none")


def test_a_temporary_file_is_removed_whatever_ends_its_block(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), temporary(tmp_path / "m.bin") as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt

    assert [] == list(tmp_path.iterdir())
