from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List

import psutil
import pytest

from scripts.errors import ServiceDied, SettingsError
from scripts.system import processes
from scripts.system.process_tree import MARKER
from scripts.system.processes import Leftover, Process
from tests.unit.service.children import DEAF, RUN, SLEEP, SOON_S, TWO_CHILDREN, eventually, marked


class Starter:
    """Starts Python code as a process of ours in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: List[Process] = []

    def __call__(self, code: str, *arguments: str) -> Process:
        argv = [sys.executable, "-u", "-c", code, *arguments]
        self.started.append(processes.start(argv, self.folder, os.environ, RUN, self.folder / "service.log"))
        return self.started[-1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    for started in starter.started:
        started.stop(0.0)
    for pid in marked(RUN):  # whatever a failed test left
        os.kill(pid, signal.SIGKILL)


def exit_code(owned: Process) -> int:
    eventually(lambda: owned.poll() is not None)
    code = owned.poll()
    assert code is not None
    return code


def written(owned: Process) -> str:
    exit_code(owned)
    return owned.log.read_text(encoding="utf-8").strip()


@contextmanager
def typed(text: str) -> Iterator[None]:
    """Something to read on our standard input."""
    reader, writer = os.pipe()
    earlier = os.dup(0)
    os.dup2(reader, 0)
    os.write(writer, text.encode())
    os.close(writer)
    try:
        yield
    finally:
        os.dup2(earlier, 0)
        os.close(earlier)
        os.close(reader)


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_arguments_reach_the_program_untouched_by_a_shell(start: Starter) -> None:
    owned = start("import sys; print(sys.argv[1])", "$HOME; *")

    assert "$HOME; *" == written(owned)


def test_the_program_starts_in_the_given_folder(start: Starter, tmp_path: Path) -> None:
    assert str(tmp_path.resolve()) == written(start("import os; print(os.getcwd())"))


def test_the_program_reads_nothing_from_our_input(start: Starter) -> None:
    with typed("for us"):
        assert "''" == written(start("import sys; print(repr(sys.stdin.read()))"))


def test_the_program_carries_the_mark_of_its_run(start: Starter) -> None:
    assert RUN == written(start(f"import os; print(os.environ[{MARKER!r}])"))


def test_titles_of_processes_are_not_written_over_the_mark_unless_a_person_says_so(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os; print(repr(os.environ['SPT_NOENV']))"
    usual = written(start(code))
    monkeypatch.setenv("SPT_NOENV", "")

    assert ["'1'", "'1'\n''"] == [usual, written(start(code))]


def test_the_program_leads_a_session_of_its_own(start: Starter) -> None:
    owned = start("import os; print(os.getsid(0))")

    assert str(owned.identity.pid) == written(owned)


def test_errors_of_the_program_reach_the_log(start: Starter) -> None:
    assert written(start("raise SystemExit('no weights')")).endswith("no weights")


def test_much_output_does_not_block_the_program(start: Starter) -> None:
    owned = start("print('x' * 1_000_000)")

    assert 1_000_000 == len(written(owned))


def test_a_program_is_looked_up_on_the_given_path(tmp_path: Path) -> None:
    program = executable(tmp_path / "serve", "#!/bin/sh\n")

    assert str(program) == processes.find_program("serve", Path("/"), {"PATH": str(tmp_path)})


def test_a_program_with_a_folder_is_relative_to_the_project(tmp_path: Path) -> None:
    program = executable(tmp_path / "serve", "#!/bin/sh\n")

    assert str(program) == processes.find_program("./serve", tmp_path, {"PATH": "/nowhere"})


def test_a_missing_program_is_named_with_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no program 'serve' on PATH \(/nowhere\)"):
        processes.find_program("serve", tmp_path, {"PATH": "/nowhere"})


def test_a_file_that_is_not_executable_is_no_program(tmp_path: Path) -> None:
    (tmp_path / "serve").write_text("#!/bin/sh\n")

    with pytest.raises(SettingsError, match=r"no program '\./serve' below"):
        processes.find_program("./serve", tmp_path, {})


def test_a_program_that_the_system_refuses_is_a_death(tmp_path: Path) -> None:
    executable(tmp_path / "serve", "#!/no/such/interpreter\n")

    with pytest.raises(ServiceDied, match="could not be started"):
        processes.start(["./serve"], tmp_path, {}, RUN, tmp_path / "service.log")


def test_the_last_lines_are_those_of_this_start(start: Starter) -> None:
    exit_code(start("print('first')"))
    second = start("print('second')")
    exit_code(second)

    assert ["second"] == second.last_lines()


def test_only_the_last_lines_of_a_long_log_are_shown(start: Starter) -> None:
    owned = start("for i in range(100_000): print(i)")
    exit_code(owned)

    assert ["99998", "99999"] == owned.last_lines(2)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", []),
        ("a\n\nb\n\n", ["a", "b"]),
        ("load\n 10%\r 90%\r100%\n", ["load", "100%"]),
        ("windows\r\n", ["windows"]),
        ("x" * 1000, ["x" * 300 + "..."]),
        ("\x1b[2K 10%\r\x1b[32m100%\x1b[0m\r\x1b[K\n", ["100%"]),
        ("a\x1b]52;c;cm0gLXJm\x07b", [r"a\x1b]52;c;cm0gLXJm\x07b"]),  # would fill the clipboard
    ],
)
def test_lines_are_shown_as_a_terminal_would(text: str, expected: List[str]) -> None:
    assert expected == processes.tail(text, 20)


@pytest.mark.parametrize(
    "code, expected", [(0, "exit code 0"), (3, "exit code 3"), (-9, "signal SIGKILL (9)"), (-99, "signal 99")]
)
def test_an_exit_code_is_put_in_words(code: int, expected: str) -> None:
    assert expected == processes.exit_words(code)


@pytest.mark.parametrize(
    "returncode, sessions, expected",
    [
        (0, [], ""),
        (3, [40], "; it left pid 1 (serve) running in the background, which was ended"),
        (0, [40], f"; it left pid 1 (serve) running in the background, which was ended: {processes.FOREGROUND}"),
        (3, [41], f"; it left pid 1 (serve) running in the background, which was ended: {processes.FOREGROUND}"),
    ],
)
def test_what_a_command_left_in_the_background_is_said(returncode: int, sessions: List[int], expected: str) -> None:
    left = [Leftover(pid, "serve", session) for pid, session in enumerate(sessions, 1)]

    assert expected == processes.left_words(returncode, 40, left)


def test_only_the_first_of_many_left_in_the_background_are_named() -> None:
    left = [Leftover(pid, "serve", 41) for pid in range(1, 6)]

    assert "pid 3 (serve) and 2 more running" in processes.left_words(0, 40, left)


def test_a_process_ends_by_sigterm(start: Starter) -> None:
    ending = start(SLEEP).stop(SOON_S)

    assert (-signal.SIGTERM, False, False) == (ending.returncode, ending.forced, ending.by_itself)


def test_when_it_ended_is_known_though_nobody_looked(start: Starter) -> None:
    owned = start("pass")
    eventually(owned.ended_ago_s)
    before = owned.ended_ago_s()
    code = exit_code(owned)

    assert (0, True) == (code, 0 < before < owned.ended_ago_s() < owned.age_s())


def test_a_process_may_end_in_its_own_way(start: Starter) -> None:
    owned = start("import signal, sys\nsignal.signal(15, lambda *_: sys.exit(7))\nprint('set')\n" + SLEEP)
    eventually(owned.last_lines)

    assert 7 == owned.stop(SOON_S).returncode


def test_a_process_that_ignores_sigterm_is_killed(start: Starter) -> None:
    owned = start(DEAF + SLEEP)
    eventually(owned.last_lines)
    ending = owned.stop(0.2)

    assert (-signal.SIGKILL, True) == (ending.returncode, ending.forced)


def test_in_a_hurry_nothing_is_waited_for(start: Starter) -> None:
    owned = start(DEAF + SLEEP)
    eventually(owned.last_lines)
    began = time.monotonic()
    owned.stop(60.0, hurry=lambda: True)

    assert time.monotonic() - began < 30


def test_children_end_too_even_in_a_session_of_their_own(start: Starter) -> None:
    owned = start(TWO_CHILDREN + SLEEP)
    eventually(lambda: len(marked(RUN)) == 3)
    owned.stop(SOON_S)

    assert [] == marked(RUN)


def test_a_deaf_child_does_not_outlive_its_parent(start: Starter) -> None:
    owned = start(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-uc', {DEAF + SLEEP!r}])\n" + SLEEP)
    eventually(owned.last_lines)
    owned.stop(0.2)

    assert [] == marked(RUN)


def test_what_a_dead_process_left_in_its_session_is_ended(start: Starter) -> None:
    owned = start(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEP!r}])")
    exit_code(owned)
    before = len(marked(RUN))
    owned.stop(SOON_S)

    assert (1, []) == (before, marked(RUN))


def test_a_process_that_is_dead_already_says_how(start: Starter) -> None:
    owned = start("raise SystemExit(3)")
    exit_code(owned)
    ending = owned.stop(SOON_S)

    assert (3, True, False) == (ending.returncode, ending.by_itself, ending.forced)


def test_a_process_can_be_stopped_twice(start: Starter) -> None:
    owned = start(SLEEP)

    assert owned.stop(SOON_S).returncode == owned.stop(SOON_S).returncode


def test_a_process_is_not_left_as_a_zombie(start: Starter) -> None:
    owned = start(SLEEP)
    owned.stop(SOON_S)

    assert not psutil.pid_exists(owned.identity.pid)
