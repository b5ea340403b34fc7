"""A runner as small as can be: it answers the plugin's questions on a local socket, in a thread."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Union

Question = Dict[str, Any]
Answer = Union[Mapping[str, object], bytes]
Select = Callable[[List[str]], Answer]  # of the collected ids


class Runner:
    """Listens while it is entered, and notes what it was asked.

    Args:
        answer: gives the answer to each question: an object, or the bytes that are sent; none if it raises EOFError.
    """

    def __init__(self, answer: Callable[[Question], Answer]) -> None:
        self.asked: List[Question] = []
        self._answer = answer

    def __enter__(self) -> Runner:
        self._folder = tempfile.mkdtemp(prefix="ask")  # short: that of a test may not be
        self.path = Path(self._folder, "s")
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen(8)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._thread.join()
        shutil.rmtree(self._folder)

    def end(self) -> None:
        """Listen no more, as a runner that was killed."""
        with socket.socket(socket.AF_UNIX) as stop:
            if not stop.connect_ex(str(self.path)):
                stop.sendall(b"end")

    def _serve(self) -> None:
        with self._listening:
            while self._serve_one():
                pass

    def _serve_one(self) -> bool:
        connection, _ = self._listening.accept()
        with connection:
            content = b"".join(iter(lambda: connection.recv(1 << 20), b""))
            if content == b"end":
                return False
            self.asked.append(json.loads(content))
            try:
                answer = self._answer(self.asked[-1])
            except EOFError:
                return True
            with suppress(OSError):  # nobody waits for it any more
                connection.sendall(answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        return True


def to_ids(select: Select) -> Runner:
    """Make a runner that is asked once."""
    return Runner(lambda question: select(question["ids"]))
