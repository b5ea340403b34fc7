"""Take secrets out of what a run leaves: files by their form, the texts of results, the words of commands.

What a verdict depends on stays as it is: ids, outcomes, counts, digests. A file is replaced whole; one that cannot be
made clean is removed, and named.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath
from typing import (
    Any,
    BinaryIO,
    Callable,
    Container,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from ..console import printable, without_values
from ..proof.findings import Verdict
from ..proof.outcomes import Attempt, Fate
from ..proof.receipt import ExtraError
from ..settings import Settings
from ..system import files
from .redaction.known import known_here
from .redaction.redactor import Redactor, Sink, Source

Clean = Callable[[str], str]

JOURNAL, OTHER_LINES = "journal.jsonl", ("monitor.jsonl", "requests.jsonl")  # JSON that we write line by line
SHOWN = "(not shown)"
BLOCK_BYTES = 1 << 20
MOST_LINE_BYTES = 50_000_000  # of JSON; a longer one is no line of ours
LOOK_BYTES = 65_536  # at the beginning of a file, to tell text from sound

# Files of ours that are written clean, and hold ids or digests that others go by.
WRITTEN_CLEAN = ("receipt.json", "selection.json", "plan.json", "merge.json", "places.json")
TEXT = frozenset(
    {".cfg", ".css", ".csv", ".err", ".htm", ".html", ".ini", ".js", ".json", ".jsonl", ".log", ".md", ".out", ".tsv"}
    | {".txt", ".xml", ".yaml", ".yml"}
)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

# In a journal, the keys of what people wrote; all else is what the merge goes by, but lines that are none of ours. In
# other lines, the keys of what is no text.
_FREE = ("message", "text", "reason", "subtest")
_IDS = ("of", "event", "id", "ids", "test", "name", "names")
_CONCERNED = re.compile(
    rb""""(?:message|text|reason|subtest)": |^(?!\{"of": "|\["[^"\s]{1,80}",\d)[^\n]""", re.MULTILINE
)

_MARKUP = re.compile(rb"(<!\[CDATA\[.*?\]\]>|<!--.*?-->|<[^>]*>)", re.DOTALL)
_ADDRESSES = re.compile(rb"<(?:/|testcase\b|testsuites?\b|\?)")
_ATTRIBUTE = re.compile(r"""([\w:.-]+)(\s*=\s*)("[^"]*"|'[^']*')""")
_REFERENCE = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_IN_TEXT, _IN_ATTRIBUTE = re.compile("[&<>]"), re.compile("[&<>\"'\r\n\t]")


def redactor(settings: Optional[Settings], environ: Mapping[str, str], words: Sequence[str] = ()) -> Redactor:
    """Make what takes out the secrets that are known to a process.

    Args:
        settings: None before there are any.
        words: that were typed: the values of options that name a secret are known, too.
    """
    return Redactor(known_here(settings, environ, words))


# Texts and words --------------------------------------------------------------------------------------


def cleaned_fates(fates: Iterable[Fate], clean: Clean) -> Tuple[Fate, ...]:
    """Take secrets out of what tests said; nothing else of them changes."""
    return tuple(replace(fate, attempts=tuple(_attempt(each, clean) for each in fate.attempts)) for fate in fates)


def _attempt(attempt: Attempt, clean: Clean) -> Attempt:
    if not attempt.message and not attempt.text:
        return attempt
    return replace(attempt, message=clean(attempt.message), text=clean(attempt.text))


def cleaned_errors(errors: Iterable[ExtraError], clean: Clean) -> Tuple[ExtraError, ...]:
    """Take secrets out of what went wrong outside tests; the names are ids of files, and stay."""
    return tuple(replace(error, message=clean(error.message)) for error in errors)


def cleaned_verdict(verdict: Verdict, clean: Clean) -> Verdict:
    """Take secrets out of what was found; kinds and ids stay."""
    findings = tuple(replace(found, text=clean(found.text)) for found in verdict.findings)
    return replace(verdict, findings=findings)


def stored_words(words: Sequence[str], clean: Clean) -> Tuple[str, ...]:
    """Give the words of a command as every node stores them: without secrets, and the same whatever the secret is.

    A variable stands for the value of an option that names a secret, so that it can be filled in again.
    """
    return tuple(re.sub(r"\(secret-[^()]*\)", SHOWN, clean(word)) for word in without_values(words))


def with_secret(nodeids: Iterable[str], clean: Clean) -> List[str]:
    """List the ids in which something stands that would be taken out of a text."""
    listed = list(nodeids)
    joined = "\n".join(listed)
    return [] if clean(joined) == joined else [nodeid for nodeid in listed if clean(nodeid) != nodeid]


# Files ------------------------------------------------------------------------------------------------


class Stamp(NamedTuple):
    """What tells that a file is as it was."""

    device: int
    inode: int
    size_bytes: int
    mtime_ns: int


_DONE: Dict[str, Stamp] = {}  # what this process has cleaned: a log of 50 MB takes a second


def clean(paths: Iterable[Path], by: Redactor, spared: Iterable[Path] = ()) -> List[str]:
    """Clean files, and all below folders; no link is followed. What cannot be made clean is removed.

    Args:
        spared: files and folders that others still write, or that are sealed.

    Returns:
        a line for each file that is not kept.
    """
    left = {os.path.realpath(str(path)) for path in spared}
    found = [file for path in paths for file in _files(path, left) if file.name not in WRITTEN_CLEAN]
    return list(filter(None, (_clean_or_remove(file, by) for file in found)))


def _clean_or_remove(file: Path, by: Redactor) -> str:
    try:
        if _DONE.get(str(file)) != _stamp(file):
            cleaned(file, by)
            _DONE[str(file)] = _stamp(file)
    except FileNotFoundError:  # it was temporary, and is gone
        return ""
    except Exception as error:  # whatever it is: a file that is not known to be clean is not kept
        files.remove(file)
        why = getattr(error, "strerror", None) or type(error).__name__
        return f"not kept: {printable(str(file))}: secrets could not be taken out of it ({why})"
    return ""


def _stamp(file: Path) -> Stamp:
    status = file.lstat()
    return Stamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _files(path: Path, left: Container[str]) -> Iterator[Path]:
    """Find the plain files below a folder, or the one that it is; links are not followed, nor named."""
    waiting = [path]
    while waiting:
        path = waiting.pop()
        with suppress(OSError):
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode) or os.path.realpath(str(path)) in left:
                continue
            if stat.S_ISREG(mode):
                yield path
            elif stat.S_ISDIR(mode):
                waiting += sorted(path.iterdir(), reverse=True)


