"""A text as a person sees it: without colour codes, which may stand within a name or a value."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import List, NamedTuple

_SEQUENCE = rb"(?:\[[0-?]{0,40}[ -/]{0,4}[@-~]|\][^\x07\x1b\\\n]{0,500}(?:\x07|\x1b\\|\\+u0007|\\+x07))"
_RAW = re.compile(rb"\x1b" + _SEQUENCE)
# ESC as it is, and as JSON, Python, shells and pytest's JUnit write it.
_CODE = re.compile(rb"(?:\x1b|\\+u001[bB]|\\+x1[bB]|\\+033|\\+e|#x1[bB])" + _SEQUENCE)


class View(NamedTuple):
    """A text with parts left out: `kept` are where each kept part starts in it, `at` where it does in the original."""

    text: bytes
    kept: List[int]
    at: List[int]

    def original(self, place: int) -> int:
        """Say where a character of the view stands in the original."""
        part = bisect_right(self.kept, place) - 1
        return self.at[part] + place - self.kept[part]


def without(pattern: re.Pattern[bytes], data: bytes, start: int, end: int) -> View:
    """Leave out what a pattern finds in a part of a text."""
    kept, at, pieces, length = [0], [start], [], 0
    for first, last in [match.span() for match in pattern.finditer(data, start, end)]:
        place = at[-1]
        pieces.append(data[place:first])
        length += first - place
        kept.append(length)
        at.append(last)
    pieces.append(data[at[-1] : end])
    return View(b"".join(pieces), kept, at)


def is_coloured(data: bytes, low: bytes) -> bool:
    """Tell whether there may be colour codes."""
    return b"\x1b" in data or _is_written(data, low)


def _is_written(data: bytes, low: bytes) -> bool:
    return (b"\\" in data or b"#" in data) and b"1b[" in low


def uncoloured(data: bytes) -> bytes:
    """Leave out colour codes and links of terminals."""
    return _pattern(data).sub(b"", data)


def without_colours(data: bytes) -> View:
    """Leave out colour codes and links of terminals, and say where what is left stood."""
    return without(_pattern(data), data, 0, len(data))


def _pattern(data: bytes) -> re.Pattern[bytes]:
    """Choose what is quicker, where no code is written in an escape."""
    return _CODE if b"\\" in data or b"#x1" in data else _RAW
