"""Did every test run exactly once? The results of all shards against what was collected, pure.

It fails closed: red unless proven. What it finds has a name: which test was lost or ran twice, which shard
left no result or went by another plan. `Verdict.to_run` has the tests that a repair has to run; a repair
leaves a receipt too, and settles what was found as far as it can. Red tests stay red.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..console import command
from . import receipt as r
from .receipt import Receipt, Selected, one_line, shown

SCHEMA = 1
SHOWN = 20  # of each kind

# What can be found, in the order in which it is told.
NO_RESULT = "no result"
TWO_RESULTS = "two results"
OTHER_TOTAL = "other number of shards"
OTHER_PLAN = "other plan"
OTHER_COLLECTION = "other collection"
OTHER_TIMINGS = "other timings"
OTHER_RUN = "other run"
SEVERAL_RUNS = "several runs"
UNFIT_REPAIR = "repair of something else"
REPAIR_CUT_SHORT = "repair cut short"
CUT_SHORT = "cut short"
SHARD_ERROR = "error outside tests"
RED_TEST = "red test"
UNSTABLE = "unstable id"
LOST = "lost"
NOT_RUN = "not run"
DOUBLED = "doubled"
UNKNOWN = "unknown"
REMOVED = "removed"

ABOUT_SHARDS = (
    NO_RESULT,
    TWO_RESULTS,
    OTHER_TOTAL,
    OTHER_PLAN,
    OTHER_COLLECTION,
    OTHER_TIMINGS,
    OTHER_RUN,
    SEVERAL_RUNS,
    UNFIT_REPAIR,
    REPAIR_CUT_SHORT,
    CUT_SHORT,
    SHARD_ERROR,
)
ABOUT_TESTS = {  # what is said about a number of them
    RED_TEST: "{} red",
    UNSTABLE: "{} with an id that differs between two collections (an address, uuid, time, order of a set?)",
    LOST: "{} ran nowhere",
    NOT_RUN: "{} not run by the shard that had to",
    DOUBLED: "{} in more than one shard; each counts once, with its worst outcome",
    UNKNOWN: "{} in a shard, but not in this collection; not counted",
    REMOVED: "{} in the plan, but collected no more",
}
KINDS = (*ABOUT_SHARDS, *ABOUT_TESTS)
HARMLESS = (OTHER_TIMINGS, SEVERAL_RUNS, REMOVED)
NOT_REPAIRABLE = (UNFIT_REPAIR, REPAIR_CUT_SHORT, SHARD_ERROR, RED_TEST)

GREEN, TESTS_FAILED, INCOMPLETE = "green", "tests failed", "incomplete"


@dataclass(frozen=True)
class Finding:
    """Something that was found, about a test or about shards.

    `text` says it in a line. `shards` are indices; of repairs where the kind is about repairs. `repaired`: a
    repair settled it.
    """

    kind: str
    text: str
    nodeid: str = ""
    shards: Tuple[int, ...] = ()
    repaired: bool = False

    @property
    def red(self) -> bool:
        """Whether a run with it is not green."""
        return not self.repaired and self.kind not in HARMLESS


@dataclass(frozen=True)
class Verdict:
    """What the results of all shards prove.

    Args:
        total: the number of shards; 0 where nothing tells.
        outcomes: one final outcome for each id of the collection; "not-run" where there is none.
        counts: tests by outcome; they add up to the tests collected.
        findings: in the order of KINDS.
        to_run: the ids that a repair has to run, in the order of the collection.
        repairs: what a repair's receipt has to say in `repairs`: it is for these very results.
        repair_index: the number of the next repair.
    """

    total: int
    outcomes: Mapping[str, str]
    counts: Mapping[str, int]
    findings: Tuple[Finding, ...]
    to_run: Tuple[str, ...]
    repairs: str
    repair_index: int = 0

    @property
    def ended(self) -> str:
        """In a word: green, tests failed, or incomplete: not every test is proven to have run exactly once."""
        red = {finding.kind for finding in self.findings if finding.red}
        if red - {RED_TEST, SHARD_ERROR}:
            return INCOMPLETE
        return TESTS_FAILED if red else GREEN

    @property
    def green(self) -> bool:
        """Whether every test ran exactly once and none is red."""
        return self.ended == GREEN

    def of(self, kind: str) -> List[Finding]:
        """The findings of a kind."""
        return [finding for finding in self.findings if finding.kind == kind]


Entry = Tuple[Receipt, Selected]
Entries = Mapping[str, Sequence[Entry]]


@dataclass(frozen=True)
class _Case:
    """What a verdict goes by.

    `strangers` are of another run and `unfit` repair something else: neither count. `planned` has the shard of
    an id; `ran` the shards that had it, and what became of it there; `entries` the same with the repairs.
    """

    wanted: Mapping[str, int]
    collected_digest: str
    total: int
    shards: Sequence[Receipt]
    strangers: Sequence[Receipt]
    mark: str
    repairs: Sequence[Receipt]
    unfit: Sequence[Receipt]
    planned: Mapping[str, int]
    ran: Entries
    entries: Entries


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
    case = _case(receipts, collection, expected_total, plan or (), run_id)
    missing = [nodeid for nodeid in case.wanted if not _covered(case, nodeid, case.entries.get(nodeid, ()))]
    found = sorted(_findings(case), key=lambda finding: KINDS.index(finding.kind))
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


def _case(
    receipts: Iterable[Receipt],
    collection: Sequence[str],
    total: Optional[int],
    plan: Sequence[Iterable[str]],
    run_id: Optional[str],
) -> _Case:
    marks = sorted(((each.index, r.fingerprint(each), each) for each in receipts), key=lambda mark: mark[:2])
    shards = [(mark, each) for _, mark, each in marks if not each.repairs]
    here = [(mark, shard) for mark, shard in shards if run_id in (None, shard.run_id)]
    mark, digest = r.digest(mark for mark, _ in here), r.digest(collection)
    fits = [each for _, _, each in marks if (each.repairs, each.collected_digest) == (mark, digest)]
    ran = _entries(shard for _, shard in here)
    return _Case(
        wanted=Counter(collection),
        collected_digest=digest,
        total=_total((shard for _, shard in here), plan) if total is None else total,
        shards=[shard for _, shard in here],
        strangers=[shard for _, shard in shards if run_id not in (None, shard.run_id)],
        mark=mark,
        repairs=fits,
        unfit=[each for _, _, each in marks if each.repairs and each not in fits],
        planned={nodeid: index for index, nodeids in enumerate(plan) for nodeid in nodeids},
        ran=ran,
        entries=_entries([*(shard for _, shard in here), *fits]) if fits else ran,
    )


def _total(shards: Iterable[Receipt], plan: Sequence[Iterable[str]]) -> int:
    return len(plan) or int(_most_common((shard.total for shard in shards), 0))


def _entries(receipts: Iterable[Receipt]) -> Entries:
    found: Dict[str, List[Entry]] = defaultdict(list)
    for receipt in receipts:
        for test in receipt.tests:
            found[test.nodeid].append((receipt, test))
    return dict(found)


def _most_common(values: Iterable[Any], default: Any) -> Any:
    """What is there most often; of those the largest."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value)) if counts else default


