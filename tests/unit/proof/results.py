"""Results as shards and repairs leave them, and verdicts about them, in a line each."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from scripts.proof.case import Reference
from scripts.proof.findings import Verdict
from scripts.proof.outcomes import NOT_RUN, PASSED, Attempt
from scripts.proof.receipt import Damaged, Receipt, Selected, digest
from scripts.proof.renamed_ids import form_of
from scripts.proof.report_text import verdict_lines
from scripts.proof.verify import verify

AB = ("a", "b")


def ran(nodeid: str, outcome: str = PASSED, count: int = 1, message: str = "", ran_as: str = "") -> Selected:
    attempt = Attempt(nodeid, 0, outcome, call_s=0.5, message=message)
    return Selected(nodeid, outcome, () if outcome == NOT_RUN else (attempt,) * count, count, ran_as)


def shard(index: int, *tests: Selected, of: int = 2, collected: Sequence[str] = AB, **facts: Any) -> Receipt:
    own: Dict[str, Any] = {"run_id": "run", "plan_id": "plan", "timings_digest": "timings"}
    own.update(collected_digest=digest(collected), collected_count=len(collected))
    own.update(forms_digest=digest(map(form_of, collected)))
    return Receipt(**{**own, "index": index, "total": of, "tests": tests, **facts})


def repair(verdict: Verdict, *tests: Selected, collected: Sequence[str] = AB, **facts: Any) -> Receipt:
    """What a repair leaves that ran these tests."""
    own = {"repairs": verdict.repairs, "run_id": "repair", "plan_id": ""}
    return shard(verdict.repair_index, *tests, of=1, collected=collected, **{**own, **facts})


def judged(
    receipts: Sequence[Receipt],
    collection: Sequence[str] = AB,
    plan: Sequence[Sequence[str]] = (),
    files: str = "",
    damaged: Sequence[Damaged] = (),
    changed: Mapping[str, Sequence[str]] = {},
) -> Verdict:
    return verify(receipts, Reference(collection, files, plan), damaged, changed)


def red(verdict: Verdict) -> List[Tuple[str, str]]:
    """Kind and id, or text, of what makes it red."""
    return [(finding.kind, finding.nodeid or finding.text) for finding in verdict.findings if finding.red]


def red_kinds(verdict: Verdict) -> List[str]:
    """What makes it red, each kind once."""
    return list(dict.fromkeys(kind for kind, _ in red(verdict)))


def lines(verdict: Verdict) -> List[str]:
    """What is told beside the counts."""
    return verdict_lines(verdict)[1:]
