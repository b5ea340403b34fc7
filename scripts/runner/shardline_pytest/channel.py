"""Asks the runner which tests to run, whatever the tests do to this process: one connection a question.

The runner listens on a local socket (AF_UNIX). A question is one JSON object, its answer another; each ends where its
side shuts down writing. All is done by references taken when this was loaded: tests patch `socket`, `time` and `json`.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import _socket
import json
import os
import time
from typing import Any, Dict, List, Mapping

RETRY_S = 0.02  # after the runner had no room for another connection
MISSED_S = 3.0  # for the runner to make its socket anew, where a test removed it


class Gone(Exception):
    """Nobody listens any more: the runner has ended, or is about to."""


class Unanswered(Exception):
    """No answer came in time, or this process cannot ask at this moment: it may have no descriptor left."""


class Channel:
    """The way to the runner. It takes .1 ms a question, and no descriptor in between.

    Args:
        path: of the socket; absolute, and short: the system takes some 100 bytes.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._socket, self._how = _socket.socket, (_socket.AF_UNIX, _socket.SOCK_STREAM)
        self._no_signal, self._no_more = getattr(_socket, "MSG_NOSIGNAL", 0), _socket.SHUT_WR
        self._encode, self._decode = json.JSONEncoder().encode, json.JSONDecoder().decode
        self._getpid, self._process = os.getpid, os.getpid()
        self.clock, self.sleep = time.monotonic, time.sleep

    @property
    def is_ours(self) -> bool:
        """Tell whether this is the process that was told to ask: a child that a test forked knows no tests to run."""
        return self._getpid() == self._process

    def ask(self, question: Mapping[str, object], within_s: float) -> Dict[str, Any]:
        """Give the answer, an object.

        Raises:
            Gone, Unanswered: there is none.
            ValueError: it is no object.
        """
        asked, began = self._encode(question).encode("ascii"), self.clock()
        until = began + within_s
        while True:
            try:
                content = self._exchanged(asked, until)
                break
            except BlockingIOError:  # too many ask at once
                if self.clock() >= until:
                    raise Unanswered("the runner has no time to listen") from None
                self.sleep(RETRY_S)
            except FileNotFoundError as error:
                if self.clock() >= began + MISSED_S:
                    raise Gone(f"the runner does not listen any more: {error.strerror}") from None
                if self.clock() >= until:
                    raise Unanswered("the runner's socket is not there") from None
                self.sleep(RETRY_S)
            except ConnectionError as error:
                raise Gone(f"the runner does not listen any more: {error.strerror}") from None
            except Exception as error:  # a hook of the suite's own that forbids connections raises what it likes
                raise Unanswered(f"cannot ask the runner: {type(error).__name__}: {error}") from None
        if not content:
            raise Gone("the runner ended before it answered")
        try:
            said = self._decode(content.decode("utf-8"))
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ValueError(f"expected a JSON object, got {content[:200]!r}")
        return said

    def _exchanged(self, asked: bytes, until: float) -> bytes:
        connection = self._socket(*self._how)
        try:
            connection.settimeout(self._left_s(until))
            connection.connect(self._path)
            connection.settimeout(self._left_s(until))
            connection.sendall(asked, self._no_signal)
            connection.shutdown(self._no_more)
            received: List[bytes] = []
            while not received or received[-1]:
                connection.settimeout(self._left_s(until))
                received.append(connection.recv(1 << 20))
            return b"".join(received)
        finally:
            connection.close()

    def _left_s(self, until: float) -> float:
        """Give what is left of the time; a socket that may wait no time at all would not wait for the runner."""
        return max(0.001, until - self.clock())
