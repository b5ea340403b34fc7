"""Start a process of ours, read its last words, and stop it with all that came of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set

from ..console import uncoloured, visible
from ..errors import ServiceDied, SettingsError
from . import process_tree
from .files import end_of
from .identity import Identity, identify, is_alive
from .process_tree import KILL_TIMEOUT_S, MARKER, Stop

if TYPE_CHECKING:
    import psutil

# setproctitle (gunicorn, Ray and others have it) writes titles over the environment that the system shows, and so over
# our mark, unless it is told not to; titles are then cut to the length of the command.
KEEPS_MARK = {"SPT_NOENV": "1"}
SETTLES_S = 0.1  # helpers (multiprocessing's) end a moment after the process that they served
TAIL_BYTES = 64 * 1024
LINE_CHARACTERS = 300
COMMAND_CHARACTERS = 120
SHOWN_LEFTOVERS = 3
FOREGROUND = "service.command must stay in the foreground as long as the service runs"


class Leftover(NamedTuple):
    """A process that outlives the one that started it; one in another session is a daemon."""

    pid: int
    command: str
    session: int


class Process:
    """A process that we started and therefore may stop."""

    def __init__(self, popen: subprocess.Popen[bytes], run_id: str, log: Path, log_start_bytes: int) -> None:
        self._popen = popen
        self._started_s = time.monotonic()
        self._ended_s: Optional[float] = None
        self.log_start_bytes = log_start_bytes
        self.began_s = time.time()  # since the epoch
        self.kills_before: Mapping[str, int] = {}  # by the kernel, for memory, when somebody began to wait for it
        self.identity = identify(popen.pid) or Identity(popen.pid, time.time())
        self.run_id = run_id
        self.log = log
        self.probed: Set[str] = set()  # the paths by which we ask how it is: those lines of its log are ours
        self.released = False
        self._members: Set[psutil.Process] = set()
        self.at_each_look: Callable[[], None] = lambda: None
        # Without a thread (`ulimit -u`) or waitid (macOS before Python 3.13), the end is known when somebody looks.
        with suppress(RuntimeError):
            threading.Thread(target=self._note_end, args=(popen.pid,), daemon=True).start()

    def _note_end(self, pid: int) -> None:
        """Wait for the end without taking the exit code away from `poll`."""
        if not hasattr(os, "waitid"):
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are the main thread's
        with suppress(ChildProcessError):  # who polls was faster: it has just ended
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self._ended_s = time.monotonic()

    def ended_ago_s(self) -> float:
        """Count the seconds since its end; 0 as long as that is not known."""
        return 0.0 if self._ended_s is None else time.monotonic() - self._ended_s

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
            return tail(end_of(self.log, TAIL_BYTES, self.log_start_bytes).decode("utf-8", "replace"), count)
        except OSError as error:
            return [f"(cannot read the log: {error})"]

    def note(self, members: Iterable[psutil.Process]) -> None:
        """Remember what was found of it: one without our mark is found by its parent alone, which may be killed."""
        self._members = {member for member in {*self._members, *members} if is_alive(member)}

    def stop(self, timeout_s: float, hurry: Callable[[], bool] = lambda: False) -> Stop:
        """End it and everything it started: SIGTERM, after `timeout_s` or once `hurry()` SIGKILL."""
        by_itself = self.poll() is not None
        ending = process_tree.end(self.identity, self.run_id, timeout_s, hurry, self.poll, list(self._members))
        with suppress(subprocess.TimeoutExpired):  # a zombie to the eye may have threads that still end
            self._popen.wait(KILL_TIMEOUT_S)
        for pid in set(ending.ended).difference([self.identity.pid]):
            with suppress(OSError):  # no child of ours: only those are that lost their parents, see `take_orphans`
                os.waitpid(pid, os.WNOHANG)
        return ending._replace(returncode=self.poll(), by_itself=by_itself)

    def leftovers(self) -> List[Leftover]:
        """List what came of it and still runs, itself apart: once it has ended, what it left in the background."""
        if not self._others():
            return []
        time.sleep(SETTLES_S)
        return [leftover for leftover in map(_described, self._others()) if leftover]

    def _others(self) -> List[psutil.Process]:
        found = process_tree.tree(self.identity, self.run_id)
        return [process for process in found if process.pid != self.identity.pid]

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
    process_tree.take_orphans()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start_bytes = output.tell()
        try:
            popen = subprocess.Popen(  # noqa: S603 - service.command, which the project trusts; no shell
                [program, *argv[1:]],
                cwd=cwd,
                env={**KEEPS_MARK, **environ, MARKER: run_id},
                stdin=subprocess.DEVNULL,
                stdout=output,  # a file, not a pipe: a pipe that nobody reads stops the service at 64 KiB
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise ServiceDied(f"the service could not be started: {error}", f"Try {program} by hand.") from error
        try:
            return Process(popen, run_id, log, start_bytes)
        except BaseException:  # nobody else knows of it yet
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(popen.pid, signal.SIGKILL)
            raise


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
            "Name its package in service.requirements, correct the name, or make the file executable (chmod +x).",
        )
    return program


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


def left_words(returncode: int, session: int, leftovers: Sequence[Leftover]) -> str:
    """Say what a command that has ended left running, and whether that means that it went to the background.

    Args:
        session: the command's own. What failed and left something there has not daemonised: it is no more than said.

    >>> left_words(1, 40, [Leftover(41, "server", 40)])
    '; it left pid 41 (server) running in the background, which was ended'
    """
    if not leftovers:
        return ""
    left = [f"pid {leftover.pid} ({leftover.command})" for leftover in leftovers[:SHOWN_LEFTOVERS]]
    more = len(leftovers) - len(left)
    named = ", ".join(left) + (f" and {more} more" if more else "")
    fact = f"; it left {named} running in the background, which {'were' if leftovers[1:] else 'was'} ended"
    daemonised = returncode == 0 or any(leftover.session != session for leftover in leftovers)
    return f"{fact}: {FOREGROUND}" if daemonised else fact


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


def _described(process: psutil.Process) -> Optional[Leftover]:
    import psutil

    try:
        command = visible(" ".join(" ".join(process.cmdline()).split()) or process.name())
        return Leftover(process.pid, command[:COMMAND_CHARACTERS], os.getsid(process.pid))
    except (psutil.Error, OSError):  # ended meanwhile
        return None
