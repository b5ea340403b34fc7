"""What a verdict goes by: the receipts that count, sorted by what they are, and who had which test."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from . import receipt as r
from .receipt import Receipt, Selected

Entry = Tuple[Receipt, Selected]
Entries = Mapping[str, Sequence[Entry]]


@dataclass(frozen=True)
class Case:
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


def case_of(
    receipts: Iterable[Receipt],
    collection: Sequence[str],
    total: Optional[int],
    plan: Sequence[Iterable[str]],
    run_id: Optional[str],
) -> Case:
    """What the receipts say, those set apart that do not count."""
    marks = sorted(((each.index, r.fingerprint(each), each) for each in receipts), key=lambda mark: mark[:2])
    shards = [(mark, each) for _, mark, each in marks if not each.repairs]
    here = [(mark, shard) for mark, shard in shards if run_id in (None, shard.run_id)]
    mark, digest = r.digest(mark for mark, _ in here), r.digest(collection)
    fits = [each for _, _, each in marks if (each.repairs, each.collected_digest) == (mark, digest)]
    ran = _entries(shard for _, shard in here)
    return Case(
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
    return len(plan) or int(most_common((shard.total for shard in shards), 0))


def _entries(receipts: Iterable[Receipt]) -> Entries:
    found: Dict[str, List[Entry]] = defaultdict(list)
    for receipt in receipts:
        for test in receipt.tests:
            found[test.nodeid].append((receipt, test))
    return dict(found)


def most_common(values: Iterable[Any], default: Any) -> Any:
    """What is there most often; of those the largest."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value)) if counts else default


def covered(case: Case, nodeid: str, entries: Sequence[Entry]) -> bool:
    """Whether one of them ran all the tests of this id."""
    wanted = case.wanted[nodeid]
    return any(test.count >= wanted and test.proven != r.NOT_RUN for _, test in entries)


def worst_outcome(entries: Sequence[Entry]) -> str:
    """The worst outcome of those who ran it."""
    outcomes = {test.proven for _, test in entries}
    ran = outcomes - {r.NOT_RUN} or {r.NOT_RUN}
    return min(ran, key=r.WORST_FIRST.index)
