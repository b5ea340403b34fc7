"""What the files of a package's folder say of it, read without a build: pyproject.toml, setup.cfg, setup.py."""

from __future__ import annotations

import configparser
import importlib.util
import re
from pathlib import Path
from typing import Any, Dict, Optional

from ...system import files
from ..requirements import BUILD_FILES, normalized

MOST_TEXT_BYTES = 10_000_000

_OF_COMMIT = re.compile(r"setuptools[-_]scm|hatch-vcs|versioningit|versioneer|dunamai|dynamic-versioning|source = .scm")


def text(file: Path) -> str:
    """Read a text; empty where there is no file, or none that can be read."""
    return files.text_of(file, MOST_TEXT_BYTES)


def pyproject(folder: Path) -> Optional[Dict[str, Any]]:
    """Read a folder's pyproject.toml; empty where there is none, None where it cannot be understood."""
    name = next(filter(importlib.util.find_spec, ("tomllib", "tomli")), None)  # before Python 3.11, pytest brings it
    try:
        return table(importlib.import_module(name).loads(text(folder / "pyproject.toml"))) if name else None
    except ValueError:
        return None


def setup_cfg(folder: Path) -> Optional[Dict[str, Dict[str, str]]]:
    """Read a folder's setup.cfg by its sections; empty where there is none, None where it cannot be understood."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text(folder / "setup.cfg"))
    except configparser.Error:
        return None
    return {name: dict(parser[name]) for name in parser.sections()}


def table(value: Any) -> Dict[str, Any]:
    """Take a value of TOML for a table; an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def name_of(place: Path) -> str:
    """Tell what the package of an archive or a folder is called; empty where that does not show before it is built."""
    if place.suffix == ".whl" or place.is_file():
        return normalized(re.split(r"-(?=\d)", place.name)[0])
    said = pyproject(place) or {}
    tables = (table(said.get("project")), table(table(said.get("tool")).get("poetry")))
    options = (setup_cfg(place) or {}).get("metadata", {})
    names = (found.get("name") for found in (*tables, options))
    return next((normalized(name) for name in names if isinstance(name, str) and re.fullmatch(r"[\w.-]+", name)), "")


def is_versioned_by_git(folder: Path) -> bool:
    """Tell whether the version of a package is made from the commit, by one of the tools that do so."""
    return any(_OF_COMMIT.search(text(folder / name)) for name in BUILD_FILES)
