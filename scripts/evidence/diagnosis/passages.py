"""Where to look for a cause in what programs wrote: the end of the last traceback first, never what was overcome."""

from __future__ import annotations

import re
from typing import Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ...console import uncoloured
from ...proof.receipt import one_line
from .kinds import BUILD
from .signs.known import SIGNS
from .signs.sign import Found, Sign, first_in

LAST_LINES = 400  # of a log are searched
LAST_WORDS = 6  # lines in which a word counts that means failure only at an end
TRACEBACKS = 5
BUILD_LINES = 80
BLOCK_LINES = 8  # of a message that goes on below its first line
MOST_CHARACTERS = 2_000  # of a line
# What servers of several processes put before each line, of a traceback, too: vLLM, torchrun, docker compose.
PREFIX = re.compile(r"^(\(\w+ pid=\d+\) ?|\[rank\d+\]: ?|(ERROR|CRITICAL) \d\d-\d\d [\d:]+ \[[^\]]*\] ?|[\w.-]+ +\| )+")
TRACEBACK = "Traceback (most recent call last)"

OVERCOME = re.compile(
    r"fall(s|ing|en)? ?back|fallback|回退|\bretry(ing)?\b|\bignor|\bskipp?(ed|ing)\b|continuing|will use .* instead",
    re.I,
)
WARNING = re.compile(r"\bwarn(ing|ings)?\b|\w+Warning\b|deprecat|\bINFO\b|\bDEBUG\b", re.I)
PROGRESS = re.compile(r"\d+%\|| \d+%(?!\S)|[█▏▎▍▌▋▊▉━]{2}|\b\d+(\.\d+)?[kKMG]?i?B/s|\bit/s\]")
MARKS = re.compile(r"[\s^~-]*$")  # below a line of a traceback; an empty line, too
COMPILER = re.compile(r"\bfatal error:? .*|\bcommand '[^']*' failed: No such file.*")
RAISED = re.compile(r"\s*(?!Subprocess|CalledProcess)[\w.]+(Error|Exception): \S")  # but of what only started the build
# How much a line tells of why something failed; the first that fits.
TELLING = (
    (re.compile(r"^[\w.]+(Error|Exception|Exit|Interrupt|Warning)\b.{0,4}:?"), 90),
    (re.compile(r"\b(fatal|panic|critical|segmentation fault|aborted|core dumped|killed)\b", re.I), 80),
    (re.compile(r"\b(error|exception|failed|failure|cannot|could not|unable)\b", re.I), 60),
    (re.compile(r"\b(assert|denied|refused|missing|not found|invalid)\w*\b", re.I), 50),
)


class Passage(NamedTuple):
    """Lines that something wrote.

    Args:
        place: the file, as people know it; empty for the words of an error that was shown.
        lines: of it, in order.
        first: the number of the first, from 1; 0 where that is not known.
        is_end: what wrote them ended with them.
        still_running: it was waited for, so that what it tried again counts, too.
    """

    place: str
    lines: Tuple[str, ...]
    first: int = 0
    is_end: bool = True
    still_running: bool = False


def passage(place: str, text: str, cut: bool = False, is_end: bool = True, still_running: bool = False) -> Passage:
    """Take the last lines of a text, as a terminal would show them.

    Args:
        cut: something before is left out, so that no number of a line is known.
    """
    lines = uncoloured(text).rstrip().split("\n")
    skipped = max(0, len(lines) - LAST_LINES)
    shown = [line.rstrip("\r").rpartition("\r")[2][:MOST_CHARACTERS] for line in lines[skipped:]]
    kept = tuple(PREFIX.sub("", line) for line in shown)
    return Passage(place, kept, 0 if cut else skipped + 1, is_end, still_running)


def find(passages: Iterable[Passage], signs: Sequence[Sign] = SIGNS) -> Optional[Found]:
    """Find the sign that tells most: of the first passage that has one."""
    return next((found for each in passages for found in _in(each, signs)), None)


def _in(where: Passage, signs: Sequence[Sign]) -> Iterator[Found]:
    """List the signs of a passage: what its tracebacks end with, the last one first, then its lines, the last first."""
    lines = where.lines
    built = [each for each in signs if each.kind == BUILD and each.alarming]  # what a build printed stands below it
    for place in range(max(0, len(lines) - BUILD_LINES), len(lines)) if built and where.is_end else ():
        found = first_in(built, lines[place])
        if found:
            yield _at(where, place, found)
    for place in exceptions(where)[:TRACEBACKS]:
        block = list(lines[place : place + BLOCK_LINES])
        for found in [first_in(signs, line) for line in (block[0], " ".join(" ".join(block).split()))]:
            if found:
                yield _at(where, place, found)
                break
    quiet = [each for each in signs if each.alarming]
    for place in range(len(lines) - 1, -1, -1):
        if not where.still_running and (OVERCOME.search(lines[place]) or WARNING.search(lines[place])):
            continue
        at_end = where.is_end and place >= len(lines) - LAST_WORDS
        found = first_in(signs if at_end else quiet, lines[place])
        if found:
            yield _at(where, place, found)


