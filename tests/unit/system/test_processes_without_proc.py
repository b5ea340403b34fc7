"""A Linux that does not show /proc: less is known, nothing breaks, and what is ours is ended all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List

import psutil
import pytest

from scripts.service import ports
from scripts.system import machine, memory, process_tree, records
from scripts.system.identity import Identity, are_told, identify, is_running
from tests.unit.service.children import DEAF, SLEEP, SOON_S, eventually, listener, stranger, wait_for_line

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


@pytest.fixture(params=["empty", "missing"])
def proc(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "proc"
    if request.param == "empty":
        folder.mkdir()
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(folder))
    return folder


@pytest.fixture
def child(proc: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child of ours with a child of its own, each in the same session."""
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEP!r}])\n{SLEEP}"
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as child:
        try:
            yield child
        finally:
            child.kill()


def known(child: subprocess.Popen[bytes]) -> Identity:
    return identify(child.pid) or Identity(child.pid, time.time())


def test_that_nothing_is_told_is_known(proc: Path) -> None:
    assert not are_told()


def test_memory_is_the_kernels_and_its_peak_unknown(proc: Path) -> None:
    with memory.peak(0.01) as peak:
        pass

    assert 0 == peak.bytes
    assert 0 < machine.memory().free <= machine.memory().total


def test_the_machine_is_described(proc: Path) -> None:
    described = machine.describe(proc.parent)

    assert 0 < described["memory"]["total"]
    assert described["memory"]["swap_used"] is None


def test_a_child_is_seen_to_run_and_to_have_ended(child: subprocess.Popen[bytes]) -> None:
    before = is_running(known(child))
    child.kill()
    eventually(lambda: not is_running(known(child)))

    assert before
    assert -signal.SIGKILL == child.wait(SOON_S)  # looking did not take its exit code


def test_a_child_is_ended_with_its_group(child: subprocess.Popen[bytes]) -> None:
    ending = process_tree.end(known(child), "", SOON_S)

    assert (False, ()) == (ending.forced, ending.left)
    assert -signal.SIGTERM == child.wait(SOON_S)
    eventually(lambda: not group_exists(child.pid))


def group_exists(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_deaf_child_is_killed(proc: Path) -> None:
    words = [sys.executable, "-u", "-c", DEAF + SLEEP]
    with subprocess.Popen(words, start_new_session=True, stdout=subprocess.PIPE, encoding="utf-8") as child:
        wait_for_line(child, "deaf")
        ending = process_tree.end(known(child), "", 0.1)

        assert ending.forced
        assert -signal.SIGKILL == child.wait(SOON_S)


def test_nobody_is_signalled_whose_pid_is_not_a_child_of_ours(proc: Path) -> None:
    with stranger() as child:
        records.write(proc.parent, records.started("service", "a1", known(child), ("serve",)))
        child.poll()
        said: List[str] = []
        stopped = records.sweep(proc.parent, said.append, detached_too=True)

        assert child.poll() is None
    assert [] == stopped
    assert 1 == len(said) and "no /proc" in said[0]
    assert 1 == len(records.read_all(proc.parent))  # it can still be stopped when /proc is there


def test_who_holds_a_port_is_not_told(proc: Path) -> None:
    with listener() as port:
        assert ports.listener(port) is None
