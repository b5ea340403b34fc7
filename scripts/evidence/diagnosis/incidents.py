"""What broke, before it is asked why: the sentence's two ends, and where its cause may be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Container, Dict, Iterable, List, NamedTuple, Sequence, Tuple

from ...proof.receipt import one_line
from . import passages
from .passages import Passage
from .signs.known import SIGNS
from .signs.sign import Sign

EVIDENCE_LINES = 5


class Diagnosis(NamedTuple):
    """A cause that fits what is known of a run.

    Args:
        kind: one of the constants of `kinds`.
        sentence: what happened, in one line; the first diagnosis' stands first wherever a run is told of.
        evidence: the lines that show it, each with where it stands.
        next: what to do, with the command to type.
        shards: indices of those it is about; none for the run as a whole.
        tests: ids of those it is about, the most telling first.
        chinese: the sentence in Chinese, for the page.
    """

    kind: str
    sentence: str
    evidence: Tuple[str, ...] = ()
    next: str = ""
    shards: Tuple[int, ...] = ()
    tests: Tuple[str, ...] = ()
    chinese: str = ""


class Both(NamedTuple):
    """A phrase in English and in Chinese."""

    english: str = ""
    chinese: str = ""


@dataclass(frozen=True)
class Incident:
    """Something that broke.

    Args:
        kind: what it is where no sign tells more.
        head: how the sentence begins: what broke.
        tail: how it ends, in brackets mostly: how, after how long.
        cause: why, where that is known without a sign; or where no sign is found.
        is_certain: the cause is known: no sign is looked for.
        passages: where a sign may stand, the nearest first.
        command: to type once the cause is gone.
        hint: what to do where no sign says better.
        signs: those that may tell the cause.
        without: kinds of signs that cannot be the cause of this.
    """

    kind: str
    head: Both
    tail: Both = Both()
    cause: Both = Both()
    is_certain: bool = False
    passages: Tuple[Passage, ...] = ()
    evidence: Tuple[str, ...] = ()
    hint: str = ""
    command: str = ""
    shards: Tuple[int, ...] = ()
    tests: Tuple[str, ...] = ()
    signs: Sequence[Sign] = SIGNS
    without: Container[str] = ()


def explained(incident: Incident) -> Diagnosis:
    """Look for the cause of what broke, and tell both in a sentence."""
    signs = [each for each in incident.signs if each.kind not in incident.without]
    found = None if incident.is_certain else passages.find(incident.passages, signs)
    kind, cause, hint, shown = incident.kind, incident.cause, incident.hint, list(incident.evidence)
    if found:
        kind, cause, hint = found.sign.kind, Both(found.words, found.chinese), found.sign.next or hint
        shown.insert(0, passages.cited(found.place, found.number, found.line))
    elif incident.passages:
        for line in passages.telling(incident.passages, EVIDENCE_LINES - 1):
            if not any(line.endswith(f": {old}") or old.endswith(line) for old in shown):
                shown.append(line)
    sentence = one_line(_joined(incident.head.english, ": ", cause.english, incident.tail.english))
    chinese = _joined(incident.head.chinese, "：", cause.chinese or cause.english, incident.tail.chinese)
    return Diagnosis(
        kind=kind,
        sentence=sentence if sentence.strip() else kind,
        evidence=tuple(dict.fromkeys(filter(None, shown)))[:EVIDENCE_LINES],
        next=_next(hint, incident.command),
        shards=incident.shards,
        tests=incident.tests,
        chinese=chinese if chinese.strip() else kind,
    )


def _joined(head: str, colon: str, cause: str, tail: str) -> str:
    return f"{head}{colon if head and cause else ''}{cause}{tail}"


def _next(hint: str, command: str) -> str:
    """Put what to do and the command in a line.

    >>> _next("Free some space.", "nox"), _next("", "nox"), _next("Fetch them: {command}", "nox")
    ('Free some space. Then: nox', 'nox', 'Fetch them: nox')
    """
    if "{command}" in hint:
        return hint.replace("{command}", command)
    return " Then: ".join(filter(None, [" ".join(hint.split()), command]))


def together(all_of: Iterable[Diagnosis]) -> List[Diagnosis]:
    """Tell what is of one kind and one sentence once, whatever it took, with the shards and tests of all."""
    merged: Dict[Tuple[str, str], Diagnosis] = {}
    for each in all_of:
        key = each.kind, _timeless(each.sentence)
        other = merged.get(key)
        merged[key] = each if other is None else _merged(other, each)
    return list(merged.values())


def _merged(one: Diagnosis, other: Diagnosis) -> Diagnosis:
    return one._replace(
        evidence=_both(one.evidence, other.evidence)[:EVIDENCE_LINES],
        shards=tuple(sorted({*one.shards, *other.shards})),
        tests=tuple(dict.fromkeys((*one.tests, *other.tests))),
    )


def _both(some: Tuple[str, ...], more: Tuple[str, ...]) -> Tuple[str, ...]:
    """Put lines together, but for those that say no more than one that is there, or the same of another moment."""
    there = set(map(_timeless, some))
    new = [line for line in more if not any(line.startswith(old) or old.startswith(line) for old in some)]
    return (*some, *(line for line in new if _timeless(line) not in there))


def _timeless(sentence: str) -> str:
    """Take out durations, and ports, which are others in each shard.

    >>> _timeless("http://h:8001/ was not ready: exit code 1 after 2 min 05 s")
    'http://h:*/ was not ready: exit code 1 after *'
    """
    return re.sub(r"(\d+ h \d+ min|\d+ min \d+ s|[\d.]+ s)\b|(?<=[\w.]:)\d{2,5}\b", "*", sentence)
