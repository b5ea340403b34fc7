"""Which secrets a change brings into a repository, by the rules that take them out of reports.

Code is full of what may be a password (`password="x"` of a test), so a value that only its place or its name calls a
secret counts where it looks random; a token that its own shape tells, a private key and a value that is secret on
this machine always do. `strict` takes all.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from itertools import accumulate
from typing import Iterator, List, NamedTuple, Sequence

from .patches import Passage
from .redaction.redactor import Redactor

ATTRIBUTE = "not-secrets"  # of .gitattributes, for files that cannot have comments
# Ours, and those of gitleaks and detect-secrets, which a project may have already.
MARK = re.compile(rb"not a secret: \S|gitleaks:allow|pragma: allowlist secret")
LEAST, DISTINCT = 16, 8  # characters of a random value, and different ones among them
_SURE = ("token", "private key", "webhook", "known here", "password hash")
_WORDS = {
    "known here": "a value that is secret on this machine",
    "named": "a value whose name calls it a secret",
    "url password": "a password in an address",
    "url user": "a token in an address",
    "header": "a credential of a header",
    "command line": "a password on a command line",
}


class Leak(NamedTuple):
    """A secret in a repository, never itself.

    Args:
        path: of its file, from the top of the repository.
        line: counted from 1.
        what: it is, in words.
        stand_in: what reports show in its place.
        where: of which state of the file this is said; "" for the file as it is now.
        digest: tells it from others; nobody is shown it.
        is_meant: its line says that it is none.
    """

    path: str
    line: int
    what: str
    stand_in: str
    where: str = ""
    digest: str = ""
    is_meant: bool = False


def find(passage: Passage, redactor: Redactor, strict: bool = False) -> Iterator[Leak]:
    """Find the secrets that touch a new line, also those of which a line says that they are none."""
    text = b"\n".join([*passage.lines, b""])
    starts = [0, *accumulate(len(line) + 1 for line in passage.lines)]
    for span, stand_in in redactor.find(text):
        lines = range(bisect_right(starts, span.start) - 1, bisect_right(starts, span.end - 1))
        new = [line for line in lines if line in passage.new]
        value = text[span.start : span.end]
        if new and (strict or span.kind in _SURE or is_random(value)):
            yield Leak(
                path=passage.path,
                line=passage.first + new[0],
                what=_WORDS.get(span.kind, f"a {span.kind}"),
                stand_in=stand_in.decode("ascii"),
                where=passage.where,
                digest=hashlib.sha256(value).hexdigest(),
                is_meant=any(MARK.search(passage.lines[line]) for line in lines),
            )


def is_random(value: bytes) -> bool:
    """Tell whether nobody would make up such a value; that it is a secret, its place or its name says already.

    >>> [is_random(value) for value in (b"hunter2", b"correct-horse-battery", b"3f9a0c7be2d145863f9a0c7be2d14586")]
    [False, False, True]
    """
    has_both = re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)
    return len(value) >= LEAST and bool(has_both) and len(set(value)) >= DISTINCT and not re.search(rb"\s", value)


def distinct(now: Sequence[Leak], elsewhere: Sequence[Leak]) -> List[Leak]:
    """List what is there now, and what is staged or in some commit alone: taken out since, but still in the history.

    What a line now says to be none is none in the history either.

    >>> now, before = Leak("a", 3, "a token", "(secret)"), Leak("a", 1, "a token", "(secret)", "commit f00")
    >>> distinct([now, now], [before]) == [now], distinct([], [before, before]) == [before]
    (True, True)
    >>> distinct([now._replace(is_meant=True)], [before])
    []
    """
    there = {(leak.path, leak.digest) for leak in now}
    gone = {(leak.path, leak.digest): leak for leak in reversed(elsewhere) if not leak.is_meant}
    found = [*dict.fromkeys(now), *reversed([leak for secret, leak in gone.items() if secret not in there])]
    return [leak for leak in found if not leak.is_meant]
