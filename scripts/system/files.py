"""Write files whole or not at all, read records that anybody may have damaged, and sweep up after the dead.

`x.json.scratch-HOST-PID-TOKEN` lies beside `x.json` until it is whole. The name says who writes it, so that a
sweep removes what is dead and leaves alone what another process, perhaps of another container, is writing: containers
may have the same name and the same pids, and go by age only.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import re
import shutil
import stat
import sys
import time
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple, Union

from ..console import human_bytes, printable
from ..errors import PipelineError
from .identity import where

HOST = re.sub(r"[^A-Za-z0-9]", "_", os.uname().nodename)[:24] or "_"
NAME_BYTES = 255  # the longest name that file systems take
SCRATCH_STALE_S = 24 * 3600  # nobody pauses that long while writing: also removes what another machine left here
PART_STALE_S = 7 * 24 * 3600  # whoever comes back after a week may start over
RECORD_BYTES = 100_000_000  # the receipt of 27,000 tests has 9 MB; 100 MB of brackets took a minute to parse
DIGITS = 400  # a double has 309 before its point; to read many more takes time that grows with their square
CHUNK_BYTES = 1 << 20
SHOWN_CHARACTERS = 40

_PART = re.compile(r"[0-9a-f]{64}(-\d+)?\.part(\.json)?")  # see models/partial.py
_SCRATCH = re.compile(r".+\.scratch-(?P<host>\w+)-(?P<pid>\d+)-[0-9a-f]{8}", re.ASCII | re.DOTALL)


class NewerSchema(PipelineError):
    """A newer version of this program wrote the file."""


def expand_user(path: Union[str, Path]) -> Path:
    """Fill in the home folder for ~; it stays where the user has none. pathlib's raises then, by Python's version."""
    return Path(os.path.expanduser(path))  # noqa: PTH111


def size_below(folder: Path) -> int:
    """Count the bytes of the files below a folder, as an archive of it holds them: links as such."""
    total = 0
    for parent, _, names in os.walk(str(folder)):
        for name in names:
            with suppress(OSError):  # it was temporary, and is gone
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


# Writing ------------------------------------------------------------------------------------------


def write_text(file: Path, text: str, hint: str = "Is there space left, and the right to write there?") -> None:
    """Write a file whole, in UTF-8.

    Raises:
        PipelineError: the folder or file cannot be written; with `hint`.
    """
    try:
        write_bytes(file, text.encode("utf-8"))
    except OSError as error:
        raise PipelineError(f"cannot write {printable(str(file))}: {error.strerror or error}", hint) from error


def write_bytes(file: Path, content: bytes) -> None:
    """Write a file whole.

    Raises:
        OSError: the folder or file cannot be written.
    """
    with replacing(file) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Give a name to write a file under, which becomes `file` at the end of the block: no reader sees half of it.

    Nothing of it stays where the block is left by an error.

    Raises:
        OSError: the folder or file cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with scratch(file) as temporary:
        yield temporary
        temporary.replace(file)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write a file or a folder to. Whatever has that name at the end is removed."""
    temporary = path.with_name(scratch_name(path.name, os.getpid()))
    try:
        yield temporary
    finally:
        remove(temporary)


def scratch_name(name: str, pid: int) -> str:
    """Make a new temporary name for what will be called `name`, written by process `pid` of this machine."""
    ending = f".scratch-{machine()}-{pid}-{os.urandom(4).hex()}"
    while len(os.fsencode(name)) > NAME_BYTES - len(ending):
        name = name[:-1]
    return name + ending


@lru_cache(maxsize=None)
def machine() -> str:
    """Name the machine, or container, whose pids we see, as scratch names do.

    Linux without /proc does not tell containers apart: then it is a name of this process alone.
    """
    told = where() or (os.urandom(8).hex() if sys.platform == "linux" else "")
    return f"{HOST}_{hashlib.sha256(told.encode()).hexdigest()[:8]}"


# Reading ------------------------------------------------------------------------------------------


@contextmanager
def ignored_by_git(folders: Sequence[Path]) -> Iterator[None]:
    """Let git pass over those of the folders that the block makes; one that was there may hold a person's own files."""
    missing = [folder for folder in folders if not folder.exists()]
    try:
        yield
    finally:
        for folder in missing:
            with suppress(OSError), (folder / ".gitignore").open("x", encoding="ascii") as file:
                file.write("# made by runs\n*\n")


