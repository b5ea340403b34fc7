"""Did every test run exactly once? The results of all shards against what was collected, pure.

It fails closed: red unless proven. What it finds has a name: which test was lost or ran twice, which shard
left no result or went by another plan. `Verdict.to_run` has the tests that a repair has to run; a repair
leaves a receipt too, and settles what was found as far as it can. Red tests stay red.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Callable, Collection, Dict, Iterable, Iterator, List, Mapping, Sequence, Set, Tuple

from . import budgets, shared_out
from . import findings as f
from . import outcomes as o
from . import receipt as r
from .case import Case, Entry, Reference, case_of, covered, most_common, worst_outcome
from .company import apart, joined
from .findings import Finding, Verdict
from .receipt import Damaged, Receipt, Selected, SourceState, one_line, shown
from .renamed_ids import CURE


def verify(
    receipts: Iterable[Receipt],
    reference: Reference,
    damaged: Sequence[Damaged] = (),
    changed: Mapping[str, Sequence[str]] = {},
    killed: Iterable[Receipt] = (),
) -> Verdict:
    """Compare what the shards say with what there is.

    Args:
        receipts: of shards and of repairs, in any order.
        damaged: results that cannot be read, or not be believed.
        changed: by the name of a receipt, the files beside it that were changed after it was written.
        killed: of shards that left no result, the red tests that their journals have: others may have run them again.
    """
    case = case_of(receipts, reference, damaged, changed, killed)
    missing = [nodeid for nodeid in case.wanted if not covered(case, nodeid, case.entries.get(nodeid, ()))]
    ordered = sorted(findings(case), key=lambda finding: f.KINDS.index(finding.kind))
    lacking = set(missing)
    undone = {*missing, *_without_company(case)}
    due = set(joined(undone, [*case.groups, *case.classes])) if undone else undone
    tests = tuple(_test(case, nodeid, nodeid in lacking) for nodeid in case.wanted)
    return Verdict(
        total=case.total,
        tests=tests,
        counts=_counts(tests),
        findings=tuple(_settled(ordered, undone) if case.repairs else ordered),
        to_run=tuple(nodeid for nodeid in case.wanted if nodeid in due),
        repairs=case.mark,
        repair_index=len(case.repairs),
    )


def _test(case: Case, nodeid: str, missing: bool) -> Selected:
    """Put together what all who had a test say of it: all attempts, the worst outcome, not-run where one is missing."""
    entries = case.entries.get(nodeid, ())
    outcome = worst_outcome(entries)
    attempts = tuple(attempt for _, test in entries for attempt in test.attempts)
    return Selected(nodeid, o.NOT_RUN if missing and outcome not in o.RED else outcome, attempts, case.wanted[nodeid])


def _counts(tests: Iterable[Selected]) -> Dict[str, int]:
    counts: Counter[str] = Counter()
    for test in tests:
        counts[test.outcome] += test.count
    return {outcome: counts[outcome] for outcome in o.WORST_FIRST if counts[outcome]}


def _settled(all_findings: Iterable[Finding], missing: Collection[str]) -> Iterator[Finding]:
    """Mark what a repair settles: not the tests that it left undone."""
    for finding in all_findings:
        undone = finding.nodeid in missing if finding.nodeid else bool(missing)
        yield replace(finding, repaired=finding.red and finding.kind not in f.NOT_REPAIRABLE and not undone)


def findings(case: Case) -> Iterator[Finding]:
    """Find all that there is, check by check."""
    looks: Sequence[Callable[[Case], Iterator[Finding]]] = (
        _nothing,
        _shards_there,
        _damage,
        _same_plan,
        _same_state,
        _same_sources,
        _same_arguments,
        _same_python,
        _same_collection,
        _stores,
        _claimed_twice,
        _endings,
        _errors,
        _budgets,
        _red_tests,
        _without_outcome,
        _apart,
        _doubled,
        _not_collected,
        _renamed,
        _unstable,
    )
    for look in looks:
        yield from look(case)


def _nothing(case: Case) -> Iterator[Finding]:
    collected = [*case.wanted, *case.ran]
    if not collected and case.shards and all(r.is_green(shard) for shard in case.shards):
        yield Finding(f.NOTHING, "no test was selected")


def _shards_there(case: Case) -> Iterator[Finding]:
    results = Counter(shard.index for shard in case.shards if shard.total == case.total)
    for shard in case.shards:
        if shard.total != case.total:
            yield Finding(f.OTHER_TOTAL, f"{shard.name} is not of this run of {case.total}", shards=(shard.index,))
    if not case.shards and not case.total:
        yield Finding(f.NO_RESULT, "no shard left a result")
    unreadable = {result.index for result in case.damaged if not result.is_repair}
    for index in range(case.total):
        name = f"shard index {index} of {case.total}"
        if not results[index] and index not in unreadable:
            yield _without_result(case, index, name)
        elif results[index] > 1:
            yield Finding(f.TWO_RESULTS, f"{name} left {results[index]} results", shards=(index,))


def _without_result(case: Case, index: int, name: str) -> Finding:
    """Tell whether others ran what a shard without result had to: all that it may have seen red is in its journal."""
    own = [nodeid for nodeid, planned in case.planned.items() if planned == index and nodeid in case.wanted]
    known = own if case.planned else None
    all_ran = all(covered(case, nodeid, case.ran.get(nodeid, ())) for nodeid in case.wanted)
    if all_ran and case.wanted and shared_out.is_replaced(index, case.shards, case.claims, known):
        return Finding(f.REPLACED, f"{name} left no result; others ran what it had to", shards=(index,))
    return Finding(f.NO_RESULT, f"{name} left no result", shards=(index,))


def _damage(case: Case) -> Iterator[Finding]:
    for result in case.damaged:
        kind = f.UNFIT_REPAIR if result.is_repair else f.DAMAGED
        yield Finding(kind, f"{result.name}: {result.why}", shards=(result.index,))
    for name, files in case.changed.items():
        shards = tuple(shard.index for shard in case.shards if shard.name == name)
        yield Finding(f.CHANGED, f"{', '.join(files)} of {name} changed after it had ended", shards=shards)


def _same_plan(case: Case) -> Iterator[Finding]:
    common = most_common((shard.plan_id for shard in case.shards), "")
    timings = most_common((shard.timings_digest for shard in case.shards if shard.plan_id == common), "")
    for shard in case.shards:
        if not shard.plan_id and shard.ended != r.FINISHED:
            continue  # it was cut short before it had one
        others = "" if shard.timings_digest == timings else "other timings"
        if shard.plan_id != common:
            whence = f", made from {others}" if others else ""
            text = f"{shard.name} went by plan {shard.plan_id:.8}, others by {common:.8}{whence}"
            yield Finding(f.OTHER_PLAN, text, shards=(shard.index,))
        elif others:
            yield Finding(f.OTHER_TIMINGS, f"{shard.name} had {others}, but the same plan", shards=(shard.index,))
    runs = {shard.run_id for shard in case.shards}
    if len(runs) > 1:
        yield Finding(f.SEVERAL_RUNS, f"the results are of {len(runs)} runs")


def _same_arguments(case: Case) -> Iterator[Finding]:
    """Compare what pytest was told: a shard that ran with --quick proves nothing beside one that did not."""
    told = [r.that_matter(shard.arguments) for shard in case.shards]
    common = most_common(told, ())
    for shard, words in zip(case.shards, told):
        if words != common:
            theirs, others = (" ".join(each) or "none" for each in (words, common))
            text = f"{shard.name} ran with other arguments: {theirs}; the others with {others}"
            yield Finding(f.OTHER_ARGUMENTS, text, shards=(shard.index,))
    ran = [result for result in (*case.shards, *case.repairs) if result.tests]
    addopts = most_common((result.addopts for result in ran), "")
    for result in ran:
        if result.addopts != addopts:
            text = f"{result.name} ran with another PYTEST_ADDOPTS than the others"
            yield Finding(f.OTHER_ARGUMENTS, text, shards=() if result.repairs else (result.index,))


def _same_python(case: Case) -> Iterator[Finding]:
    """Compare the Pythons: where each leg of a matrix takes itself for a shard, no Python has run all tests."""
    pythons = {shard.name: python_of(shard) for shard in case.shards if shard.tests and python_of(shard)}
    common = most_common(pythons.values(), "")
    for shard in case.shards:
        python = pythons.get(shard.name, common)
        if python != common:
            text = f"{shard.name} ran on Python {python}, others on {common}; legs of a matrix are no shards"
            yield Finding(f.OTHER_PYTHON, text, shards=(shard.index,))


def python_of(result: Receipt) -> str:
    """Name the Python that tests ran on, "3.11"; empty where that is not known."""
    return ".".join((result.suite_python or result.python).split(".")[:2])


def _same_state(case: Case) -> Iterator[Finding]:
    """Compare the files of the tests, and the commit: results of before and after an edit prove nothing together."""
    results = [result for result in (*case.shards, *case.repairs) if result.files_digest or result.tests]
    files = case.files_digest or most_common((result.files_digest for result in results), "")
    for result in results:
        if result.files_digest != files:
            text = f"{result.name} ran the tests as they were before, or after, an edit: its files are others"
            yield Finding(f.OTHER_FILES, text, shards=() if result.repairs else (result.index,))
    commits = {result.commit for result in results if result.tests}
    if len({shard.run_id for shard in case.shards}) < 2:  # within a run one may have failed to find out
        commits -= {""}
    if len(commits) > 1:
        names = ", ".join(sorted(commit[:12] or "one not known" for commit in commits))
        yield Finding(f.OTHER_FILES, f"the results are of {len(commits)} commits: {names}")


def _same_sources(case: Case) -> Iterator[Finding]:
    """Compare what was installed from paths and branches: results of two states of a service are not of one run."""
    ran = [result for result in (*case.shards, *case.repairs) if result.tests]
    for name in sorted({name for result in ran for name in result.sources}):
        those = [result for result in ran if name in result.sources]
        common = most_common((result.sources[name].content for result in those), "")
        usual = next(result.sources[name] for result in those if result.sources[name].content == common)
        for result in those:
            state = result.sources[name]
            if state.content != common:
                text = f"{result.name} tested {_state(name, state)}, others {_state('it', usual)}"
                yield Finding(f.OTHER_SOURCE, text, shards=() if result.repairs else (result.index,))


def _state(name: str, state: SourceState) -> str:
    return f"{shown(name + state.text)} (content {shown(state.content[:8])})"


def _same_collection(case: Case) -> Iterator[Finding]:
    count = sum(case.wanted.values())
    for shard in case.shards:
        if shard.collected_digest not in ("", case.collected_digest) and not _is_unstable(case, shard):
            same = shard.collected_count == count
            others = "as many tests, but others" if same else f"{shard.collected_count} tests, here are {count}"
            yield Finding(f.OTHER_COLLECTION, f"{shard.name} collected {others}", shards=(shard.index,))
    for repair in case.unfit:
        text = f"{repair.name} is for other results, or other tests, than these; its outcomes do not count"
        yield Finding(f.UNFIT_REPAIR, text, shards=(repair.index,))


def _stores(case: Case) -> Iterator[Finding]:
    """Tell who shared no tests out where others did, and who could not to the end."""
    without = {shard.index: one_line(shard.store_gone) for shard in case.shards if not shard.store and shard.tests}
    if not case.claims and any(without.values()):
        whys = "; ".join(dict.fromkeys(filter(None, without.values())))
        yield Finding(f.WITHOUT_STORE, f"no tests were shared out: {whys}; the plan held", shards=tuple(without))
    for shard in case.shards:
        if case.claims and shard.index in without:
            why = f" ({without[shard.index]})" if without[shard.index] else ""
            text = f"{shard.name} had no store, as others had: it ran what the plan gives it{why}"
            yield Finding(f.WITHOUT_STORE, text, shards=(shard.index,))
        if shard.store and shard.store_gone:
            text = f"{shard.name} lost the store: {one_line(shard.store_gone)}; it claimed nothing more"
            yield Finding(f.STORE_GONE, text, shards=(shard.index,))


def _silent(case: Case) -> Set[int]:
    """Name the shards without a result."""
    return {*range(case.total)} - {shard.index for shard in case.shards}


def _claimed_twice(case: Case) -> Iterator[Finding]:
    """Name what a store gave to several; it says to each that nobody was before it."""
    found: Dict[Tuple[Tuple[int, str, str, str], ...], List[str]] = defaultdict(list)
    for name, claims in sorted(case.pieces.items()):
        if len(claims) > 1 and not shared_out.is_chain(claims, _silent(case)):
            found[
                tuple((shard.index, shard.name, shard.store, shard.python.rpartition(".")[0]) for shard, _ in claims)
            ].append(name)
    for those, pieces in found.items():
        indices, shards, stores, pythons = (dict.fromkeys(each) for each in zip(*those))
        why = "the store gave it to both" if len(stores) == 1 else f"their stores differ: {', '.join(stores)}"
        if len(pythons) > 1:  # as legs of a matrix, which have a place each
            why = f"their Pythons differ, {' and '.join(pythons)}, and only shards on one share out tests"
        said = f"piece {pieces[0]} was" if len(pieces) == 1 else f"{len(pieces)} pieces ({pieces[0]} first) were"
        text = f"{said} claimed by {' and by '.join(shards)}: {why}; distribution.store has to be one that all reach"
        yield Finding(f.CLAIMED_TWICE, shown(text), shards=tuple(sorted(indices)))


def _endings(case: Case) -> Iterator[Finding]:
    for shard in case.shards:
        if shard.ended != r.FINISHED:
            kind = f.STOPPED if shard.ended == r.STOPPED else f.CUT_SHORT
            yield Finding(kind, f"{shard.name} {r.ENDINGS[shard.ended]}", shards=(shard.index,))
    for repair in case.repairs[-1:]:  # it had to do what those before it left
        if repair.ended != r.FINISHED:
            yield Finding(f.REPAIR_CUT_SHORT, f"{repair.name} {r.ENDINGS[repair.ended]}", shards=(repair.index,))


def _errors(case: Case) -> Iterator[Finding]:
    """Name each error outside tests once: a file that cannot be collected is an error of every shard."""
    errors: Dict[Tuple[str, str], List[Receipt]] = defaultdict(list)
    for receipt in (*case.shards, *case.repairs):
        for error in receipt.errors:
            errors[error.name, error.message].append(receipt)
    for (name, message), receipts in errors.items():
        names = _names(dict.fromkeys(receipt.name for receipt in receipts))
        shards = sorted({receipt.index for receipt in receipts if not receipt.repairs})
        text = f"{one_line(name)}: {one_line(message)}  ({names})"
        yield Finding(f.SERVICE_DEATH if name == r.SERVICE else f.SHARD_ERROR, text, shards=tuple(shards))


def _budgets(case: Case) -> Iterator[Finding]:
    yield from budgets.findings((*case.shards, *case.repairs))


def _names(names: Iterable[str]) -> str:
    first, *more = names
    return f"{first} and {len(more)} more" if more else first


def _red_tests(case: Case) -> Iterator[Finding]:
    for nodeid in (*case.wanted, *sorted(case.entries.keys() - case.wanted.keys())):
        entries = case.entries.get(nodeid, ())
        red = [entry for entry in entries if entry[1].outcome in (o.FAILED, o.ERROR, o.UNFINISHED)]
        if red:
            worst = worst_outcome(red)
            culprits = [(receipt, test) for receipt, test in red if test.outcome == worst]
            why = next((one_line(f": {test.why}") for _, test in culprits if test.why), "")
            names = ", ".join(receipt.name for receipt, _ in culprits)
            yield Finding(f.RED_TEST, f"{worst} in {names}{why}", nodeid, _indices(culprits))


def _indices(entries: Iterable[Entry]) -> Tuple[int, ...]:
    return tuple(sorted(receipt.index for receipt, _ in entries if not receipt.repairs))


def _without_outcome(case: Case) -> Iterator[Finding]:
    for nodeid, count in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        if covered(case, nodeid, entries):
            continue
        if any(test.count >= count for _, test in entries):
            kind = f.LEFT if all(receipt.ended == r.STOPPED for receipt, _ in entries) else f.NOT_RUN
            yield Finding(kind, ", ".join(receipt.name for receipt, _ in entries), nodeid, _indices(entries))
        elif not entries and _all_stopped(case):
            yield Finding(f.LEFT, "nobody claimed it any more", nodeid, _should_have(case, nodeid))
        else:
            yield Finding(f.LOST, _lost(case, nodeid, entries), nodeid, _should_have(case, nodeid))


def _all_stopped(case: Case) -> bool:
    """Tell whether shards claimed no more since they were all to stop, and so left tests that none of them has."""
    endings = {shard.ended for shard in case.shards}
    shared = len(case.shards) == case.total and all(shard.store and not shard.store_gone for shard in case.shards)
    return shared and r.STOPPED in endings and endings <= {r.STOPPED, r.FINISHED}


def _lost(case: Case, nodeid: str, entries: Sequence[Entry]) -> str:
    """Say why a test is lost, as far as that is known."""
    if entries:
        return (
            f"{case.wanted[nodeid]} tests have this id, at most {max(test.count for _, test in entries)} ran together"
        )
    gone = [shard.name for shard in case.shards if shard.store and shard.store_gone]
    if gone:
        return f"nobody claimed it: {_names(gone)} lost the store"
    if nodeid in case.planned:
        return f"planned for shard index {case.planned[nodeid]}"
    return "not in the plan: added since?" if case.planned else ""


def _should_have(case: Case, nodeid: str) -> Tuple[int, ...]:
    return (case.planned[nodeid],) if nodeid in case.planned else ()


def _without_company(case: Case) -> Dict[str, str]:
    """Find the tests that ran without one before them that they stay together with, and which that is.

    A class without a sign of state is not run anew where one of its tests ended the process, but where the shard ended.
    """
    return {**apart(case.classes, case.entries, by_round=False), **apart(case.groups, case.entries)}


def _apart(case: Case) -> Iterator[Finding]:
    for nodeid, before in _without_company(case).items():
        entries = case.entries[nodeid]
        names = ", ".join(dict.fromkeys(receipt.name for receipt, _ in entries))
        yield Finding(f.APART, f"in {names} without {shown(before)}", nodeid, _indices(entries))


def _doubled(case: Case) -> Iterator[Finding]:
    for nodeid, wanted in case.wanted.items():
        entries = case.ran.get(nodeid, ())
        count = sum(test.count for _, test in entries)
        if len(entries) > 1 or count > wanted:
            times = f", {count} times instead of {wanted}" if len(entries) == 1 else ""
            explained = _is_explained(case, nodeid, entries)
            if (
                not explained or sum(bool(test.attempts) for _, test in entries) > 1
            ):  # else it did not come to run there
                kind = f.RAN_AGAIN if explained else f.DOUBLED
                yield Finding(kind, _outcomes_in(entries) + times, nodeid, _indices(entries))


def _is_explained(case: Case, nodeid: str, entries: Sequence[Entry]) -> bool:
    """Tell whether the receipts say why a test is in several of them, in each as often as it is there, or less."""
    once_each = len(entries) > 1 and all(test.count <= case.wanted[nodeid] for _, test in entries)
    claims, planned = case.claims.get(nodeid, ()), case.planned.get(nodeid, -1)
    return once_each and shared_out.is_explained([shard for shard, _ in entries], claims, planned, _silent(case))


def _outcomes_in(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{test.proven} in shard index {receipt.index}" for receipt, test in entries)


def _not_collected(case: Case) -> Iterator[Finding]:
    for nodeid in sorted(case.ran.keys() - case.wanted.keys()):
        entries = case.ran[nodeid]
        yield Finding(f.UNKNOWN, _outcomes_in(entries), nodeid, _indices(entries))
    for nodeid in sorted(case.planned.keys() - case.ran.keys() - case.wanted.keys()):
        yield Finding(f.REMOVED, f"planned for shard index {case.planned[nodeid]}", nodeid, (case.planned[nodeid],))


def _renamed(case: Case) -> Iterator[Finding]:
    """Name the tests that were run by function and place, since their ids change, each as it is called here."""
    for nodeid in sorted(case.ran):
        for ran_as in (test.ran_as for _, test in case.ran[nodeid] if test.ran_as):
            yield Finding(f.RENAMED, f"ran as {shown(ran_as)}; {CURE}", nodeid, _indices(case.ran[nodeid]))


def _unstable(case: Case) -> Iterator[Finding]:
    """Name the tests whose ids differ between two collections, where no plan said which test is which."""
    shards = tuple(shard.index for shard in case.shards if _is_unstable(case, shard))
    for nodeid in _new_ids(case) if shards or case.suspected else ():
        known = case.suspected.get(nodeid, "")
        if known or shards:
            was = f"was {shown(known)}; " if known else ""
            yield Finding(f.UNSTABLE, was + CURE, nodeid, shards or _indices(case.ran.get(known, ())))


def _new_ids(case: Case) -> List[str]:
    return [nodeid for nodeid in case.wanted if nodeid not in case.ran]


def _is_unstable(case: Case, shard: Receipt) -> bool:
    """Tell whether a shard collected the same tests under other ids."""
    other = shard.collected_digest not in ("", case.collected_digest)
    return other and shard.forms_digest == case.forms_digest and bool(_new_ids(case))
