"""How the sources of a project belong together: which import which, which file a dotted name means."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Iterator, List, Mapping, Optional

from .code import Source


def family(source: Source, sources: Mapping[str, Source]) -> List[Source]:
    """List a source and those of the project that it imports, directly or by one more step."""
    found = {source.file: source}
    for _ in range(2):
        for each in list(found.values()):
            for module in each.local:
                for other in _resolved(module, each.file, sources):
                    found.setdefault(other.file, other)
    return list(found.values())


def _resolved(module: str, file: str, sources: Mapping[str, Source]) -> Iterator[Source]:
    folder = PurePosixPath(file).parent
    dots = len(module) - len(module.lstrip("."))
    bases = (
        [folder, PurePosixPath("."), PurePosixPath("src")]
        if not dots
        else [[folder, *folder.parents][min(dots - 1, len(folder.parts))]]
    )
    for base in bases:
        path = base / module.lstrip(".").replace(".", "/")
        for name in (f"{path}.py", f"{path}/__init__.py"):
            if name in sources:
                yield sources[name]


def module_of(dotted: str, sources: Mapping[str, Source]) -> Optional[Source]:
    """Find the file that a dotted name means."""
    path = dotted.replace(".", "/")
    names = (f"{base}{path}{end}" for base in ("", "src/") for end in (".py", "/__main__.py", "/__init__.py"))
    return next((sources[name] for name in names if name in sources), None)
