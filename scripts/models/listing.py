"""All files of a folder on a hub or in a bucket: which a pattern means, and where each lies.

hf://ORG/REPO[@REVISION][/FOLDER/]             all below; the same with modelscope://
hf://ORG/REPO@REVISION/FOLDER/**/*.json        * within a name, ** over folders
s3://BUCKET/[PREFIX/]
"""

from __future__ import annotations

import re
from typing import Callable, Mapping, NamedTuple

from .http import Remote


class Answer(NamedTuple):
    """What a server answered to a question about files."""

    headers: Mapping[str, str]
    body: bytes


Ask = Callable[[Remote], Answer]


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
