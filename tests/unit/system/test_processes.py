from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator, List

import psutil
import pytest

from scripts.errors import ServiceDied, SettingsError
from scripts.system import processes
from scripts.system.processes import Identity, Process
from tests.unit.service import children
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
    assert RUN == written(start(f"import os; print(os.environ[{processes.MARKER!r}])"))


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


def test_a_process_ends_by_sigterm(start: Starter) -> None:
    ending = start(SLEEP).stop(SOON_S)

    assert (-signal.SIGTERM, False, False) == (ending.returncode, ending.forced, ending.by_itself)


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


def test_what_another_left_in_a_session_of_the_same_number_is_not_ours(start: Starter) -> None:
    owned = start(f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {SLEEP!r}])")
    exit_code(owned)

    assert [] == processes.tree(owned.identity, "another run")


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


def test_a_stranger_with_the_pid_is_never_signalled() -> None:
    with children.stranger() as child:
        real = processes.identify(child.pid)
        assert real is not None
        processes.end_tree(real._replace(create_time=real.create_time - 3600), RUN, 0.2)

        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.3)


def test_a_process_is_known_by_pid_and_start() -> None:
    known = processes.identify(os.getpid())
    assert known is not None

    assert processes.is_running(known)
    assert not processes.is_running(known._replace(create_time=known.create_time - 3600))


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        known = processes.identify(child.pid)
        assert known is not None
        eventually(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)

        assert not processes.is_running(known)
        assert [] == processes.tree(known, RUN)


def test_a_clock_that_was_set_changes_no_identity() -> None:
    assert processes.is_same(Identity(7, 100.0), Identity(7, 101.0))


def test_a_pid_that_nobody_has_is_nobody(start: Starter) -> None:
    owned = start("pass")
    exit_code(owned)

    assert processes.identify(owned.identity.pid) is None


# Hearing what a program prints --------------------------------------------------------------------


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def python(code: str) -> List[str]:
    return [sys.executable, "-c", code]


BOTH = "import os; os.write(1, b'a\\xff'); os.write(2, b'b'); os.write(1, b'c')"


def test_what_a_program_prints_is_heard_apart_from_its_complaints_or_with_them(tmp_path: Path) -> None:
    assert "a\ufffdc" == processes.output(python(BOTH), 20)
    assert "a\ufffdbc" == processes.output(python(BOTH), 20, merged=True)
    assert "a\udcffc" == processes.output(python(BOTH), 20, errors="surrogateescape")


def test_a_program_runs_where_and_with_what_it_is_given(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ.get('A'), sys.stdin.read())"

    assert f"{tmp_path.resolve()} 1 \n" == processes.output(python(code), 20, cwd=tmp_path, environ={"A": "1"})


def test_more_than_a_pipe_holds_is_heard() -> None:
    code = "import sys; sys.stderr.write('b' * 10**6); print('a' * 10**6)"

    assert 10**6 + 1 == len(processes.output(python(code), 20))


def test_a_failure_has_the_exit_code_what_was_printed_and_the_first_complaint() -> None:
    code = "import sys; print('half'); print('no such thing\\nat all', file=sys.stderr); sys.exit(3)"
    with pytest.raises(processes.ProgramFailed) as failed:
        processes.output(python(code), 20)

    assert (3, "half\nno such thing\nat all\n") == (failed.value.returncode, failed.value.output)
    assert f"{sys.executable} ended with 3: no such thing" == str(failed.value)


@pytest.mark.parametrize("word", ["/none/there", "/", "a\0b"])
def test_a_program_that_cannot_be_started_is_the_same_kind_of_failure(word: str) -> None:
    with pytest.raises(processes.ProgramFailed, match="cannot be started: ") as failed:
        processes.output([word], 20)

    assert failed.value.returncode is None
    assert not processes.works([word], 20)


def test_a_program_that_hangs_is_ended_with_what_it_started_and_what_it_said_is_kept(tmp_path: Path) -> None:
    code = f"""
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}])
print(child.pid, flush=True)
{SLEEP}"""
    began = time.monotonic()
    with pytest.raises(processes.ProgramFailed, match="timed out after 1 s") as failed:
        processes.output(python(code), 1)

    assert time.monotonic() - began < 15
    assert failed.value.returncode is None
    eventually(lambda: not alive(int(failed.value.output)))


def test_a_program_that_leaves_something_behind_which_holds_its_output_open_is_heard_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "HELD_OPEN_S", 0.2)
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid)"
    began = time.monotonic()
    printed = processes.output(python(code), None)

    assert time.monotonic() - began < 15
    assert alive(int(printed))  # it was left on purpose
    os.kill(int(printed), signal.SIGKILL)


def test_an_interruption_ends_the_program() -> None:
    pids: List[int] = []

    def interrupt() -> None:
        pids.extend(child.pid for child in psutil.Process().children())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        processes.output(python(SLEEP), None, meanwhile=interrupt)

    assert pids
    eventually(lambda: not any(map(alive, pids)))