def _at(where: Passage, place: int, found: Found) -> Found:
    return found._replace(place=where.place, number=where.first + place if where.first else 0)


def exceptions(where: Passage) -> List[int]:
    """Find the lines with which tracebacks end, the last first; none of those that what wrote them overcame.

    >>> exceptions(Passage("", ("Traceback (most recent call last):", '  File "a"', "KeyError: 1", "going on")))
    [2]
    >>> exceptions(Passage("", ("Traceback (most recent call last):", "ImportError: x", "Falling back to torch.")))
    []
    """
    found = []
    inside = False
    for place, line in enumerate(where.lines):
        if TRACEBACK in line:
            inside = True
        elif inside and line.strip() and not line.startswith((" ", "\t")):
            inside = False
            rest = where.lines[place : place + 4]
            if where.still_running or not any(OVERCOME.search(after) for after in rest):
                found.append(place)
    return found[::-1]


def raised(where: Passage) -> str:
    """Write the exception that the last traceback ends with, with the line below where it says nothing itself.

    >>> raised(passage("", "Traceback (most recent call last):\\n  File\\nLookupError:\\n***\\n  Resource x not found"))
    'LookupError: Resource x not found'
    """
    for place in exceptions(where)[:1]:
        first = where.lines[place].strip()
        below = where.lines[place + 1 : place + BLOCK_LINES] if first.endswith(":") else ()
        more = next((line.strip() for line in below if re.search(r"\w", line)), "")
        return one_line(f"{first} {more}".strip())
    return ""


def telling(passages: Iterable[Passage], count: int = 5) -> List[str]:
    """Choose the lines that tell most of why something failed, in order, each with its place."""
    ranked: List[Tuple[int, int, str]] = []
    told: Set[str] = set()  # an error shows lines of the log that is read, too
    for each in passages:
        ends = set(exceptions(each)[:1])
        for place, line in enumerate(each.lines):
            if line.strip() in told:
                continue
            told.add(line.strip())
            points = 100 if place in ends else _points(line)
            quiet = PROGRESS.search(line) or MARKS.match(line)
            points += 10 if place >= len(each.lines) - 2 and not quiet else 0
            if points > 0:
                ranked.append((points, len(ranked), cited(each.place, each.first and each.first + place, line)))
    best = sorted(ranked, key=lambda line: (-line[0], -line[1]))[:count]
    return list(dict.fromkeys(text for _, _, text in sorted(best, key=lambda line: line[1])))


def _points(line: str) -> int:
    if MARKS.match(line) or PROGRESS.search(line) or OVERCOME.search(line):
        return 0
    points = next((points for pattern, points in TELLING if pattern.search(line)), 0)
    is_code = line.startswith("    ")  # of a traceback
    return points - (30 if WARNING.search(line) else 0) - (60 if is_code else 0)


def last_telling(passages: Iterable[Passage], any_line: bool = True) -> str:
    """Choose the one line that tells most of an end: that of its last traceback, else a bad word, else the last.

    Args:
        any_line: take the last one, where none has a bad word.
    """
    for each in passages:
        exception = raised(each)
        if exception:
            return exception
        spoken = [line for line in each.lines if line.strip() and not PROGRESS.search(line)]
        alarming = [line for line in spoken[-LAST_WORDS:] if _points(line) >= 50]
        if alarming or (spoken and any_line):
            return one_line((alarming or spoken)[-1].strip())
    return ""


def built_why(where: Passage) -> str:
    """Choose what a build that failed says of why: what a compiler misses, else the last exception; empty for neither.

    >>> built_why(passage("", "p.c:1:10: fatal error: fst/util.h: No such file or directory\\nBuildError: gcc failed"))
    'fatal error: fst/util.h: No such file or directory'
    """
    compiled = [match for match in map(COMPILER.search, where.lines) if match]
    exceptions_of_it = [line.strip() for line in where.lines if RAISED.match(line)]
    return one_line(compiled[0][0] if compiled else exceptions_of_it[-1] if exceptions_of_it else "")


def cited(place: str, number: int, line: str) -> str:
    """Write a line as evidence: "service.log:12: text"."""
    where = f"{place}:{number}" if number and place else place
    return one_line(f"{where}: {line.strip()}" if where else line.strip())
