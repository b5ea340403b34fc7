"""Build wheel and source archive of a commit, twice: what is released is what anybody can make of it again."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Dict, List, Mapping

from packaging.metadata import Metadata

from scripts.errors import SettingsError
from scripts.system import programs
from scripts.system.programs import ProgramFailed

from . import decisions, repository

BUILDS_IN_S = 300.0
BACKEND = """
import os, sys
os.umask(int(sys.argv[2], 8))
from hatchling import build
build.build_sdist(sys.argv[1])
build.build_wheel(sys.argv[1])
"""
MASKS = ("022", "077")  # of the two builds: who builds must not matter


def build(python: Path, root: Path, folder: Path) -> List[Path]:
    """Build what is released, and compare it with what comes of the source archive, elsewhere and by another.

    Args:
        python: has the backend that pyproject.toml names.
        folder: an empty one, for all this.

    Returns:
        wheel and source archive.

    Raises:
        SettingsError: the two are not alike, or the wheel is not as it should be.
    """
    time_s = repository.committed_at_s(root)
    checkout, first, second = folder / "checkout", folder / "first", folder / "second"
    repository.export(root, checkout)
    made = _built(python, checkout, first, time_s, MASKS[0])
    (archive,) = first.glob("*.tar.gz")
    (wheel,) = first.glob("*.whl")
    (folder / "unpacked").mkdir()
    programs.output([sys.executable, "-m", "tarfile", "--extract", str(archive), str(folder / "unpacked")], BUILDS_IN_S)
    (unpacked,) = (folder / "unpacked").iterdir()
    again = _built(python, unpacked, second, time_s, MASKS[1])
    differ = decisions.differing(made.items(), again.items())
    if differ:
        hint = f"Compare {first} with {second}: what is in one alone is made by a build, or left out of the archive."
        raise SettingsError(f"a build of {archive.name} is not what the commit gives: {', '.join(differ)}", hint)
    _check(wheel, repository.tracked(root, "scripts"))
    return [wheel, archive]


def _built(python: Path, source: Path, to: Path, time_s: int, mask: str) -> Dict[str, str]:
    """Build into a new folder; the digests of what comes of it."""
    to.mkdir()
    environ = {**os.environ, "SOURCE_DATE_EPOCH": str(time_s)}
    try:
        words = [str(python), "-c", BACKEND, str(to), mask]
        programs.output(words, BUILDS_IN_S, cwd=source, environ=environ, merged=True)
    except ProgramFailed as failed:
        raise SettingsError(f"the package cannot be built: {failed}\n{failed.output.rstrip()}", "Mend that.") from None
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in to.iterdir()}


def _check(wheel: Path, tracked: List[str]) -> None:
    """Compare what is in a wheel with what is in the commit, and its metadata with what is allowed."""
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        wrong = decisions.misplaced(names, tracked) + faults(packed.read(metadata))
    if wrong:
        raise SettingsError(f"{wheel.name} is not as it should be:\n  " + "\n  ".join(wrong), "See pyproject.toml.")


def faults(metadata: bytes) -> List[str]:
    """Say what in the metadata of a package an index would refuse."""
    try:
        Metadata.from_email(metadata, validate=True)
    except Exception as error:  # a group of errors, one of packaging's own before Python 3.11
        return [str(each) for each in getattr(error, "exceptions", [error])]
    return []


def leave(files: List[Path], dist: Path) -> List[Path]:
    """Put what was built into the folder for it, in the place of what lies there of other versions."""
    dist.mkdir(exist_ok=True)
    for old in dist.glob("shardline-*"):
        old.unlink()
    return [Path(shutil.copy(str(file), str(dist))) for file in files]


def digests(files: List[Path]) -> Mapping[str, str]:
    """Compute the sha-256 of each file, by its name."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
