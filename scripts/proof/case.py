"""What a verdict goes by: the receipts that count, sorted by what they are, and who had which test."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from . import outcomes as o
from . import receipt as r
from . import shared_out
from .company import undivided
from .receipt import Damaged, Receipt, Selected
from .renamed_ids import form_of, known_as
from .shared_out import Claims

Entry = Tuple[Receipt, Selected]
Entries = Mapping[str, Sequence[Entry]]


@dataclass(frozen=True)
class Reference:
    """What results are compared with.

    Args:
        collection: the ids of an independent collection, in its order, an id as often as tests share it.
        files_digest: of the files that these tests stand in; empty where that is not known.
        plan: the ids of each shard, to name the one that should have run a lost test; empty where there is none.
        groups: the ids of tests that stay together, in the order of the collection.
        classes: the ids of each class. It may carry state without a sign of it, and its tests may skip where that is
            not there; but it is cut where it is long.
        pieces: the ids of each piece of the plan; empty where there are none.
    """

    collection: Sequence[str]
    files_digest: str = ""
    plan: Sequence[Sequence[str]] = ()
    groups: Sequence[Sequence[str]] = ()
    classes: Sequence[Sequence[str]] = ()
    pieces: Sequence[Sequence[str]] = ()


@dataclass(frozen=True)
class Case:
    """What a verdict goes by.

    `wanted` counts the tests of each id; `suspected` has the id that ran of those that may be the same test, which
    nothing shows. `unfit` repairs complete
    something else and do not count. `planned` has the shard of an id; `ran` the shards that had it, and what became of
    it there; `entries` the same with the repairs, and with the red tests that journals of shards without result have.
    `mark` stands for all results, repairs included. `groups` of tests stay together, and `classes` that were not cut.
    `pieces` has who claimed a piece, `claims` who claimed that of a test, where tests were shared out while they ran.
    """

    wanted: Mapping[str, int]
    suspected: Mapping[str, str]
    collected_digest: str
    forms_digest: str
    files_digest: str
    total: int
    shards: Sequence[Receipt]
    damaged: Sequence[Damaged]
    changed: Mapping[str, Sequence[str]]
    mark: str
    repairs: Sequence[Receipt]
    unfit: Sequence[Receipt]
    planned: Mapping[str, int]
    ran: Entries
    entries: Entries
    groups: Sequence[Sequence[str]]
    classes: Sequence[Sequence[str]]
    pieces: Claims
    claims: Claims


def case_of(
    receipts: Iterable[Receipt],
    reference: Reference,
    damaged: Sequence[Damaged] = (),
    changed: Mapping[str, Sequence[str]] = {},
    killed: Iterable[Receipt] = (),
) -> Case:
    """Sort what the receipts say, those set apart that do not count."""
    marked = sorted(((result.index, r.fingerprint(result), result) for result in receipts), key=lambda mark: mark[:2])
    shards = [result for _, _, result in marked if not result.repairs]
    planned = {nodeid: index for index, nodeids in enumerate(reference.plan) for nodeid in nodeids}
    ran = _entries(shards)
    pairs = known_as(reference.collection, planned or ran)
    names = {nodeid: known for nodeid, known in pairs.items() if _is_renamed(known, ran)}
    collection = [names.get(nodeid, nodeid) for nodeid in reference.collection]
    digest = r.digest(collection)
    repairs, mark = _fitting(marked, digest)
    there = {result.index for result in shards}
    more = [*repairs, *(result for result in killed if result.index not in there)]
    claims = shared_out.by_test(shards)
    return Case(
        wanted=Counter(collection),
        suspected={nodeid: known for nodeid, known in pairs.items() if nodeid not in names},
        collected_digest=digest,
        forms_digest=r.digest(map(form_of, collection)),
        files_digest=reference.files_digest,
        total=_total(shards, reference.plan),
        shards=shards,
        damaged=damaged,
        changed=changed,
        mark=mark,
        repairs=repairs,
        unfit=[result for _, _, result in marked if result.repairs and result not in repairs],
        planned=planned,
        ran=ran,
        entries=_entries([*shards, *more]) if more else ran,
        groups=_renamed(reference.groups, names),
        classes=undivided(_renamed(reference.classes, names), _parts_of(reference, planned, ran, claims)),
        pieces=shared_out.by_piece(shards),
        claims=claims,
    )


def _renamed(groups: Iterable[Sequence[str]], names: Mapping[str, str]) -> List[List[str]]:
    return [[names.get(nodeid, nodeid) for nodeid in group] for group in groups]


def _parts_of(reference: Reference, planned: Mapping[str, int], ran: Entries, claims: Claims) -> Dict[str, List[str]]:
    """Say which shards had to run a test, or in which pieces it was: the plan does, or else they themselves.

    >>> _parts_of(Reference(["a"]), {"a": 1}, {}, {})
    {'a': ['shard 1']}
    """
    if claims and reference.pieces:
        return {nodeid: [f"piece {number}"] for number, ids in enumerate(reference.pieces) for nodeid in ids}
    if claims:
        return {nodeid: [f"piece {piece.name}" for _, piece in claimed] for nodeid, claimed in claims.items()}
    if planned:
        return {nodeid: [f"shard {index}"] for nodeid, index in planned.items()}
    return {nodeid: [f"shard {shard.index}" for shard, _ in entries] for nodeid, entries in ran.items()}


def _fitting(marked: Sequence[Tuple[int, str, Receipt]], collected_digest: str) -> Tuple[List[Receipt], str]:
    """Choose the repairs that complete these very results, each those before it too; and the mark of all together.

    So no earlier repair can be taken away, or be changed, from under a later one.
    """
    repairs: List[Receipt] = []
    mark = r.digest(mark for _, mark, result in marked if not result.repairs)
    for index, fingerprint, result in marked:
        fits = (len(repairs), mark, collected_digest) == (index, result.repairs, result.collected_digest)
        if result.repairs and fits:
            repairs.append(result)
            mark = r.digest([mark, fingerprint])
    return repairs, mark


def _is_renamed(known: str, ran: Entries) -> bool:
    """Tell whether two ids are shown to be one test's: a shard too had it by another than it was known by.

    Else it may be a test that was changed after the shards had run, and that ran nowhere: `x[3]` for `x[2]`.
    """
    return any(test.ran_as for _, test in ran.get(known, ()))


def _total(shards: Sequence[Receipt], plan: Sequence[Sequence[str]]) -> int:
    return len(plan) or int(most_common((shard.total for shard in shards), 0))


def _entries(receipts: Iterable[Receipt]) -> Entries:
    entries: Dict[str, List[Entry]] = defaultdict(list)
    for receipt in receipts:
        for test in receipt.tests:
            entries[test.nodeid].append((receipt, test))
    return dict(entries)


def most_common(values: Iterable[Any], default: Any) -> Any:
    """Choose what is there most often; of those the largest."""
    counts = Counter(values)
    return max(counts, key=lambda value: (counts[value], value)) if counts else default


def covered(case: Case, nodeid: str, entries: Sequence[Entry]) -> bool:
    """Tell whether one of them ran all the tests of this id."""
    wanted = case.wanted[nodeid]
    return any(test.count >= wanted and test.proven != o.NOT_RUN for _, test in entries)


def worst_outcome(entries: Sequence[Entry]) -> str:
    """Choose the worst outcome of those who ran it."""
    return o.worst({test.proven for _, test in entries} - {o.NOT_RUN})
