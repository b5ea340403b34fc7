"""Judge a plan by what its tests really took, and the two planners it is compared with.

Times are whole microseconds by node id. The figure of merit is the slowest shard's time as a multiple of the
bound: an even share of everything, or the longest test, whichever is more. 1.000 cannot be beaten.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from statistics import fmean
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from scripts.planning.estimates import Estimates, SetUp
from scripts.planning.forecast import UNMEASURED_PERMILLE
from scripts.planning.nodeids import file_of
from scripts.planning.plan import split

Times = Mapping[str, int]
Shards = Sequence[Sequence[str]]
Planner = Callable[[Sequence[str], Times, int, int], Shards]  # tests, known times, shards, set-up per file

CLOSE = 1.02  # `halving` is content with this multiple of the bound
HALVINGS = 200


class Verdict(NamedTuple):
    """Say how good a plan is: slowest shard by the bound, and how many files are spread over several shards."""

    ratio: float
    cut_files: int


def judged(shards: Shards, times: Times, set_up: int = 0) -> Verdict:
    """Judge a plan.

    Args:
        times: what each test really took.
        set_up: what each file costs on each shard that has tests of it.

    Raises:
        ValueError: the plan does not hold every test exactly once.
    """
    if sorted(nodeid for shard in shards for nodeid in shard) != sorted(times):
        raise ValueError("the plan does not hold every test exactly once")
    files = [{file_of(nodeid) for nodeid in shard} for shard in shards]
    slowest = max(sum(times[each] for each in shard) + set_up * len(own) for shard, own in zip(shards, files))
    held: Dict[str, int] = defaultdict(int)
    for file in (file for own in files for file in own):
        held[file] += 1
    return Verdict(slowest / bound(times, len(shards), set_up), sum(count > 1 for count in held.values()))


def bound(times: Times, total: int, set_up: int = 0) -> float:
    """Bound what no plan beats."""
    files = {file_of(nodeid) for nodeid in times}
    return max((sum(times.values()) + set_up * len(files)) / total, max(times.values()) + set_up)


def ours(tests: Sequence[str], known: Times, total: int, set_up: int) -> Shards:
    """Plan as Shardline does where it is sure of the times."""
    return split(tests, Estimates(known), total, SetUp(file_ms=set_up))


def ours_in_doubt(tests: Sequence[str], known: Times, total: int, set_up: int) -> Shards:
    """Plan as Shardline does after one run."""
    return split(tests, Estimates(known, UNMEASURED_PERMILLE), total, SetUp(file_ms=set_up))


def spreading(permille: int) -> Planner:
    """Plan as Shardline would if it spread this many of the files that it may spread, in thousandths."""

    def plan(tests: Sequence[str], known: Times, total: int, set_up: int) -> Shards:
        return split(tests, Estimates(known, UNMEASURED_PERMILLE), total, SetUp(file_ms=set_up), [permille])

    return plan


def longest_first(tests: Sequence[str], known: Times, total: int, set_up: int) -> Shards:
    """Plan by LPT: test by test, longest first, to the emptiest shard; an unknown test counts as the mean."""
    times = guessed(tests, known)
    return _packed([(times[nodeid], [nodeid]) for nodeid in tests], total)


def halving(tests: Sequence[str], known: Times, total: int, set_up: int) -> Shards:
    """Plan whole files by LPT; while the slowest shard is above the bound, its heaviest piece is halved."""
    times = guessed(tests, known)
    pieces = [(sum(times[each] for each in file) + set_up, file) for file in by_file(tests)]
    limit = CLOSE * bound(times, total, set_up)
    found = []
    for _ in range(HALVINGS):
        found.append(_packed(pieces, total))
        slowest = max(found[-1], key=lambda shard: _span([shard], times, set_up))
        inside = set(slowest)
        heavy = [piece for piece in pieces if len(piece[1]) > 1 and piece[1][0] in inside]
        if _span([slowest], times, set_up) <= limit or not heavy:
            break
        piece = max(heavy)
        pieces.remove(piece)
        halves = _packed([(times[each], [each]) for each in piece[1]], 2)
        pieces += [(sum(times[each] for each in half) + set_up, half) for half in halves if half]
    return min(found, key=lambda shards: _span(shards, times, set_up))


def _span(shards: Shards, times: Times, set_up: int) -> int:
    return max(sum(times[each] for each in shard) + set_up * len(set(map(file_of, shard))) for shard in shards)


def guessed(tests: Iterable[str], known: Times) -> Dict[str, int]:
    """Give a time to every test; the mean where none is known."""
    mean = round(fmean(known.values())) if known else 1
    return {nodeid: known.get(nodeid, mean) for nodeid in tests}


def by_file(tests: Iterable[str]) -> List[List[str]]:
    """Group the tests by their file."""
    groups: Dict[str, List[str]] = defaultdict(list)
    for nodeid in tests:
        groups[file_of(nodeid)].append(nodeid)
    return list(groups.values())


def _packed(pieces: Iterable[Tuple[int, List[str]]], total: int) -> List[List[str]]:
    """Put each piece on the emptiest shard, the heaviest first."""
    shards: List[List[str]] = [[] for _ in range(total)]
    heap = [(0, shard) for shard in range(total)]
    for cost, nodeids in sorted(pieces, key=lambda piece: (-piece[0], piece[1])):
        load, shard = heapq.heappop(heap)
        shards[shard] += nodeids
        heapq.heappush(heap, (load + cost, shard))
    return shards
