"""Find values that are known, in all their forms."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Tuple

from . import views
from .escapings import Form, forms
from .fragments import Fragments
from .known import Secret
from .piece import RUN, Piece
from .shapes import Span

_RUNS = re.compile(rb"[A-Za-z0-9]{%d,}" % RUN)
_WRAP = re.compile(rb"\r?\n[ \t]*")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"


class _Value(NamedTuple):
    raw: bytes
    is_word: bool
    form: Form


class Values:
    """What is known, in all forms.

    Attributes:
        longest: of the forms, in bytes.
    """

    def __init__(self, known: Iterable[Secret]) -> None:
        self._by_form: Dict[bytes, _Value] = {}
        for secret in sorted(known, key=lambda secret: (len(secret.value), secret)):
            raw = secret.value.encode("utf-8", "surrogateescape")
            for form in [Form(raw)] if secret.is_word else sorted(forms(secret.value)):
                if raw:
                    self._by_form.setdefault(form.text, _Value(raw, secret.is_word, form))
        runs = {text: _RUNS.search(text) for text in self._by_form}
        self._short = [text for text, run in runs.items() if not run]
        self._long: Dict[bytes, List[Tuple[int, bytes]]] = {}
        for text, run in runs.items():
            if run:
                self._long.setdefault(run[0][:RUN], []).append((run.start(), text))
        # No word is so long; what has blanks itself would never be found without them.
        self._whole = [
            text for text in self._by_form if len(text) >= RUN and len(text.split()) == 1 and self._is_raw(text)
        ]
        self.longest = max([0, *map(len, self._by_form)])
        self._fragments = Fragments(self._by_form)

    def _is_raw(self, text: bytes) -> bool:
        return self._by_form[text].raw == text

    def raw(self, text: bytes) -> bytes:
        """Give the value that stands in this form, else the same."""
        value = self._by_form.get(text)
        return value.raw if value else text

    def find(self, piece: Piece) -> Iterator[Span]:
        """Find them in a piece: what has a run of letters and digits by that, the rest by looking for each."""
        data = piece.data
        yield from self._fragments.find(data)
        for run, there in self._long.items():
            place = data.find(run)
            while place >= 0:
                for offset, text in there:
                    if place >= offset and data.startswith(text, place - offset):
                        yield from self._span(data, place - offset, self._by_form[text])
                place = data.find(run, place + 1)
        yield from self._over_lines(data)
        absent = [letter for letter in (b"\\", b"\\u00", b"%", b"&") if letter not in data]
        for text in self._short:
            if not any(letter in text for letter in absent):
                place = data.find(text)
                while place >= 0:
                    yield from self._span(data, place, self._by_form[text])
                    place = data.find(text, place + 1)

    def _over_lines(self, data: bytes) -> Iterator[Span]:
        """Find long values within which a line was wrapped; whether there may be any is answered without blanks."""
        if not self._whole or b"\n" not in data:
            return
        flat = data.translate(None, b"\r\n\t ")
        there = [text for text in self._whole if text in flat and flat.count(text) > data.count(text)]
        view = views.without(_WRAP, data, 0, len(data)) if there else views.View(b"", [], [])
        for text in there:
            place = view.text.find(text)
            while place >= 0:
                start, end = view.original(place), view.original(place + len(text) - 1) + 1
                yield Span(start, end, "known here", "", b"", self._by_form[text].raw)
                place = view.text.find(text, place + 1)

    def _span(self, data: bytes, start: int, value: _Value) -> Iterator[Span]:
        end = start + len(value.form.text)
        if value.is_word and not _stands_alone(data, start, end):
            return
        before, after = data[start - 1 : start], data[end : end + 1]
        start -= int(value.form.before and before != b"" and before in _BASE64)
        end += int(value.form.after and after != b"" and after in _BASE64)
        yield Span(start, end, "known here", "", b"", value.raw)


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    around = (data[max(0, start - 1) : start], data[end : end + 1])
    return not any(letter.isalnum() or letter == b"_" for letter in around)
