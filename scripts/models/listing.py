"""All files of a folder on a hub or in a bucket: which a pattern means, and where each lies.

hf://ORG/REPO[@REVISION][/FOLDER/]             all below; the same with modelscope://
hf://ORG/REPO@REVISION/FOLDER/**/*.json        * within a name, ** over folders
s3://BUCKET/[PREFIX/]
"""

from __future__ import annotations

import re
from typing import Callable, Mapping, NamedTuple

from .addresses import SourceError
from .http import Remote


class Answer(NamedTuple):
    """What a server answered to a question about files."""

    headers: Mapping[str, str]
    body: bytes


Ask = Callable[[Remote], Answer]


MOST_PAGES = 1000  # of a thousand files each


def check_page(number: int, following: str, before: str) -> None:
    """Refuse a list without end: a page that names itself as the next one, or one page too many.

    Args:
        number: of the page, from 1.
        following: what the page names as the next one, empty if none.
        before: what it was asked for by itself.

    Raises:
        SourceError: with what helps.
    """
    if following and following == before:
        raise SourceError("the server's list has no end: a page of it names itself as the next one")
    if following and number >= MOST_PAGES:
        raise SourceError(f"the server's list has more than {MOST_PAGES} pages: name a folder with fewer files")


class Listed(NamedTuple):
    """A file that lies in a repository or bucket; `sha256` is empty where nobody states it."""

    path: str
    size_bytes: int
    sha256: str = ""


def matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern means a path.

    >>> [matches("**", "a/b.bin"), matches("*.bin", "a.bin"), matches("*.bin", "a/b.bin"), matches("**/*.bin", "b.bin")]
    [True, True, False, True]
    """
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    words = re.split(r"(\*\*/|\*\*|\*)", pattern)
    return re.fullmatch("".join(parts.get(word, re.escape(word)) for word in words), path, re.DOTALL) is not None
