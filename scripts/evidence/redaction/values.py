"""Find values that are known, in all their forms, and where a line was wrapped within one."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Pattern

from . import views
from .escapings import Form, forms
from .known import Secret
from .runs import RUN
from .shapes import Span

_RUNS = re.compile(rb"[A-Za-z0-9]{%d,}" % RUN)
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
        self._longest_first = sorted(self._by_form, key=lambda text: (-len(text), text))
        self.longest = max([0, *map(len, self._by_form)])

    def raw(self, text: bytes) -> bytes:
        """Give the value that stands in this form, else the same."""
        value = self._by_form.get(text)
        return value.raw if value else text

    def find(self, data: bytes) -> Iterator[Span]:
        """Find them in a text."""
        for text in self._longest_first:
            place = data.find(text)
            while place >= 0:
                value = self._by_form[text]
                end = place + len(text)
                if not value.is_word or _stands_alone(data, place, end):
                    yield self._span(data, place, end, value)
                place = data.find(text, place + 1)

    def _span(self, data: bytes, start: int, end: int, value: _Value) -> Span:
        before, after = data[start - 1 : start], data[end : end + 1]
        start -= int(value.form.before and before != b"" and before in _BASE64)
        end += int(value.form.after and after != b"" and after in _BASE64)
        return Span(start, end, "known here", "", b"", value.raw)


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    around = data[start - 1 : start] if start else b""
    return not (around + data[end : end + 1]).replace(b"_", b"a").isalnum() if around or data[end : end + 1] else True
