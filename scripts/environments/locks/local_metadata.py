"""What a local package needs, as it says itself: a change of it makes a lock stale, an edit of its source does not.

Nothing is built for it. Where the dependencies are made by code or read from other files, these count as a whole.
"""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import json
import re
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional
from urllib.parse import unquote, urlsplit

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
    pyproject = _pyproject(folder)
    if not pyproject:
        return []
    paths = [urlsplit(word).path for word in re.findall(r"@\s*(file:[^\s;\"\\]+)", json.dumps(_project(pyproject)))]
    tool = _table(pyproject.get("tool"))
    named = [_table(_table(tool.get("uv")).get("sources")), _table(_table(tool.get("poetry")).get("dependencies"))]
    paths += [path for table in named for path in _paths(table.values())]
    found = (Path(folder, unquote(path)).resolve() for path in paths)
    return [path for path in found if path.exists()]


def _paths(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        for one in value if isinstance(value, list) else [value]:
            path = _table(one).get("path")
            if isinstance(path, str):
                yield path


# Folders ------------------------------------------------------------------------------------------


def _of_folder(folder: Path) -> Dict[str, Any]:
    """Gather what decides a folder's dependencies; all of it can be written as JSON."""
    pyproject = _pyproject(folder)
    if pyproject is None:
        return {"pyproject.toml": _digest_of(folder / "pyproject.toml"), **_by_code(folder, {})}
    project = _project(pyproject)
    said: Dict[str, Any] = {name: project.get(name) for name in (*sorted(WHOLE), "requires-python")}
    said["sources"] = _table(_table(pyproject.get("tool")).get("uv")).get("sources")
    if not project or WHOLE & set(project.get("dynamic") or ()):
        said.update(_by_code(folder, pyproject))
    return said


def _by_code(folder: Path, pyproject: Mapping[str, Any]) -> Dict[str, Any]:
    """Gather what a build makes dependencies from: its tool's table, setup.cfg, setup.py, and the files they name."""
    tool = {name: table for name, table in _table(pyproject.get("tool")).items() if name not in NO_METADATA}
    poetry = _table(tool.get("poetry"))
    if poetry:  # its version is none of it
        tool["poetry"] = {name: poetry.get(name) for name in ("dependencies", "extras")}
    options = _options(folder / "setup.cfg")
    said = {"build": pyproject.get("build-system"), "tool": tool, "setup.cfg": options}
    setup = _text(folder / "setup.py")
    names = set(_NAMED_FILE.findall("\n".join([setup, json.dumps([tool, options], default=str)])))
    files = {name: _digest_of(folder / name) for name in names if (folder / name).is_file()}
    return {**said, "setup.py": setup, "files": files}


def _options(setup_cfg: Path) -> Any:
    """Read the options of a setup.cfg that say dependencies; the whole text where it is not one."""
    text = _text(setup_cfg)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return text
    return {name: dict(parser[name]) for name in _OPTIONS if parser.has_section(name)}


def _pyproject(folder: Path) -> Optional[Dict[str, Any]]:
    """Read a folder's pyproject.toml; empty where there is none, None where it cannot be understood."""
    name = next(filter(importlib.util.find_spec, ("tomllib", "tomli")), None)  # before Python 3.11, pytest brings it
    try:
        return _table(importlib.import_module(name).loads(_text(folder / "pyproject.toml"))) if name else None
    except ValueError:
        return None


def _project(pyproject: Mapping[str, Any]) -> Dict[str, Any]:
    return _table(pyproject.get("project"))


def _table(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


def _digest_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


# Archives -----------------------------------------------------------------------------------------


def _of_archive(archive: Path) -> Any:
    """Read what a wheel or a source archive needs from its metadata; its whole content where it has none."""
    with suppress(zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError, EOFError):
        metadata = _of_tar(archive) if tarfile.is_tarfile(str(archive)) else _of_zip(archive)
        if metadata:
            return sorted(_NEEDS.findall(metadata.partition("\n\n")[0]))
    return _digest_of(archive)


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
