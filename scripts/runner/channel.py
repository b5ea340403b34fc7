"""Hear the questions of a round's pytest process, and answer them: a local socket, one connection a question.

A question is one JSON object, up to where the asker stops sending, and so is its answer; in ASCII, since ids may hold
what UTF-8 cannot. What is asked, and what is answered, stands in `answers.py`.
"""

from __future__ import annotations

import json
import shutil
import socket
import struct
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping, Tuple

from ..errors import PipelineError, SuiteError

NAME = "ask"
MOST_PATH = 100  # bytes: the path of a socket has 104 on macOS, 108 on Linux, with an end
MOST_BYTES = 500_000_000  # of a question
PATIENCE_S = 60.0  # for the next part of a question, and for its answer to be taken
POLL_S = 0.5  # between two looks whether it is over, where nobody can wake us any more: a test removed the socket

Question = Mapping[str, Any]
Answer = Callable[[Question], Mapping[str, Any]]


@contextmanager
def listening(answer: Answer) -> Iterator[Path]:
    """Answer while the block runs; the path of the socket. When it has ended, no answer is being made any more.

    Only one question is answered at a time. Whoever asks from another process than the first gets none: a child of a
    test that has kept the path must not take the tests of its shard.

    Args:
        answer: makes the answer; what it raises becomes {"error": one line}.

    Raises:
        SuiteError: there can be no socket.
    """
    folder, listener = _socket()
    try:
        with listener:
            server = _Server(listener, answer)
            try:
                yield folder / NAME
            finally:
                server.close(folder / NAME)
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)


def _socket() -> Tuple[Path, socket.socket]:
    """Make a socket in a folder of its own.

    Raises:
        SuiteError: there can be none.
    """
    try:
        folder = _short_folder()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(folder / NAME))
    except OSError as error:
        message = f"no socket can be made in {tempfile.gettempdir()}, by which pytest asks for its tests: {error}"
        raise SuiteError(message, "Name another folder by TMPDIR.") from error
    listener.listen(64)
    listener.settimeout(POLL_S)
    return folder, listener


def _short_folder() -> Path:
    """Make a folder that only we may enter, whose path leaves room for a socket's."""
    folder = tempfile.mkdtemp(prefix="shardline-")
    if len(folder.encode("utf-8", "surrogateescape")) + 1 + len(NAME) > MOST_PATH:
        shutil.rmtree(folder)
        folder = tempfile.mkdtemp(prefix="shardline-", dir="/tmp")  # ours alone (0700), too
    return Path(folder)


class _Server:
    """Takes connections in a thread, and talks with each in one of its own: one that says nothing stops nobody."""

    def __init__(self, listener: socket.socket, answer: Answer) -> None:
        self._listener, self._answer = listener, answer
        self._one_at_a_time = threading.Lock()
        self._closed = False
        self._first: List[int] = []  # the pid of the first who asked
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def close(self, path: Path) -> None:
        """Answer no more: wait for an answer that is being made, and for the thread."""
        with self._one_at_a_time:
            self._closed = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waker, suppress(OSError):
            waker.settimeout(POLL_S)
            waker.connect(str(path))
        self._thread.join()

    def _take(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except socket.timeout:
                continue
            except OSError:  # as of too many open files
                time.sleep(POLL_S)
                continue
            with suppress(RuntimeError):  # no thread can be had: who asked hears nothing, and says so
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # who asked is gone
            connection.settimeout(PATIENCE_S)
            said = _read(connection)
            if said:
                connection.sendall(json.dumps(self._answered(said, _pid_of(connection))).encode("ascii"))

    def _answered(self, said: bytes, pid: int) -> Mapping[str, Any]:
        try:
            question = json.loads(said)
            if not isinstance(question, dict):
                raise ValueError("expected an object")
        except (ValueError, RecursionError) as error:
            return {"error": f"no question that can be understood: {error}"}
        with self._one_at_a_time:
            if self._closed or pid not in (self._first or [pid]):
                return {"error": "only the pytest process that asked first is answered, while its round goes on"}
            self._first[:] = [pid]
            return _made(self._answer, question)


def _made(answer: Answer, question: Question) -> Mapping[str, Any]:
    """Make an answer; whatever goes wrong is one, too, since somebody waits for it."""
    try:
        return answer(question)
    except PipelineError as error:
        return {"error": " ".join(error.message.split())}
    except Exception as error:  # a mistake of ours: the shard is red, and the traceback is in its output
        traceback.print_exc()
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())}


def _read(connection: socket.socket) -> bytes:
    """Read a question to its end.

    Raises:
        OSError: it did not come, or is too long.
    """
    parts: List[bytes] = []
    size = 0
    while True:
        part = connection.recv(1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            raise OSError("too long a question")


def _pid_of(connection: socket.socket) -> int:
    """Tell who is at the other end; 0 where the system does not say."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return 0
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, size))[0])
