"""Files that are still coming: `DIGEST.part` holds the first bytes of the file with that sha256.

It lies in the folder of its file, so that the next run goes on where this one was ended, and only
who holds its lock writes to it. `DIGEST.part.json` beside it says where it came from, and which machine
writes it: some disks have locks that other machines do not see, so nobody writes to a file that another
machine may still have open. Who must not write to the part of another user has `DIGEST-UID.part`.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import stat
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Tuple

from ..console import Advance
from ..errors import PipelineError
from ..system import files, locks, modes
from ..system.files import remove, scratch, scratch_name
from ..system.identity import where
from .verified import CHUNK_BYTES, HEAD_BYTES, Content

SCHEMA = 1
PART = ".part"
QUIET_S = 600.0  # whoever writes to a part pauses less, also where a server asks for it
UNSYNCED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of fsync, where a disk has none


class Origin(NamedTuple):
    """Where the first bytes of a part came from: a source, and what tells its versions apart (ETag or date)."""

    source: str = ""
    validator: str = ""


class PartialFile:
    """The bytes of a file that have come so far, and their digest. `open_part` makes it."""

    def __init__(self, file: io.FileIO, path: Path, advance: Advance) -> None:
        self._file, self._path, self._advance = file, path, advance
        self._resumable = os.fstat(file.fileno()).st_size > 0
        self._is_read = self._is_published = False
        self.origin = _origin(path)  # where the bytes came from, as far as it is known
        self._begin()

    def _begin(self) -> None:
        self.size_bytes, self._head, self._digest = 0, b"", hashlib.sha256()

    def resume(self) -> None:
        """Take the bytes of an earlier run for the beginning: they are hashed as if they came now."""
        if not self._is_read:
            self._is_read = True
            self._file.seek(0)
            for chunk in iter(partial(self._file.read, CHUNK_BYTES), b""):
                self._take(chunk)
                self._advance(len(chunk))

    def restart(self) -> None:
        """Forget all that came."""
        self._advance(-self.size_bytes)
        self._is_read, self._resumable = True, False
        self._file.seek(0)
        self._file.truncate()
        self._from(Origin())
        self._begin()

    def came_from(self, origin: Origin) -> None:
        """Keep what comes from now on for the next run, and remember from where it came."""
        self._resumable = True
        self._from(origin)

    def _from(self, origin: Origin) -> None:
        self.origin = origin
        _note(self._path, origin)

    def write(self, chunk: bytes) -> None:
        """Append to what is there; the digest is taken in the same pass.

        Raises:
            OSError: the disk is full, say.
        """
        _write_all(self._file, chunk)
        self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._digest.update(chunk)
        self.size_bytes += len(chunk)

    def content(self) -> Content:
        """Describe what has come."""
        return Content(self.size_bytes, self._digest.hexdigest(), self._head)

    def publish(self, path: Path) -> os.stat_result:
        """Give the file its name, when it lies on the disk itself; returns its status."""
        _sync(self._file.fileno())
        if _is_at(self._file, self._path):
            self._path.replace(path)
            self._is_published = True
            status = os.fstat(self._file.fileno())  # a new name is a new ctime
        else:  # one of another machine has taken the name
            with scratch(path) as copy, copy.open("w+b", buffering=0) as file:
                _copy(self._file, file)
                modes.share_open(file.fileno(), path.parent)
                _sync(file.fileno())
                copy.replace(path)
                status = os.fstat(file.fileno())
        _sync_folder(path.parent)
        return status

    def close(self) -> None:
        """Keep what the next run can use; remove the rest."""
        if self._is_published:
            remove(_side_car(self._path))
        elif not _is_at(self._file, self._path):
            return  # what has the name is another's
        elif not self._resumable or os.fstat(self._file.fileno()).st_size == 0:
            remove(self._path)
            remove(_side_car(self._path))


@contextmanager
def open_part(folder: Path, sha256: str, waiting: Callable[[], None], advance: Advance) -> Iterator[PartialFile]:
    """Open the part of the file with that digest in `folder`, for us alone.

    Args:
        waiting: called now and then while another process (of another user or machine, say) writes to it.
        advance: hears of the bytes of earlier runs when they are taken, and of what is thrown away.
    """
    file, path = _open(folder, sha256, waiting)
    with file:
        part = PartialFile(file, path, advance)
        try:
            yield part
        finally:
            part.close()


def _open(folder: Path, sha256: str, waiting: Callable[[], None]) -> Tuple[io.FileIO, Path]:
    """Open the part that all who use the folder have together; where that cannot be, one of our own."""
    together = part_path(folder, sha256)
    try:
        return _locked(together, waiting), together
    except locks.NoLocks as error:  # no sharing either
        error.tell()
        cause: OSError = error
    except OSError as error:  # another user's, or no file at all
        cause = error
        own = own_path(folder, sha256)
        with suppress(OSError):
            file = _locked(own, waiting)
            return file, _taken_over(together, file, own, waiting)
    path = folder / scratch_name(sha256, os.getpid())
    try:
        return io.FileIO(str(path), "w+"), path
    except OSError:
        raise cause from None


def _locked(path: Path, waiting: Callable[[], None]) -> io.FileIO:
    """Open a part that nobody else writes to, of this machine by its lock, of others by what they have open."""
    is_new = _is_made(path)
    with locks.tidy(path):
        file = locks.acquire(path, waiting)
    if not _is_file(file):
        file.close()
        raise OSError(errno.EEXIST, "expected a file", str(path))
    if not is_new and _may_be_open_elsewhere(path, file):
        file = _replaced(path, file)
    modes.share_open(file.fileno(), path.parent)
    _note(path, _origin(path))
    return file


def _is_made(path: Path) -> bool:
    """Make a file; False where there is one, or the disk cannot tell."""
    try:
        os.close(os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError:
        return False
    return True


def _may_be_open_elsewhere(path: Path, file: io.FileIO) -> bool:
    """Tell whether a process of another machine may still write to a part."""
    if _data(path).get("where") == where():
        return False
    return abs(time.time() - os.fstat(file.fileno()).st_mtime) < QUIET_S


def _replaced(path: Path, left: io.FileIO) -> io.FileIO:
    """Put a copy in the place of a part, which nobody else has open."""
    own = path.with_name(scratch_name(path.name, os.getpid()))
    with left:
        file = locks.acquire(own)
        try:
            _copy(left, file)
            own.replace(path)
        except BaseException:
            file.close()
            remove(own)
            raise
    return file


def _copy(source: io.FileIO, target: io.FileIO) -> None:
    source.seek(0)
    for chunk in iter(partial(source.read, CHUNK_BYTES), b""):
        _write_all(target, chunk)
    target.seek(0)


def _is_at(file: io.FileIO, path: Path) -> bool:
    """Tell whether a name still means the file that we opened."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except OSError:
        return False


