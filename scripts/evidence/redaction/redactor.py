"""Take the secrets out of a text, out of bytes, or out of a stream in pieces.

A piece is looked through by finders that each know one kind of place; what they find is joined and replaced at once.
"""

from __future__ import annotations

import io
from collections import Counter
from typing import BinaryIO, Counter as Counts, Dict, Iterable, Iterator, List, Tuple

from . import named, places, runs, views
from .escapings import forms
from .known import Secret
from .shapes import Span
from .stand_ins import STAND_IN, StandIns

BLOCK_BYTES = 1 << 20  # held at a time, beside what follows
MARGIN_BYTES = 1 << 16  # nothing that is found is longer: keys and values have their limits in `named` and `places`
CONTEXT_BYTES = 1 << 11  # of what was written already, since names and URLs are read to the left


class Redactor:
    """Takes secrets out; the same secret becomes the same stand-in wherever it is found, by any Redactor of a run.

    Attributes:
        count: how many were taken out, by kind; never a value.
    """

    def __init__(self, known: Iterable[Secret] = (), block_bytes: int = BLOCK_BYTES) -> None:
        self.count: Counts[str] = Counter()
        self._block_bytes = block_bytes
        values = sorted({secret.value for secret in known if secret.value})
        self._forms: Dict[bytes, bytes] = {}
        for value in values:
            raw = value.encode("utf-8", "surrogateescape")
            self._forms.update({form: raw for form in forms(value)})
        self._longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
        self._margin = max([MARGIN_BYTES, *(2 * len(form) for form in self._forms)])
        self._stand_ins = StandIns(self._forms.values())

    def text(self, text: str) -> str:
        """Take the secrets out of a text."""
        return self.bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def bytes(self, content: bytes) -> bytes:
        """Take the secrets out of a piece that is whole: a file's content."""
        sink = io.BytesIO()
        self.stream(io.BytesIO(content), sink)
        return sink.getvalue()

    def stream(self, source: BinaryIO, sink: BinaryIO) -> None:
        """Copy a stream without its secrets, in pieces: it is never held whole."""
        context, held, ended = b"", b"", False
        while not ended:
            wanted = self._block_bytes + self._margin - len(held)
            new = _read(source, wanted)
            ended = len(new) < wanted
            held += new
            data = context + held
            spans = self._spans(data)
            cut = len(data) if ended else _quiet(spans, len(data) - self._margin)
            start = len(context)
            sink.write(self._replaced(data, [span for span in spans if start <= span.start < cut], start, cut))
            context, held = data[max(0, cut - CONTEXT_BYTES) : cut], data[cut:]

    def _spans(self, data: bytes) -> List[Span]:
        """Find what must go, joined where it overlaps, in order."""
        low = data.lower()
        found = list(self._found(data, low))
        if views.is_coloured(data, low):
            view = views.without_colours(data)
            for span in self._found(view.text, view.text.lower()):
                place = span._replace(start=view.original(span.start), end=view.original(span.end - 1) + 1)
                found.append(place)
        return _joined(found, [match.span() for match in STAND_IN.finditer(data)] if found else [])

    def _found(self, data: bytes, low: bytes) -> Iterator[Span]:
        yield from self._known(data)
        yield from runs.find(data)
        yield from named.find(data, low)
        yield from places.find(data, low)

    def _known(self, data: bytes) -> Iterator[Span]:
        for form in self._longest_first:
            place = data.find(form)
            while place >= 0:
                yield Span(place, place + len(form), "known here")
                place = data.find(form, place + 1)

    def _replaced(self, data: bytes, spans: List[Span], start: int, end: int) -> bytes:
        pieces = []
        for span in spans:
            pieces += [data[start : span.start], self._stand_in(data, span)]
            start = span.end
            self.count[span.kind] += 1
        return b"".join([*pieces, data[start:end]])

    def _stand_in(self, data: bytes, span: Span) -> bytes:
        value = data[span.start : span.end]
        value = self._forms.get(value, value)
        label = span.label or next((found.label for found in runs.find(value) if found.start == 0), "")
        return span.quote + self._stand_ins.make(value, label) + span.quote


def _read(source: BinaryIO, size: int) -> bytes:
    """Read so many bytes, fewer only at the end: a pipe gives what it has."""
    pieces = []
    while size > 0:
        piece = source.read(size)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _quiet(spans: List[Span], cut: int) -> int:
    """Move a cut to where no secret crosses it."""
    for span in reversed(spans):
        if span.start < cut < span.end:
            return span.start
    return cut


def _joined(spans: List[Span], stand_ins: List[Tuple[int, int]]) -> List[Span]:
    """Join what overlaps; leave alone what was taken out before."""
    joined: List[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.label == "")):
        if span.end <= span.start or any(start <= span.start and span.end <= end for start, end in stand_ins):
            continue
        if joined and span.start < joined[-1].end:
            before = joined[-1]
            whole = before._replace(end=max(before.end, span.end))
            joined[-1] = (
                whole._replace(label=span.label, kind=span.kind)
                if not before.label and span[:2] == before[:2]
                else whole
            )
        else:
            joined.append(span)
    return joined
