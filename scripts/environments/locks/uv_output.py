"""What uv prints of a resolution: the packages that it chose, or which of them need a newer Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional

from .. import requirements
from ..requirements import Source
from .lock_files import version

_NEEDS_PYTHON = re.compile(r"(\S+) (?:depends? on|requires?) Python ?>=?(3\.\d+)")


class Entry(NamedTuple):
    """A package in what uv printed: its lines, and where it is from if not from an index."""

    text: str
    source: Optional[Source]
    found_in: str  # the index that has it


def parted(body: str) -> Iterator[Entry]:
    r"""Part what uv printed into its packages, without the indexes that it found them in.

    >>> [entry.text for entry in parted("a==1 \\\n    --hash=sha256:0\n    # via b\n    # from http://h\n-e ./b\n")]
    ['a==1 \\\n    --hash=sha256:0\n    # via b\n', '-e ./b\n']
    """
    for block in re.split(r"(?m)^(?=[^\s#])", body):
        text = re.sub(r"(?m)^    # from .*\n", "", block)
        index = re.search(r"(?m)^    # from (.*)$", block)
        line = next(requirements.lines(text, Path(), {}), None)
        if line:
            source = requirements.source(line)
            if source is None and not line.option and "--hash=" not in text:  # uv may leave a path without its ./
                source = requirements.source(line._replace(text=f"./{line.text}"))
            yield Entry(text, source, index[1] if index else "")


def needs_newer_python(output: str, oldest: str) -> Dict[str, str]:
    """Read from what uv printed which packages need a newer Python than the oldest, and which.

    >>> needs_newer_python("Because\\n a==1 depends on\\n Python>=3.10 and b depends on Python>=3.8", "3.8")
    {'a==1': '3.10'}
    """
    found = _NEEDS_PYTHON.findall(" ".join(output.split()))
    return {name: least for name, least in found if version(least) > version(oldest)}
