"""What a runner started ends with it, however that ends: real processes, and SIGKILL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, List

import psutil
import pytest

from scripts.runner import watchdog
from scripts.system.process_tree import MARKER
from tests.unit.service.children import DAEMON_PROCESSES

ROOT = Path(__file__).parents[3]
ENDS_IN_S = 15.0  # SIGTERM, GRACE_S, SIGKILL, on a busy machine
RUNNER = """
import os, psutil, subprocess, sys, time
sys.path.insert(0, {root!r})
from scripts.runner.watchdog import watchdog

def start(code, **more):
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE, **more)

with watchdog() as dog:
    {body}
    print(*pids, flush=True)
    {end}
"""
SLEEPS = "import time; print(flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); {SLEEPS}"


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(pids: List[int]) -> List[int]:
    until = time.monotonic() + ENDS_IN_S
    while any(map(runs, pids)) and time.monotonic() < until:
        time.sleep(0.05)
    return [pid for pid in pids if runs(pid)]


def started_by(body: str, kill: Callable[[int], None], end: str = "time.sleep(60)") -> List[int]:
    """Let a runner start processes, and end it; the pids that it printed."""
    code = RUNNER.format(root=str(ROOT), body="\n    ".join(body.splitlines()), end=end)
    words = [sys.executable, "-c", code]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True) as runner:
        assert runner.stdout
        pids = [int(word) for word in runner.stdout.readline().split()]
        kill(runner.pid)
        runner.wait(30)
    return pids


def is_watchdog(process: psutil.Process) -> bool:
    return runs(process.pid) and "watchdog.py" in " ".join(process.cmdline())


def sigkill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("code", [SLEEPS, DEAF], ids=["a usual one", "one that ignores SIGTERM"])
def test_a_process_ends_with_its_runner(code: str) -> None:
    body = f"child = start({code!r})\ndog.watch('6fe1', child.pid)\nchild.stdout.readline()\npids = [child.pid]"

    assert [] == wait_until_gone(started_by(body, sigkill))


def test_it_ends_with_the_runner_s_whole_group() -> None:
    """As a terminal that is closed, or a CI that ends a job, kills it: the watchdog is in a session of its own."""
    body = f"child = start({SLEEPS!r})\ndog.watch('6fe1', child.pid)\npids = [child.pid]"

    assert [] == wait_until_gone(started_by(body, lambda pid: os.killpg(pid, signal.SIGKILL)))


def test_what_the_process_started_ends_too() -> None:
    body = f"""child = start({PARENT!r})
dog.watch('6fe1', child.pid)
child.stdout.readline()
child.stdout.readline()
pids = [child.pid, *(grandchild.pid for grandchild in psutil.Process(child.pid).children())]"""

    pids = started_by(body, sigkill)

    assert ([], 2) == (wait_until_gone(pids), len(pids))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="marks are read from /proc")
def test_a_process_that_was_never_named_is_known_by_its_mark() -> None:
    body = f"""dog.expect('6fe1')
child = start({SLEEPS!r}, env=dict(os.environ, {watchdog.MARKER}='6fe1'))
child.stdout.readline()
pids = [child.pid]"""

    assert [] == wait_until_gone(started_by(body, sigkill))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="marks are read from /proc")
def test_daemons_end_too_also_one_that_ignores_sigterm_and_one_without_a_mark() -> None:
    body = f"""from tests.unit.service.children import DAEMONS, marked, eventually
mark = 'test-' + str(os.getpid())
dog.expect(mark)
child = start(DAEMONS, env=dict(os.environ, {watchdog.MARKER}=mark))
child.stdout.readline()
found = eventually(lambda: len(marked(mark)) == {DAEMON_PROCESSES - 1} and marked(mark))
bare = eventually(lambda: [c.pid for pid in found for c in psutil.Process(pid).children() if c.pid not in found])
pids = found + bare"""
    pids = started_by(body, sigkill)

    assert (DAEMON_PROCESSES, []) == (len(pids), wait_until_gone(pids))


def test_what_was_taken_back_is_let_be() -> None:
    body = f"""watcher = psutil.Process().children()[0].pid
child = start({SLEEPS!r})
dog.watch('6fe1', child.pid)
dog.forget('6fe1')
child.stdout.readline()
pids = [child.pid, watcher]"""
    spared, watcher = started_by(body, sigkill)

    try:
        assert ([], True) == (wait_until_gone([watcher]), runs(spared))
    finally:
        sigkill(spared)


def test_a_runner_that_ends_by_itself_waits_for_its_watchdog() -> None:
    body = f"child = start({SLEEPS!r})\ndog.watch('6fe1', child.pid)\npids = [child.pid]"

    assert [] == [pid for pid in started_by(body, lambda pid: None, end="pass") if runs(pid)]


def test_a_watchdog_that_was_killed_is_no_error() -> None:
    with watchdog.watchdog() as dog:
        (watcher,) = [child for child in psutil.Process().children() if is_watchdog(child)]
        watcher.kill()
        dog.expect("6fe1")
        dog.watch("6fe1", os.getpid())
        dog.forget("6fe1")


def test_a_number_that_another_process_has_by_now_is_let_be() -> None:
    child = subprocess.Popen([sys.executable, "-c", SLEEPS], start_new_session=True, stdout=subprocess.PIPE)
    try:
        start = watchdog.started(child.pid)
        same, other = (watchdog.members({"6fe1": (child.pid, begun)}) for begun in (start, "1"))

        assert ({child.pid: start}, {}) == (same, other)
    finally:
        child.kill()
        child.wait()
        assert child.stdout
        child.stdout.close()


def test_a_mark_is_the_one_that_all_processes_of_ours_carry() -> None:
    assert MARKER == watchdog.MARKER
