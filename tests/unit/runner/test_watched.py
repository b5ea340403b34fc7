"""The plugin's look at the service: at once where it is about to end, and never wrong for want of a descriptor."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import Iterator

import pytest

from scripts.runner.shardline_pytest.watched import Watched

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc/PID/stat is Linux's")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as child:
        yield child
        child.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGABRT])
def test_a_process_that_was_sent_a_deadly_signal_is_ending_at_once(
    sleeper: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    watched = Watched(str(sleeper.pid))
    before = watched.is_ending()
    os.kill(sleeper.pid, number)
    at_once = watched.is_ending()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    as_zombie = watched.is_ending()
    sleeper.wait()

    assert (False, True, True, True) == (before, at_once, as_zombie, watched.is_ending())


def test_what_is_stopped_or_catches_a_signal_goes_on() -> None:
    code = "import signal, time; signal.signal(15, lambda *_: None); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        watched, seen = Watched(str(child.pid)), []
        for number in (signal.SIGSTOP, signal.SIGTERM, signal.SIGCHLD, signal.SIGCONT):
            os.kill(child.pid, number)
            seen.append(watched.is_ending())
        child.kill()

    assert [False] * 4 == seen


def test_without_a_descriptor_nothing_is_known(sleeper: subprocess.Popen[bytes]) -> None:
    watched = Watched(str(sleeper.pid))

    def full(*words: object) -> int:
        raise OSError(errno.EMFILE, "too many open files")

    watched._open = full
    assert not watched.is_ending()


@pytest.mark.parametrize("pid", ["", "x", "../self", "999999999"])
def test_a_process_that_was_never_seen_does_not_end(pid: str) -> None:
    assert not Watched(pid).is_ending()