def _covered(case: _Case, nodeid: str, entries: Sequence[Entry]) -> bool:
    """Whether one of them ran all the tests of this id."""
    wanted = case.wanted[nodeid]
    return any(test.count >= wanted and test.proven != r.NOT_RUN for _, test in entries)


def _outcomes(case: _Case, missing: Iterable[str]) -> Dict[str, str]:
    worst = {nodeid: _worst(case.entries.get(nodeid, ())) for nodeid in case.wanted}
    return {**worst, **{nodeid: r.NOT_RUN for nodeid in missing if worst[nodeid] not in r.RED}}


def _worst(entries: Sequence[Entry]) -> str:
    """The worst outcome of those who ran it."""
    outcomes = {test.proven for _, test in entries}
    ran = outcomes - {r.NOT_RUN} or {r.NOT_RUN}
    return min(ran, key=r.WORST_FIRST.index)


def _counts(case: _Case, outcomes: Mapping[str, str]) -> Dict[str, int]:
    counts: Counter[str] = Counter()
    for nodeid, outcome in outcomes.items():
        counts[outcome] += case.wanted[nodeid]
    return {outcome: counts[outcome] for outcome in r.WORST_FIRST if counts[outcome]}


def _settled(found: Iterable[Finding], missing: Collection[str]) -> Iterator[Finding]:
    """The findings, repaired where a repair settles them: not the tests that it left undone."""
    for finding in found:
        undone = finding.nodeid in missing if finding.nodeid else bool(missing)
        yield replace(finding, repaired=finding.red and finding.kind not in NOT_REPAIRABLE and not undone)


