"""Appends events to the journal, whatever the tests do to this process.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Dict, Iterable


class JournalWriter:
    """Appends events to the journal, whatever the tests do to this process."""

    def __init__(self, file: str, of: str) -> None:
        self._file, self._number = str(Path(file).absolute()), 0
        self.folder = Path(self._file).parent
        self._flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
        self._unwritten = b"\n" if _ends_within_a_line(file) else b""
        self._open, self._write, self._fstat = os.open, os.write, os.fstat
        self._descriptor, self._is = -1, (0, 0)
        self.encode = json.JSONEncoder().encode
        self._of, self._owner = self.encode(of), of
        self._getpid, self._process = os.getpid, os.getpid()
        self.clock = time.perf_counter
        self._start = self.clock()
        self._numbers: Dict[str, int] = {}

    def beside(self, name: str) -> JournalWriter:
        """Make a writer of another file in the journal's folder."""
        return JournalWriter(str(self.folder / name), self._owner)

    def write(self, event: str, **facts: object) -> None:
        """Append an event. A child of this process writes nothing: its parent knows how the test ended."""
        more = f", {self.encode(facts)[1:-1]}" if facts else ""
        line = f'{{"of": {self._of}, "n": {self._number}, "event": "{event}", "at": {self._at()}{more}}}'
        self._add(line, at_once=True)

    def put(self, event: str, values: str, at_once: bool) -> None:
        """Append an event as a list, or let it wait for the next one where that follows at once: fewer system calls.

        Args:
            values: encoded, with a comma between them.
        """
        self._add(f'[{self._of},{self._number},"{event}",{self._at()},{values}]', at_once)

    def number(self, ids: Iterable[str]) -> None:
        """Name tests from now on by their place in a list that an event has said: each comes six times."""
        for number, nodeid in enumerate(ids if not self._numbers else ()):
            self._numbers.setdefault(nodeid, number)

    def named(self, nodeid: str) -> str:
        """Encode what names a test: its number, where it has one."""
        number = self._numbers.get(nodeid)
        return self.encode(nodeid) if number is None else str(number)

    def _at(self) -> str:
        return f"{self.clock() - self._start:.6f}"

    def _add(self, line: str, at_once: bool) -> None:
        if self._getpid() != self._process:
            return
        self._number += 1
        self._unwritten += f"{line}\n".encode("ascii")
        if at_once:
            with suppress(OSError):  # no descriptor or no space left at this moment: the next event brings it
                self._flush()

    def _flush(self) -> None:
        descriptor = self._descriptor
        try:
            status = self._fstat(descriptor)
            is_ours = (status.st_ino, status.st_dev) == self._is
            if is_ours and not status.st_nlink:  # a test removed the file: what is lost with it must show
                os.close(descriptor)
                is_ours = False
        except OSError:  # a test closed it
            is_ours = False
        if not is_ours:  # what has its number now is not ours to close
            descriptor = self._descriptor = self._open(self._file, self._flags, 0o644)
            status = self._fstat(descriptor)
            self._is = (status.st_ino, status.st_dev)
        while self._unwritten:
            self._unwritten = self._unwritten[self._write(descriptor, self._unwritten) :]


def _ends_within_a_line(file: str) -> bool:
    """Tell whether an earlier round was killed while it wrote."""
    try:
        with Path(file).open("rb") as journal:
            journal.seek(-1, os.SEEK_END)
            return journal.read(1) != b"\n"
    except OSError:  # none yet, or empty
        return False
