from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import Iterator

import psutil
import pytest

from scripts.system.memory import peak, used_bytes
from tests.unit.service.children import eventually

MB = 1_000_000
# Holds 60 MB, says so, and ends with its standard input; with `workers` it has forked, which hold the same 60 MB.
HOLDER = """
import os, sys
held = bytearray(os.urandom(60_000_000))
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        break
os.write(1, b"held\\n")
sys.stdin.read()
"""


@contextmanager
def holder(workers: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", HOLDER, str(workers)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdin
        for _ in range(workers + 1):
            assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


def test_what_was_started_counts() -> None:
    before = used_bytes(psutil.Process())
    with holder():
        during = used_bytes(psutil.Process())

    assert 60 * MB < during - before < 100 * MB


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what a process's share of a page is")
def test_pages_that_workers_share_count_once() -> None:
    with holder(workers=4) as process:
        used = used_bytes(psutil.Process(process.pid))

    assert 60 * MB < used < 150 * MB  # five times 60 MB are resident


def test_the_peak_is_kept_when_it_is_over() -> None:
    with peak(sample_s=0.01) as seen:
        before = eventually(lambda: seen.bytes)
        with holder():
            eventually(lambda: seen.bytes > before + 60 * MB)
        most = seen.bytes

    assert most <= seen.bytes
    assert before + 60 * MB < most


def test_nothing_of_the_measuring_is_left() -> None:
    before = threading.active_count()
    with peak(sample_s=60):
        during = threading.active_count()

    assert (before + 1, before) == (during, threading.active_count())


def test_a_process_that_is_gone_takes_nothing() -> None:
    with holder() as process:
        gone = psutil.Process(process.pid)

    assert 0 == used_bytes(gone)
