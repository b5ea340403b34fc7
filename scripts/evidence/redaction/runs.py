"""Find tokens by their shapes, and known values, quickly: only around runs of 16 letters and digits, which are rare."""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Tuple

from . import shapes
from .shapes import Span

RUN = 16
_CLASSES = bytes(97 if chr(code).isalnum() and code < 128 else 32 for code in range(256))
_RUN = b"a" * RUN
_TOKEN_BYTES = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~"
_REST = re.compile(rb"[A-Za-z0-9_.~+/=-]{0,8192}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{400,8192}")
_DIGEST = re.compile(rb"[0-9a-f.:_-]+\Z")
_LEFT = 64

# Tokens whose letters may all stand in shorter runs: - and _ are among theirs.
_SHORT = (b"AIza", b"SG.", b"hvs.", b"ms-", b"xox", b"dckr_", b"GOCSPX-", b"gl", b":AA")
_GITLAB = re.compile(rb"gl[a-z]{2,5}-")
_SLACK = re.compile(rb"xox[a-z][.-]")
_TELEGRAM = re.compile(rb"(?<![0-9])[0-9]{8,10}(?=:AA)")


def find(data: bytes) -> Iterator[Span]:
    """Find tokens of known shapes."""
    mapped = data.translate(_CLASSES)
    place = mapped.find(_RUN)
    while place >= 0:
        end = mapped.find(b" ", place + RUN)
        end = end if end >= 0 else len(data)
        spans, end = _around(data, place, end)
        yield from spans
        place = mapped.find(_RUN, end)
    yield from _short(data)


def _around(data: bytes, start: int, end: int) -> Tuple[List[Span], int]:
    """Look around a run; return also where to go on."""
    head = data[max(0, start - _LEFT) : start]
    left = start - (len(head) - len(head.rstrip(_TOKEN_BYTES)))
    rest = _REST.match(data, end)
    right = rest.end() if rest else end
    if left == start and _DIGEST.match(data, left, end):  # sha256:..., commits: the usual case
        spans = list(shapes.bare(data, left))
        return spans, max([end, *(span.end for span in spans)])
    if right - start >= 400 and _BASE64.match(data, start, right):  # sound, a picture: any letters may stand in it
        spans = [span for span in shapes.tokens(data, left, start + 1) if span.start <= start]
        return spans, max([right, *(span.end for span in spans)])
    spans = [*shapes.tokens(data, left, right), *shapes.bare(data, left), *shapes.bare(data, start)]
    return spans, max([right, *(span.end for span in spans)])


def _short(data: bytes) -> Iterator[Span]:
    for word in _SHORT:
        place = data.find(word)
        while place >= 0:
            yield from shapes.tokens(data, place, place + 1) if word != b":AA" else _telegram(data, place)
            place = data.find(word, place + 1)


def _telegram(data: bytes, place: int) -> Iterator[Span]:
    match = _TELEGRAM.search(data, max(0, place - 10), place + 3)
    yield from shapes.bare(data, match.start()) if match else ()