# What is found ------------------------------------------------------------------------------------


def _findings(case: _Case) -> Iterator[Finding]:
    looks: Sequence[Callable[[_Case], Iterator[Finding]]] = (
        _shards_there,
        _same_plan,
        _same_collection,
        _endings,
        _errors,
        _red_tests,
        _without_outcome,
        _doubled,
        _not_collected,
        _unstable,
    )
    for look in looks:
        yield from look(case)


def _shards_there(case: _Case) -> Iterator[Finding]:
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


def _same_plan(case: _Case) -> Iterator[Finding]:
    common = _most_common((shard.plan_id for shard in case.shards), "")
    timings = _most_common((shard.timings_digest for shard in case.shards if shard.plan_id == common), "")
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


def _same_collection(case: _Case) -> Iterator[Finding]:
    count = sum(case.wanted.values())
    for shard in case.shards:
        if shard.collected_digest not in ("", case.collected_digest):
            same = shard.collected_count == count
            others = "as many tests, but others" if same else f"{shard.collected_count} tests, here are {count}"
            yield Finding(OTHER_COLLECTION, f"{shard.name} collected {others}", shards=(shard.index,))
    for repair in case.unfit:
        text = f"{repair.name} is for other results, or other tests, than these; its outcomes do not count"
        yield Finding(UNFIT_REPAIR, text, shards=(repair.index,))


def _endings(case: _Case) -> Iterator[Finding]:
    for shard in case.shards:
        if shard.ended != r.FINISHED:
            yield Finding(CUT_SHORT, f"{shard.name} {r.ENDINGS[shard.ended]}", shards=(shard.index,))
    for repair in case.repairs[-1:]:  # it had to do what those before it left
        if repair.ended != r.FINISHED:
            yield Finding(REPAIR_CUT_SHORT, f"{repair.name} {r.ENDINGS[repair.ended]}", shards=(repair.index,))


def _errors(case: _Case) -> Iterator[Finding]:
    """Each once: a file that cannot be collected is an error of every shard."""
    found: Dict[Tuple[str, str], List[Receipt]] = defaultdict(list)
    for receipt in (*case.shards, *case.repairs):
        for error in receipt.errors:
            found[error.name, error.message].append(receipt)
    for (name, message), receipts in found.items():
        names = _names(dict.fromkeys(receipt.name for receipt in receipts))
        shards = sorted({receipt.index for receipt in receipts if not receipt.repairs})
        text = f"{one_line(name)}: {one_line(message)}  ({names})"
        yield Finding(SHARD_ERROR, text, shards=tuple(shards))


def _names(names: Iterable[str]) -> str:
    first, *more = names
    return f"{first} and {len(more)} more" if more else first


def _red_tests(case: _Case) -> Iterator[Finding]:
    for nodeid in (*case.wanted, *sorted(case.entries.keys() - case.wanted.keys())):
        entries = case.entries.get(nodeid, ())
        red = [entry for entry in entries if entry[1].outcome in (r.FAILED, r.ERROR)]
        if red:
            worst = _worst(red)
            culprits = [(receipt, test) for receipt, test in red if test.outcome == worst]
            why = next((one_line(f": {test.why}") for _, test in culprits if test.why), "")
            names = ", ".join(receipt.name for receipt, _ in culprits)
            yield Finding(RED_TEST, f"{worst} in {names}{why}", nodeid, _indices(culprits))


