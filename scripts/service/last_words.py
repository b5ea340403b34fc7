"""What did the service write last: its own words, without the lines that our probes left in its access log."""

from __future__ import annotations

import os
import re
from typing import Collection, List, NamedTuple, Sequence, Tuple

from .. import __version__
from ..console import counted
from ..system.processes import Process, tail

USER_AGENT = f"shardline/{__version__}"  # by which our requests are known in an access log
LINES = 20
MANY = 3
FIRST_BYTES, MOST_BYTES = 64 * 1024, 1024 * 1024  # of the log's end: more is read only where probes fill it
CAUSE = re.compile("error|exception|traceback|fatal|fail", re.IGNORECASE)
TIME = re.compile(r"\d{1,4}[-/:]\d{1,2}([-/:., T]+\d+)*Z?")
# What http.server logs before the line of a request that it refuses.
REFUSAL = re.compile(r" - - \[[^]]*\] code \d{3}, message ")


class LastWords(NamedTuple):
    """The last lines, and how many of our probes were left out among them."""

    lines: Sequence[str]
    left_out: int = 0


def last_words(process: Process, count: int = LINES) -> LastWords:
    """Read the last lines that a process wrote, of this start only."""
    size_bytes = FIRST_BYTES
    while True:
        try:
            text, is_whole = _end_of_log(process, size_bytes)
        except OSError as error:
            return LastWords([f"(cannot read the log: {error})"])
        words = without_probes(tail(text, size_bytes), process.probed, count)
        if is_whole or len(words.lines) >= count or size_bytes >= MOST_BYTES:
            return words
        size_bytes *= 4


def shown(process: Process) -> str:
    """Show what the service wrote last, under the name of its log."""
    words = last_words(process)
    left_out = f" ({counted(words.left_out, 'line')} of our own probes left out)" if words.left_out else ""
    lines = words.lines or ["(it wrote nothing)" if not words.left_out else "(it wrote nothing else)"]
    return "\n".join([f"last lines of {process.log}{left_out}:", *(f"  | {line}" for line in lines)])


def without_probes(lines: Sequence[str], paths: Collection[str], count: int = LINES) -> LastWords:
    """Take the last lines, without those of our own probes of some paths, and what is repeated only once.

    >>> without_probes(["no model", "no model", "no model", '1.2.3.4 - "GET /health HTTP/1.1" 503 -'], ["/health"])
    LastWords(lines=['no model (3 times)'], left_out=1)
    """
    kept: List[List[str]] = []
    left_out = 0
    before_probe = False  # the line that follows is one
    for line in reversed(lines):
        before_probe = is_probe(line, paths) or (before_probe and bool(REFUSAL.search(line)))
        if before_probe:
            left_out += 1
        elif kept and timeless(kept[-1][0]) == timeless(line):
            kept[-1].append(line)
        elif len(kept) < count:
            kept.append([line])
        else:
            break
    shown = [line for same in reversed(kept) for line in _with_count(same)]
    return LastWords(shown[-count:], left_out)


def timeless(line: str) -> str:
    """Take out of a line what may be a time.

    >>> timeless("2026-11-26T16:33:01,123Z no model"), timeless("step 7 of 9")
    ('* no model', 'step 7 of 9')
    """
    return TIME.sub("*", line)


def _with_count(same: Sequence[str]) -> Sequence[str]:
    """Show lines that are the same but for their times, the newest first, by that one where they are many."""
    return same[::-1] if len(same) < MANY else [f"{same[0]} ({len(same)} times)"]


def is_probe(line: str, paths: Collection[str]) -> bool:
    """Tell whether a line of an access log is of our own probes; one that may say why they fail is kept.

    >>> is_probe('[GIN] | 503 | 12us | GET "/health"', ["/health"]), is_probe("GET /health failed", ["/health"])
    (True, False)
    """
    request = rf"\b(GET|HEAD)\s+\"?({'|'.join(map(re.escape, paths))})\"?"
    if re.search(rf"{request}(\s+HTTP/[\d.]+|\s+[\d.]+)?\"?[\s:|,>=-]*\b[1-5]\d\d\b|{request}\s*$", line):
        return bool(paths)
    as_json = line.startswith("{") and any(f'"{path}"' in line for path in paths)
    return (as_json or USER_AGENT in line) and not CAUSE.search(line)


def _end_of_log(process: Process, size_bytes: int) -> Tuple[str, bool]:
    """Read the end of a log; and whether that is all of this start."""
    with process.log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        begin = process.log_start_bytes if process.log_start_bytes <= end else 0  # it was cut meanwhile
        file.seek(max(begin, end - size_bytes))
        return file.read().decode("utf-8", "replace"), end - size_bytes <= begin
