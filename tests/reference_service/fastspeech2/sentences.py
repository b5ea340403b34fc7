"""Where a long text is cut, so that the engine says it in pieces of one breath."""

from __future__ import annotations

from itertools import chain
from typing import Iterator, List, NamedTuple

from .reading import PAUSE, STOP

# The voice was trained on sentences of this length; longer ones lose their melody.
LONGEST_PIECE = 28
SENTENCE_PAUSE_S = 0.30
CLAUSE_PAUSE_S = 0.10


class Piece(NamedTuple):
    """Hanzi (and ，) said in one breath, and the silence that follows."""

    text: str
    pause_s: float


def split(readable: str) -> List[Piece]:
    """Cut the output of `reading.read` into pieces of at most LONGEST_PIECE syllables."""
    pieces: List[Piece] = []
    for sentence in filter(None, readable.split(STOP)):
        texts = list(_pack(sentence.split(PAUSE)))
        pieces += [Piece(text, CLAUSE_PAUSE_S) for text in texts[:-1]]
        pieces += [Piece(text, SENTENCE_PAUSE_S) for text in texts[-1:]]
    return pieces


def _pack(clauses: List[str]) -> Iterator[str]:
    """Join short clauses up to the limit, cut long ones evenly."""
    packed = ""
    for part in chain.from_iterable(map(_even_parts, clauses)):
        if packed and len(packed) + len(part) >= LONGEST_PIECE:
            yield packed
            packed = ""
        packed += PAUSE + part if packed else part
    if packed:
        yield packed


def _even_parts(clause: str) -> Iterator[str]:
    """Cut a clause without a mark into the fewest parts of about equal length."""
    count = -(-len(clause) // LONGEST_PIECE)
    for part in range(count):
        yield clause[part * len(clause) // count : (part + 1) * len(clause) // count]
