"""Random runs of which each shard may have gone its own way: red exactly where they did."""

from __future__ import annotations

import json
from collections import Counter
from typing import Dict, List, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.proof import findings as v
from scripts.proof import report_text
from scripts.proof.outcomes import ERROR, FAILED, NOT_RUN, PASSED, SKIPPED, XFAILED, XPASSED
from scripts.proof.receipt import FINISHED, INTERRUPTED, Receipt, Selected, digest
from scripts.proof.report_text import Ending, run_lines
from tests.unit.proof.results import judged, ran, red, repair, shard

BEST_FIRST = (PASSED, XPASSED, XFAILED, SKIPPED, FAILED, ERROR)


class Run(NamedTuple):
    """Shards that may have diverged, and what an independent collection finds."""

    total: int
    collection: List[str]
    shards: List[Receipt]


IDS = st.sampled_from(["t.py::a[0x1]", "t.py::a[0x2]", "t.py::b", "c", "d"])
COLLECTIONS = st.lists(IDS, max_size=6)
MOSTLY = st.integers(0, 9).map(bool)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Each node may have its own plan (other timings), tests (added, removed, doubled) and end, or none at all."""
    total = draw(st.integers(1, 4))
    tests = draw(COLLECTIONS)
    plans = [{nodeid: draw(st.integers(0, total - 1)) for nodeid in sorted(set(tests))} for _ in range(2)]
    nodes = [index for index in range(total) if draw(MOSTLY)]
    nodes += [] if draw(MOSTLY) else [draw(st.integers(0, total - 1))]
    shards = [draw(node(index, total, tests, plans)) for index in nodes]
    return Run(total, draw(st.permutations(tests if draw(MOSTLY) else draw(COLLECTIONS))), shards)


@st.composite
def node(draw: st.DrawFn, index: int, total: int, tests: List[str], plans: List[Dict[str, int]]) -> Receipt:
    number = 0 if draw(MOSTLY) else 1
    there = draw(st.permutations(tests if draw(MOSTLY) else draw(COLLECTIONS)))
    own = Counter(nodeid for nodeid in there if plans[number].get(nodeid) == index)
    outcomes = {nodeid: PASSED if draw(MOSTLY) else draw(st.sampled_from((*BEST_FIRST, NOT_RUN))) for nodeid in own}
    return shard(
        index,
        *(ran(nodeid, outcomes[nodeid], count) for nodeid, count in own.items()),
        of=total if draw(MOSTLY) else draw(st.integers(total, 5)),
        collected=there,
        plan_id=f"plan {number}",
        timings_digest=draw(st.sampled_from(["new", "aged"])),
        ended=FINISHED if draw(MOSTLY) else INTERRUPTED,
    )


def counts_of(run: Run, nodeid: str) -> List[int]:
    """How many tests of an id each shard had that had any."""
    return [test.count for each in run.shards for test in each.tests if test.nodeid == nodeid]


def results(run: Run) -> List[Selected]:
    return [test for each in run.shards for test in each.tests]


def flawless(run: Run) -> bool:
    """Said once more, in other words: a partition of the collection under one plan, complete and without red."""
    union: Counter[str] = Counter()
    for test in results(run):
        union[test.nodeid] += test.count
    return bool(run.collection) and (
        union == Counter(run.collection)
        and len(results(run)) == len(union)
        and [(index, run.total) for index in range(run.total)] == sorted((s.index, s.total) for s in run.shards)
        and len({each.plan_id for each in run.shards}) == 1
        and all(each.collected_digest == digest(run.collection) for each in run.shards)
        and all(each.ended == FINISHED for each in run.shards)
        and not {FAILED, ERROR, NOT_RUN} & {test.outcome for test in results(run)}
    )


divergences = settings(max_examples=100, deadline=None)


@settings(max_examples=500, deadline=None)
@given(runs())
def test_a_run_is_red_exactly_when_it_diverged_or_a_result_is_red(run: Run) -> None:
    assert flawless(run) == judged(run.shards, run.collection).green


@divergences
@given(runs())
def test_exactly_the_lost_and_doubled_ids_are_named(run: Run) -> None:
    verdict = judged(run.shards, run.collection)

    wanted = Counter(run.collection)
    lost = [nodeid for nodeid in wanted if max(counts_of(run, nodeid), default=0) < wanted[nodeid]]
    doubled = [n for n in wanted if len(counts_of(run, n)) > 1 or sum(counts_of(run, n)) > wanted[n]]
    strange = sorted({test.nodeid for test in results(run)} - set(wanted))
    assert lost == [found.nodeid for found in verdict.of(v.LOST)]
    assert doubled == [found.nodeid for found in verdict.of(v.DOUBLED)]
    assert strange == [found.nodeid for found in verdict.of(v.UNKNOWN)]


@divergences
@given(runs())
def test_each_collected_test_has_one_outcome_or_has_to_run(run: Run) -> None:
    verdict = judged(run.shards, run.collection)

    assert Counter(run.collection) == Counter({n: run.collection.count(n) for n in verdict.outcomes})
    assert len(run.collection) == sum(verdict.counts.values())
    assert {n for n, outcome in verdict.outcomes.items() if outcome == NOT_RUN} <= set(verdict.to_run)
    for nodeid in set(verdict.outcomes) - set(verdict.to_run):
        assert verdict.outcomes[nodeid] in {test.outcome for test in results(run) if test.nodeid == nodeid}


@divergences
@given(runs(), st.data())
def test_the_order_of_receipts_does_not_matter(run: Run, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(run.shards))

    assert judged(run.shards, run.collection) == judged(shuffled, run.collection)


@divergences
@given(runs())
def test_a_repair_that_ran_what_it_had_to_leaves_only_red_tests_red(run: Run) -> None:
    verdict = judged(run.shards, run.collection)
    tests = [ran(nodeid, count=run.collection.count(nodeid)) for nodeid in verdict.to_run]

    done = repair(verdict, *tests, collected=run.collection)
    repaired = judged([done, *run.shards], run.collection)

    failed = {test.nodeid for test in results(run) if test.outcome in (FAILED, ERROR)}
    beyond = {(v.RED_TEST, nodeid) for nodeid in failed}
    beyond |= {found for found in red(verdict) if found[0] in (v.NOTHING, v.UNSTABLE)}
    assert beyond == set(red(repaired))
    assert () == repaired.to_run
    assert NOT_RUN not in repaired.counts
    assert len(run.collection) == sum(repaired.counts.values())


@divergences
@given(runs())
def test_whatever_is_found_can_be_told_and_written(run: Run) -> None:
    verdict = judged(run.shards, run.collection, plan=[run.collection])

    assert all(map(str.isprintable, run_lines(Ending(verdict, run.shards))))
    assert verdict.ended == json.loads(json.dumps(report_text.to_json(verdict)))["ended"]