def cleaned(file: Path, by: Redactor) -> bool:
    """Take the secrets out of a file; tell whether there were any. Its mode and time stay.

    What is appended meanwhile is not kept: who writes faster than we read would hold us for ever.

    Raises:
        OSError: it cannot be read or written.
    """
    with files.open_regular(file) as raw, open(raw.fileno(), "rb", closefd=False) as source:
        start = source.read(LOOK_BYTES)
        if not is_text(file.name, start):
            return False
        source.seek(0)
        status = os.fstat(raw.fileno())
        with files.scratch(file) as temporary, _Sink(raw.fileno(), status.st_size, temporary) as sink:
            _copy(file.name, start, _Beginning(source, status.st_size), sink, by)
            if not sink.finish():
                return False
            temporary.chmod(stat.S_IMODE(status.st_mode))
            os.utime(str(temporary), ns=(status.st_atime_ns, status.st_mtime_ns))
            temporary.replace(file)
    return True


class _Beginning:
    """Reads no more of a file than so many bytes."""

    def __init__(self, source: BinaryIO, size_bytes: int) -> None:
        self._source, self._left = source, size_bytes

    def read(self, size: int) -> bytes:
        content = self._source.read(min(size, self._left))
        self._left -= len(content)
        return content


class _Sink:
    """Writes what a file will hold, from where that differs on: without secrets nothing is written, on a full disk too.

    Args:
        original: the file, open.
        temporary: the name to write to.
    """

    def __init__(self, original: int, size_bytes: int, temporary: Path) -> None:
        self._original, self._size, self._temporary = original, size_bytes, temporary
        self._same = 0
        self._file: Optional[BinaryIO] = None

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file:
            self._file.close()

    def write(self, content: bytes) -> None:
        if not self._file and os.pread(self._original, len(content), self._same) == content:
            self._same += len(content)
        else:
            self._opened().write(content)

    def finish(self) -> bool:
        """Write all that is held back; tell whether anything differs."""
        if not self._file and self._same == self._size:
            return False
        self._opened().flush()
        return True

    def _opened(self) -> BinaryIO:
        if not self._file:
            self._file = self._temporary.open("wb")
            for place in range(0, self._same, BLOCK_BYTES):
                self._file.write(os.pread(self._original, min(BLOCK_BYTES, self._same - place), place))
        return self._file


def is_text(name: str, start: bytes) -> bool:
    """Tell whether a file is text, by its name, else by how it starts.

    >>> is_text("service.log", b"\\0"), is_text("a.wav", b"RIFF\\0"), is_text("a", b"abc")
    (True, False, True)
    """
    return PurePath(name).suffix.lower() in TEXT or start.startswith(_UTF_16) or b"\0" not in start


