"""What did the service write while a test ran that failed: an answer 500 says nothing, its traceback everything.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, List

import pytest

LINES, MOST_BYTES = 25, 64 * 1024
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Our probes ask each second; and what was read with success explains no failure.
READ = re.compile(r"(?=.*\b(GET|HEAD)\b)(?=.*\b200\b)(?!.*(error|exception|fail))", re.IGNORECASE)
MARKS = re.compile(r"[\s^~]*$")  # below a line of a traceback; an empty line, too
ANSWERED = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b.*\b[1-5]\d\d\b")
CAUSE = re.compile(r"(error|exception|fatal|panic)\b.*[^:]$", re.IGNORECASE)
CAUSE_CHARACTERS = 200
TITLE = "service log meanwhile: "


class ServiceWords:
    """Adds to the report of a failed test what the service wrote since the test began, or since it was last shown.

    Args:
        log: the file that the service writes to.
    """

    def __init__(self, log: str) -> None:
        self._log = str(Path(log).resolve())
        self._open, self._seek, self._read, self._close = os.open, os.lseek, os.read, os.close
        self._shown = 0  # bytes of the log

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Take what was written until now for another's."""
        self._shown = self._size()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add the section before anybody shows or keeps the report."""
        sections = getattr(report, "sections", None)
        if report.failed and isinstance(sections, list):
            lines = telling(self._new())
            if lines:
                sections.append((f"{TITLE}{self._log}", "\n".join(lines)))

    def _size(self) -> int:
        with suppress(OSError):
            file = self._open(self._log, os.O_RDONLY)
            try:
                return self._seek(file, 0, os.SEEK_END)
            finally:
                self._close(file)
        return 0

    def _new(self) -> str:
        """Read what is new, of that at most its end; nothing where the log was cut meanwhile."""
        begin, self._shown = self._shown, self._size()
        with suppress(OSError):
            file = self._open(self._log, os.O_RDONLY)
            try:
                self._seek(file, max(begin, self._shown - MOST_BYTES), os.SEEK_SET)
                return self._read(file, max(0, min(self._shown - begin, MOST_BYTES))).decode("utf-8", "replace")
            finally:
                self._close(file)
        return ""


def telling(text: str) -> List[str]:
    r"""Take the last lines of what a service wrote that may tell why a test failed.

    >>> telling('"GET /health HTTP/1.1" 200 OK\n\x1b[31mKeyError: 1\x1b[0m\n"POST /tts HTTP/1.1" 500\n')
    ['KeyError: 1', '"POST /tts HTTP/1.1" 500']
    """
    lines = [COLOURS.sub("", line).rstrip() for line in text.splitlines()]
    kept = [line for line in lines if not MARKS.match(line) and not READ.match(line)]
    return ["".join(c if c.isprintable() or c == "\t" else "?" for c in line) for line in kept[-LINES:]]


def cause(report: Any) -> str:
    """Find in such a section of a report the last line that names an error; "" where there is none.

    >>> cause(pytest.CollectReport("a", "failed", None, None, [(TITLE, "KeyError: 1\\nPOST /tts 500 Server Error")]))
    'KeyError: 1'
    """
    texts = (text for title, text in getattr(report, "sections", ()) if title.startswith(TITLE))
    lines = [line.strip() for text in texts for line in text.splitlines() if not ANSWERED.search(line)]
    return next((line[:CAUSE_CHARACTERS] for line in reversed(lines) if CAUSE.search(line)), "")
