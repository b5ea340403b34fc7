"""Requirements as an installer is to be given them: each path absolute, each branch as its commit, else as written.

An installer takes a path from the folder that it is started in, and a branch from whatever it is at that moment. The
files keep their rows, so that what an installer says of one is true of the person's own file.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..requirements import Line, at_revision
from .local_sources import LocalSource

Wanted = Callable[[Line], bool]


class Rewritten(NamedTuple):
    """Files for an installer in a folder that goes again: what to install from, and whose copies they all are."""

    file: Path
    originals: Mapping[str, Path]

    def in_words_of_the_originals(self, text: str) -> str:
        """Name the person's own files in what an installer says."""
        for copy, original in self.originals.items():
            name = re.escape(f"{Path(copy).parent.name}/{Path(copy).name}")  # some say a path from where they stand
            text = re.sub(f"[^\\s`'\"]*{name}", str(original).replace("\\", r"\\"), text)
        return text


@contextmanager
def rewritten(
    file: Path, lines: Sequence[Line], sources: Sequence[LocalSource], wanted: Wanted = lambda line: True
) -> Iterator[Rewritten]:
    """Copy a requirements file, and those that it names, to where nobody else can read them, for an installer.

    Args:
        lines: of all these files.
        wanted: whether a line is to be installed; options always are there.
    """
    found = {(entry.source.line.file, entry.source.line.number): entry for entry in sources}
    named = dict.fromkeys([file.resolve(), *(line.file.resolve() for line in lines)])
    with TemporaryDirectory(prefix="shardline-") as folder:
        copies = {original: Path(folder) / f"{at}-{original.name}" for at, original in enumerate(named)}
        for original, copy in copies.items():
            own = [line for line in lines if line.file.resolve() == original]
            rows = original.read_text(encoding="utf-8-sig").splitlines()
            copy.write_text(
                "\n".join([*_rows(rows, own, found, copies, wanted), ""]), encoding="utf-8", errors="surrogateescape"
            )
        originals = {str(copy): _as_written(original, file, lines) for original, copy in copies.items()}
        yield Rewritten(copies[file.resolve()], originals)


def _as_written(original: Path, file: Path, lines: Iterable[Line]) -> Path:
    return next((path for path in (file, *(line.file for line in lines)) if path.resolve() == original), original)


def _rows(
    rows: Sequence[str],
    lines: Iterable[Line],
    found: Mapping[Tuple[Path, int], LocalSource],
    copies: Mapping[Path, Path],
    wanted: Wanted,
) -> List[str]:
    """Replace the lines that mean something else elsewhere; the rows of all others stay where they are."""
    changed: Dict[int, str] = {}
    gone: Set[int] = set()
    for line in lines:
        entry = found.get((line.file, line.number))
        text = replaced(line, entry, copies)
        if not line.option.startswith("--") or line.option == "--editable":
            text = text if wanted(line) else ""
        if text != line.text:
            changed[line.number] = text
            gone.update(range(line.number, line.last + 1))
    return [changed.get(number, "" if number in gone else row) for number, row in enumerate(rows, 1)]


def replaced(line: Line, entry: Optional[LocalSource], copies: Mapping[Path, Path]) -> str:
    """Write a line so that it means the same for an installer that is started anywhere."""
    if entry:
        return _absolute(entry) if entry.source.is_local else at_revision(entry.source, entry.state.content)
    if line.names_file:
        copy = copies.get((line.file.parent / line.value).resolve())
        return f"{line.option} {copy}" if copy else line.text
    return line.text


def _absolute(entry: LocalSource) -> str:
    source, place = entry.source, Path(entry.place)
    url = place.as_uri()
    if source.line.option == "--find-links":
        return f"--find-links {url}"
    if source.is_editable:
        return f"-e {url}{source.extras}{_ending(entry)}"
    name = next(iter(entry.names), "") if source.extras else source.name
    if source.extras and not name:
        return f"{place}{source.extras}{_ending(entry)}"
    fragment = f"#{source.fragment}" if source.fragment else ""
    return f"{name}{source.extras} @ {url}{fragment}{_ending(entry)}" if name else f"{url}{fragment}{_ending(entry)}"


def _ending(entry: LocalSource) -> str:
    """Give what stands behind a requirement: its marker, and options of its own."""
    line = entry.source.line
    options = "" if line.option else line.text[len(line.value) :]
    return (f" ; {entry.source.marker}" if entry.source.marker else "") + options


def has_hash(line: Line) -> bool:
    """Tell whether a line of a lock says which content it takes."""
    return "--hash" in line.text