def _copy(name: str, start: bytes, source: Source, sink: Sink, by: Redactor) -> None:
    is_utf_16 = start.startswith(_UTF_16)
    if name == JOURNAL:
        _copy_lines(source, sink, by, lambda line: bool(_CONCERNED.search(line)), lambda key: key in _FREE)
    elif name in OTHER_LINES:
        _copy_lines(source, sink, by, lambda line: True, lambda key: key not in _IDS)
    elif b"<testsuite" in start and not is_utf_16:
        for block in _blocks(source, b"</testcase>"):
            sink.write(_report(block, by))
    else:
        by.stream(source, sink)


def _blocks(source: Source, end: bytes) -> Iterator[bytes]:
    """Read a file in pieces that stop behind a mark, where there is one."""
    rest = b""
    for piece in iter(lambda: source.read(BLOCK_BYTES), b""):
        whole, mark, last = piece.rpartition(end)
        if mark:
            yield rest + whole + mark
            rest = last
        else:
            rest += piece
    if rest:
        yield rest


# Lines of JSON


def _copy_lines(
    source: Source,
    sink: Sink,
    by: Redactor,
    is_concerned: Callable[[bytes], bool],
    is_free: Callable[[str], bool],
) -> None:
    """Copy lines of JSON: each stays the same object, but for texts.

    Args:
        is_concerned: whether a line may hold text at all.
        is_free: whether what has this key is text.
    """
    for block in _blocks(source, b"\n"):
        if not is_concerned(block):
            sink.write(block)
            continue
        lines = (_line(line, by, is_free) if is_concerned(line) else line for line in block.split(b"\n"))
        sink.write(b"\n".join(lines))


def _line(line: bytes, by: Redactor, is_free: Callable[[str], bool]) -> bytes:
    try:
        if len(line) > MOST_LINE_BYTES:
            raise ValueError
        data = json.loads(line)
    except (ValueError, RecursionError):  # a kill tore it, or another wrote it
        return by.bytes(line)
    changed = _value(data, by, is_free, False)
    return line if changed == data else json.dumps(changed).encode("ascii")


def _value(value: Any, by: Redactor, is_free: Callable[[str], bool], free: bool) -> Any:
    if isinstance(value, str):
        return by.text(value) if free and value else value
    if isinstance(value, dict):
        return {key: _value(part, by, is_free, is_free(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_value(part, by, is_free, free) for part in value]
    return value


# JUnit reports


def _report(block: bytes, by: Redactor) -> bytes:
    """Clean a piece of a JUnit report: texts and messages. By file, class and name the merge knows a test."""
    return b"".join(_piece(piece, by) for piece in _MARKUP.split(block))


def _piece(piece: bytes, by: Redactor) -> bytes:
    if not piece.strip() or _ADDRESSES.match(piece):
        return piece
    if piece.startswith((b"<!", b"<?")):
        return by.bytes(piece)
    text = piece.decode("utf-8", "surrogateescape")
    changed = _tag(text, by) if text.startswith("<") else _content(text, by)
    return changed.encode("utf-8", "surrogateescape")


def _content(text: str, by: Redactor) -> str:
    plain = _unescaped(text)
    changed = by.text(plain)
    return text if changed == plain else _escaped(changed, _IN_TEXT)


def _tag(tag: str, by: Redactor) -> str:
    """Clean the attributes of a tag, each with what it is called: a property has a name and a value."""
    attributes = {match[1]: match[3][1:-1] for match in _ATTRIBUTE.finditer(tag)}
    if attributes.get("name") == "nodeid":  # of our own: an id
        return tag
    name = attributes.get("name", "") if tag.startswith("<property") else ""
    return _ATTRIBUTE.sub(lambda match: match[0] if match[1] == "name" else _attribute(match, name, by), tag)


def _attribute(match: re.Match[str], name: str, by: Redactor) -> str:
    plain = _unescaped(match[3][1:-1])
    named = f"{name}=" if name else ""
    changed = by.text(f"{named}{plain}")
    changed = changed[len(named) :] if changed.startswith(named) else by.text(plain)
    return match[0] if changed == plain else f'{match[1]}{match[2]}"{_escaped(changed, _IN_ATTRIBUTE)}"'


def _unescaped(text: str) -> str:
    return _REFERENCE.sub(lambda match: _NAMED.get(match[1]) or _character(match), text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[2] or match[3], 10 if match[2] else 16)
    return chr(code) if code <= sys.maxunicode else match[0]


def _escaped(text: str, characters: re.Pattern[str]) -> str:
    return characters.sub(lambda match: f"&#{ord(match[0])};", text)
