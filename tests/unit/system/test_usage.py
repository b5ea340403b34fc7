"""What processes take is added up, what they share counts once, and dear looks are seldom."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil

from scripts.system import usage
from scripts.system.usage import Paced
from tests.unit.service.children import eventually

MB = 10**6
# A parent and a child that share 100 MB, as forked workers share weights.
SHARING = """
import os, sys, time
held = bytes(range(1, 251)) * 400_000
os.fork()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def test_what_forked_processes_share_counts_once() -> None:
    with subprocess.Popen([sys.executable, "-S", "-c", SHARING], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout
            pids = [int(parent.stdout.readline()) for _ in range(2)]
            both = [psutil.Process(pid) for pid in pids]
            taken, pages = usage.taken(both), usage.pages(both)
        finally:
            for process in both:
                process.kill()

    assert taken and taken.rss > 200 * MB and taken.threads == 2 and taken.files and taken.cpu > 0
    assert pages and (sys.platform != "linux" or (100 * MB < pages.memory < 150 * MB and pages.uss < 50 * MB))
    assert eventually(lambda: usage.taken(both) is None and usage.pages(both) is None)


def test_of_processes_that_do_not_tell_their_pages_none_are_known() -> None:
    class Foreign(psutil.Process):
        def memory_full_info(self) -> None:
            raise psutil.AccessDenied(self.pid)

    assert None is usage.pages([psutil.Process(), Foreign()])


def test_a_dear_look_is_repeated_after_a_pause_or_when_it_must_be() -> None:
    now, looks = [0.0], []  # type: List[float], List[float]

    def look() -> int:
        until = time.thread_time() + 0.01
        while time.thread_time() < until:
            pass
        looks.append(now[0])
        return len(looks)

    paced = Paced(look, lambda: now[0])
    seen = [paced(), paced(), paced(now=True)]
    now[0] = 0.01 * usage.PAUSES * 0.9
    seen.append(paced())
    now[0] = 1e6
    seen.append(paced())

    assert [1, 1, 2, 2, 3] == seen


def test_a_look_that_finds_nothing_is_dear_too() -> None:
    looks = []
    paced = Paced(lambda: looks.append(sum(range(100_000))), lambda: 0.0)

    assert [None, None, 1] == [paced(), paced(), len(looks)]


def test_this_process_is_there() -> None:
    assert usage.taken([psutil.Process(os.getpid())])
