"""What may be the cause of a red run, and which of the causes that fit comes first. Pure: facts in, verdicts out.

Each family of this room looks for what broke (`Incident`): a service at its start (`starts`) or in a test (`deaths`),
pytest (`suites`), tests (`failed_tests`), the proof (`proof`), limits (`limits`), the run itself (`endings`). What
programs wrote near that is searched for a sign of the cause (`passages`, `signs`), and `kinds` has the rule by which
one comes before another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Iterator, List, Sequence, Tuple

from ...proof import receipt
from ...proof.receipt import one_line
from ..record import RunRecord
from . import deaths, endings, facts, failed_tests, limits, proof, starts, suites
from . import kinds as k
from .incidents import Diagnosis as Diagnosis
from .incidents import Incident, explained, together
from .kinds import ASSERTION as ASSERTION
from .kinds import UNKNOWN as UNKNOWN
from .passages import telling

FAMILIES: Tuple[Callable[[RunRecord], Iterator[Incident]], ...] = (
    endings.incidents,
    starts.incidents,
    deaths.incidents,
    suites.incidents,
    proof.incidents,
    failed_tests.incidents,
    limits.incidents,
)
SHOWN_EVIDENCE = 5


def diagnose(record: RunRecord) -> List[Diagnosis]:
    """Find the causes that fit, the most telling first; none of a green run, at least "unknown" of a red one."""
    if is_green(record):
        return []
    in_order = sorted(record.shards, key=lambda shard: (shard.is_repair, shard.index))
    record = replace(record, shards=tuple(in_order))
    found = together(explained(incident) for family in FAMILIES for incident in family(record))
    return sorted(found, key=_rank) or [_unknown(record)]


def _rank(found: Diagnosis) -> Tuple[int, int, Tuple[int, ...], str]:
    """Order by the kind, then by how many tests it is about; ties go to the lowest shard, and the sentence."""
    return k.RANK[found.kind], -len(found.tests), found.shards, found.sentence


def lines(happened: Sequence[Diagnosis], below: str = "") -> List[str]:
    """Tell in a terminal what happened: the sentence, what shows it, and what to do; nothing twice.

    Args:
        below: what is shown below these lines anyway, such as an error with its hint.
    """
    if not happened:
        return []
    first = happened[0]
    if first.kind == k.ASSERTION:  # the list of red tests stands below, with the command that runs them again
        return [f"what happened: {first.sentence}"]
    shown = " ".join(f"{first.sentence} {below}".split())
    evidence = [line for line in first.evidence if line.partition(": ")[2] not in shown or ": " not in line]
    hint, then, command = first.next.rpartition(" Then: ")
    next = command if then and hint in shown else first.next
    return [
        f"what happened: {first.sentence}",
        *(f"  {line}" for line in evidence[:SHOWN_EVIDENCE] if line not in shown),
        *([f"  next: {next}"] if next and next not in shown else []),
    ]


def is_green(record: RunRecord) -> bool:
    """Tell whether nothing of a run is red, and it came to its end; before a merge, by the results of the shards."""
    endings = [record.ending, *(shard.ending for shard in record.shards)]
    if any(ending.exit_code for ending in endings if ending):
        return False
    if record.verdict is None:
        return bool(record.shards) and all(each.result and receipt.is_green(each.result) for each in record.shards)
    return record.verdict.green


def _unknown(record: RunRecord) -> Diagnosis:
    """Say that the cause is not known, with the lines that tell most."""
    ending = record.ending
    if ending and ending.kind == "IncompleteError" and ending.hint and (not record.verdict or record.verdict.green):
        return Diagnosis(UNKNOWN, one_line(ending.message), (), ending.hint, chinese=one_line(ending.message))
    near = (*facts.service_passages(record), *facts.other_passages(record, (), "*.log"))
    evidence = telling(near, SHOWN_EVIDENCE)
    said = f" It ended with: {one_line(ending.message or ending.ended)}" if ending else ""
    findings = [finding.text for finding in record.verdict.findings if finding.red] if record.verdict else []
    sentence = f"why the run is red is not known: nothing that it left says it.{said}"
    return Diagnosis(
        UNKNOWN,
        one_line(sentence),
        (*map(one_line, findings[:2]), *evidence)[:SHOWN_EVIDENCE],
        f"All that it left, in one file: {record.command('invoke', 'debug-bundle')}",
        chinese="运行失败的原因未知：留下的文件中没有说明。"
        + (f"结束信息：{one_line(ending.message or ending.ended)}" if ending else ""),
    )
