"""Did every test run exactly once? The results of all shards against what was collected, pure.

It fails closed: red unless proven. What it finds has a name: which test was lost or ran twice, which shard
left no result or went by another plan. `Verdict.to_run` has the tests that a repair has to run; a repair
leaves a receipt too, and settles what was found as far as it can. Red tests stay red.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Collection, Dict, Iterable, Iterator, Mapping, Optional, Sequence

from . import receipt as r
from .case import Case, case_of, covered, worst_outcome
from .checks import findings
from .receipt import Receipt
from .reporting import lines, write
from .verdict import INCOMPLETE, KINDS, NOT_REPAIRABLE, SERVICE_DEATH, SERVICE_DIED, UNFIT_REPAIR, Finding, Verdict

# All that a merge needs.
__all__ = ["INCOMPLETE", "SERVICE_DEATH", "SERVICE_DIED", "UNFIT_REPAIR", "Verdict", "lines", "verify", "write"]


def verify(
    receipts: Iterable[Receipt],
    collection: Sequence[str],
    expected_total: Optional[int] = None,
    plan: Optional[Sequence[Iterable[str]]] = None,
    run_id: Optional[str] = None,
) -> Verdict:
    """Compare what the shards say with what there is.

    Args:
        receipts: of shards and of repairs, in any order.
        collection: the ids of an independent collection, an id as often as tests share it.
        expected_total: the number of shards; by default the plan's, or what most receipts say.
        plan: the ids of each shard, to name the one that should have run a lost test.
        run_id: shards of other runs count as missing: what yesterday's run left behind is no proof. By
            default, shards may come from several runs, as where one was run again.
    """
    case = case_of(receipts, collection, expected_total, plan or (), run_id)
    missing = [nodeid for nodeid in case.wanted if not covered(case, nodeid, case.entries.get(nodeid, ()))]
    found = sorted(findings(case), key=lambda finding: KINDS.index(finding.kind))
    outcomes = _outcomes(case, set(missing))
    return Verdict(
        total=case.total,
        outcomes=outcomes,
        counts=_counts(case, outcomes),
        findings=tuple(_settled(found, set(missing)) if case.repairs else found),
        to_run=tuple(missing),
        repairs=case.mark,
        repair_index=len(case.repairs),
    )


def _outcomes(case: Case, missing: Iterable[str]) -> Dict[str, str]:
    worst = {nodeid: worst_outcome(case.entries.get(nodeid, ())) for nodeid in case.wanted}
    return {**worst, **{nodeid: r.NOT_RUN for nodeid in missing if worst[nodeid] not in r.RED}}


def _counts(case: Case, outcomes: Mapping[str, str]) -> Dict[str, int]:
    counts: Counter[str] = Counter()
    for nodeid, outcome in outcomes.items():
        counts[outcome] += case.wanted[nodeid]
    return {outcome: counts[outcome] for outcome in r.WORST_FIRST if counts[outcome]}


def _settled(found: Iterable[Finding], missing: Collection[str]) -> Iterator[Finding]:
    """The findings, repaired where a repair settles them: not the tests that it left undone."""
    for finding in found:
        undone = finding.nodeid in missing if finding.nodeid else bool(missing)
        yield replace(finding, repaired=finding.red and finding.kind not in NOT_REPAIRABLE and not undone)
