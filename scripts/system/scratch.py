"""Scratch: what one process writes for itself alone, and what the dead ones left behind.

`x.json.scratch-HOST-PID-TOKEN` lies beside `x.json` until it is whole. The name says who writes it, so
that the next fetch removes what is dead and leaves alone what another process is writing.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator

HOST = re.sub(r"[^A-Za-z0-9]", "_", os.uname().nodename)[:32] or "_"
SCRATCH_STALE_S = 24 * 3600  # nobody pauses that long while writing: also removes what another machine left here
PART_STALE_S = 7 * 24 * 3600  # whoever comes back after a week may start over

_PART = re.compile(r"[0-9a-f]{64}\.part(\.json)?")  # see parts.py
_SCRATCH = re.compile(r".+\.scratch-(?P<host>\w+)-(?P<pid>\d+)-[0-9a-f]{8}", re.ASCII)


def scratch_name(name: str, pid: int) -> str:
    """A new temporary name for what will be called `name`, written by process `pid` of this machine."""
    return f"{name}.scratch-{HOST}-{pid}-{os.urandom(4).hex()}"


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """A name beside `path` to write a file or a folder to. Whatever has that name at the end is removed."""
    temporary = path.with_name(scratch_name(path.name, os.getpid()))
    try:
        yield temporary
    finally:
        remove(temporary)


def sweep(folder: Path) -> None:
    """Remove what killed processes left in `folder` and nobody will come back for."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            with suppress(OSError):  # another process sweeps too
                age_s = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if is_leftover(entry.name, age_s, _is_alive):
                    remove(Path(entry.path))


def is_leftover(name: str, age_s: float, is_alive: Callable[[int], bool]) -> bool:
    """Whether a file is ours and nobody will use it any more.

    >>> [is_leftover(name, 5, lambda pid: False) for name in ("x.bin", "x.bin.scratch-2", scratch_name("x.bin", 7))]
    [False, False, True]
    >>> [is_leftover("a" * 64 + ".part", days * 86400, lambda pid: False) for days in (1, 8)]
    [False, True]
    """
    if _PART.fullmatch(name):
        return age_s > PART_STALE_S
    match = _SCRATCH.fullmatch(name)
    if match is None:
        return False
    return age_s > SCRATCH_STALE_S or (match["host"] == HOST and not is_alive(int(match["pid"])))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def remove(path: Path) -> None:
    """Remove a file, or a folder and all below it, if that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
