"""A sign: words by which a program says what went wrong, and how that is told in one phrase."""

from __future__ import annotations

import functools
import re
from typing import Any, Dict, List, Match, NamedTuple, Optional, Pattern, Sequence

from ....console import printable

MOST_VALUE = 120  # characters of what a sign quotes


class Sign(NamedTuple):
    """Words that tell a cause.

    Args:
        kind: one of `kinds`.
        pattern: is searched in a line, without regard to case.
        words: the cause in a phrase; {name} stands for what the pattern found by that name.
        chinese: the same in Chinese.
        next: what to do.
        alarming: the words alone mean failure. Else they count only where a traceback ends with them, or in the last
            words of what ended: a library may have said them and gone on without.
    """

    kind: str
    pattern: str
    words: str
    chinese: str
    next: str = ""
    alarming: bool = True


class Found(NamedTuple):
    """A sign that was found: in which line of which file (its number from 1, 0 where that is not known)."""

    sign: Sign
    words: str
    chinese: str
    line: str
    place: str = ""
    number: int = 0


def sign(kind: str, pattern: str, words: str, chinese: str, next: str = "", alarming: bool = True) -> Sign:
    """Make a sign of a pattern."""
    return Sign(kind, pattern, words, chinese, next, alarming)


def first_in(signs: Sequence[Sign], line: str) -> Optional[Found]:
    """Find the first of the signs that a line has."""
    for each in signs:
        match = _compiled(each.pattern).search(line)
        if match:
            return Found(each, _filled(each.words, match), _filled(each.chinese, match), line)
    return None


@functools.lru_cache(maxsize=None)
def _compiled(pattern: str) -> Pattern[str]:
    """Compile a pattern when it is first looked for: most runs are green, and all of them take 0.05 s."""
    return re.compile(pattern, re.IGNORECASE)


def _filled(template: str, match: Match[str]) -> str:
    """Put what was found by name into a phrase; what was not found leaves its brackets out.

    A part in ⟦brackets⟧ is left out where one of its names found nothing.
    """
    found: Dict[str, Any] = {name: _short(value) for name, value in match.groupdict().items() if value}
    parts: List[str] = []
    for place, part in enumerate(re.split("[⟦⟧]", template)):
        names = re.findall(r"\{(\w+)\}", part)
        if place % 2 and not all(name in found for name in names):
            continue
        parts.append(re.sub(r"\{(\w+)\}", lambda name: str(found.get(name[1], "?")), part))
    return "".join(parts)


def _short(value: str) -> str:
    text = printable(" ".join(value.split()))
    return text if len(text) <= MOST_VALUE else f"{text[:MOST_VALUE]}..."
