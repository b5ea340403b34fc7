"""Start a process of ours, hear what it prints, and end it with everything it started.

A process is known by its pid and its start time, never by its name: the system gives pids out again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import uncoloured, visible
from ..errors import ServiceDied, SettingsError

if TYPE_CHECKING:
    import psutil

MARKER = "SHARDLINE_RUN_ID"  # in the environment of all that we start
POLL_S = 0.05
HELD_OPEN_S = 2.0  # so long what a program left running may hold its output open
LOOK_S = 0.1  # between two looks at a program that we hear
KILL_TIMEOUT_S = 5.0  # what SIGKILL does not end by then hangs in the kernel (a driver, a network disk)
# Start times are reckoned from the boot time, which shifts by a second when the clock is set.
SAME_START_S = 2.0
TAIL_BYTES = 64 * 1024
LINE_CHARACTERS = 300
LOOK_S = 0.1  # between two looks at a program that we hear
HELD_OPEN_S = 2.0  # so long what a program left running may hold its output open


class Identity(NamedTuple):
    """One process for all time: its pid, and its start in seconds since the epoch."""

    pid: int
    create_time: float


class Stop(NamedTuple):
    """How a process ended: its exit code (negative: a signal; None: not known), and what that took.

    `forced`: SIGKILL was needed, `waited_s` after SIGTERM. `left`: the pids that even it did not end.
    """

    returncode: Optional[int] = None
    by_itself: bool = False
    forced: bool = False
    waited_s: float = 0.0
    left: Tuple[int, ...] = ()


class Process:
    """A process that we started and therefore may stop."""

    def __init__(self, popen: subprocess.Popen[bytes], run_id: str, log: Path, log_start_bytes: int) -> None:
        self._popen = popen
        self._started_s = time.monotonic()
        self._log_start_bytes = log_start_bytes
        self.identity = identify(popen.pid) or Identity(popen.pid, time.time())
        self.run_id = run_id
        self.log = log
        self.released = False
        self.at_each_look: Callable[[], None] = lambda: None

    def poll(self) -> Optional[int]:
        """Return its exit code once it has ended (negative: the signal), else None."""
        self.at_each_look()
        return self._popen.poll()

    def age_s(self) -> float:
        """Count the seconds since it was started."""
        return time.monotonic() - self._started_s

    def last_lines(self, count: int = 20) -> List[str]:
        """Read the last lines that it wrote, of this start only."""
        try:
            with self.log.open("rb") as file:
                size_bytes = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start_bytes, size_bytes - TAIL_BYTES))
                return tail(file.read().decode("utf-8", "replace"), count)
        except OSError as error:
            return [f"(cannot read the log: {error})"]

    def stop(self, timeout_s: float, hurry: Callable[[], bool] = lambda: False) -> Stop:
        """End it and everything it started: SIGTERM, after `timeout_s` or once `hurry()` SIGKILL."""
        by_itself = self.poll() is not None
        ending = end_tree(self.identity, self.run_id, timeout_s, hurry, reap=self.poll)
        with suppress(subprocess.TimeoutExpired):  # a zombie to the eye may have threads that still end
            self._popen.wait(KILL_TIMEOUT_S)
        return ending._replace(returncode=self.poll(), by_itself=by_itself)

    def release(self) -> None:
        """Let it live on without us."""
        self.released = True
        self._popen.returncode = 0  # else Popen warns, when it is collected, that its child still runs


def start(
    argv: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    run_id: str,
    log: Path,
    pass_fds: Sequence[int] = (),
) -> Process:
    """Start a program in a session of its own, marked with the run id, its output appended to `log`.

    Raises:
        SettingsError: there is no such program on the PATH of `environ`.
        ServiceDied: the system refused to run it.
    """
    program = find_program(argv[0], cwd, environ)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start_bytes = output.tell()
        try:
            popen = subprocess.Popen(
                [program, *argv[1:]],
                cwd=cwd,
                env={**environ, MARKER: run_id},
                stdin=subprocess.DEVNULL,
                stdout=output,  # a file, not a pipe: a pipe that nobody reads stops the service at 64 KiB
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise ServiceDied(f"the service could not be started: {error}", f"Try {program} by hand.") from error
        return Process(popen, run_id, log, start_bytes)


class ProgramFailed(Exception):
    """A program could not be started, took too long or ended with an error; the text says which, in one line.

    Attributes:
        returncode: None where it did not end by itself.
        output: what it printed, its complaints last.
    """

    def __init__(self, why: str, returncode: Optional[int] = None, output: str = "") -> None:
        super().__init__(why)
        self.returncode = returncode
        self.output = output


def output(
    words: Sequence[str],
    timeout_s: Optional[float],
    *,
    cwd: Optional[Path] = None,
    environ: Optional[Mapping[str, str]] = None,
    merged: bool = False,
    errors: str = "replace",
    pass_fds: Sequence[int] = (),
    meanwhile: Callable[[], None] = lambda: None,
) -> str:
    """Run a program to its end and return what it prints; nothing of it outlives a time-out or an interruption.

    Args:
        timeout_s: None where only a person can say that it takes too long.
        merged: with its standard error, in the order it came; else that is for the failure alone.
        errors: what to do with bytes that are not UTF-8.
        meanwhile: called while it runs, every LOOK_S.

    Raises:
        ProgramFailed: it cannot be started (then from an OSError), takes too long, or its exit code is not 0.
    """
    popen = _start_heard(words, cwd, environ, merged, pass_fds)
    try:
        heard = [part.decode("utf-8", errors) for part in _hear(popen, words, timeout_s, meanwhile)]
    except BaseException:
        _abandon(popen)
        raise
    if popen.returncode:
        complaint = heard[1].strip().splitlines()[:1]
        why = ": ".join([f"{words[0]} ended with {popen.returncode}", *complaint])
        raise ProgramFailed(why, popen.returncode, "".join(heard))
    return heard[0]


def works(words: Sequence[str], timeout_s: float) -> bool:
    """Tell whether a program can be run and ends well."""
    try:
        output(words, timeout_s)
    except ProgramFailed:
        return False
    return True


def _start_heard(
    words: Sequence[str],
    cwd: Optional[Path],
    environ: Optional[Mapping[str, str]],
    merged: bool,
    pass_fds: Sequence[int],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=None if cwd is None else str(cwd),
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            start_new_session=True,  # `pip` on PATH may be a script that starts the real one
            pass_fds=pass_fds,
        )
    except (OSError, ValueError) as error:  # ValueError: a NUL in a word
        why = error.strerror if isinstance(error, OSError) else error
        raise ProgramFailed(f"{words[0]} cannot be started: {why}") from error


def _hear(
    popen: subprocess.Popen[bytes], words: Sequence[str], timeout_s: Optional[float], meanwhile: Callable[[], None]
) -> Tuple[bytes, bytes]:
    """Wait for a program's end; returns (standard output, standard error)."""
    began, ended = time.monotonic(), 0.0
    while True:
        try:
            printed, complaint = popen.communicate(timeout=LOOK_S)
            return printed, complaint or b""
        except subprocess.TimeoutExpired as unfinished:
            now = time.monotonic()
            meanwhile()
            if popen.poll() is not None:  # what it started holds its output open
                ended = ended or now
                if now - ended > HELD_OPEN_S:
                    _abandon(popen)
                    return unfinished.output or b"", unfinished.stderr or b""
            elif timeout_s is not None and now - began > timeout_s:
                heard = b"".join(filter(None, [unfinished.output, unfinished.stderr])).decode("utf-8", "replace")
                raise ProgramFailed(f"{words[0]} timed out after {timeout_s:g} s", output=heard) from None


