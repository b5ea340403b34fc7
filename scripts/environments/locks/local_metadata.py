"""What a local package needs, as it says itself: a change of it makes a lock stale, an edit of its source does not.

Nothing is built for it. Where the dependencies are made by code or read from other files, these count as a whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping
from urllib.parse import unquote, urlsplit

from ..sources import digests, package_files
from ..sources.package_files import table

MOST_BYTES = 1_000_000  # of the metadata in an archive: a hostile one holds gigabytes
WHOLE = {"dependencies", "optional-dependencies"}
NO_METADATA = ("black", "coverage", "isort", "mypy", "nox", "pylint", "pyright", "pytest", "ruff", "tox")
_OPTIONS = ("options", "options.extras_require")  # of setup.cfg
_NAMED_FILE = re.compile(r"[\w./-]+\.(?:txt|in|toml)\b")
_NEEDS = re.compile(r"(?mi)^(?:Requires-Dist|Requires-Python|Provides-Extra):.*$")


def digest(place: Path) -> str:
    """Take the sha-256 of what a folder or archive says that it needs, the first half in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    said = _of_folder(place) if place.is_dir() else _of_archive(place)
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:32]


def neighbours(folder: Path) -> List[Path]:
    """List the packages on this machine that a package needs: named by URL, or by path as uv and Poetry do."""
    pyproject = package_files.pyproject(folder)
    if not pyproject:
        return []
    project = table(pyproject.get("project"))
    paths = [urlsplit(word).path for word in re.findall(r"@\s*(file:[^\s;\"\\]+)", json.dumps(project))]
    tool = table(pyproject.get("tool"))
    named = [table(table(tool.get("uv")).get("sources")), table(table(tool.get("poetry")).get("dependencies"))]
    paths += [path for packages in named for path in _paths(packages.values())]
    found = (Path(folder, unquote(path)).resolve() for path in paths)
    return [path for path in found if path.exists()]


def _paths(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            path = table(one).get("path")
            if isinstance(path, str):
                yield path


# Folders ------------------------------------------------------------------------------------------


def _of_folder(folder: Path) -> Dict[str, Any]:
    """Gather what decides a folder's dependencies; all of it can be written as JSON."""
    pyproject = package_files.pyproject(folder)
    if pyproject is None:
        return {"pyproject.toml": package_files.text(folder / "pyproject.toml"), **_by_code(folder, {})}
    project = table(pyproject.get("project"))
    said: Dict[str, Any] = {name: project.get(name) for name in (*sorted(WHOLE), "requires-python")}
    said["sources"] = table(table(pyproject.get("tool")).get("uv")).get("sources")
    if not project or WHOLE & set(project.get("dynamic") or ()):
        said.update(_by_code(folder, pyproject))
    return said


def _by_code(folder: Path, pyproject: Mapping[str, Any]) -> Dict[str, Any]:
    """Gather what a build makes dependencies from: its tool's table, setup.cfg, setup.py, and the files they name."""
    tool = {name: said for name, said in table(pyproject.get("tool")).items() if name not in NO_METADATA}
    poetry = table(tool.get("poetry"))
    if poetry:  # its version is none of it
        tool["poetry"] = {name: poetry.get(name) for name in ("dependencies", "extras")}
    options = _options(folder)
    said = {"build": pyproject.get("build-system"), "tool": tool, "setup.cfg": options}
    setup = package_files.text(folder / "setup.py")
    names = set(_NAMED_FILE.findall("\n".join([setup, json.dumps([tool, options], default=str)])))
    files = {name: digests.of_file(folder / name) for name in names if (folder / name).is_file()}
    return {**said, "setup.py": setup, "files": files}


def _options(folder: Path) -> Any:
    """Read the options of a setup.cfg that say dependencies; the whole text where it is not one."""
    sections = package_files.setup_cfg(folder)
    if sections is None:
        return package_files.text(folder / "setup.cfg")
    return {name: sections[name] for name in _OPTIONS if name in sections}


# Archives -----------------------------------------------------------------------------------------


def _of_archive(archive: Path) -> Any:
    """Read what a wheel or a source archive needs from its metadata; its whole content where it has none."""
    with suppress(zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, EOFError):
        metadata = _of_tar(archive) if tarfile.is_tarfile(str(archive)) else _of_zip(archive)
        if metadata:
            return sorted(_NEEDS.findall(metadata.partition("\n\n")[0]))
    return digests.of_file(archive)


def _of_zip(archive: Path) -> str:
    with zipfile.ZipFile(str(archive)) as opened:
        for name in opened.namelist():
            if re.fullmatch(r"[^/]+\.dist-info/METADATA|[^/]+/PKG-INFO", name):
                with opened.open(name) as member:
                    return _decoded(member.read(MOST_BYTES))
    return ""


def _of_tar(archive: Path) -> str:
    with tarfile.open(str(archive)) as opened:
        for member in opened:
            content = opened.extractfile(member) if re.fullmatch(r"[^/]+/PKG-INFO", member.name) else None
            if content:
                return _decoded(content.read(MOST_BYTES))
    return ""


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
