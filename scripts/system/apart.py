"""Do work in a process of its own: what hangs there, crashes or runs wild costs its result, and nothing else.

A thread would not do: none can be ended, and one that waits in the kernel for a network disk keeps its process alive.
"""

from __future__ import annotations

import os
import pickle
import resource
import select
import signal
import sys
import time
import warnings
from contextlib import suppress
from typing import Any, Callable, Iterator, NamedTuple, NoReturn, Optional

from ..errors import PipelineError

LOOK_S = 0.1  # between two looks at whether we should hurry
READ_BYTES = 1 << 20
LENGTH_BYTES = 8  # of what comes before each thing that is sent
CPU_S = 60  # for a child that nobody could end; the system does then
ENDS_IN_S = 1.0  # what SIGKILL does not end by then hangs in the kernel

Send = Callable[[Any], None]


class Gone(NamedTuple):
    """Work did not come to its end, and why."""

    why: str


class _Finished(NamedTuple):
    """Work came to its end."""


def apart(
    work: Callable[[Send], None],
    quiet_s: float,
    deadline: float,
    hurry: Callable[[], bool] = lambda: False,
) -> Iterator[Any]:
    """Yield what `work` sends from a child process, as it comes; last a `Gone` where it did not come to its end.

    Args:
        quiet_s: so long it may send nothing.
        deadline: for all of it, on the monotonic clock.
        hurry: whether it must end now.

    Raises:
        PipelineError: as `work` raised it.
    """
    source, sink = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads on
            stream.flush()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # a thread may run here; the child needs none of its locks
            pid = os.fork()
    except OSError as error:
        os.close(source)
        os.close(sink)
        yield Gone(f"no process could be started for it: {error.strerror}")
        return
    if pid == 0:
        os.close(source)
        _be_the_child(work, sink)
    os.close(sink)
    try:
        yield from _heard(source, quiet_s, deadline, hurry)
    finally:
        os.close(source)
        _end(pid)


def _be_the_child(work: Callable[[Send], None], sink: int) -> NoReturn:
    def send(item: Any) -> None:
        content = pickle.dumps(item)
        _write(sink, len(content).to_bytes(LENGTH_BYTES, "big") + content)

    try:
        os.setsid()  # a terminal's Ctrl-C is for our parent
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        work(send)
        send(_Finished())
    except PipelineError as error:
        with suppress(BaseException):
            send(error)
    except BaseException as error:
        with suppress(BaseException):
            send(Gone(f"{type(error).__name__}: {error}"))
    finally:
        os._exit(0)  # nothing of the parent's is ended or flushed a second time


def _write(sink: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(sink, view) :]


def _heard(source: int, quiet_s: float, deadline: float, hurry: Callable[[], bool]) -> Iterator[Any]:
    """Yield what comes until the work is over, or too late."""
    buffer = bytearray()
    until = min(time.monotonic() + quiet_s, deadline)
    while True:
        why = _too_late(until, hurry)
        if why:
            yield Gone(why)
            return
        if not select.select([source], [], [], max(0.0, min(LOOK_S, until - time.monotonic())))[0]:
            continue
        content = os.read(source, READ_BYTES)
        if not content:
            yield Gone("the process that did it was ended, or crashed")
            return
        buffer += content
        item = _taken(buffer)
        while item is not None:
            if isinstance(item, _Finished):
                return
            if isinstance(item, PipelineError):
                raise item
            yield item
            if isinstance(item, Gone):
                return
            item = _taken(buffer)
            until = min(time.monotonic() + quiet_s, deadline)


def _too_late(until: float, hurry: Callable[[], bool]) -> str:
    if hurry():
        return "somebody wants us to end"
    return "there was no time left" if time.monotonic() >= until else ""


def _taken(buffer: bytearray) -> Optional[Any]:
    """Take the first thing that came whole out of the buffer; None where there is none."""
    end = LENGTH_BYTES + int.from_bytes(buffer[:LENGTH_BYTES], "big")
    if len(buffer) < LENGTH_BYTES or len(buffer) < end:
        return None
    item = pickle.loads(bytes(buffer[LENGTH_BYTES:end]))  # noqa: S301 - from our own child
    del buffer[:end]
    return item


def _end(pid: int) -> None:
    """End the child and what it started in its session, without waiting for what hangs in the kernel."""
    until = time.monotonic() + ENDS_IN_S
    with suppress(ProcessLookupError, PermissionError):  # it has ended; or, for a moment, has no session of its own
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(pid, os.WNOHANG)[0] == 0 and time.monotonic() < until:
            time.sleep(0.005)
