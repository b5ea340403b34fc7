from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List

import psutil
import pytest

from scripts.errors import ServiceDied
from scripts.system.apart import Gone, Send, apart

LONG_S = 60.0


def heard(
    work: Callable[[Send], None], quiet_s: float = LONG_S, hurry: Callable[[], bool] = lambda: False
) -> List[Any]:
    return list(apart(work, quiet_s, time.monotonic() + LONG_S, hurry))


def test_what_work_sends_comes_in_its_order_whatever_its_size() -> None:
    def work(send: Send) -> None:
        send(1)
        send(b"x" * 3_000_000)
        send({"a": os.getpid()})

    first, second, third = heard(work)

    assert (1, b"x" * 3_000_000) == (first, second)
    assert os.getpid() != third["a"]


def test_an_error_of_ours_comes_whole() -> None:
    def work(send: Send) -> None:
        raise ServiceDied("it died", "Run {command}.", ("invoke", "logs"))

    with pytest.raises(ServiceDied) as caught:
        heard(work)

    assert ("it died", "Run invoke logs.") == (caught.value.message, caught.value.hint)


@pytest.mark.parametrize(
    "end, why",
    [
        (lambda: os._exit(3), "the process that did it was ended, or crashed"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "the process that did it was ended, or crashed"),
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: sys.exit(1), "SystemExit: 1"),
        (lambda: time.sleep(LONG_S), "there was no time left"),
    ],
)
def test_what_came_before_a_crash_or_a_hang_is_there_and_the_end_is_told(end: Callable[[], object], why: str) -> None:
    def work(send: Send) -> None:
        send("before")
        end()

    assert ["before", Gone(why)] == heard(work, quiet_s=0.3 if "no time" in why else LONG_S)


def test_who_hurries_is_not_kept_waiting() -> None:
    assert [Gone("somebody wants us to end")] == heard(lambda send: time.sleep(LONG_S), hurry=lambda: True)


def test_what_hangs_is_ended_with_what_it_started(tmp_path: Path) -> None:
    def work(send: Send) -> None:
        send(subprocess.Popen(["sleep", "60"]).pid)
        time.sleep(LONG_S)

    started, gone = heard(work, quiet_s=0.3)

    assert isinstance(gone, Gone)
    assert not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE
