"""Show a command without the values of its secret options."""

from __future__ import annotations

from typing import List, Sequence

from .names import Weight, weight

HIDDEN = "(not shown)"


def command(words: Sequence[str]) -> List[str]:
    """Give the words of a command, without the values of options that name a secret.

    >>> command(["serve", "--api-key", "abc", "--token=abc", "--port", "80"])
    ['serve', '--api-key', '(not shown)', '--token=(not shown)', '--port', '80']
    """
    return [_word(before, word) for before, word in zip(["", *words], words)]


def hidden(words: Sequence[str]) -> List[str]:
    """Give the values that `command` leaves out."""
    pairs = ((word, shown) for word, shown in zip(words, command(words)) if word != shown)
    return [word.partition("=")[2] if shown != HIDDEN else word for word, shown in pairs]


def names_a_secret(name: str) -> bool:
    """Tell whether a name may call its value a secret; in doubt it does."""
    last = name.rstrip("0123456789_-").rpartition("_")[2].rpartition("-")[2].lower()
    return (
        last in ("key", "auth", "authorization", "cookie") or weight(name.encode("utf-8", "replace")) >= Weight.LIKELY
    )


def _word(before: str, word: str) -> str:
    option, equals, _ = word.partition("=")
    if equals and option.startswith("-") and names_a_secret(option):
        return f"{option}={HIDDEN}"
    return HIDDEN if before.startswith("-") and "=" not in before and names_a_secret(before) else word
