from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, List

import pytest

from scripts.errors import PipelineError, PortInUse, ServiceDied
from scripts.service import death
from scripts.service.death import STARTING, Death, Memory, hint_of, words_of
from scripts.service.ports import Listener
from scripts.system import processes
from tests.unit.service import children
from tests.unit.service.children import RUN, eventually

GB = 10**9
KILLED = -signal.SIGKILL
NEXT_DOOR = (7860, Listener(4711, "python other.py"))


UNKNOWN = Memory()


def words(returncode: int, memory: Memory = UNKNOWN, **facts: Any) -> str:
    return "\n".join(words_of(Death(returncode, 12.0, "while it was in use", memory, **facts)))


@pytest.mark.parametrize(
    "memory, expected",
    [
        (
            Memory(True, True, 4 * GB, 39 * GB // 10, 0.4),
            "killed by the kernel for memory\nmemory: it took 3.9 GB 0.4 s",
        ),
        (Memory(True, True, 4 * GB), "killed by the kernel for memory\nmemory: all that there is for it"),
        (Memory(None, True, 4 * GB), "while it was in use: probably killed by the kernel for memory"),
        (Memory(False, True, 4 * GB), "while it was in use\nmemory: the kernel counts no kill since its start"),
        (Memory(False, False), "signal SIGKILL (9) after 12.0 s, while it was in use"),
    ],
    ids=["with a sample", "without", "somebody of this machine", "another's SIGKILL", "nothing counts"],
)
def test_a_sigkill_is_told_with_what_the_kernel_counts(memory: Memory, expected: str) -> None:
    assert expected in words(KILLED, memory)


def test_a_worker_that_the_kernel_killed_explains_another_exit_code() -> None:
    assert "memory: since its start the kernel killed a process of its control group" in words(1, Memory(True, True))


def test_what_needs_no_memory_to_explain_says_nothing_of_it() -> None:
    assert "the service ended with exit code 3 after 12.0 s, while it was in use" == words(
        3, Memory(False, True, GB, GB)
    )


def test_who_has_the_port_is_named_on_the_first_line() -> None:
    assert words(1, holders=[NEXT_DOOR]).endswith(": port 7860 is in use by pid 4711 (python other.py)")


@pytest.mark.parametrize(
    "died, hint",
    [
        (Death(KILLED, 1.0, STARTING, Memory(True)), "fewer shards at once"),
        (Death(KILLED, 1.0, STARTING, Memory(False, True)), "something else, sent SIGKILL"),
        (Death(KILLED, 1.0, STARTING), "see dmesg"),
        (Death(1, 1.0, STARTING, holders=[NEXT_DOOR]), "{host} and {port} in service.command"),
        (Death(1, 1.0, STARTING, said=["OSError: [Errno 98] Address already in use"]), "it takes it twice"),
        (Death(1, 1.0, STARTING, said=["EOFError: EOF when reading a line"]), "without its prompt"),
        (Death(1, 1.0, STARTING, said=["the input device is not a TTY"]), "wants a terminal"),
        (Death(0, 1.0, STARTING), "standard input is empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_way_to_end_has_its_own_hint(died: Death, hint: str) -> None:
    assert hint in hint_of(died)


def test_an_end_that_nothing_explains_has_no_hint() -> None:
    assert "" == hint_of(Death(3, 1.0, STARTING, said=["no weights"]))


def ended(folder: Path, *program: str) -> PipelineError:
    process = processes.start([sys.executable, "-uc", *program], folder, os.environ, RUN, folder / "service.log")
    returncode = eventually(lambda: None if process.poll() is None else [process.poll()])[0]
    try:
        return death.error_of(process, returncode, STARTING)
    finally:
        process.stop(0.0)


def test_what_holds_the_port_that_a_service_insists_on_is_named(tmp_path: Path) -> None:
    with children.listener() as port:
        error = ended(tmp_path, f"print('127.0.0.1:{port}: address already in use'); raise SystemExit(1)")

    assert isinstance(error, PortInUse)
    assert f"port {port} is in use by pid {os.getpid()} (" in error.message


def test_a_service_that_reads_its_input_is_told_that_there_is_none(tmp_path: Path) -> None:
    error = ended(tmp_path, "input('Which model? ')")

    assert isinstance(error, ServiceDied)
    assert "its standard input is empty here (/dev/null): start it without its prompt." in error.hint


def test_a_service_that_went_to_the_background_is_told_by_what_it_left(tmp_path: Path) -> None:
    child = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {children.SLEEP!r}])"

    error = ended(tmp_path, child)

    assert "before it was ready; it left pid " in error.message
    assert "must stay in the foreground" in error.message


@pytest.mark.parametrize(
    "lines, expected",
    [
        (['{"t": 101.0, "rss": 5}', '{"t": 104.0, "rss": 7}', '{"t": 1'], (7, 6.0)),
        (['{"t": 99.0, "rss": 5}'], (0, None)),
        (['{"t": "x"}', "[]", ""], (0, None)),
    ],
    ids=["the last whole one", "of another start", "none"],
)
def test_the_last_sample_of_this_start_tells_what_it_took(tmp_path: Path, lines: List[str], expected: object) -> None:
    (tmp_path / "monitor.jsonl").write_text("\n".join(lines))

    assert expected == death.last_sample(tmp_path / "monitor.jsonl", began_s=100.0, ended_s=110.0)


def test_nobody_measured() -> None:
    assert (0, None) == death.last_sample(Path("nowhere"), 0.0, time.time())
