"""A piece of a text, as the finders look at it: whether a word is in it at all is answered at some GB a second."""

from __future__ import annotations

from typing import Dict, List, Tuple

RUN = 16  # letters and digits in a row: rare in all that people and programs write, but in each token
_CLASSES = bytes(97 if chr(code).isalnum() and code < 128 else 32 for code in range(256))
_RUN = b"a" * RUN

# Not needed to tell the words apart that are asked for. What is left of a log is less than half of it.
_LEFT_OUT = bytes(code for code in range(128) if not chr(code).isalpha() or chr(code).lower() in "jlmnfvqz")
_LEAST = 3  # letters that must be left of a word


class Piece:
    """Bytes, and the same in small letters.

    Attributes:
        data: as they are.
        low: in small letters, each at its place.
        runs: where 16 letters and digits or more stand in a row, (start, end).
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.low = data.lower()
        self._letters = self.low.translate(None, _LEFT_OUT)
        self.runs = _runs(data)
        self._known: Dict[bytes, bool] = {}

    def has(self, word: bytes) -> bool:
        """Tell whether a word in small letters is in it, in letters of any size."""
        if word not in self._known:
            few = word.translate(None, _LEFT_OUT)
            self._known[word] = (len(few) < _LEAST or few in self._letters) and word in self.low
        return self._known[word]


def _runs(data: bytes) -> List[Tuple[int, int]]:
    mapped = data.translate(_CLASSES)
    runs = []
    place = mapped.find(_RUN)
    while place >= 0:
        end = mapped.find(b" ", place + RUN)
        end = end if end >= 0 else len(data)
        runs.append((place, end))
        place = mapped.find(_RUN, end)
    return runs
