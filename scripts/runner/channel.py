"""Hear the questions of a round's pytest process, and answer them: a local socket, one connection a question.

A question is one JSON object, up to where the asker stops sending, and so is its answer; in ASCII, since ids may hold
what UTF-8 cannot. What is asked, and what is answered, stands in `answers.py`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import tempfile
import threading
import time
import traceback
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Iterator, List, Mapping

from ..errors import PipelineError, SuiteError

NAME = "ask"
MOST_PATH = 100  # bytes: the path of a socket has 104 on macOS, 108 on Linux, with an end
MOST_BYTES = 500_000_000  # of a question
PATIENCE_S = 60.0  # for the next part of a question, and for its answer to be taken
POLL_S = 0.5  # between two looks whether the socket is there: a test may remove it, with all temporary files

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
    try:
        path = _short_folder() / NAME
        listener = _socket(path)
    except OSError as error:
        message = f"no socket can be made in {tempfile.gettempdir()}, by which pytest asks for its tests: {error}"
        raise SuiteError(message, "Name another folder by TMPDIR.") from error
    try:
        server = _Server(path, listener, answer)
        try:
            yield path
        finally:
            server.close()
    finally:
        shutil.rmtree(str(path.parent), ignore_errors=True)


def _socket(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
    except OSError:
        listener.close()
        raise
    listener.listen(64)
    listener.settimeout(POLL_S)
    return listener


def _short_folder() -> Path:
    """Make a folder that only we may enter, whose path leaves room for a socket's."""
    folder = tempfile.mkdtemp(prefix="shardline-")
    if len(folder.encode("utf-8", "surrogateescape")) + 1 + len(NAME) > MOST_PATH:
        shutil.rmtree(folder)
        folder = tempfile.mkdtemp(prefix="shardline-", dir="/tmp")  # ours alone (0700), too
    return Path(folder)


class _Server:
    """Takes connections in a thread, and talks with each in one of its own: one that says nothing stops nobody."""

    def __init__(self, path: Path, listener: socket.socket, answer: Answer) -> None:
        self._path, self._listener, self._answer = path, listener, answer
        self._one_at_a_time = threading.Lock()
        self._closed = False
        self._first: List[int] = []  # the pid of the first who asked
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more: wait for an answer that is being made, and for the thread."""
        with self._one_at_a_time:
            self._closed = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waker, suppress(OSError):
            waker.settimeout(POLL_S)
            waker.connect(str(self._path))
        self._thread.join()
        self._listener.close()

    def _take(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except socket.timeout:
                self._listen_again()
                continue
            except OSError:  # as of too many open files
                time.sleep(POLL_S)
                continue
            with suppress(RuntimeError):  # no thread can be had: who asked hears nothing, and says so
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _listen_again(self) -> None:
        """Make the socket anew where it was removed."""
        folder = self._path.parent
        if not os.path.lexists(self._path) and not self._closed:
            with suppress(OSError):  # the next look may be luckier
                folder.mkdir(0o700, exist_ok=True)
                if folder.stat().st_uid == os.geteuid():  # nobody else was faster
                    old, self._listener = self._listener, _socket(self._path)
                    old.close()

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
