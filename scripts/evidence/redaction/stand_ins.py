"""What stands in a secret's place: the same for the same secret, in all files of a run and on all its machines.

`(secret-3fa9c1-github-token)`: six hexadecimal digits of a digest, and what the secret's own shape says. A digest of
something short could be guessed back with a list of passwords, so those digits are keyed by the long secrets that are
known here: they are the same on each node of a run, and stand in no report. Where none is known, a short secret gets no
digits: `(secret)`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Iterable

LONG = 20  # characters; with letters and digits mixed, nobody guesses such a value from 24 bits
DIGITS = 6

STAND_IN = re.compile(rb"\(secret(?:-[0-9a-f]{6})?(?:-[a-z]+(?:-[a-z]+){0,2})?\)")  # nothing that hides a secret
_NOT_BASE = re.compile(rb"(?:\\+[nrt])|[^A-Za-z0-9+/=]")


def is_long(value: bytes) -> bool:
    """Tell whether a value is too random to be guessed."""
    kinds = sum(bool(re.search(kind, value)) for kind in (rb"[a-z]", rb"[A-Z]", rb"[0-9]"))
    return len(value) >= LONG and kinds >= 2 and len(set(value)) >= 8


class StandIns:
    """Makes stand-ins.

    Args:
        known: values; the long ones of them make the key.
    """

    def __init__(self, known: Iterable[bytes]) -> None:
        long = sorted({hashlib.sha256(value).digest() for value in known if is_long(value)})
        self._key = hashlib.sha256(b"".join(long)).digest() if long else b""

    def make(self, value: bytes, label: str) -> bytes:
        """Make the stand-in of a value; `label` is what its shape says, '' where it has none."""
        words = ["secret"]
        if label or is_long(value) or self._key:
            key = b"shardline" if label or is_long(value) else self._key
            words.append(hmac.digest(key, value, "sha256").hex()[:DIGITS])
        return ("(" + "-".join([*words, *label.split()]) + ")").encode("ascii")
