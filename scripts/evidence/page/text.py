"""Make what others wrote fit for the page: cut with a note, and nothing in it that could mislead a reader."""

from __future__ import annotations

import json
from typing import Any

from ...console import visible
from ...proof.receipt import shown

MOST_ID = 300  # characters
MOST_SECONDS = 4e9  # the year 2096


def clean(text: str, most: int) -> str:
    r"""Cut a text in its middle, the end being the more telling, and show what cannot be printed as its escape.

    >>> clean("\x1b[31mred\x1b[0m \u202eevil", 100), clean("a" * 90 + "end", 12)
    ('red \\u202eevil', 'aa\n[... 81 characters are left out here ...]\naaaaaaaend')
    """
    if len(text) > most:
        head, tail = text[: most // 6], text[len(text) - (most - most // 6) :]
        text = f"{head}\n[... {len(text) - most} characters are left out here ...]\n{tail}"
    return visible(text)


def short_id(nodeid: str, most: int = MOST_ID) -> str:
    """Show a test's id in one line, cut in its middle."""
    if len(nodeid) > most:
        nodeid = f"{nodeid[: most // 2]}...{nodeid[-(most - most // 2) :]}"
    return shown(nodeid)


def sensible(number: float) -> float:
    """Give a time or a duration in seconds as it is, and 0 for what is none: hostile files may say so.

    >>> sensible(1.5), sensible(float("nan")), sensible(-1.0), sensible(1e308)
    (1.5, 0.0, 0.0, 0.0)
    """
    return number if 0 <= number <= MOST_SECONDS else 0.0


def as_json(data: Any) -> str:
    r"""Write data for a script element: no character of it can end that, or start a comment.

    >>> as_json(["</script>", "\u2028"])
    '["\\u003c/script\\u003e","\\u2028"]'
    """
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
