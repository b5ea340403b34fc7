"""A piece of a text, as the finders look at it: whether a word is in it at all is answered at some GB a second."""

from __future__ import annotations

from typing import Dict

# Not needed to tell the words apart that are asked for. What is left of a log is less than half of it.
_LEFT_OUT = bytes(code for code in range(128) if not chr(code).isalpha() or chr(code).lower() in "jlmnfvqz")
_LEAST = 3  # letters that must be left of a word


class Piece:
    """Bytes, and the same in small letters.

    Attributes:
        data: as they are.
        low: in small letters, each at its place.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.low = data.lower()
        self._letters = self.low.translate(None, _LEFT_OUT)
        self._known: Dict[bytes, bool] = {}

    def has(self, word: bytes) -> bool:
        """Tell whether a word in small letters is in it, in letters of any size."""
        if word not in self._known:
            few = word.translate(None, _LEFT_OUT)
            self._known[word] = (len(few) < _LEAST or few in self._letters) and word in self.low
        return self._known[word]
