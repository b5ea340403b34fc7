"""What goes into a bundle, and how it is written: files and facts, as many as have room, page and summary first.

All of it is gathered in a process of its own, since anything may lie where evidence should: what hangs there, or
crashes, costs the file that it was about. The same evidence makes the same bytes.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Sequence, Set, Tuple, Union

from ..console import at_most, counted, human_bytes, printable, table
from ..errors import PipelineError, SettingsError
from ..system.apart import Gone, Send, apart
from ..system.files import replacing
from .allowlist import CAP_BYTES, FACTS_BYTES, HEAD_BYTES, PICTURES, SOUND, TAIL_BYTES, WHOLE_BYTES, Rule
from .files import TIME_IS_UP, Candidate, Member, Note, Project, find, read
from .redaction.redactor import Redactor

QUIET_AGAIN_S = 1.5  # so long a file may take, once one took longer than that: mostly all of its disk hangs
HEADER_BYTES = 1024  # what each file takes in the archive besides its content
MOST_LINES = 200
MOST_NAMED = 2_000
ROOM_BYTES = CAP_BYTES - FACTS_BYTES  # for files
PACKING, QUICK_PACKING, MUCH_BYTES = 6, 2, 10_000_000  # gzip's level; of what is much, that which takes a third of it

RULES = f"""\
Only files on a fixed list of names are taken, and no link is followed. Never taken: weights, and variables of the
environment but those in which a CI says what its job is.
Settings are shown without the values of service.environment and without what may be secret in a URL.
Secrets are taken out of all text, as far as they are known or have a known form; where that fails, the file stays out.
Sound and pictures are as they were made: look through it all before you hand it to strangers.
A log keeps its first {human_bytes(HEAD_BYTES)} and its last {human_bytes(TAIL_BYTES)}.
Any other file may have {human_bytes(WHOLE_BYTES)}, and all together {human_bytes(CAP_BYTES)}, unpacked:
what stands first in the list above gets room first, so what stands last is left out first."""


@dataclass(frozen=True)
class Bundle:
    """What goes into a file, the most telling first, and what does not; and what was found out on the way.

    Args:
        sentence: what happened.
        told: what shows it, and what to do, in lines.
        shards: what became of each shard, in lines.
    """

    members: Tuple[Member, ...] = ()
    missing: Tuple[Note, ...] = ()
    left_out: Tuple[Note, ...] = ()
    sentence: str = ""
    told: Tuple[str, ...] = ()
    shards: Tuple[str, ...] = ()


class Gathering:
    """What is gathered so far, and the room that it takes."""

    def __init__(self, room_bytes: int = CAP_BYTES) -> None:
        self.room_bytes = room_bytes
        self.seen: Set[str] = set()
        self.sentence = ""
        self.told: List[str] = []
        self.shards: List[str] = []
        self._members: List[Member] = []
        self._missing: List[Note] = []
        self._left_out: Dict[str, Note] = {}

    def add(self, piece: Bundle) -> None:
        """Add a piece; what is told of a file twice is told once."""
        self._members += piece.members
        self._missing += piece.missing
        self._left_out.update((note.name, note) for note in piece.left_out)
        self.room_bytes -= sum(cost(len(member.content)) for member in piece.members)
        for member in piece.members:
            self.seen.add(member.name)
            self._left_out.pop(member.name, None)  # it was found in another way
        self.seen.update(note.name for note in piece.left_out)
        self.sentence = self.sentence or piece.sentence
        self.told += piece.told
        self.shards += piece.shards

    @property
    def bundle(self) -> Bundle:
        """Give all of it."""
        return Bundle(
            tuple(self._members),
            tuple(self._missing),
            tuple(self._left_out.values()),
            self.sentence,
            tuple(self.told),
            tuple(self.shards),
        )


class Task(NamedTuple):
    """Something to gather: `work` yields it in pieces, and is given what is gathered so far."""

    name: str
    work: Callable[[Gathering], Iterator[Bundle]]


Tasks = Callable[[Gathering], Sequence[Task]]  # what to gather, by what is gathered


def gather(stage: Tasks, made: Gathering, deadline: float, quiet_s: float) -> None:
    """Gather what the tasks find, in a process of their own: what hangs or crashes there costs its own task.

    Args:
        made: what was gathered before, and what is added to.
        deadline: on the monotonic clock.
        quiet_s: so long nothing may come of a task.
    """
    tasks, start = stage(made), 0
    while start < len(tasks):
        at, gone = start, ""
        for item in apart(partial(_do, tasks, start, made), quiet_s, deadline):
            if isinstance(item, Bundle):
                made.add(item)
            elif isinstance(item, Gone):
                gone = item.why
            else:
                at = item
        if not gone:
            return
        made.add(Bundle(left_out=(Note(tasks[at].name, gone),)))
        start, quiet_s = at + 1, QUIET_AGAIN_S
        if time.monotonic() >= deadline:
            made.add(Bundle(left_out=tuple(Note(task.name, TIME_IS_UP) for task in tasks[start:])))
            return


def _do(tasks: Sequence[Task], start: int, made: Gathering, send: Send) -> None:
    for number, task in enumerate(tasks[start:], start):
        send(number)
        for piece in task.work(made):
            made.add(piece)
            send(piece)


# Files --------------------------------------------------------------------------------------------------


def file_tasks(project: Project, rules: Sequence[Rule], redactor: Redactor, deadline: float) -> List[Task]:
    """Make the tasks that take the files of each rule before those of the next are looked for."""

    def task(rule: Rule) -> Task:
        def work(made: Gathering) -> Iterator[Bundle]:
            for piece in collected(project, rule, made, lambda: time.monotonic() > deadline):
                yield all_cleaned(piece, redactor)

        return Task(rule.pattern, work)

    return [task(rule) for rule in rules]


def collect(project: Project, rules: Sequence[Rule], cap_bytes: int, late: Callable[[], bool]) -> Bundle:
    """Take the files of each rule before those of the next are looked for: what comes first has room and time first.

    A file that several rules name is the first one's. What cannot be read is noted, and stops nothing.
    """
    made = Gathering(cap_bytes)
    for rule in rules:
        for piece in collected(project, rule, made, late):
            made.add(piece)
    return made.bundle


def collected(project: Project, rule: Rule, made: Gathering, late: Callable[[], bool]) -> Iterator[Bundle]:
    """Take the files of a rule that are not gathered yet, as many as have room; each piece is added before the next."""
    matches = find(project, rule, late)
    yield Bundle(missing=tuple(matches.missing), left_out=tuple(matches.left_out))
    for file in (file for file in matches.files if file.name not in made.seen):
        made.seen.add(file.name)  # what is taken out of a name may have changed it
        member = take(file, made.room_bytes, late)
        yield Bundle(left_out=(member,)) if isinstance(member, Note) else Bundle((member,))


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


def cleaned(member: Member, redactor: Redactor) -> Union[Member, Note]:
    """Take the secrets out of a file and of its name, unless it is sound or a picture; where that fails, say so."""
    before = redactor.count.copy()
    try:
        name = redactor.text(member.name)
        is_text = PurePosixPath(member.name).suffix.lower() not in SOUND | PICTURES
        content = redactor.bytes(member.content) if is_text else member.content
    except Exception as error:  # whatever it is: what may hold secrets does not go in
        return Note(member.name, f"secrets could not be taken out of it: {type(error).__name__}")
    taken_out = tuple(sorted((redactor.count - before).items()))
    return member._replace(name=name, content=content, taken_out=taken_out)


def all_cleaned(piece: Bundle, redactor: Redactor) -> Bundle:
    """Take the secrets out of all that a piece holds."""
    found = [cleaned(member, redactor) for member in piece.members]
    members = tuple(each for each in found if isinstance(each, Member))
    failed = tuple(each for each in found if isinstance(each, Note))
    return replace(
        piece,
        members=members,
        left_out=(*piece.left_out, *failed),
        sentence=redactor.text(piece.sentence),
        told=tuple(map(redactor.text, piece.told)),
        shards=tuple(map(redactor.text, piece.shards)),
    )


def found_task(name: str, find_out: Callable[[Gathering], Union[Bundle, Member, Note]], redactor: Redactor) -> Task:
    """Make the task that finds out something that stands in no file; for that, room is kept."""

    def work(made: Gathering) -> Iterator[Bundle]:
        found = find_out(made)
        if isinstance(found, Member) and cost(len(found.content)) > made.room_bytes + FACTS_BYTES:
            found = Note(name, f"{len(found.content)} bytes, for which there was no room left")
        if isinstance(found, Note):
            yield Bundle(missing=(found,))
        else:
            yield all_cleaned(Bundle((found,)) if isinstance(found, Member) else found, redactor)

    return Task(name, work)


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


# The file -----------------------------------------------------------------------------------------------


def write(file: Path, top: str, members: Sequence[Member]) -> int:
    """Write members, in their order, below the folder `top` of a new tar.gz; its size in bytes.

    Nothing tells who wrote it, or when: what has no time of its own has that of the newest. An earlier file of the
    name is replaced, at the end and at once.

    Raises:
        OSError: it cannot be written.
    """
    level = QUICK_PACKING if sum(len(member.content) for member in members) > MUCH_BYTES else PACKING
    with replacing(file) as part, part.open("wb") as sink, gzip.GzipFile("", "wb", level, sink, 0) as packed:
        _pack(packed, top, members)
    return file.stat().st_size


def _pack(packed: gzip.GzipFile, top: str, members: Sequence[Member]) -> None:
    # PAX keeps every name, also one that is not UTF-8, and times to less than a second.
    newest = max((member.mtime for member in members), default=0.0)
    with tarfile.open(mode="w", fileobj=packed, format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive:
        for member in members:
            entry = tarfile.TarInfo(f"{top}/{member.name}")
            entry.size, entry.mtime, entry.mode = len(member.content), member.mtime or newest, 0o644
            archive.addfile(entry, io.BytesIO(member.content))


# The summary --------------------------------------------------------------------------------------------


def summary_text(title: str, bundle: Bundle) -> str:
    """Write the page that a person reads first where there is no browser: what happened, in its first line."""
    parts = [
        *_section("Shards", bundle.shards or ["no result of a shard is here"]),
        *_section("Inside, the most telling first", _inside(bundle)),
        *_section("Missing", note_lines(bundle.missing)),
        *_section("Left out", note_lines(bundle.left_out)),
        *_section("Secrets that were taken out", at_most(MOST_LINES, _taken_out(bundle))),
        *_section("How it was made", RULES.splitlines()),
    ]
    told = [printable(line) for line in (bundle.sentence, *bundle.told) if line]
    return "\n".join([*told, *([""] if told else []), title, *parts, ""])


def note_lines(notes: Iterable[Note]) -> List[str]:
    """Give each note a line, as many as a person reads."""
    lines = [f"{printable(note.name)}: {printable(note.why)}" for note in notes]
    return at_most(MOST_LINES, lines)


def _taken_out(bundle: Bundle) -> List[str]:
    return [
        f"{printable(member.name)}: {', '.join(f'{count} {kind}' for kind, count in member.taken_out)}"
        for member in bundle.members
        if member.taken_out
    ]


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
    return at_most(MOST_NAMED, table(("file", "size", "what it is"), rows))


def one_line(file: str, size_bytes: int, count: int, sentence: str) -> str:
    """Say where a bundle is, how large, and what happened."""
    told = f": {printable(sentence)}" if sentence else ""
    return f"debug bundle: {file}, {human_bytes(size_bytes)}, {counted(count, 'file')}{told}"


def unwritable(file: Path, error: OSError) -> PipelineError:
    """Make the error of a bundle that could be written nowhere."""
    return PipelineError(f"cannot write {file}: {error.strerror or error}", "Name another place: --output PATH")
