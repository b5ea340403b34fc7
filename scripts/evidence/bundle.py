"""Put a bundle together and write it: what has room, a summary first, one tar.gz that appears whole or not at all."""

from __future__ import annotations

import gzip
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Sequence, Set, Tuple, Union

from ..console import at_most, human_bytes, printable, table
from ..errors import PipelineError
from ..system.files import replacing
from .allowlist import CAP_BYTES, HEAD_BYTES, TAIL_BYTES, WHOLE_BYTES, Rule
from .files import TIME_IS_UP, Found, Member, Note, Project, find, read

HEADER_BYTES = 1024  # what each file takes in the archive besides its content


@dataclass(frozen=True)
class Bundle:
    """What goes into a file, the most telling first, and what does not."""

    members: Tuple[Member, ...]
    missing: Tuple[Note, ...] = ()
    left_out: Tuple[Note, ...] = ()


def collect(project: Project, rules: Sequence[Rule], cap_bytes: int, late: Callable[[], bool]) -> Bundle:
    """Take the files of each rule before those of the next are looked for: what comes first has room and time first.

    A file that several rules name is the first one's. What cannot be read is noted, and stops nothing.
    """
    members: List[Member] = []
    missing: List[Note] = []
    left_out: Dict[str, Note] = {}
    seen: Set[str] = set()
    for rule in rules:
        findings = find(project, rule, late)
        missing += findings.missing
        left_out.update((note.name, note) for note in findings.left_out)
        for found in (each for each in findings.found if each.name not in seen):
            seen.add(found.name)
            member = take(found, cap_bytes, late)
            if isinstance(member, Note):
                left_out[found.name] = member
            else:
                members.append(member)
                cap_bytes -= cost(len(member.content))
    return Bundle(tuple(members), tuple(missing), tuple(left_out.values()))


def take(found: Found, room_bytes: int, late: Callable[[], bool]) -> Union[Member, Note]:
    """The file, or why it is left out."""
    if late():
        return Note(found.name, TIME_IS_UP)
    no_room = Note(found.name, f"{found.size_bytes} bytes, for which there was no room left")
    if cost(found.size_bytes) > room_bytes:
        return no_room
    try:
        member = read(found.path, found.name, found.rule)
    except OSError as error:
        return Note(found.name, error.strerror or str(error))
    return member if cost(len(member.content)) <= room_bytes else no_room  # it may have grown


def cost(size_bytes: int) -> int:
    """The room that a file takes."""
    return size_bytes + HEADER_BYTES


def write(file: Path, top: str, members: Sequence[Member], now: float) -> int:
    """Write members, in their order, below the folder `top` of a new tar.gz; its size in bytes.

    Nothing tells who wrote it. An earlier file of the name is replaced, at the end and at once.

    Raises:
        PipelineError: it cannot be written.
    """
    try:
        with replacing(file) as part, part.open("wb") as sink, gzip.GzipFile("", "wb", 9, sink, int(now)) as packed:
            _pack(packed, top, members)
        return file.stat().st_size
    except OSError as error:
        hint = "Name another place: --output PATH"
        raise PipelineError(f"cannot write {file}: {error.strerror or error}", hint) from error


def _pack(packed: gzip.GzipFile, top: str, members: Sequence[Member]) -> None:
    # PAX keeps every name, also one that is not UTF-8, and times to less than a second.
    with tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for member in members:
            entry = tarfile.TarInfo(f"{top}/{member.name}")
            entry.size, entry.mtime, entry.mode = len(member.content), member.mtime, 0o644
            archive.addfile(entry, io.BytesIO(member.content))


MOST_LINES = 200

RULES = f"""\
Only files on a fixed list of names are taken, and no link is followed. Never taken: environment variables, weights.
Settings are shown without the values of service.environment and without what may be secret in a URL.
The values of variables, options and URLs that name a secret are taken out of all files, as far as they are known here.
All else is as it was written: look through it before you hand it to strangers.
A log keeps its first {human_bytes(HEAD_BYTES)} and its last {human_bytes(TAIL_BYTES)}.
Any other file may have {human_bytes(WHOLE_BYTES)}, and what the run left {human_bytes(CAP_BYTES)} together, unpacked:
what stands first in the list above gets room first."""


def summary_text(title: str, bundle: Bundle, verdicts: Sequence[str]) -> str:
    """The page.

    Args:
        verdicts: what became of the shards, in lines.
    """
    parts = [
        *_section("Shards", verdicts or ["no result of a shard is here"]),
        *_section("Inside, the most telling first", _inside(bundle)),
        *_section("Missing", notes(bundle.missing)),
        *_section("Left out", notes(bundle.left_out)),
        *_section("How it was made", RULES.splitlines()),
    ]
    return "\n".join([title, *parts, ""])


def notes(said: Iterable[Note]) -> List[str]:
    """Each note in a line, as many as a person reads."""
    lines = [f"{printable(note.name)}: {printable(note.why)}" for note in said]
    return at_most(MOST_LINES, lines)


def _section(title: str, lines: Sequence[str]) -> List[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _inside(bundle: Bundle) -> List[str]:
    rows = [
        (
            printable(member.name),
            human_bytes(len(member.content)),
            member.about + (f" ({member.cut_bytes} bytes cut in the middle)" if member.cut_bytes else ""),
        )
        for member in bundle.members
    ]
    return table(("file", "size", "what it is"), rows)
