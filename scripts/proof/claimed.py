"""What a shard says of the pieces that it ran, where tests were shared out while they ran: as its receipt has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Sequence, Tuple, TypeVar

OWN, STOLEN, TAKEN_OVER = "own", "stolen", "taken over"
HOW = (OWN, STOLEN, TAKEN_OVER)
MOST_NAME = 100  # characters
_NAME = re.compile(r"[\w.-]+")

Test = TypeVar("Test")


@dataclass(frozen=True)
class ClaimedPiece:
    """Tests that a shard claimed together.

    Args:
        name: as the plan has it, and whoever else claims the same tests.
        how: it was the shard's own by the plan; or stolen from another that had not come to it; or taken over from
            one that had claimed it, and was silent or gave up.
        whose: the index of the shard that it was taken from, or its own.
        count: how many ids of the receipt are of it: pieces stand in the order of `Receipt.tests`.
    """

    name: str
    how: str
    whose: int
    count: int


def to_json(pieces: Sequence[ClaimedPiece]) -> List[Dict[str, Any]]:
    """Turn them into what is written."""
    return [dict(vars(piece)) for piece in pieces]


def from_json(data: Any) -> Tuple[ClaimedPiece, ...]:
    """Turn what was written into them again.

    Raises:
        ValueError: it is something else; says so in a line.
    """
    if type(data) is not list:
        raise ValueError(f'"pieces": expected list, got {data!a:.40}')
    return tuple(map(_piece, data))


def _piece(data: Any) -> ClaimedPiece:
    kinds = {"name": str, "how": str, "whose": int, "count": int}
    if type(data) is not dict or {name: type(value) for name, value in data.items()} != kinds:
        raise ValueError(f'"pieces": expected {", ".join(kinds)} of each, got {data!a:.80}')
    return ClaimedPiece(**data)


def check(pieces: Sequence[ClaimedPiece], index: int, total: int, tests: int) -> None:
    """Refuse pieces that do not fit a shard with so many tests.

    Raises:
        ValueError: it says what cannot be.
    """
    for piece in pieces:
        if not _NAME.fullmatch(piece.name) or len(piece.name) > MOST_NAME:
            raise ValueError(f"a piece is called {piece.name!a:.40}")
        if piece.how not in HOW:
            raise ValueError(f'piece {piece.name}: "how": expected one of {", ".join(HOW)}, got {piece.how!a:.40}')
        if not 0 <= piece.whose < total or (piece.how != TAKEN_OVER and (piece.whose == index) != (piece.how == OWN)):
            raise ValueError(f"piece {piece.name} of shard {index} of {total}: {piece.how}, and that of {piece.whose}")
        if piece.count < 0:
            raise ValueError(f"piece {piece.name}: {piece.count} tests")
    if len({piece.name for piece in pieces}) < len(pieces):
        raise ValueError("a piece is there twice")
    if sum(piece.count for piece in pieces) != tests:
        raise ValueError(f"its pieces have {sum(piece.count for piece in pieces)} tests, and it has {tests}")


def cut(pieces: Sequence[ClaimedPiece], tests: Sequence[Test]) -> Iterator[Tuple[ClaimedPiece, Sequence[Test]]]:
    """Go through pieces with the tests of each.

    >>> [(piece.name, tests) for piece, tests in cut([ClaimedPiece("0-00", OWN, 0, 2)], ["a", "b"])]
    [('0-00', ['a', 'b'])]
    """
    start = 0
    for piece in pieces:
        yield piece, tests[start : start + piece.count]
        start += piece.count
