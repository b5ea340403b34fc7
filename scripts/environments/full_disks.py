"""Which disk was full while packages were installed: that of the environments, of the installer's cache, or another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Callable, Mapping, Optional

from ..console import human_bytes
from ..errors import InstallError
from ..system import machine

FULL = re.compile(r"No space left on device|\bos error 28\b|\[Errno 28\]")
OVER_QUOTA = re.compile(r"Disk quota exceeded|\bos error 122\b|\[Errno 122\]")


def error(
    title: str, output: str, places: Mapping[str, Path], free_bytes: Callable[[Path], int] = machine.free_bytes
) -> Optional[InstallError]:
    """Say which disk was full, by what an installer printed; None where none was.

    Args:
        title: what was being done.
        places: the folders that it writes to, by the variable that names another one; "" where none does.

    >>> print(error("installing", "failed to copy to /a/b: No space left on device", {"": Path("/a")}, lambda _: 7))
    installing failed: the disk of /a is full (7 bytes free, too little)
    hint: Free some space there, and run the command again. What came by half is not kept.
    """
    complaints = [line for line in output.splitlines() if FULL.search(line) or OVER_QUOTA.search(line)]
    if not complaints:
        return None
    line = complaints[-1]
    named = [variable for variable in places if _named(places[variable], line) >= 0]
    if named:  # "cannot copy from CACHE to ENVIRONMENT": the last one, of folders in each other the inner one
        variable = max(named, key=lambda variable: (_named(places[variable], line), len(str(places[variable]))))
    else:
        variable = min(places, key=lambda variable: free_bytes(places[variable]))
    place = places[variable]
    how = f"full ({human_bytes(free_bytes(place))} free, too little)" if FULL.search(line) else "over its quota"
    elsewhere = f" there, or name a folder on another disk in {variable}" if variable else " there"
    hint = f"Free some space{elsewhere}, and run the command again. What came by half is not kept."
    return InstallError(f"{title} failed: the disk of {place} is {how}", hint)


def _named(folder: Path, line: str) -> int:
    """Find where a line names a folder, or what lies in it, as uv does from the folder that it runs in."""
    paths = [folder, folder.relative_to(Path.cwd())] if Path.cwd() in folder.parents else [folder]
    return max(line.rfind(str(path)) for path in paths)
