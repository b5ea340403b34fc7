"""Files that are still being written: their names, and which of them a killed process left behind.

`x.bin.part-HOST-PID-TOKEN` lies beside `x.bin` until it is whole. The name says who writes it, so
that the next fetch removes what is dead and leaves alone what another process is writing.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Iterator

HOST = re.sub(r"[^A-Za-z0-9]", "_", platform.node())[:32] or "_"
STALE_S = 24 * 3600  # nobody pauses that long while writing: also removes what another machine left here

_NAME = re.compile(r".+\.part-(?P<host>\w+)-(?P<pid>\d+)-[0-9a-f]{8}", re.ASCII)


def part_name(name: str, pid: int) -> str:
    """A new temporary name for what will be called `name`, written by process `pid` of this machine."""
    return f"{name}.part-{HOST}-{pid}-{secrets.token_hex(4)}"


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` to write a file or a folder to. Whatever has that name at the end is removed."""
    part = path.with_name(part_name(path.name, os.getpid()))
    try:
        yield part
    finally:
        _remove(part)


def sweep(folder: Path) -> None:
    """Remove what killed processes left in `folder`."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            with suppress(OSError):  # another process sweeps too
                age_s = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if is_leftover(entry.name, age_s, _is_alive):
                    _remove(Path(entry.path))


def is_leftover(name: str, age_s: float, is_alive: Callable[[int], bool]) -> bool:
    """Whether a file is ours and nobody writes it any more.

    >>> [is_leftover(name, 5, lambda pid: False) for name in ("x.bin", "x.bin.part-2", part_name("x.bin", 7))]
    [False, False, True]
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return False
    return age_s > STALE_S or (match["host"] == HOST and not is_alive(int(match["pid"])))


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # there, os.kill(pid, 0) ends the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