def _abandon(popen: subprocess.Popen[bytes]) -> None:
    """End a program and what it started, without waiting for ever as subprocess.run does.

    The tool of a broken driver hangs in the kernel, where no signal reaches it. Where the program itself has
    ended, what it left running is its own affair, and its number may soon be another's.
    """
    if popen.poll() is None:
        with suppress(ProcessLookupError, PermissionError):  # gone; only zombies left (macOS)
            os.killpg(popen.pid, signal.SIGKILL)
    for pipe in filter(None, (popen.stdout, popen.stderr)):
        pipe.close()
    with suppress(subprocess.TimeoutExpired):
        popen.wait(1.0)


def find_program(name: str, cwd: Path, environ: Mapping[str, str]) -> str:
    """Find the program's path: a name is looked up on PATH, a path is relative to `cwd`.

    Raises:
        SettingsError: there is none, or it is not executable.
    """
    path = environ.get("PATH", os.defpath)
    program = shutil.which(str(cwd / name) if "/" in name else name, path=path)
    if program is None:
        where = f"below {cwd}" if "/" in name else f"on PATH ({path})"
        raise SettingsError(
            f"service.command: no program {name!r} {where}",
            "Install it, correct the name, or make the file executable (chmod +x).",
        )
    return program


def identify(pid: int) -> Optional[Identity]:
    """Identify the process that has this pid now; None where there is none, or the system does not tell."""
    import psutil

    try:
        return Identity(pid, psutil.Process(pid).create_time())
    except (psutil.Error, OSError, ValueError, OverflowError):  # no /proc; no pid
        return None


