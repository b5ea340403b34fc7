"""Find tokens by their shapes: only around runs of 16 letters and digits, which are rare, and so quickly."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Iterator, List, Optional, Tuple

from . import shapes, views
from .piece import RUN, Piece
from .shapes import Span

_ALNUM = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_TOKEN_BYTES = _ALNUM + b"_-.~"
_LEFT_BYTES = _TOKEN_BYTES + b":+/="
_REST = re.compile(rb"[A-Za-z0-9_.~+/=:-]{0,8192}")
# A digest or an identifier, whatever stands between its parts. A key of mailgun is as it is.
_DIGESTS = re.compile(rb"(?![0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![\w-]))[0-9a-f+/=:.-]*\Z")
_LEFT = 64
_SOUND = 400  # base64 of so many letters is no token but sound, or a picture: any letters may stand in it
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{%d}" % _SOUND)

# Tokens whose letters may all stand in shorter runs: - and _ are among theirs.
_SHORT = (b"aiza", b"glpat-", b"dckr_", b"xox", b"ms-")

_AT_LINE = re.compile(rb"nb{0,60}([a#]{16}[a#]*)")
_WRAP = re.compile(rb"\r?\n[ \t]*(?=\S)")
_WIDTH = 60  # characters of a line that may have been wrapped
_MOST_LINES = 50


def find(piece: Piece) -> Iterator[Span]:
    """Find tokens of known shapes."""
    read = 0
    for start, end in _candidates(piece):
        if start >= read:
            spans, read = _around(piece.data, start, end)
            yield from spans
    for word in (*_SHORT, *(shapes.BROKEN if piece.has_runs and _is_broken(piece) else ())):
        if piece.has(word):
            yield from _short(piece, word)
    if piece.has(b"basic"):
        yield from _log_ins(piece)


def _is_broken(piece: Piece) -> bool:
    """Tell whether a run stands after a letter that is in few tokens only."""
    return b"+" + b"a" * RUN in piece.classes or b"+" + b"#" * RUN in piece.classes


def _candidates(piece: Piece) -> List[Tuple[int, int]]:
    """List the runs in or beside which a token may begin: by what stands beside them, or by their first letters."""
    if not piece.has_runs:
        return []
    classes, data, firsts, tail = piece.classes, piece.data, shapes.FIRSTS, shapes.TAIL.match
    found = [
        (start, end)
        for start, end in piece.runs
        if (data[start] in firsts and tail(data, start))
        or classes[start - 1] in _JOINED_LEFT
        or classes[end] == _JOINED_RIGHT
    ]
    if b"#" * RUN in classes:
        there = [pattern for word, pattern in _BESIDE_DIGESTS if word in classes]
        spans = [match.span(1) for pattern in there for match in pattern.finditer(classes)]
        found += [span for span in spans if not _is_fraction(data, span[0])]
    for match in _AT_LINE.finditer(classes):
        if _goes_on(data[max(0, match.start() - RUN) : match.start()].rstrip()):
            found.append(match.span(1))
    return sorted(found)


@lru_cache(maxsize=1024)
def _goes_on(line_end: bytes) -> bool:
    """Tell whether a line's last letters may be the beginning of a token, too short to be a run."""
    word = len(line_end.rstrip(_ALNUM))
    return word > 0 and (line_end[word - 1 : word] in _JOINTS or shapes.may_be_tail(line_end[word:]))


# Runs of hexadecimal digits after what may be a token's beginning, or with an end of their own.
_BESIDE_DIGESTS = [
    (b"-" + b"#" * RUN, re.compile(b"-(" + b"#" * RUN + b"[#a]*)")),
    (b"a" + b"#" * RUN, re.compile(b"a(" + b"#" * RUN + b"[#a]*)")),
    (b"#" * 2 * RUN + b"-", re.compile(b"(" + b"#" * 2 * RUN + b")-")),
]


def _is_fraction(data: bytes, start: int) -> bool:
    """Tell whether digits stand behind the point of a number that begins with one digit."""
    return data[start - 1] == 46 and data[start - 2 : start - 1].isdigit() and data[start - 3 : start - 2] in _QUIET


_QUIET = frozenset(bytes([letter]) for letter in b" \t\n:,=([-")
_JOINED_LEFT, _JOINED_RIGHT = frozenset(b"-:"), ord("-")  # of the classes


