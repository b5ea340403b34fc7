"""Take the secrets out of a text, out of bytes, or out of a stream in pieces.

A piece is looked through by finders that each know one kind of place; what they find is joined and replaced at once.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_left
from collections import Counter
from typing import Counter as Counts
from typing import Iterable, Iterator, List, Protocol, Sequence, Tuple

from . import named, places, runs, shapes, views
from .known import Secret
from .piece import Piece
from .shapes import Span
from .stand_ins import STAND_IN, StandIns
from .values import Values

BLOCK_BYTES = 1 << 20  # held at a time, beside what follows
MARGIN_BYTES = 1 << 15  # nothing that is found is longer: keys and values have their limits in `named` and `places`
CONTEXT_BYTES = 1 << 11  # of what was written already, since names and URLs are read to the left

_Bytes = bytes  # as a type within the class, which has a method of that name
_LINE_END = re.compile(rb"\r?\n[ \t]*")


class Source(Protocol):
    """What bytes are read from; none at its end."""

    def read(self, __size: int) -> bytes:
        """Give the next, so many at most."""


class Sink(Protocol):
    """What bytes are written to, all at once."""

    def write(self, __content: bytes) -> object:
        """Take all of it."""


class Redactor:
    """Takes secrets out; the same secret becomes the same stand-in wherever it is found, by any Redactor of a run.

    Args:
        known: what is known here; see known.py.
        block_bytes: how much is looked at at once; for tests.

    Attributes:
        count: how many were taken out, by kind; never a value.
    """

    def __init__(self, known: Iterable[Secret] = (), block_bytes: int = BLOCK_BYTES) -> None:
        self.count: Counts[str] = Counter()
        known = list(known)
        self._values = Values(known)
        self._stand_ins = StandIns(
            secret.value.encode("utf-8", "surrogateescape") for secret in known if not secret.of_job
        )
        self._block_bytes = block_bytes
        self._margin = max(MARGIN_BYTES, 2 * self._values.longest)

    def text(self, text: str) -> str:
        """Take the secrets out of a text."""
        return self.bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    def bytes(self, content: bytes) -> bytes:
        """Take the secrets out of a piece that is whole: a file's content."""
        sink = io.BytesIO()
        self.stream(io.BytesIO(content), sink)
        return sink.getvalue()

    def find(self, content: _Bytes) -> List[Tuple[Span, _Bytes]]:
        """Find the secrets of a piece that is whole, in order, each with its stand-in."""
        return [(span, self._stand_in(content, span)) for span in self._spans(content)]

    def stream(self, source: Source, sink: Sink) -> None:
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

    def _spans(self, data: _Bytes) -> List[Span]:
        """Find what must go, joined where it overlaps, in order."""
        piece = Piece(data)
        found = list(self._found(piece))
        if views.is_coloured(data, piece.low):
            more = list(self._found(Piece(views.uncoloured(data))))
            view = views.without_colours(data) if more else views.View(b"", [], [])
            for span in more:
                found.append(span._replace(start=view.original(span.start), end=view.original(span.end - 1) + 1))
        return _joined(found, [match.span() for match in STAND_IN.finditer(data)] if found else [])

    def _found(self, piece: Piece) -> Iterator[Span]:
        yield from self._values.find(piece)
        yield from runs.find(piece)
        yield from named.find(piece)
        yield from places.find(piece)

    def _replaced(self, data: _Bytes, spans: Sequence[Span], start: int, end: int) -> _Bytes:
        pieces = []
        for span in spans:
            pieces += [data[start : span.start], self._stand_in(data, span)]
            start = span.end
            self.count[span.kind] += 1
        return b"".join([*pieces, data[start:end]])

    def _stand_in(self, data: _Bytes, span: Span) -> _Bytes:
        value = span.raw or self._values.raw(_plain(data[span.start : span.end]))
        token = next(shapes.tokens(value, [0]), None)
        label = span.label or (token.label if token and token.end == len(value) else "")
        return span.quote + self._stand_ins.make(value, label) + span.quote


def _plain(value: bytes) -> bytes:
    """Leave out colours and line ends, which are none of a secret."""
    if b"\n" in value:
        value = _LINE_END.sub(b"", value)
    return views.uncoloured(value) if b"\x1b" in value else value


def _read(source: Source, size: int) -> bytes:
    """Read so many bytes, fewer only at the end: a pipe gives what it has."""
    pieces = []
    while size > 0:
        piece = source.read(size)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _quiet(spans: Sequence[Span], cut: int) -> int:
    """Move a cut to where no secret crosses it."""
    for span in reversed(spans):
        if span.start < cut < span.end:
            return span.start
    return cut


def _joined(spans: Sequence[Span], stand_ins: Sequence[Tuple[int, int]]) -> List[Span]:
    """Join what overlaps; leave alone what was taken out before."""
    joined: List[Span] = []
    ends = [end for _, end in stand_ins]
    for span in sorted(spans, key=lambda span: (span.start, -span.end, not span.label, not span.raw)):
        if span.end <= span.start:
            continue
        nearest = bisect_left(ends, span.end)  # the only stand-in that it may be within
        if nearest < len(ends) and stand_ins[nearest][0] <= span.start:
            continue
        if joined and span.start < joined[-1].end:
            last = joined[-1]
            if span.end > last.end:
                joined[-1] = last._replace(end=span.end, label="", raw=b"")
            elif span[:2] == last[:2]:
                joined[-1] = last._replace(label=last.label or span.label, raw=last.raw or span.raw)
        else:
            joined.append(span)
    return joined
