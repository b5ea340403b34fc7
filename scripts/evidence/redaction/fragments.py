"""Find what a cut left of a known secret: pytest and others show a long text as its start, three dots and its end."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Tuple

from .shapes import Span

SHORTEST = 8  # bytes; fewer stand beside dots by chance, and open nothing

_CUTS = (b"...", "…".encode(), b"\\u2026")
_LEFT_OUT = re.compile(rb" \d+ characters left out \.\.\.\n")  # as ours says it: shardline_pytest/failure_text.py


class Fragments:
    """Finds the starts and ends of values beside a cut.

    Args:
        values: each in all forms in which it may stand.
    """

    def __init__(self, values: Iterable[bytes]) -> None:
        self._places: Dict[bytes, List[Tuple[bytes, int]]] = {}
        for value in values:
            for place in range(len(value) - SHORTEST + 1):
                self._places.setdefault(value[place : place + SHORTEST], []).append((value, place))

    def find(self, data: bytes) -> Iterator[Span]:
        """Find them in some data.

        >>> [data[:3] for data in Fragments([b"a1b2c3d4e5f6g7h8"]).find(b"x a1b2c3d4...d4e5f6g7h8")]
        [(2, 10, 'known here'), (13, 23, 'known here')]
        """
        for cut in _CUTS if self._places else ():
            place = data.find(cut)
            while place >= 0:
                yield from self._before(data, place - (data[place - 1 : place] == b"\n"))
                end = place + len(cut)
                left_out = _LEFT_OUT.match(data, end)
                yield from self._after(data, left_out.end() if left_out else end)
                place = data.find(cut, end)

    def _before(self, data: bytes, end: int) -> Iterator[Span]:
        for value, place in self._places.get(data[max(0, end - SHORTEST) : end], ()):
            start, cut = end - SHORTEST - place, place + SHORTEST
            if start >= 0 and data.startswith(value[:place], start) and _is_part(value[:cut], value[cut - 1 : cut + 1]):
                yield Span(start, end, "known here")

    def _after(self, data: bytes, start: int) -> Iterator[Span]:
        for value, place in self._places.get(data[start : start + SHORTEST], ()):
            if data.startswith(value[place:], start) and _is_part(value[place:], value[max(0, place - 1) : place + 1]):
                yield Span(start, start + len(value) - place, "known here")


def _is_part(part: bytes, at_cut: bytes) -> bool:
    """Tell whether this is a part of nothing else: "...password" is a word by itself, of many."""
    return not part.isalpha() or (len(at_cut) == 2 and at_cut.isalpha())