def _is_file(file: io.FileIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _taken_over(theirs: Path, file: io.FileIO, own: Path, waiting: Callable[[], None]) -> Path:
    """Go on where another user's part ends, once nobody writes to it; where it cannot be read, without it.

    Ours takes its place then, so that the next one finds all of it. Returns where ours lies.
    """
    place = own
    with suppress(OSError), locks.acquire(theirs, waiting, shared=True, create=False) as left:
        is_shorter = os.fstat(file.fileno()).st_size < os.fstat(left.fileno()).st_size
        if is_shorter:
            file.truncate(0)
            _copy(left, file)
        if _is_file(left) and _is_replaced(own, theirs):
            place = theirs
            if not is_shorter:  # else what it came from stands there already
                _side_car(own).replace(_side_car(theirs))
        elif is_shorter:
            files.write_bytes(_side_car(own), files.read_bytes(_side_car(theirs)))
    return place


def _is_replaced(own: Path, theirs: Path) -> bool:
    """Give our file the name of another's, where that is not their right alone, as in /tmp."""
    try:
        own.replace(theirs)
    except OSError:
        return False
    return True


def _write_all(file: io.FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def part_path(folder: Path, sha256: str) -> Path:
    """Name the place where the part of a file of `folder` lies."""
    return folder / f"{sha256}{PART}"


def own_path(folder: Path, sha256: str) -> Path:
    """Name the place of a part that only we use, where another user's part is in the way."""
    return folder / f"{sha256}-{os.geteuid()}{PART}"


def part_bytes(folder: Path, sha256: str) -> int:
    """Count the bytes of a file that have come in an earlier run, as far as we may read them."""
    return max(_readable_bytes(part_path(folder, sha256)), _readable_bytes(own_path(folder, sha256)))


def _readable_bytes(path: Path) -> int:
    try:
        return path.stat().st_size if os.access(str(path), os.R_OK) else 0
    except OSError:
        return 0


def _note(path: Path, origin: Origin) -> None:
    """Write beside a part where it came from, and that this machine writes it."""
    if path.suffix != PART:  # of this process alone
        return
    with suppress(OSError):
        data = {"schema": SCHEMA, **origin._asdict(), "where": where()}
        files.write_bytes(_side_car(path), json.dumps(data).encode())
        modes.share(_side_car(path))


def _origin(path: Path) -> Origin:
    data = _data(path)
    if "source" in data and "validator" in data:
        return Origin(str(data["source"]), str(data["validator"]))
    return Origin()


def _data(path: Path) -> Mapping[str, Any]:
    """Read what stands beside a part; nothing where that cannot be read."""
    try:
        return files.read_json(_side_car(path), SCHEMA, "")
    except PipelineError:
        return {}


def _side_car(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _sync(handle: int) -> None:
    """Bring a file or folder to the disk itself, where the disk knows what that is.

    Raises:
        OSError: the disk is full or broken.
    """
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise


def _sync_folder(path: Path) -> None:
    with suppress(OSError):  # some file systems cannot, and some folders may be written and not read
        handle = os.open(str(path), os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
