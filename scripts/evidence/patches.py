"""What a patch of git brings: of each hunk the lines as they are afterwards, and which of them are new."""

from __future__ import annotations

import re
from typing import FrozenSet, Iterator, List, NamedTuple, Tuple

_HUNK = re.compile(rb"@@ -[0-9]+(?:,([0-9]+))? \+([0-9]+)(?:,([0-9]+))? @@")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r"}


class Passage(NamedTuple):
    """Lines of a file that stand together after a change.

    Args:
        path: of the file in its repository.
        where: of which state of the file this is told: "commit 1a2b3c4"; "" for a patch that is not of `git log`.
        first: the number of the first line, from 1.
        lines: without their ends.
        new: which of them the patch adds, from 0.
    """

    path: str
    where: str
    first: int
    lines: Tuple[bytes, ...]
    new: FrozenSet[int]


class Patch(NamedTuple):
    """A patch as far as its text tells; of a binary file git says only the name."""

    passages: List[Passage]
    binary_count: int


def read(patch: bytes) -> Patch:
    r"""Read what `git diff` or `git log -p --format='commit %H'` prints, with the usual a/ and b/.

    >>> read(b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n").passages[0]
    Passage(path='x', where='', first=1, lines=(b'one', b'2'), new=frozenset({1}))
    """
    lines = iter(patch.split(b"\n"))
    passages, binary_count, path, where = [], 0, "", ""
    for line in lines:
        hunk = _HUNK.match(line)
        if hunk:
            passages.append(_passage(lines, hunk, path, where))
        elif line.startswith(b"+++ "):
            path = _path(line[4:])
        elif line.startswith(b"commit "):
            where = line[:14].decode("ascii", "replace")
        binary_count += line.startswith(b"Binary files ") and not hunk
    return Patch([passage for passage in passages if passage.new], binary_count)


def _passage(lines: Iterator[bytes], hunk: re.Match[bytes], path: str, where: str) -> Passage:
    """Read a hunk by its own counts: its lines may look like anything, also like another file's head."""
    old, new = (int(hunk[group] or 1) for group in (1, 3))
    kept: List[bytes] = []
    added = set()
    while old > 0 or new > 0:
        line = next(lines, b"")
        sign = line[:1]
        if sign == b"\\":  # No newline at end of file
            continue
        if sign == b"+":
            added.add(len(kept))
        old -= sign != b"+"
        new -= sign != b"-"
        if sign != b"-":
            kept.append(line[1:])
    return Passage(path, where, int(hunk[2]), tuple(kept), frozenset(added))


def _path(written: bytes) -> str:
    r"""Read the name of the file after the change; one with odd letters is quoted as C would.

    >>> _path(b"b/a b.txt\t"), _path(rb'"b/\"q\".txt"'), _path(b"/dev/null")
    ('a b.txt', '"q".txt', '')
    """
    if written.startswith(b'"'):
        written = _ESCAPE.sub(_unescaped, written.strip(b'"\t'))
    path = written[:-1] if written.endswith(b"\t") else written
    return path[2:].decode("utf-8", "surrogateescape") if path.startswith(b"b/") else ""


def _unescaped(escape: re.Match[bytes]) -> bytes:
    word = escape[1]
    return bytes([int(word, 8)]) if len(word) == 3 else _LETTERS.get(word, word)