def are_told() -> bool:
    """Tell whether the system tells of processes; Linux without /proc does not even of ours."""
    return identify(os.getpid()) is not None


def is_same(known: Identity, now: Optional[Identity]) -> bool:
    """Tell whether the process that has the pid now is the one we know.

    >>> is_same(Identity(7, 100.0), Identity(7, 101.0)), is_same(Identity(7, 100.0), Identity(7, 160.0))
    (True, False)
    """
    return now is not None and known.pid == now.pid and abs(known.create_time - now.create_time) <= SAME_START_S


def is_running(known: Identity) -> bool:
    """Tell whether the very process still runs; a zombie does not."""
    import psutil

    try:
        now = identify(known.pid)
        if now is None and not are_told():
            return _exists(known.pid)
        return is_same(known, now) and _is_alive(psutil.Process(known.pid))
    except psutil.Error:
        return False


def tree(root: Identity, run_id: str) -> List[psutil.Process]:
    """Find what runs of `root`: itself, all that it started, and what is left of its session once it is gone.

    Nothing where the system does not tell of processes; `end_tree` then ends the group of a child of ours.
    """
    import psutil

    now = identify(root.pid)
    if now is None and not are_told():
        return []
    if now is not None and not is_same(root, now):
        return []  # The pid belongs to a stranger, and so does the session of that number.
    session = [pid for pid in psutil.pids() if pid != root.pid and _session(pid) == root.pid]
    if now is None:  # The number may have been another's since: only what carries our mark is ours.
        session = [pid for pid in session if _mark(pid) == run_id]
    by_pid: Dict[int, psutil.Process] = {}
    for pid in (root.pid, *session):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            by_pid.update((p.pid, p) for p in (process, *process.children(recursive=True)))
    return [process for process in by_pid.values() if _is_alive(process)]


def end_tree(
    root: Identity,
    run_id: str,
    timeout_s: float,
    hurry: Callable[[], bool] = lambda: False,
    reap: Callable[[], object] = lambda: None,
) -> Stop:
    """End a process and everything it started, also what changed its session.

    Args:
        timeout_s: how long to wait between SIGTERM and SIGKILL; no longer once `hurry()` is true.
        reap: called while waiting, to collect the exit code of a child of ours.

    Returns:
        what it took; an exit code only a parent can know.
    """
    if not are_told():
        return _end_group(root.pid, timeout_s, hurry)
    alive = tree(root, run_id)
    _send(signal.SIGTERM, root, alive)
    began = time.monotonic()
    while alive and time.monotonic() - began < timeout_s and not hurry():
        time.sleep(POLL_S)
        reap()
        alive = [process for process in alive if _is_alive(process)]
    alive = _with_newcomers(root, run_id, alive)
    ending = Stop(forced=bool(alive), waited_s=time.monotonic() - began)
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while alive and time.monotonic() < deadline:
        _send(signal.SIGKILL, root, alive)
        time.sleep(POLL_S)
        reap()
        alive = _with_newcomers(root, run_id, alive)
    return ending._replace(left=tuple(process.pid for process in alive))


