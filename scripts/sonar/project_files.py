"""What a project says to SonarQube by itself: sonar-project.properties, and [tool.sonar] of pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Tuple

from ..environments.sources import package_files
from ..errors import SettingsError

PROPERTIES, PYPROJECT = "sonar-project.properties", "pyproject.toml"


class Said(NamedTuple):
    """A value, and the name of the file that it stands in."""

    value: str
    file: str


def said(base: Path) -> Dict[str, Said]:
    """Read the properties that stand in a project's own files, of which pyproject.toml's count before others'.

    Raises:
        SettingsError: pyproject.toml has some, and cannot be read.
    """
    text = package_files.text(base / PYPROJECT)
    document = package_files.pyproject(base)
    if document is None and re.search(r"(?m)^\s*\[tool\.sonar\b", text):
        message = f"{base / PYPROJECT}: it has [tool.sonar], and cannot be read here"
        raise SettingsError(message, "Is it TOML? Before Python 3.11 the package tomli reads it.")
    table = package_files.table(package_files.table((document or {}).get("tool")).get("sonar"))
    of_properties = {name: Said(value, PROPERTIES) for name, value in parsed(package_files.text(base / PROPERTIES))}
    return {**of_properties, **{name: Said(value, PYPROJECT) for name, value in flattened(table)}}


def parsed(text: str) -> Iterator[Tuple[str, str]]:
    r"""Read the lines of a Java properties file.

    >>> list(parsed("# no\n! no\nsonar.projectKey = a\nsonar.sources: b,\\\n  c\nsonar.empty"))
    [('sonar.projectKey', 'a'), ('sonar.sources', 'b,c'), ('sonar.empty', '')]
    """
    for line in re.sub(r"\\\r?\n[ \t]*", "", text).splitlines():
        match = re.fullmatch(r"\s*([^\s#!:=][^\s:=]*)\s*[:=]?\s*(.*?)\s*", line)
        if match:
            yield match[1], match[2]


def flattened(table: Dict[str, Any], before: str = "sonar") -> Iterator[Tuple[str, str]]:
    """Read a table of TOML as the scanner does: names in each other by dots, project-key as projectKey.

    >>> list(flattened({"project-key": "a", "qualitygate": {"wait": True}, "sources": ["a", "b"]}))
    [('sonar.projectKey', 'a'), ('sonar.qualitygate.wait', 'true'), ('sonar.sources', 'a,b')]
    """
    for key, value in table.items():
        name = f"{before}.{re.sub('-(.)', lambda match: match[1].upper(), key)}"
        if isinstance(value, dict):
            yield from flattened(value, name)
        elif isinstance(value, list):
            yield name, ",".join(map(str, value))
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)