def _indices(entries: Iterable[Entry]) -> Tuple[int, ...]:
    return tuple(sorted(receipt.index for receipt, _ in entries if not receipt.repairs))


def _without_outcome(case: _Case) -> Iterator[Finding]:
    for nodeid, count in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        if _covered(case, nodeid, entries):
            continue
        if any(test.count >= count for _, test in entries):
            yield Finding(NOT_RUN, ", ".join(receipt.name for receipt, _ in entries), nodeid, _indices(entries))
        else:
            yield Finding(LOST, _lost(case, nodeid, entries), nodeid, _should_have(case, nodeid))


def _lost(case: _Case, nodeid: str, entries: Sequence[Entry]) -> str:
    """Why a test is lost, as far as that is known."""
    if entries:
        return (
            f"{case.wanted[nodeid]} tests have this id, at most {max(test.count for _, test in entries)} ran together"
        )
    if nodeid in case.planned:
        return f"planned for shard index {case.planned[nodeid]}"
    return "not in the plan: added since?" if case.planned else ""


def _should_have(case: _Case, nodeid: str) -> Tuple[int, ...]:
    return (case.planned[nodeid],) if nodeid in case.planned else ()


def _doubled(case: _Case) -> Iterator[Finding]:
    for nodeid, wanted in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        count = sum(test.count for _, test in entries)
        if len(entries) > 1 or count > wanted:
            times = f", {count} times instead of {wanted}" if len(entries) == 1 else ""
            yield Finding(DOUBLED, _told_by(entries) + times, nodeid, _indices(entries))


