"""Run a program to its end and hear what it prints."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence, Tuple

LOOK_S = 0.1  # between two looks at a program that we hear
HELD_OPEN_S = 2.0  # so long what a program left running may hold its output open


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
        return subprocess.Popen(  # noqa: S603 - words of our own or of pipeline.yml, no shell
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
