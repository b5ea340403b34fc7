"""The first page of a bundle, for a person: what is inside, what is cut, left out and missing."""

from __future__ import annotations

from typing import Iterable, List, Sequence

from ..console import at_most, human_bytes, printable, table
from .allowed import CAP_BYTES, HEAD_BYTES, TAIL_BYTES, WHOLE_BYTES
from .bundle import Bundle
from .finding import Note

MOST_LINES = 200

RULES = f"""\
Only files on a fixed list of names are taken, and no link is followed. Never taken: environment variables, weights.
Settings are shown without the values of service.environment and without what may be secret in a URL.
The values of variables, options and URLs that name a secret are taken out of all files, as far as they are known here.
All else is as it was written: look through it before you hand it to strangers.
A log keeps its first {human_bytes(HEAD_BYTES)} and its last {human_bytes(TAIL_BYTES)}.
Any other file may have {human_bytes(WHOLE_BYTES)}, and what the run left {human_bytes(CAP_BYTES)} together, unpacked:
what stands first in the list above gets room first."""


def text(title: str, bundle: Bundle, verdicts: Sequence[str]) -> str:
    """The page.

    Args:
        verdicts: what became of the shards, in lines.
    """
    parts = [
        *_section("Shards", verdicts or ["no result of a shard is here"]),
        *_section("Inside, the most telling first", _inside(bundle)),
        *_section("Missing", notes(bundle.missing)),
        *_section("Left out", notes(bundle.left_out)),
        *_section("How it was made", RULES.splitlines()),
    ]
    return "\n".join([title, *parts, ""])


def notes(said: Iterable[Note]) -> List[str]:
    """Each note in a line, as many as a person reads."""
    lines = [f"{printable(note.name)}: {printable(note.why)}" for note in said]
    return at_most(MOST_LINES, lines)


def _section(title: str, lines: Sequence[str]) -> List[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _inside(bundle: Bundle) -> List[str]:
    rows = [
        (
            printable(member.name),
            human_bytes(len(member.content)),
            member.about + (f" ({member.cut_bytes} bytes cut in the middle)" if member.cut_bytes else ""),
        )
        for member in bundle.members
    ]
    return table(("file", "size", "what it is"), rows)
