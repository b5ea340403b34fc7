"""Where a tool keeps what all projects of a user share: in their cache folder, or beside the project where that fails.

In a container, a user may have no name and no home (`docker run -u`, OpenShift, Jenkins), or one that cannot be
written, is full, or belongs to somebody else.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping, Optional

from ..console import printable, say
from . import files, locks

_CHOOSING = threading.Lock()  # several threads fetch, and one tells
PROBE = b"\0" * 4096  # a quota may grant an empty file


def folder(tool: str, variable: str, environ: Mapping[str, str], state: Path) -> Path:
    """Choose the cache folder of a tool; say so, once, where it is not the one that it would have.

    Args:
        tool: as its folder is called.
        variable: names the folder, where a person sets it.
        state: the project's state folder.
    """
    with _CHOOSING:
        wanted = of_user(tool, variable, environ)
        refusal = _refusal(wanted)
        return _beside(state, tool, refusal) if refusal or wanted is None else wanted


def for_uv(environ: Mapping[str, str], state: Path) -> Optional[Dict[str, str]]:
    """Give the variables by which uv finds a cache that works: it fails where pip goes on without.

    Returns:
        no variables where its own works, None where none does.
    """
    refusal = "" if environ.get("UV_NO_CACHE") else _refusal(of_user("uv", "UV_CACHE_DIR", environ), with_locks=True)
    if not refusal:
        return {}
    if _refusal(state / "cache" / "uv", with_locks=True):
        _tell(f"packages are installed by pip: uv needs a cache, and {refusal}")
        return None
    return {"UV_CACHE_DIR": str(_beside(state, "uv", refusal))}


def of_user(tool: str, variable: str, environ: Mapping[str, str]) -> Optional[Path]:
    """Name the cache folder that a tool has by itself; None where the user has no home.

    >>> str(of_user("uv", "UV_CACHE_DIR", {"XDG_CACHE_HOME": "/home/me/.cache"}))
    '/home/me/.cache/uv'
    """
    if environ.get(variable):
        return Path(environ[variable]).absolute()
    if Path(environ.get("XDG_CACHE_HOME", "")).is_absolute():
        return Path(environ["XDG_CACHE_HOME"], tool)
    user = home()
    return user / ".cache" / tool if user else None


def home() -> Optional[Path]:
    """Find the user's home folder; None where HOME is not set and their uid has no name."""
    place = files.expand_user("~")
    return place if place.is_absolute() else None


def _beside(state: Path, tool: str, why: str) -> Path:
    _tell(f"caches: {state.name}/cache, since {why}")
    return state / "cache" / tool


@lru_cache(maxsize=None)
def _tell(text: str) -> None:
    """Say it, once in a process."""
    say(text)


@lru_cache(maxsize=None)
def _refusal(folder: Optional[Path], with_locks: bool = False) -> str:
    """Say why a folder can hold no cache, by trying it; empty where it can."""
    if folder is None:
        return "the user has no home"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with files.scratch(folder / "probe") as probe:
            probe.write_bytes(PROBE)
            if with_locks:
                locks.acquire(probe, create=False).close()
        anothers = _anothers(folder)
    except locks.NoLocks as error:
        return f"the disk of {printable(str(folder))} has no locks ({error.strerror})"
    except OSError as error:
        missing = (above for above in reversed((folder, *folder.parents)) if not os.access(str(above), os.X_OK))
        whole_disk = not isinstance(error, PermissionError)
        place = next(missing, folder.parent if whole_disk else folder)  # the same for all caches there
        return f"{printable(str(place))} cannot be written ({error.strerror})"
    return f"{printable(str(anothers))} is another user's" if anothers else ""


def _anothers(folder: Path) -> Optional[Path]:
    """Find a folder or lock in a cache that cannot be written: once used by `sudo`, a cache is root's in part."""
    entries = (Path(entry.path) for entry in os.scandir(folder) if entry.is_dir() or entry.name == ".lock")
    return next((path for path in entries if not os.access(path, os.W_OK)), None)
