"""Temporary names, and what is removed as left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.system.scratch import PART_STALE_S, SCRATCH_STALE_S, is_leftover, scratch, scratch_name, sweep

PART = "0123456789abcdef" * 4 + ".part"


def dead(pid: int) -> bool:
    return False


def alive(pid: int) -> bool:
    return True


def ended_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


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
