"""Did every test run exactly once? The results of all shards against what was collected, pure.

It fails closed: red unless proven. What it finds has a name: which test was lost or ran twice, which shard
left no result or went by another plan. `Verdict.to_run` has the tests that a repair has to run; a repair
leaves a receipt too, and settles what was found as far as it can. Red tests stay red.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Callable, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from . import receipt as r
from .case import Case, Entry, case_of, covered, most_common, worst_outcome
from .findings import (
    CUT_SHORT,
    DOUBLED,
    INCOMPLETE,
    KINDS,
    LOST,
    NO_RESULT,
    NOT_REPAIRABLE,
    NOT_RUN,
    OTHER_COLLECTION,
    OTHER_PLAN,
    OTHER_RUN,
    OTHER_TIMINGS,
    OTHER_TOTAL,
    RED_TEST,
    REMOVED,
    REPAIR_CUT_SHORT,
    SERVICE_DEATH,
    SERVICE_DIED,
    SEVERAL_RUNS,
    SHARD_ERROR,
    TWO_RESULTS,
    UNFIT_REPAIR,
    UNKNOWN,
    Finding,
    Verdict,
)
from .receipt import Receipt, one_line
from .renamed_ids import unstable
from .report_text import lines, write

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


def findings(case: Case) -> Iterator[Finding]:
    """All that is found, check by check."""
    looks: Sequence[Callable[[Case], Iterator[Finding]]] = (
        _shards_there,
        _same_plan,
        _same_collection,
        _endings,
        _errors,
        _red_tests,
        _without_outcome,
        _doubled,
        _not_collected,
        unstable,
    )
    for look in looks:
        yield from look(case)


def _shards_there(case: Case) -> Iterator[Finding]:
    found = Counter(shard.index for shard in case.shards if shard.total == case.total)
    for shard in case.shards:
        if shard.total != case.total:
            yield Finding(OTHER_TOTAL, f"{shard.name} is not of this run of {case.total}", shards=(shard.index,))
    for shard in case.strangers:
        yield Finding(OTHER_RUN, f"{shard.name} left a result of another run: {shard.run_id}", shards=(shard.index,))
    if not case.shards and not case.total:
        yield Finding(NO_RESULT, "no shard left a result")
    for index in range(case.total):
        name = f"shard index {index} of {case.total}"
        if not found[index]:
            yield Finding(NO_RESULT, f"{name} left no result", shards=(index,))
        elif found[index] > 1:
            yield Finding(TWO_RESULTS, f"{name} left {found[index]} results", shards=(index,))


def _same_plan(case: Case) -> Iterator[Finding]:
    common = most_common((shard.plan_id for shard in case.shards), "")
    timings = most_common((shard.timings_digest for shard in case.shards if shard.plan_id == common), "")
    for shard in case.shards:
        others = "" if shard.timings_digest == timings else "other timings"
        if shard.plan_id != common:
            whence = f", made from {others}" if others else ""
            text = f"{shard.name} went by plan {shard.plan_id:.8}, others by {common:.8}{whence}"
            yield Finding(OTHER_PLAN, text, shards=(shard.index,))
        elif others:
            yield Finding(OTHER_TIMINGS, f"{shard.name} had {others}, but the same plan", shards=(shard.index,))
    runs = {shard.run_id for shard in case.shards}
    if len(runs) > 1:
        yield Finding(SEVERAL_RUNS, f"the results are of {len(runs)} runs")


def _same_collection(case: Case) -> Iterator[Finding]:
    count = sum(case.wanted.values())
    for shard in case.shards:
        if shard.collected_digest not in ("", case.collected_digest):
            same = shard.collected_count == count
            others = "as many tests, but others" if same else f"{shard.collected_count} tests, here are {count}"
            yield Finding(OTHER_COLLECTION, f"{shard.name} collected {others}", shards=(shard.index,))
    for repair in case.unfit:
        text = f"{repair.name} is for other results, or other tests, than these; its outcomes do not count"
        yield Finding(UNFIT_REPAIR, text, shards=(repair.index,))


def _endings(case: Case) -> Iterator[Finding]:
    for shard in case.shards:
        if shard.ended != r.FINISHED:
            yield Finding(CUT_SHORT, f"{shard.name} {r.ENDINGS[shard.ended]}", shards=(shard.index,))
    for repair in case.repairs[-1:]:  # it had to do what those before it left
        if repair.ended != r.FINISHED:
            yield Finding(REPAIR_CUT_SHORT, f"{repair.name} {r.ENDINGS[repair.ended]}", shards=(repair.index,))


def _errors(case: Case) -> Iterator[Finding]:
    """Each once: a file that cannot be collected is an error of every shard."""
    found: Dict[Tuple[str, str], List[Receipt]] = defaultdict(list)
    for receipt in (*case.shards, *case.repairs):
        for error in receipt.errors:
            found[error.name, error.message].append(receipt)
    for (name, message), receipts in found.items():
        names = _names(dict.fromkeys(receipt.name for receipt in receipts))
        shards = sorted({receipt.index for receipt in receipts if not receipt.repairs})
        text = f"{one_line(name)}: {one_line(message)}  ({names})"
        yield Finding(SERVICE_DEATH if name == r.SERVICE else SHARD_ERROR, text, shards=tuple(shards))


def _names(names: Iterable[str]) -> str:
    first, *more = names
    return f"{first} and {len(more)} more" if more else first


def _red_tests(case: Case) -> Iterator[Finding]:
    for nodeid in (*case.wanted, *sorted(case.entries.keys() - case.wanted.keys())):
        entries = case.entries.get(nodeid, ())
        red = [entry for entry in entries if entry[1].outcome in (r.FAILED, r.ERROR)]
        if red:
            worst = worst_outcome(red)
            culprits = [(receipt, test) for receipt, test in red if test.outcome == worst]
            why = next((one_line(f": {test.why}") for _, test in culprits if test.why), "")
            names = ", ".join(receipt.name for receipt, _ in culprits)
            yield Finding(RED_TEST, f"{worst} in {names}{why}", nodeid, _indices(culprits))


def _indices(entries: Iterable[Entry]) -> Tuple[int, ...]:
    return tuple(sorted(receipt.index for receipt, _ in entries if not receipt.repairs))


def _without_outcome(case: Case) -> Iterator[Finding]:
    for nodeid, count in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        if covered(case, nodeid, entries):
            continue
        if any(test.count >= count for _, test in entries):
            yield Finding(NOT_RUN, ", ".join(receipt.name for receipt, _ in entries), nodeid, _indices(entries))
        else:
            yield Finding(LOST, _lost(case, nodeid, entries), nodeid, _should_have(case, nodeid))


def _lost(case: Case, nodeid: str, entries: Sequence[Entry]) -> str:
    """Why a test is lost, as far as that is known."""
    if entries:
        return (
            f"{case.wanted[nodeid]} tests have this id, at most {max(test.count for _, test in entries)} ran together"
        )
    if nodeid in case.planned:
        return f"planned for shard index {case.planned[nodeid]}"
    return "not in the plan: added since?" if case.planned else ""


def _should_have(case: Case, nodeid: str) -> Tuple[int, ...]:
    return (case.planned[nodeid],) if nodeid in case.planned else ()


def _doubled(case: Case) -> Iterator[Finding]:
    for nodeid, wanted in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        count = sum(test.count for _, test in entries)
        if len(entries) > 1 or count > wanted:
            times = f", {count} times instead of {wanted}" if len(entries) == 1 else ""
            yield Finding(DOUBLED, _told_by(entries) + times, nodeid, _indices(entries))


def _told_by(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{test.proven} in shard index {receipt.index}" for receipt, test in entries)


def _not_collected(case: Case) -> Iterator[Finding]:
    for nodeid in sorted(case.ran.keys() - case.wanted.keys()):
        entries = case.ran[nodeid]
        yield Finding(UNKNOWN, _told_by(entries), nodeid, _indices(entries))
    for nodeid in sorted(case.planned.keys() - case.ran.keys() - case.wanted.keys()):
        yield Finding(REMOVED, f"planned for shard index {case.planned[nodeid]}", nodeid, (case.planned[nodeid],))
