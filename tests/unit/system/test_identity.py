from __future__ import annotations

import os
import subprocess
import sys

import psutil

from scripts.system.identity import Identity, identify, is_running, is_same
from tests.unit.service.children import eventually


def test_a_process_is_known_by_pid_and_start() -> None:
    known = identify(os.getpid())
    assert known is not None

    assert is_running(known)
    assert not is_running(known._replace(create_time=known.create_time - 3600))


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        known = identify(child.pid)
        assert known is not None
        eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)

        assert not is_running(known)


def test_a_clock_that_was_set_changes_no_identity() -> None:
    assert is_same(Identity(7, 100.0), Identity(7, 101.0))


def test_a_pid_that_nobody_has_is_nobody() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()

    assert identify(child.pid) is None
