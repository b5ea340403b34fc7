"""Which disk failed while packages were installed: that of the environments, of the installer's cache, or another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Pattern

from ..console import human_bytes
from ..errors import InstallError
from ..system import machine

FREE = "{free} free, too little"


class Kind(NamedTuple):
    """A way in which disks fail: how installers word it, how we do, and what helps."""

    signs: Pattern[str]
    how: str
    first: str  # what helps, before "or name a folder on another disk in VARIABLE"


KINDS = (
    Kind(
        re.compile(r"No space left on device|\bos error 28\b|\[Errno 28\]"),
        f"is full ({FREE})",
        "Free some space there",
    ),
    Kind(
        re.compile(r"Disk quota exceeded|\bos error 122\b|\[Errno 122\]"), "is over its quota", "Free some space there"
    ),
    Kind(
        re.compile(r"\bos error 30\b|\[Errno 30\]"), "is read-only", "Make it writable, put the project on another disk"
    ),
    Kind(
        re.compile(r"failed to symlink|Operation not permitted|\bos error (1|38|95)\b|\[Errno (1|38|95)\]"),
        "has no symbolic links or file modes, which environments need",
        "Put the project on another disk",
    ),
)


def error(
    title: str, output: str, places: Mapping[str, Path], free_bytes: Callable[[Path], int] = machine.free_bytes
) -> Optional[InstallError]:
    """Say which disk failed and how, by what an installer printed; None where none did.

    Args:
        title: what was being done.
        places: the folders that it writes to, by the variable that names another one; "" where none does.

    >>> print(error("installing", "failed to copy to /a/b: No space left on device", {"": Path("/a")}, lambda _: 7))
    installing failed: the disk of /a is full (7 bytes free, too little)
    hint: Free some space there, and run the command again. What came by half is not kept.
    """
    found = [(kind, line) for line in output.splitlines() for kind in KINDS if kind.signs.search(line)]
    if not found:
        return None
    kind, line = found[-1]
    named = [variable for variable in places if _named(places[variable], line) >= 0]
    if named:  # "cannot copy from CACHE to ENVIRONMENT": the last one, of folders in each other the inner one
        variable = max(named, key=lambda variable: (_named(places[variable], line), len(str(places[variable]))))
    else:
        variable = min(places, key=lambda variable: free_bytes(places[variable]))
    place = places[variable]
    elsewhere = f", or name a folder on another disk in {variable}" if variable else ""
    hint = f"{kind.first}{elsewhere}, and run the command again. What came by half is not kept."
    how = kind.how.format(free=human_bytes(free_bytes(place)))
    return InstallError(f"{title} failed: the disk of {place} {how}", hint)


def _named(folder: Path, line: str) -> int:
    """Find where a line names a folder, or what lies in it, as uv does from the folder that it runs in."""
    paths = [folder, folder.relative_to(Path.cwd())] if Path.cwd() in folder.parents else [folder]
    return max(line.rfind(str(path)) for path in paths)
