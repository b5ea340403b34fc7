"""Who may use a new file: in a folder that a group shares, the group, whatever mask its maker has."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def shared(mode: int, folder_mode: int, is_deliberate: bool = False) -> int:
    """Decide the mode of a new file or folder by that of the folder it lies in.

    A folder is a group's if the group may write to it, if what comes into it becomes the group's (setgid), or if
    somebody gave it to another group than their own (`is_deliberate`); it is everybody's if everybody may write to it.
    They may read what lies in it then, and change it, too, unless each shall change their own only (sticky, as /tmp).

    >>> [oct(shared(0o600, folder)) for folder in (0o755, 0o775, 0o2750, 0o2775, 0o1777)]
    ['0o600', '0o660', '0o640', '0o660', '0o644']
    >>> oct(shared(0o600, 0o750, is_deliberate=True))
    '0o640'
    """
    granted = 0
    if is_deliberate or folder_mode & (stat.S_ISGID | stat.S_IWGRP):
        granted |= folder_mode & stat.S_IRWXG
    if folder_mode & stat.S_IWOTH:
        granted |= folder_mode & stat.S_IRWXO
    if not stat.S_ISDIR(mode):
        granted &= ~(stat.S_IXGRP | stat.S_IXOTH)
    if folder_mode & stat.S_ISVTX:
        granted &= ~(stat.S_IWGRP | stat.S_IWOTH)
    return mode | granted


def share(made: Path) -> None:
    """Let those who share a folder use the file or folder that we have just made in it."""
    with suppress(OSError):
        handle = os.open(str(made), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            share_open(handle, made.parent)
        finally:
            os.close(handle)


def share_open(handle: int, folder: Path) -> None:
    """Let those who share `folder` use what we have just made in it and opened, as far as the disk knows of users."""
    with suppress(OSError):  # another user's; a disk without modes
        new, above = os.fstat(handle), folder.stat()
        is_deliberate = above.st_gid != os.getegid() and bool(above.st_mode & stat.S_IRGRP)
        mode = shared(new.st_mode, above.st_mode, is_deliberate)
        if mode == new.st_mode:
            return
        if new.st_gid != above.st_gid:
            os.fchown(handle, -1, above.st_gid)
        os.fchmod(handle, stat.S_IMODE(mode))


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each for those who share the one that it lies in.

    Raises:
        OSError: it cannot be made.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    share(folder)
