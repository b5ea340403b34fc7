"""Read of a debug bundle, or of the folder of a run, what is needed to run a shard again.

A bundle comes from anybody. It is read as a stream and in memory: nothing is unpacked, no link in it is followed, and
time and size have limits. Whatever it is read from, a file has the name that it has in a bundle.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import tarfile
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Callable, Container, Dict, Iterator, List, Mapping, Set, Tuple

from ..errors import SettingsError
from ..proof import receipt
from ..system import files

Contents = Mapping[str, bytes]  # by name in a bundle: reports/shard-2/receipt.json

MOST_BYTES = 250_000_000  # of a bundle, unpacked: it has 50 MB when we make it
MOST_FILE_BYTES = receipt.MOST_BYTES
MOST_KEPT_BYTES = 200_000_000
MOST_MEMBERS = 200_000
MOST_S = 60.0
CHUNK_BYTES = 1 << 20

_OF_A_SHARD = r"(?:receipt|selection|ending)\.json|journal\.jsonl"
_WANTED = re.compile(
    rf"reports/shard-(?:0|[1-9]\d{{0,5}})/(?:{_OF_A_SHARD})|reports/(?:plan|merge)\.json"
    r"|(?:settings|machine|commit|weights|ci)\.json|gpu\.txt|packages/[\w.-]{1,80}\.txt"
)
_SHARD = re.compile(r"reports/shard-(\d+)/")
_HINT = "Name a debug-bundle.tar.gz, the folder that it was unpacked to, a reports folder, or that of a shard."


def read(place: Path) -> Contents:
    """Read a bundle, packed or unpacked, a reports folder, or the folder of a shard.

    Raises:
        SettingsError: it is none of these, or cannot be read; it says why.
    """
    try:
        mode = place.stat().st_mode
        found = dict(_in_folder(place) if stat.S_ISDIR(mode) else _in_archive(place))
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, tarfile.TarError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise SettingsError(f"{place}: it cannot be read as a debug bundle: {why}", _HINT) from error
    if not shards(found) and "reports/plan.json" not in found:
        raise SettingsError(f"{place}: no shard has left anything in it", _HINT)
    return found


def shards(contents: Contents) -> List[int]:
    """List the indices of the shards that left something."""
    matches = (_SHARD.match(name) for name in contents)
    return sorted({int(match[1]) for match in matches if match})


def _is_needed(name: str, kept: Container[str]) -> bool:
    """Tell whether a file says anything new: beside a shard's result, its long journal does not."""
    folder, _, last = name.rpartition("/")
    return name not in kept and not (last == "journal.jsonl" and f"{folder}/{receipt.FILE_NAME}" in kept)


# Folders ------------------------------------------------------------------------------------------------


def _in_folder(top: Path) -> Iterator[Tuple[str, bytes]]:
    """Find what is wanted below a folder, whichever of the three it is."""
    kept: Set[str] = set()
    for name, path in _named(top):
        if not path.is_symlink() and _is_needed(name, kept):
            with suppress(OSError):  # what cannot be read is not there; who needs it says so
                content = files.read_bytes(path, MOST_FILE_BYTES)
                kept.add(name)
                yield name, content


def _named(top: Path) -> Iterator[Tuple[str, Path]]:
    if (top / "reports").is_dir():  # an unpacked bundle, or a project
        top_names = ["settings.json", "machine.json", "commit.json", "weights.json", "ci.json", "gpu.txt"]
        yield from ((name, top / name) for name in top_names)
        yield from ((f"packages/{path.name}", path) for path in sorted(top.glob("packages/*.txt")))
        yield from _of_reports(top / "reports")
    elif re.fullmatch(r"shard-\d{1,6}", top.resolve().name):
        top = top.resolve()
        yield from _of_shard(top)
        yield "reports/plan.json", top.parent / "plan.json"
    else:
        yield from _of_reports(top)


def _of_reports(reports: Path) -> Iterator[Tuple[str, Path]]:
    yield from ((f"reports/{name}", reports / name) for name in ("plan.json", "merge.json"))
    for folder in sorted(reports.glob("shard-*")):
        if folder.is_dir() and not folder.is_symlink():
            yield from _of_shard(folder)


def _of_shard(folder: Path) -> Iterator[Tuple[str, Path]]:
    names = ("receipt.json", "selection.json", "ending.json", "journal.jsonl")
    named = ((f"reports/{folder.name}/{name}", folder / name) for name in names)
    return ((name, path) for name, path in named if _WANTED.fullmatch(name))


# Archives -----------------------------------------------------------------------------------------------


class _Limited(io.RawIOBase):
    """The unpacked bytes of a file, as long as they are not too many, nor take too long."""

    def __init__(self, source: gzip.GzipFile, clock: Callable[[], float]) -> None:
        self._source, self._clock = source, clock
        self._until, self._left_bytes = clock() + MOST_S, MOST_BYTES

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or less at the end."""
        if size < 0 or size > self._left_bytes:
            raise ValueError(f"it has more than {MOST_BYTES} bytes when it is unpacked")
        parts = []
        while size:
            if self._clock() > self._until:
                raise ValueError(f"it cannot be unpacked in {MOST_S:.0f} s")
            part = self._source.read(min(size, CHUNK_BYTES))
            if not part:
                break
            parts.append(part)
            size -= len(part)
        content = b"".join(parts)
        self._left_bytes -= len(content)
        return content


def _in_archive(file: Path, clock: Callable[[], float] = time.monotonic) -> Iterator[Tuple[str, bytes]]:
    """Find what is wanted in a tar.gz: plain files, each by the first of its name, below one folder or none."""
    kept: Dict[str, int] = {}
    with files.open_regular(file) as opened, gzip.GzipFile(fileobj=opened, mode="rb") as unpacked:
        stream = _Limited(unpacked, clock)
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as archive:
            for count, member in enumerate(archive):
                archive.members = []  # type: ignore[attr-defined]  # it remembers each
                if count >= MOST_MEMBERS:
                    raise ValueError(f"it has more than {MOST_MEMBERS} files")
                name = _name_of(member)
                if not name or not _is_needed(name, kept):
                    continue
                kept[name] = member.size
                if member.size > MOST_FILE_BYTES or sum(kept.values()) > MOST_KEPT_BYTES:
                    raise ValueError(f"{name} has {member.size} bytes")
                content = archive.extractfile(member)
                yield name, content.read() if content else b""


def _name_of(member: tarfile.TarInfo) -> str:
    """Give the name of a plain file that is wanted; empty for what is not."""
    if not member.isreg() or member.issparse():
        return ""
    name = member.name[2:] if member.name.startswith("./") else member.name
    names = [name, name.partition("/")[2]]
    return next((each for each in names if _WANTED.fullmatch(each)), "")
