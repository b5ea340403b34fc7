"""Programs that are run to their end, and what is heard of them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import List

import psutil
import pytest

from scripts.system import programs
from tests.unit.service.children import SLEEP, eventually, pid_in


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def python(code: str) -> List[str]:
    return [sys.executable, "-c", code]


BOTH = "import os; os.write(1, b'a\\xff'); os.write(2, b'b'); os.write(1, b'c')"


def test_what_a_program_prints_is_heard_apart_from_its_complaints_or_with_them(tmp_path: Path) -> None:
    assert "a\ufffdc" == programs.output(python(BOTH), 20)
    assert "a\ufffdbc" == programs.output(python(BOTH), 20, merged=True)
    assert "a\udcffc" == programs.output(python(BOTH), 20, errors="surrogateescape")


def test_a_program_runs_where_and_with_what_it_is_given(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ.get('A'), sys.stdin.read())"

    assert f"{tmp_path.resolve()} 1 \n" == programs.output(python(code), 20, cwd=tmp_path, environ={"A": "1"})


def test_more_than_a_pipe_holds_is_heard() -> None:
    code = "import sys; sys.stderr.write('b' * 10**6); print('a' * 10**6)"

    assert 10**6 + 1 == len(programs.output(python(code), 20))


def test_a_failure_has_the_exit_code_what_was_printed_and_the_first_complaint() -> None:
    code = "import sys; print('half'); print('no such thing\\nat all', file=sys.stderr); sys.exit(3)"
    with pytest.raises(programs.ProgramFailed) as failed:
        programs.output(python(code), 20)

    assert (3, "half\nno such thing\nat all\n") == (failed.value.returncode, failed.value.output)
    assert f"{sys.executable} ended with 3: no such thing" == str(failed.value)


@pytest.mark.parametrize("word", ["/none/there", "/", "a\0b"])
def test_a_program_that_cannot_be_started_is_the_same_kind_of_failure(word: str) -> None:
    with pytest.raises(programs.ProgramFailed, match="cannot be started: ") as failed:
        programs.output([word], 20)

    assert failed.value.returncode is None
    assert not programs.works([word], 20)


def test_a_program_that_hangs_is_ended_with_what_it_started_and_what_it_said_is_kept(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(programs.ProgramFailed, match="timed out after 1 s") as failed:
        programs.output(["sh", "-c", "trap '' TERM; sleep 1000 & echo $!; wait"], 1)

    assert time.monotonic() - began < 15
    assert failed.value.returncode is None
    eventually(lambda: not alive(int(failed.value.output)))


def test_a_program_that_leaves_something_behind_which_holds_its_output_open_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "HELD_OPEN_S", 0.2)
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid)"
    began = time.monotonic()
    printed = programs.output(python(code), None)

    assert time.monotonic() - began < 15
    assert alive(int(printed))  # it was left on purpose
    os.kill(int(printed), signal.SIGKILL)


def test_an_interruption_ends_the_program(tmp_path: Path) -> None:
    pid = tmp_path / "pid"  # it says who it is: other tests' servers are children of ours too
    code = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(f'{{os.getpid()}}\\n'); time.sleep(60)"

    def interrupt() -> None:
        if pid_in(pid):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        programs.output(python(code), None, meanwhile=interrupt)

    eventually(lambda: not alive(pid_in(pid)))