def exit_words(returncode: Optional[int]) -> str:
    """Say an exit code in words.

    >>> exit_words(3), exit_words(-9)
    ('exit code 3', 'signal SIGKILL (9)')
    """
    if returncode is None:
        return "an unknown exit code"
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name} ({-returncode})"
    except ValueError:
        return f"signal {-returncode}"


def tail(text: str, count: int) -> List[str]:
    r"""Take the last lines as a terminal would show them: progress bars (\r) overwritten, long lines cut.

    Nothing in them steers the terminal on which they are shown.

    >>> tail("loading\n10%\r90%\r\x1b[32mdone\x1b[0m\n", 1)
    ['done']
    """
    lines = (line.rstrip("\r").rpartition("\r")[2] for line in uncoloured(text).rstrip().split("\n"))
    lines = (visible(line).rstrip() for line in lines)
    kept = [line for line in lines if line][-count:]
    return [line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + "..." for line in kept]


def _with_newcomers(root: Identity, run_id: str, known: Sequence[psutil.Process]) -> List[psutil.Process]:
    """List what still runs of `known`, and what it or `root` started meanwhile."""
    import psutil

    by_pid = {process.pid: process for process in (*tree(root, run_id), *known)}
    for process in known:
        with suppress(psutil.Error):
            by_pid.update((child.pid, child) for child in process.children(recursive=True))
    return [process for process in by_pid.values() if _is_alive(process)]


def _send(number: signal.Signals, root: Identity, processes: Sequence[psutil.Process]) -> None:
    """Signal the group of `root` as one, and each of the processes outside it; each gets it once."""
    import psutil

    outside = [process for process in processes if _group(process.pid) != root.pid]
    if len(outside) < len(processes):
        with suppress(ProcessLookupError, PermissionError):  # gone; only zombies left (macOS)
            os.killpg(root.pid, number)
    for process in outside:
        with suppress(psutil.Error):
            process.send_signal(number)


def _end_group(pid: int, timeout_s: float, hurry: Callable[[], bool]) -> Stop:
    """End a child of ours and its process group: all that can be done where the system tells nothing of processes."""
    if _child_runs(pid) is None:  # the number may be a stranger's by now
        return Stop()
    began = time.monotonic()
    _send_group(pid, signal.SIGTERM)
    while _child_runs(pid) and time.monotonic() - began < timeout_s and not hurry():
        time.sleep(POLL_S)
    ending = Stop(forced=bool(_child_runs(pid)), waited_s=time.monotonic() - began)
    _send_group(pid, signal.SIGKILL)  # its children, too: whether any are left is not told
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while _child_runs(pid) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return ending._replace(left=(pid,) if _child_runs(pid) else ())


def _send_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _child_runs(pid: int) -> Optional[bool]:
    """Tell whether a child of ours still runs; None for whoever is none, or was waited for."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return None


def _exists(pid: int) -> bool:
    """Tell whether a process of that pid runs; without /proc, whose it is is known of our children only."""
    runs = _child_runs(pid)
    if runs is not None:
        return runs
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def _is_alive(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error as error:
        return isinstance(error, psutil.AccessDenied)


def _mark(pid: int) -> Optional[str]:
    import psutil

    try:
        return psutil.Process(pid).environ().get(MARKER)
    except psutil.Error:
        return None


def _session(pid: int) -> Optional[int]:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _group(pid: int) -> Optional[int]:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
