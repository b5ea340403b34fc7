"""What an environment has from elsewhere than an index, as its installer noted it in direct_url.json (PEP 610)."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Iterable, Iterator, List, Mapping, Sequence

from .. import requirements
from ..requirements import Line, Source, normalized
from .local_sources import LocalSource


def lines(environment: Path) -> Iterator[str]:
    """List, as lines of requirements, what an environment has from paths, and from branches of version control."""
    for file in _notes(environment):
        with suppress(OSError, ValueError, AttributeError, KeyError):
            line = _as_line(_name(file), json.loads(file.read_text(encoding="utf-8")))
            if line:
                yield line


def _as_line(name: str, told: Mapping[str, Mapping[str, str]]) -> str:
    """Turn a direct_url.json into a line of requirements; empty where its content cannot change.

    >>> _as_line("a", {"url": "file:///b", "dir_info": {"editable": True}})
    '-e file:///b#egg=a'
    """
    url, version_control = str(told["url"]), told.get("vcs_info", {})
    if version_control:
        revision = version_control.get("requested_revision", "")
        within = f"#subdirectory={told['subdirectory']}" if "subdirectory" in told else ""
        is_fixed = revision == version_control["commit_id"]
        kind = version_control["vcs"]
        return "" if is_fixed else f"{name} @ {kind}+{url}{'@' * bool(revision)}{revision}{within}"
    if not url.startswith("file:"):
        return ""
    return f"-e {url}#egg={name}" if told.get("dir_info", {}).get("editable") else f"{name} @ {url}"


def names(environment: Path) -> List[str]:
    """List the packages that an environment has from elsewhere than an index."""
    return [_name(note) for note in _notes(environment)]


def _notes(environment: Path) -> List[Path]:
    return sorted(environment.glob("lib/python*/site-packages/*.dist-info/direct_url.json"))


def _name(note: Path) -> str:
    return note.parent.name.partition("-")[0]


def unknown(found: Sequence[str], known: Iterable[LocalSource]) -> List[str]:
    """Choose the lines of what was installed from where nobody looked, or under another name than was looked for."""
    known_as = {_real(entry.source, entry.place): [*map(normalized, entry.names)] for entry in known}
    sources = ((text, requirements.source(Line(Path(), 1, text))) for text in found)
    return [text for text, source in sources if source and _is_unknown(source, known_as)]


def _is_unknown(source: Source, known_as: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether nobody looked there; a place whose packages have names that nobody could tell is known."""
    names = known_as.get(_real(source, source.location))
    return names is None or (bool(names) and normalized(source.name) not in names)


def _real(source: Source, place: str) -> str:
    return os.path.realpath(place) if source.is_local else place
