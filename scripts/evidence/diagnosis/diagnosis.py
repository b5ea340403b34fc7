"""What may be the cause of a red run, and which of the causes that fit comes first. Pure: facts in, verdicts out."""

from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence, Tuple

from ...proof import findings as f
from ...proof import outcomes as o
from ...proof.receipt import one_line, shown
from ..record import RunRecord

ASSERTION, UNKNOWN = "assertion failed", "unknown"


class Diagnosis(NamedTuple):
    """A cause that fits what is known of a run.

    Args:
        kind: one of the constants of this room.
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


def diagnose(record: RunRecord) -> List[Diagnosis]:
    """Find the causes that fit, the most telling first; none of a green run, at least "unknown" of a red one."""
    if is_green(record):
        return []
    return list(_causes(record)) or [Diagnosis(UNKNOWN, "The run is red, and nothing that it left says why.")]


def lines(happened: Sequence[Diagnosis]) -> List[str]:
    """Tell in a terminal what happened: the sentence, what shows it, and what to do."""
    if not happened:
        return []
    first = happened[0]
    return [
        f"what happened: {first.sentence}",
        *(f"  {line}" for line in first.evidence),
        *([f"  next: {first.next}"] if first.next else []),
    ]


def is_green(record: RunRecord) -> bool:
    """Tell whether nothing of a run is red, and it came to its end."""
    if record.ending and record.ending.exit_code:
        return False
    return record.verdict is not None and record.verdict.green


def _causes(record: RunRecord) -> Iterator[Diagnosis]:
    if record.ending and record.ending.message and not record.verdict:
        yield Diagnosis(record.ending.ended, one_line(record.ending.message), next=record.ending.hint)
    if not record.verdict:
        return
    about_shards = [each for each in record.verdict.findings if each.red and each.kind in f.ABOUT_SHARDS]
    for finding in about_shards:
        yield Diagnosis(finding.kind, finding.text, shards=finding.shards)
    red = record.verdict.of(f.RED_TEST)
    if red:
        outcome = o.FAILED if red[0].text.startswith(o.FAILED) else "red"
        sentence = f"{shown(red[0].nodeid)} {outcome}: {red[0].text}"
        yield Diagnosis(ASSERTION, sentence, shards=red[0].shards, tests=tuple(each.nodeid for each in red))