def _told_by(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{test.proven} in shard index {receipt.index}" for receipt, test in entries)


def _not_collected(case: _Case) -> Iterator[Finding]:
    for nodeid in sorted(case.ran.keys() - case.wanted.keys()):
        entries = case.ran[nodeid]
        yield Finding(UNKNOWN, _told_by(entries), nodeid, _indices(entries))
    for nodeid in sorted(case.planned.keys() - case.ran.keys() - case.wanted.keys()):
        yield Finding(REMOVED, f"planned for shard index {case.planned[nodeid]}", nodeid, (case.planned[nodeid],))


# Unstable ids -------------------------------------------------------------------------------------

_CHANGING = re.compile(
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # a uuid
    r"|0x[0-9a-f]+"  # an address
    r"|(?=[a-f]*[0-9])[0-9a-f]{8,}"  # a digest
    r"|\d+",
    re.IGNORECASE,
)


def _unstable(case: _Case) -> Iterator[Finding]:
    """Tests that are there under another id; where a shard is missing and no plan is known, nobody can tell."""
    if not case.planned and len({shard.index for shard in case.shards}) < case.total:
        return
    known = case.planned.keys() | case.ran.keys()
    pairs = _renamed(known - case.wanted.keys(), case.wanted.keys() - known)
    for new, old in sorted(pairs.items()):
        yield Finding(UNSTABLE, f"was {shown(old)}", new)


def _renamed(gone: Iterable[str], new: Iterable[str]) -> Dict[str, str]:
    """The new ids that are likely old ones, each with its old one: as many of the same form, or function."""
    pairs: Dict[str, str] = {}
    left_gone, left_new = set(gone), set(new)
    for form in (_form, _function):
        old_ones, new_ones = _groups(left_gone, form), _groups(left_new, form)
        for key in new_ones.keys() & old_ones.keys():
            if len(new_ones[key]) == len(old_ones[key]):
                pairs.update(zip(new_ones[key], old_ones[key]))
        left_gone, left_new = left_gone.difference(pairs.values()), left_new.difference(pairs)
    return pairs


def _groups(nodeids: Iterable[str], key: Callable[[str], Tuple[str, ...]]) -> Dict[Tuple[str, ...], List[str]]:
    groups: Dict[Tuple[str, ...], List[str]] = defaultdict(list)
    for nodeid in sorted(nodeids):
        groups[key(nodeid)].append(nodeid)
    return groups


def _function(nodeid: str) -> Tuple[str, ...]:
    function, bracket, _ = nodeid.partition("[")
    return (function,) if bracket else (nodeid, "")


def _form(nodeid: str) -> Tuple[str, ...]:
    """The function, and the words of the parameters in no order, without what changes from process to process.

    >>> _form("test_a.py::test_b[{'x', 'y'}-0x7f12]") == _form("test_a.py::test_b[{'y', 'x'}-0x7e40]")
    True
    """
    function, _, parameters = nodeid.partition("[")
    return (function, *sorted(re.findall(r"\w+", _CHANGING.sub("_", parameters))))


# What is written and said -------------------------------------------------------------------------


def to_json(verdict: Verdict) -> Dict[str, Any]:
    """The verdict as it is written to merge.json."""
    return {
        "schema": SCHEMA,
        "ended": verdict.ended,
        "total": verdict.total,
        "counts": dict(verdict.counts),
        "findings": [{**vars(finding), "red": finding.red} for finding in verdict.findings],
        "to_run": verdict.to_run,
        "repairs": verdict.repairs,
        "repair_index": verdict.repair_index,
        "outcomes": dict(verdict.outcomes),
    }


def write(file: Path, verdict: Verdict) -> None:
    """Write a verdict; a reader sees all of it or none.

    Raises:
        SuiteError: it cannot be written.
    """
    r.write_json(file, to_json(verdict))


def lines(verdict: Verdict) -> List[str]:
    """The verdict for a person: the counts, what was found, what to do next, and in the last line how it ended."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in verdict.counts.items()) or "none collected"
    indices = f" (indices 0-{verdict.total - 1})" if verdict.total > 1 else ""
    told = [f"{_tests(sum(verdict.counts.values()))} in {_number(verdict.total, 'shard')}{indices}: {counts}"]
    for kind in KINDS:
        found = verdict.of(kind)
        told += _told(kind, [finding for finding in found if not finding.repaired])
        told += [f"repaired: {line}" for line in _told(kind, [f for f in found if f.repaired], 0)]
    return [*told, *_next(verdict), f"merge: {verdict.ended}"]


def _told(kind: str, found: Sequence[Finding], most: int = SHOWN) -> List[str]:
    """The findings of a kind, at most so many of them by name; about shards there is one line at least."""
    if not found:
        return []
    if kind in ABOUT_SHARDS:
        most = max(most, 3)
        named, indent = [finding.text for finding in found[:most]], ""
    else:
        named, indent = [_named(finding) for finding in found[:most]], "  "
        named.insert(0, ABOUT_TESTS[kind].format(_tests(len(found))) + (":" if most else ""))
    more = [f"{indent}and {len(found) - most} more"] if 0 < most < len(found) else []
    return [*named, *more]


def _named(finding: Finding) -> str:
    return f"  {shown(finding.nodeid)}" + (f"  ({finding.text})" if finding.text else "")


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tests(count: int) -> str:
    return _number(count, "test")


def _next(verdict: Verdict) -> List[str]:
    """What to do, worst first."""
    red = {finding.kind for finding in verdict.findings if finding.red}
    steps = [_shards_again(verdict)] if SHARD_ERROR in red else []
    if verdict.ended == INCOMPLETE:
        rest = (
            f"runs {_tests(len(verdict.to_run))} without a result"
            if verdict.to_run
            else "every test has a result; this settles the rest"
        )
        steps.append(f"{command('nox', '-s', 'merge', '--', '--run-missing')}    ({rest})")
    elif RED_TEST in red:
        steps.append(f"{command('nox', '-s', 'integration', '--', '--last-failed')}    (only what failed)")
    if UNSTABLE in red:
        steps.append("if ids change from run to run, no run can find them: pytest.param(..., id=...) makes them stay")
    return [f"next: {step}" for step in steps]


def _shards_again(verdict: Verdict) -> str:
    shards = {index for finding in verdict.of(SHARD_ERROR) for index in finding.shards}
    if len(shards) != 1:
        return f"{command('nox', '-s', 'integration')}    (all shards again)"
    return f"{command('nox', '-s', 'shard', '--', str(min(shards)), str(verdict.total))}    (that shard again)"