def _around(data: bytes, start: int, end: int) -> Tuple[List[Span], int]:
    """Look around a run; return also where to go on."""
    head = data[max(0, start - _LEFT) : start]
    left = start - (len(head) - len(head.rstrip(_LEFT_BYTES)))
    rest = _REST.match(data, end)
    right = rest.end() if rest else end
    if right - left >= _SOUND and _BASE64.match(data, start):
        spans = list(shapes.tokens(data, shapes.beginnings(data, left, start + 1)))
        return spans, max(right, *(span.end for span in spans)) if spans else right
    begin = _before(data, left) if data[left - 1 : left] in _BLANKS else None
    if _DIGESTS.match(data[left:right]):
        return _wrapped(data, begin, left, right, []) if begin is not None else [], right
    starts = shapes.beginnings(data, left, right)
    spans = list(shapes.tokens(data, starts)) if starts else []
    if data[end : end + 1] in _JOINTS or head[-1:] in _JOINTS:
        for place in {left, start, start - (len(head) - len(head.rstrip(_TOKEN_BYTES)))}:
            spans += shapes.bare(data, place)
    read = max(right, *(span.end for span in spans)) if spans else right
    is_last = bool(starts) and data[right : right + 1] in _LINE_ENDS
    if begin is not None or (is_last and any(shapes.may_begin(data, place, right) for place in starts)):
        spans += _wrapped(data, left if begin is None else begin, left, right, spans)
    return spans, read


_JOINTS = frozenset((b".", b"-", b":", b"~", b"_"))  # of the shapes without a beginning of their own
_LINE_ENDS, _BLANKS = frozenset((b"\r", b"\n")), frozenset((b" ", b"\t", b"\n"))


_BASIC = re.compile(rb"[Bb](?:asic|ASIC)[ \t]{1,4}([A-Za-z0-9+/_-]{6,2048}={0,2})(?![\w+/=])")
_ONE_RUN = re.compile(rb"[A-Za-z0-9]{%d}" % RUN)


def _log_ins(piece: Piece) -> Iterator[Span]:
    """Find what comes after the word Basic; in an Authorization header it is found by that."""
    place = piece.low.find(b"basic")
    while place >= 0:
        match = _BASIC.match(piece.data, place)
        if match and _ONE_RUN.search(match[1]) and _is_log_in(match[1]):
            yield Span(*match.span(1), "header")
        place = piece.low.find(b"basic", place + 1)


def _is_log_in(text: bytes) -> bool:
    """Tell whether base64 says USER:PASSWORD.

    >>> _is_log_in(b"bWU6aHVudGVyMg=="), _is_log_in(b"features")
    (True, False)
    """
    try:
        plain = base64.b64decode(
            text + b"=" * (-len(text) % 4), altchars=b"-_" if b"-" in text or b"_" in text else None
        )
    except (binascii.Error, ValueError):
        return False
    return b":" in plain and all(letter >= 32 for letter in plain)


def _short(piece: Piece, word: bytes) -> Iterator[Span]:
    place = piece.low.find(word)
    while place >= 0:
        yield from shapes.tokens(piece.data, [place])
        place = piece.low.find(word, place + 1)


def _wrapped(data: bytes, begin: int, left: int, right: int, found: List[Span]) -> List[Span]:
    """Find a token that goes on in the next line, or began in the one before, where lines may have been wrapped."""
    after = _WRAP.match(data, right)
    if begin == left:
        if not after or right - _line_start(data, right) < _WIDTH - 1:
            return []
    else:
        word = _WRAP.sub(b"", data[begin : min(right, left + RUN)])
        if not any(shapes.may_begin(word, place, len(word)) for place in shapes.beginnings(word, 0, left - begin)):
            return []
    view = views.without(_WRAP, data, begin, _last(data, begin))
    spans = []
    for span in shapes.tokens(view.text, shapes.beginnings(view.text, 0, len(view.text))):
        start, end = view.original(span.start), view.original(span.end - 1) + 1
        if start < right < end or start < left < end:
            ended = any(one.start == start and one.end in (right, left) for one in found)
            if not ended or (after and _ONE_RUN.match(data, after.end())) or _is_rest(data, end):
                spans.append(span._replace(start=start, end=end))
    return spans


def _last(data: bytes, place: int) -> int:
    """Say where what begins in a line ends, which may go on in others: with the first line that is shorter."""
    width = 0
    for _ in range(_MOST_LINES):
        word = _REST.match(data, place)
        place = word.end() if word else place
        width = width or place - _line_start(data, place)
        after = _WRAP.match(data, place)
        if not after or place - _line_start(data, place) < width:
            break
        place = after.end()
    return place


def _line_start(data: bytes, place: int) -> int:
    return data.rfind(b"\n", max(0, place - 4 * _WIDTH), place) + 1


def _before(data: bytes, left: int) -> Optional[int]:
    """Say where the last word of the line before begins, if it may go on in this one."""
    if data[max(0, left - _WIDTH) : left].rstrip(b" \t")[-1:] != b"\n":
        return None
    head = data[max(0, left - 4 * _WIDTH) : left].rstrip(b" \t")
    line = head.rstrip(b"\r\n")
    word = line.rstrip(_TOKEN_BYTES)
    if len(line) - line.rfind(b"\n") < _WIDTH or len(word) == len(line):
        return None
    return left - len(data[max(0, left - 4 * _WIDTH) : left]) + len(word)


def _is_rest(data: bytes, end: int) -> bool:
    """Tell whether a line holds nothing but the end of a token."""
    line = data[_line_start(data, end) : end].strip()
    return data[end : end + 1] in (b"\r", b"\n", b"") and bool(re.match(rb"[\w.-]+\Z", line))
