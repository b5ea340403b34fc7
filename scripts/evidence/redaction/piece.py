"""A piece of a text, as the finders look at it: whether a word is in it at all is answered at some GB a second."""

from __future__ import annotations

import re
from typing import Dict, List, Sequence, Tuple

RUN = 16  # letters and digits in a row: rare in all that people and programs write, but in each token


def _class(code: int) -> str:
    """Say what a byte is to a token: h and a are its letters, - stands between them or ends an escape before it."""
    letter = chr(code)
    if letter in "0123456789abcdef":
        return "h"
    if code < 128 and letter.isalnum():
        return "a"
    return (
        "-"
        if letter in "-_.~\\%"
        else ":"
        if letter == ":"
        else "+"
        if letter in "+/="
        else "n"
        if letter in "\r\n"
        else "b"
        if letter in " \t"
        else " "
    )


_CLASSES = "".join(map(_class, range(256))).encode("ascii")
_ALL_ALIKE = _CLASSES.replace(b"h", b"a")
_HEX, _DIGEST = b"h" * RUN, b"#" * RUN
_MERGED = bytes(97 if code == ord("h") else code for code in range(256))
_RUN = re.compile(b"a" * RUN + b"a*")  # begins with letters as they are, which is quicker than {16,}

# Not needed to tell the words apart that are asked for. What is left of a log is a quarter of it, and its lines are
# often the same then: without their numbers and most letters of their identifiers.
_LEFT_OUT = bytes(code for code in range(128) if chr(code).lower() not in "degihkoprstuwxy-\n")
_LEAST = 2  # letters that must be left of a word


class Piece:
    """Bytes, and the same in small letters.

    Attributes:
        data: as they are.
        low: in small letters, each at its place.
        classes: to a token, each at its place: `a` a letter or digit, `#` one of 16 hexadecimal digits in a row,
            `-` one of -_.~\\%, `+` one of +/=, `:` itself, `n` a line's end, `b` a blank. One more follows the last.
        runs: where 16 letters and digits or more stand in a row, (start, end), but for those of digests.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.low = data.lower()
        self.classes = data.translate(_ALL_ALIKE)
        self.runs: List[Tuple[int, int]] = []
        low = self.low
        if b"a" * RUN in self.classes:
            # Identifiers and digests end each line of many a log: they are told from tokens here, all at once.
            self.classes = data.translate(_CLASSES).replace(_HEX, _DIGEST).translate(_MERGED)
            if b"a" * RUN in self.classes:
                sound = [match.span() for match in _STRETCH.finditer(data.translate(_BASE64))]
                self.classes = _without(self.classes, sound, b" ")
                self.runs = [match.span() for match in _RUN.finditer(self.classes)]
                if len(self.runs) * _SOUND > len(data):  # base64 in lines
                    sound = [match.span() for match in _STRETCH.finditer(data.translate(_BASE64_LINES))]
                low = _without(low, sound, b"")
        self._letters = b"\n".join(set(low.translate(None, _LEFT_OUT).split(b"\n")))
        self.classes += b" "  # something is behind each run
        self.has_runs = bool(self.runs) or _DIGEST in self.classes
        self._known: Dict[bytes, bool] = {}

    def has(self, word: bytes) -> bool:
        """Tell whether a word in small letters is in it, in letters of any size."""
        if word not in self._known:
            few = word.translate(None, _LEFT_OUT)
            self._known[word] = (len(few) < _LEAST or few in self._letters) and word in self.low
        return self._known[word]


_SOUND = 400  # letters of base64 in a row are sound or a picture
_ENDS = 128  # of those may belong to a name or a token before or after
_BASE64 = bytes(120 if chr(code) in "+/=" or (code < 128 and chr(code).isalnum()) else 32 for code in range(256))
_BASE64_LINES = bytes(120 if code in b"\r\n" else kind for code, kind in enumerate(_BASE64))
_STRETCH = re.compile(b"x" * _SOUND + b"x*")


def _without(text: bytes, sound: Sequence[Tuple[int, int]], instead: bytes) -> bytes:
    """Leave out the middle of sound: all letters are in it, in all orders, and no word."""
    pieces, read = [], 0
    for start, end in sound:
        pieces += [text[read : start + _ENDS], instead * (end - start - 2 * _ENDS)]
        read = end - _ENDS
    return b"".join([*pieces, text[read:]]) if sound else text
