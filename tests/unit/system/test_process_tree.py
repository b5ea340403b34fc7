"""What came of a start is found and ended, whatever it did to get away; strangers are not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Set

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.system import process_tree, processes
from scripts.system.identity import Identity, identify, is_alive
from scripts.system.process_tree import MARKER, with_descendants
from tests.unit.service import children
from tests.unit.service.children import DAEMON_PROCESSES, DAEMONS, ROOT, RUN, SLEEP, SOON_S, eventually, marked

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python code in a session of its own, with our mark."""
    started: List[subprocess.Popen[str]] = []

    def start(code: str, mark: str = RUN) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", code]
        environ = {**os.environ, MARKER: mark}
        started.append(
            subprocess.Popen(words, env=environ, start_new_session=True, stdout=subprocess.PIPE, encoding="utf-8")
        )
        return started[-1]

    yield start
    for pid in marked(RUN):  # whatever a failed test left
        os.kill(pid, signal.SIGKILL)
    for popen in started:
        popen.kill()
        popen.wait()
        assert popen.stdout
        popen.stdout.close()


def known(popen: subprocess.Popen[str]) -> Identity:
    identity = identify(popen.pid)
    assert identity is not None
    return identity


def without_mark(parent: List[int]) -> List[psutil.Process]:
    """The children of these processes which carry no mark."""
    found = [child for pid in parent for child in psutil.Process(pid).children()]
    return [child for child in found if child.pid not in parent]


@pytest.mark.parametrize("killed_first", [False, True], ids=["it lives", "it was killed first"])
def test_daemons_end_with_what_started_them_and_strangers_of_the_same_command_do_not(
    start: Start, killed_first: bool
) -> None:
    root = start(DAEMONS + SLEEP)
    identity = known(root)
    children.wait_for_line(root, "ready")
    bare = eventually(lambda: without_mark(marked(RUN)))
    before = len(eventually(lambda: len(marked(RUN)) == DAEMON_PROCESSES and marked(RUN)))
    other = start(SLEEP, mark=RUN + "0")
    with children.stranger() as stranger:
        if killed_first:
            root.kill()
            root.wait()
        ending = process_tree.end(identity, RUN, 1.0, reap=root.poll)

        assert (None, None) == (other.poll(), stranger.poll())
    assert (DAEMON_PROCESSES, [], True, ()) == (before, marked(RUN), ending.forced, ending.left)
    assert [] == [process for process in bare if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_who_stops_it_from_inside_is_spared(start: Start) -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
import subprocess
from scripts.system import process_tree, processes
from scripts.system.identity import identify
other = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
process_tree.end(identify(os.getppid()), {RUN!r}, 5.0, reap=other.poll)
print(other.wait())
"""
    outer = start(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}])")

    assert f"{-signal.SIGTERM}\n" == outer.communicate(timeout=SOON_S)[0]
    assert 0 == outer.returncode


def test_without_a_mark_only_what_hangs_together_counts(start: Start) -> None:
    root = start(DAEMONS + SLEEP)
    children.wait_for_line(root, "ready")
    found = process_tree.tree(known(root), "")
    process_tree.end(known(root), RUN, 0.0, reap=root.poll)

    assert root.pid in [process.pid for process in found]
    assert len(found) < DAEMON_PROCESSES


def test_what_was_found_before_is_ended_without_a_mark_and_a_parent(start: Start) -> None:
    child = (
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], env={}, start_new_session=True).pid"
    )
    root = start(f"import subprocess, sys\nprint({child}, flush=True)\n{SLEEP}")
    assert root.stdout
    orphan, identity = psutil.Process(int(root.stdout.readline())), known(root)
    found = process_tree.tree(identity, RUN)
    root.kill()
    root.wait()

    assert [] == process_tree.tree(identity, RUN)
    process_tree.end(identity, RUN, SOON_S, known=found)
    assert not is_alive(orphan)


def test_what_another_left_in_a_session_of_the_same_number_is_not_ours(start: Start) -> None:
    leader = start(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEP!r}])")
    identity = known(leader)
    leader.wait()

    assert [] == process_tree.tree(identity, "another run")


def test_a_stranger_with_the_pid_is_never_signalled() -> None:
    with children.stranger() as child:
        real = identify(child.pid)
        assert real is not None
        process_tree.end(real._replace(create_time=real.create_time - 3600), RUN, 0.2)

        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)


FAMILIES = st.dictionaries(st.integers(1, 12), st.integers(0, 12))


@given(FAMILIES, st.sets(st.integers(1, 12)), st.sets(st.integers(1, 12)))
def test_descendants_are_all_that_a_line_of_parents_leads_to(
    parents: Dict[int, int], roots: Set[int], spared: Set[int]
) -> None:
    found = with_descendants(roots, parents, spared=sorted(spared))

    assert roots - spared <= found
    assert not found & spared
    for pid, parent in parents.items():
        assert (pid in found) == (pid not in spared and (pid in roots or parent in found))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone lets a process take orphans")
def test_a_daemon_that_was_ended_is_not_even_left_as_a_zombie(tmp_path: Path) -> None:
    code = "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork(): os._exit(0)\n"
    code += " open('daemon', 'w').write(str(os.getpid())); os.rename('daemon', 'pid'); time.sleep(60)\ntime.sleep(60)"
    started = processes.start([sys.executable, "-c", code], tmp_path, os.environ, "a-daemon", tmp_path / "log")
    until = time.monotonic() + 10
    while not (tmp_path / "pid").exists():
        assert time.monotonic() < until
        time.sleep(0.02)

    assert () == started.stop(5.0).left
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
