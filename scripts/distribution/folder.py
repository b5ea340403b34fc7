"""A folder that all shards see, as a store: of this machine, or of a network disk."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Dict, Mapping, Optional

from ..system import modes
from .store import Store, StoreError, Unreached

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR)
_WORD = "word"  # the file of a claim that is a folder
# A network disk's: its server starts anew, a file was replaced while we read it, what it remembers is old.
_PASSING = (errno.ESTALE, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EBUSY)
_ADVICE = {
    errno.ENOSPC: "Make room there, or name another folder.",
    errno.EDQUOT: "Make room there, or name another folder.",
    errno.EROFS: "It can be read only: name another folder, or mount it to write.",
    errno.EACCES: "May this user write there? A group's folder needs `chmod g+ws`.",
    errno.EPERM: "May this user write there? A group's folder needs `chmod g+ws`.",
}


class FolderStore(Store):
    """Keys are files. One is claimed by a hard link to it, which only the first can make, and which brings its content.

    Where the disk knows no links (FAT, some network disks), a claim is a folder with a file in it, made elsewhere and
    renamed to its place: that fails for the second, too, since the first's is not empty.
    """

    def __init__(self, folder: Path, place: str = "") -> None:
        super().__init__()
        self.where, self._folder = str(folder), folder / place

    def _claim(self, key: str, value: str) -> str:
        file = self._folder / key
        own = self._written(file, value)
        try:
            if not _linked(own, file):
                _renamed(own, file)
            return _read(file)
        except FileNotFoundError as error:  # a network disk that has not seen it yet, or somebody removes it
            raise Unreached(f"{file}: cannot be made") from error
        except OSError as error:
            raise _explained(error, file) from error
        finally:
            with suppress(OSError):
                own.unlink()

    def _put(self, key: str, value: str) -> None:
        file = self._folder / key
        own = self._written(file, value)
        try:
            os.replace(own, file)
        except OSError as error:
            with suppress(OSError):
                own.unlink()
            raise _explained(error, file) from error

    def _written(self, file: Path, value: str) -> Path:
        """Write a value beside its file, under a name that is no key."""
        own = file.with_name(f".{uuid.uuid4().hex}")
        try:
            modes.make_folder(file.parent)
            with own.open("xb") as writer:
                modes.share_open(writer.fileno(), own.parent)
                writer.write(value.encode())
        except OSError as error:
            with suppress(OSError):
                own.unlink()
            raise _explained(error, own.parent) from error
        return own

    def _get(self, key: str) -> Optional[str]:
        try:
            return _read(self._folder / key)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _explained(error, self._folder / key) from error

    def _look(self, folder: str, known: Mapping[str, str]) -> Dict[str, str]:
        there = self._folder / folder
        try:
            names = [name for name in os.listdir(there) if not name.startswith(".")]  # noqa: PTH208
            return {name: known[name] if name in known else _read(there / name) for name in names}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _explained(error, there) from error


def _linked(own: Path, file: Path) -> bool:
    """Give a file its name, unless something has it; False where the disk knows no links."""
    try:
        os.link(own, file)
    except FileExistsError:  # also of the second try, where a network disk's first answer was lost
        return True
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True


def _renamed(own: Path, file: Path) -> None:
    """Give a folder with a file in it its name, unless something has it."""
    around = own.with_name(f"{own.name}.claim")
    around.mkdir()
    modes.share(around)
    inside = around / _WORD
    os.replace(own, inside)
    try:
        os.rename(around, file)  # noqa: PTH104
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
    finally:
        with suppress(OSError):
            inside.unlink()
        with suppress(OSError):
            around.rmdir()


def _read(file: Path) -> str:
    try:
        content = file.read_bytes()
    except IsADirectoryError:
        content = (file / _WORD).read_bytes()
    return content.decode("utf-8", "replace")


def _explained(error: OSError, at: Path) -> StoreError:
    kind = Unreached if error.errno in _PASSING else StoreError
    return kind(f"{error.filename or at}: {error.strerror}", _ADVICE.get(error.errno or 0, ""))