def read_json(
    file: Path, schema: int, hint: str, limit_bytes: int = RECORD_BYTES, command: Sequence[str] = ()
) -> Dict[str, Any]:
    """Read the object in a JSON file of a known schema, whatever lies in its place.

    Raises:
        PipelineError: no file, no JSON, or another schema; with `hint` (whose {command} is `command`), unless a newer
            program wrote it.
    """
    name = printable(str(file))
    try:
        data = parse_json(read_bytes(file, limit_bytes))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise PipelineError(f"cannot read {name}: {why}", hint, command) from error
    got = data.get("schema") if isinstance(data, dict) else None
    number = got if isinstance(got, int) and not isinstance(got, bool) else -1
    if number == schema:
        return dict(data)
    message = f"{name}: expected schema {schema}, got {_shown(got)}"
    if number > schema:
        raise NewerSchema(message, "A newer version of this program wrote it: update, or delete the file.")
    raise PipelineError(message, hint, command)


def end_of(file: Path, most_bytes: int, start_byte: int = 0) -> bytes:
    """Read the last bytes of a file, from `start_byte` on at the earliest.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as content:
        content.seek(max(start_byte, content.seek(0, os.SEEK_END) - most_bytes))
        return content.read()


def read_bytes(file: Path, limit_bytes: int = RECORD_BYTES) -> bytes:
    """Read a regular file whole; never wait for the writer of a pipe, never read a device or more than the limit.

    Raises:
        OSError: there is none, it is something else or too large; `strerror` says it in a few words.
    """
    with open_regular(file) as opened:
        status = os.fstat(opened.fileno())
        content: List[bytes] = []
        size_bytes = 0
        while size_bytes <= limit_bytes >= status.st_size:
            chunk = os.read(opened.fileno(), CHUNK_BYTES)
            if not chunk:
                return b"".join(content)
            content.append(chunk)
            size_bytes += len(chunk)
    raise OSError(errno.EFBIG, f"expected at most {human_bytes(limit_bytes)}, got more", str(file))


def text_of(file: Path, limit_bytes: int = RECORD_BYTES) -> str:
    """Read a text; empty where there is no file, or none that can be read."""
    with suppress(OSError, ValueError):  # no path has a NUL
        return read_bytes(file, limit_bytes).decode("utf-8", "replace")
    return ""


def open_regular(file: Path) -> io.FileIO:
    """Open a regular file to read, without waiting for the writer of a pipe that somebody put there.

    Raises:
        OSError: there is none, or it is something else; `strerror` says it in a few words.
    """
    handle = os.open(str(file), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    kind = _kind(os.fstat(handle).st_mode)
    if kind:
        os.close(handle)
        raise OSError(errno.EINVAL, f"expected a file, got {kind}", str(file))
    return io.FileIO(handle)


def parse_json(content: bytes) -> Any:
    """Read JSON as we write it: UTF-8, finite numbers of a bearable length, every key of an object once.

    Raises:
        ValueError: it is something else; says so in one line.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except RecursionError:
        raise ValueError("too many brackets inside each other") from None


def _object(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    """Refuse an object of which a reader would choose one of two values."""
    data: Dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"the key {_shown(key)} stands there twice")
        data[key] = value
    return data


def _refuse_constant(word: str) -> float:
    raise ValueError(f"expected a number, got {word}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"expected a number, got {digits[:SHOWN_CHARACTERS]}, which is infinite")
    return number


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"expected a number, got one of {len(digits)} digits")
    return int(digits)


def _shown(value: Any) -> str:
    """Show a value in a few characters, of whatever size and depth it is."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value[: SHOWN_CHARACTERS + 1] if isinstance(value, str) else value)
    return text if len(text) <= SHOWN_CHARACTERS + 2 else f"{text[:SHOWN_CHARACTERS]}..."


def _kind(mode: int) -> str:
    """Say what is no regular file; empty for one."""
    kinds = ((stat.S_ISREG, ""), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for is_kind, name in kinds if is_kind(mode)), "a device")


# Sweeping -----------------------------------------------------------------------------------------


def sweep(folder: Path) -> None:
    """Remove what killed processes left in `folder` and nobody will come back for."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            with suppress(OSError):  # another process sweeps too
                age_s = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if is_leftover(entry.name, age_s, _is_alive):
                    remove(Path(entry.path))


def is_leftover(name: str, age_s: float, is_alive: Callable[[int], bool]) -> bool:
    """Tell whether a file is ours and nobody will use it any more.

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
    return age_s > SCRATCH_STALE_S or (match["host"] == machine() and not is_alive(int(match["pid"])))


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
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
