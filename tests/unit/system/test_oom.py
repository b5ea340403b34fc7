from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from scripts.system import oom
from scripts.system.oom import Killed

LOG = """\
6,10,100000000,-;Memory cgroup out of memory: Killed process 41 (python) total-vm:9kB, anon-rss:8kB, file-rss:1kB
6,11,200000000,-;Memory cgroup out of memory: Killed process 42 (a) b) total-vm:9kB, anon-rss:112340kB, file-rss:1kB
 SUBSYSTEM=memory
6,12,200000001,-;usb 1-1: Killed nothing
"""


def machine(folder: Path, group: str, counter: str, text: str) -> Path:
    """A root folder in which our control group counts, beside the machine."""
    for file, content in (
        ("proc/self/cgroup", group),
        ("proc/vmstat", "nr_free_pages 1\noom_kill 7\n"),
        (counter, text),
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(content)
    return folder


@pytest.mark.parametrize(
    "group, counter, text",
    [
        ("0::/a/b\n", "sys/fs/cgroup/a/b/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 1\n"),
        ("4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.oom_control", "under_oom 0\noom_kill 2\n"),
    ],
    ids=["v2", "v1"],
)
def test_control_groups_and_the_machine_count_who_was_killed(
    tmp_path: Path, group: str, counter: str, text: str
) -> None:
    root = machine(tmp_path, group, counter, text)

    assert {str(root / counter): 2, str(root / "proc/vmstat"): 7} == oom.kills(root)


def test_where_nothing_counts_nothing_is_known(tmp_path: Path) -> None:
    assert {} == oom.kills(tmp_path)


@pytest.mark.parametrize(
    "group, machine, expected", [(1, 7, False), (2, 8, True), (1, 8, None)], ids=["none", "ours", "somebody's"]
)
def test_only_a_count_that_grew_is_a_kill(group: int, machine: int, expected: Optional[bool]) -> None:
    before = {"/g/memory.events": 1, "/proc/vmstat": 7}

    assert expected is oom.new_kills(before, {"/g/memory.events": group, "/proc/vmstat": machine})


def test_a_counter_that_was_not_there_before_proves_nothing() -> None:
    assert oom.new_kills({}, {"/g/memory.events": 5}) is False


@pytest.mark.parametrize(
    "pid, since_s, expected",
    [(42, 200.5, Killed(42, 112340 * 1024)), (42, 300.0, None), (41, 200.0, None), (7, 0.0, None)],
    ids=["it", "before its start", "another's", "nobody"],
)
def test_the_kernels_log_names_whom_it_killed_and_what_that_had(
    tmp_path: Path, pid: int, since_s: float, expected: Optional[Killed]
) -> None:
    (tmp_path / "kmsg").write_text(LOG)

    assert expected == oom.log_of(pid, since_s, tmp_path / "kmsg")


def test_a_log_that_may_not_be_read_says_nothing(tmp_path: Path) -> None:
    assert oom.log_of(42, 0.0, tmp_path / "none") is None
