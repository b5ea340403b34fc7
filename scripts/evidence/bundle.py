"""What goes into a bundle, and how it is written: files and facts, as many as have room, a summary first."""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Set, Tuple, Union

from ..console import at_most, human_bytes, printable, table
from ..errors import PipelineError, SettingsError
from ..settings import Settings
from ..system.files import replacing
from . import allowlist, facts, files, redact
from .allowlist import CAP_BYTES, HEAD_BYTES, TAIL_BYTES, WHOLE_BYTES, Rule
from .files import TIME_IS_UP, Candidate, Member, Note, Project, find, read

COLLECT_S = 12.0  # with facts and packing, a bundle is there within 30 s
HEADER_BYTES = 1024  # what each file takes in the archive besides its content
MOST_LINES = 200

RULES = f"""\
Only files on a fixed list of names are taken, and no link is followed. Never taken: environment variables, weights.
Settings are shown without the values of service.environment and without what may be secret in a URL.
The values of variables, options and URLs that name a secret are taken out of all files, as far as they are known here.
All else is as it was written: look through it before you hand it to strangers.
A log keeps its first {human_bytes(HEAD_BYTES)} and its last {human_bytes(TAIL_BYTES)}.
Any other file may have {human_bytes(WHOLE_BYTES)}, and what the run left {human_bytes(CAP_BYTES)} together, unpacked:
what stands first in the list above gets room first."""


@dataclass(frozen=True)
class Bundle:
    """What goes into a file, the most telling first, and what does not."""

    members: Tuple[Member, ...]
    missing: Tuple[Note, ...] = ()
    left_out: Tuple[Note, ...] = ()


def gather(
    settings: Settings, index: Optional[int], problem: str, found_weights: Callable[[], Any], environ: Mapping[str, str]
) -> Bundle:
    """Gather all that goes in: files of the list, and facts that stand in none; no secret that is known here.

    Args:
        index: of the only shard wanted; else all that are there, and their merge.
        problem: what is wrong with the settings, where they could not be read.
        found_weights: finds out which weights are there.

    Raises:
        SettingsError: that shard has left nothing here, but others have.
    """
    there = files.shards(settings.reports)
    wanted = there if index is None else [f"shard-{index}"]
    check_there(wanted, there)
    deadline = time.monotonic() + COLLECT_S
    logs = [pattern for service in settings.all_services.values() for pattern in service.logs]
    listed = allowlist.rules(wanted, logs, whole_run=index is None)
    project = Project(settings.project, settings.reports, settings.file, files.weights(settings))
    collected = collect(project, listed, CAP_BYTES, lambda: time.monotonic() > deadline)
    known, unknown = facts.gather(settings, problem, found_weights)
    hidden = redact.secrets(settings, environ)
    members = [
        member._replace(content=redact.blotted(member.content, hidden)) for member in (*collected.members, *known)
    ]
    missing = [*_unread(settings, problem), *_not_run(there), *collected.missing, *unknown]
    return Bundle(tuple(members), tuple(missing), collected.left_out)


def check_there(wanted: Sequence[str], there: Sequence[str]) -> None:
    """Refuse a shard that left nothing where others did; before any run there is nothing to choose from.

    Raises:
        SettingsError: it names those that are there.
    """
    for name in wanted if there else ():
        if name not in there:
            raise SettingsError(
                f"reports/{name} is not there; here are {', '.join(there)}", "Name one of these, or none."
            )


def _unread(settings: Settings, problem: str) -> List[Note]:
    why = "cannot be read, see settings-error.txt; so nothing is known of service.logs"
    return [Note(settings.file.name, why)] if problem else []


def _not_run(there: Sequence[str]) -> List[Note]:
    return [] if there else [Note("reports/shard-*", "no shard has run here")]


def collect(project: Project, rules: Sequence[Rule], cap_bytes: int, late: Callable[[], bool]) -> Bundle:
    """Take the files of each rule before those of the next are looked for: what comes first has room and time first.

    A file that several rules name is the first one's. What cannot be read is noted, and stops nothing.
    """
    members: List[Member] = []
    missing: List[Note] = []
    left_out: Dict[str, Note] = {}
    seen: Set[str] = set()
    for rule in rules:
        matches = find(project, rule, late)
        missing += matches.missing
        left_out.update((note.name, note) for note in matches.left_out)
        for file in (file for file in matches.files if file.name not in seen):
            seen.add(file.name)
            member = take(file, cap_bytes, late)
            if isinstance(member, Note):
                left_out[file.name] = member
            else:
                members.append(member)
                cap_bytes -= cost(len(member.content))
    return Bundle(tuple(members), tuple(missing), tuple(left_out.values()))


def take(file: Candidate, room_bytes: int, late: Callable[[], bool]) -> Union[Member, Note]:
    """Read the file, or say why it is left out."""
    if late():
        return Note(file.name, TIME_IS_UP)
    no_room = Note(file.name, f"{file.size_bytes} bytes, for which there was no room left")
    if cost(file.size_bytes) > room_bytes:
        return no_room
    try:
        member = read(file.path, file.name, file.rule)
    except OSError as error:
        return Note(file.name, error.strerror or str(error))
    return member if cost(len(member.content)) <= room_bytes else no_room  # it may have grown


def cost(size_bytes: int) -> int:
    """Count the room that a file takes."""
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


def summary_text(title: str, bundle: Bundle, verdicts: Sequence[str]) -> str:
    """Write the page that a person reads first.

    Args:
        verdicts: what became of the shards, in lines.
    """
    parts = [
        *_section("Shards", verdicts or ["no result of a shard is here"]),
        *_section("Inside, the most telling first", _inside(bundle)),
        *_section("Missing", note_lines(bundle.missing)),
        *_section("Left out", note_lines(bundle.left_out)),
        *_section("How it was made", RULES.splitlines()),
    ]
    return "\n".join([title, *parts, ""])


def note_lines(notes: Iterable[Note]) -> List[str]:
    """Give each note a line, as many as a person reads."""
    lines = [f"{printable(note.name)}: {printable(note.why)}" for note in notes]
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
