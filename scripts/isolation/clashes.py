"""Which tests may disturb each other when they run at the same time: by what both touch, proven by letting them meet.

Pure: who touches what stands in a result, and what is to be tried is a trial.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from typing import Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..console import counted
from ..proof.outcomes import Touch
from .order import needs_of
from .trials import Ids, Result, Trial, in_order

CHANGES = ("write", "over", "made", "port")  # kinds of touches that another test may feel
FEELS = (*CHANGES, "read", "list", "word")
ALL_PAIRS = 5  # so many that use one thing are tried each with each; of more, each with the next
MOST_PAIRS = 80
MOST_SHOWN = 2
MOST_USERS = 40  # what more tests use is the service, or the like

Groups = Sequence[FrozenSet[str]]


class Actor(NamedTuple):
    """Who touches something: a test, or a shared fixture and the tests that need it."""

    tests: Ids
    fixture: str = ""


class Pair(NamedTuple):
    """Two tests that may disturb each other, by what they both touch; `tests` are all that they stand for."""

    first: str
    second: str
    contested: Ids
    tests: Ids


@dataclass
class Tally:
    """How often the tests of a pair failed when they met, of so many times, by id."""

    met: int = 0
    failed: Dict[str, int] = field(default_factory=lambda: defaultdict(int))


def pairs(result: Result, place: Mapping[str, int], groups: Groups) -> List[Pair]:
    """List the pairs of tests that touch the same and may come to different shards, what few touch first.

    Args:
        groups: tests that stay in one shard, and so never run at the same time.
    """
    by_pair: Dict[Tuple[str, str], Set[str]] = defaultdict(set)
    stand_for: Dict[Tuple[str, str], Set[str]] = defaultdict(set)
    used = _used(result)
    for what in sorted(used, key=lambda what: (len(used[what]), what)):
        for one, other in _chosen(used[what], place):
            pair = _apart(one, other, place, groups)
            if pair:
                by_pair[pair].add(what)
                stand_for[pair].update({*one.tests, *other.tests} if one.fixture or other.fixture else pair)
    found = [
        Pair(first, second, tuple(sorted(whats)), in_order(stand_for[first, second], place))
        for (first, second), whats in by_pair.items()
    ]
    return found[:MOST_PAIRS]


def pair_of(one: str, other: str, place: Mapping[str, int]) -> Pair:
    """Let two tests meet of which nobody knows what both touch."""
    first, second = sorted((one, other), key=place.__getitem__)
    return Pair(first, second, (), (first, second))


def why(result: Result, pair: Pair) -> str:
    """Say what both tests of a pair do with what they share: "both write /tmp/x.db"; empty where nobody knows."""
    used = _used(result)
    words = []
    for what in pair.contested[:MOST_SHOWN]:
        one, other = (_deed(test, used.get(what, {})) for test in (pair.first, pair.second))
        name = f"port {what}" if what.isdecimal() else what
        deed = f"both {one}" if one == other else f"one {one}s, the other {other}s"
        words.append(f"{deed} {name}")
    return " and ".join(words)


def _deed(test: str, actors: Mapping[Actor, Set[str]]) -> str:
    kinds = set().union(*(kinds for actor, kinds in actors.items() if test in actor.tests))
    if not kinds.isdisjoint(("write", "over", "made")):
        return "write"
    return "use" if kinds & {"port", "word"} or not kinds else "list" if kinds == {"list"} else "read"


def _used(result: Result) -> Dict[str, Dict[Actor, Set[str]]]:
    """List, of each path and port that somebody changes, who touches it, and in what ways."""
    used: Dict[str, Dict[Actor, Set[str]]] = defaultdict(lambda: defaultdict(set))
    listing: Dict[str, List[Actor]] = defaultdict(list)
    for run in result.runs:
        for nodeid, touches in run.touches.items():
            for touch in touches:
                if touch.kind in FEELS:
                    used[touch.what][_actor(nodeid, touch, run.users)].add(touch.kind)
    for what, actors in used.items():  # who lists a folder feels what others make in it
        for actor, kinds in used.get(what.rpartition("/")[0], {}).items() if "/" in what else ():
            if "list" in kinds and actor not in actors:
                listing[what].append(actor)
    for what, more in listing.items():
        for actor in more:
            used[what][actor].add("list")
    return {what: dict(actors) for what, actors in used.items() if _is_shared(what, actors)}


def _actor(nodeid: str, touch: Touch, users: Mapping[Ids, Ids]) -> Actor:
    if touch.fixture is None:
        return Actor((nodeid,))
    return Actor(users.get(touch.fixture, (nodeid,)), touch.fixture[-1])


def _is_shared(what: str, actors: Mapping[Actor, Set[str]]) -> bool:
    several = len(actors) > 1 or any(len(actor.tests) > 1 for actor in actors)
    changed = any(not kinds.isdisjoint(CHANGES) for kinds in actors.values())
    words = all(kinds == {"word"} for kinds in actors.values()) and "/" in what
    return several and (changed or words) and len(actors) <= MOST_USERS


def _chosen(actors: Mapping[Actor, Set[str]], place: Mapping[str, int]) -> List[Tuple[Actor, Actor]]:
    """Choose who is to meet whom: somebody who changes the thing and somebody who feels that."""
    ordered = sorted(actors, key=lambda actor: place.get(actor.tests[0], 0))
    alone = [(actor, actor) for actor in ordered if actor.fixture and len(actor.tests) > 1]
    both = list(combinations(ordered, 2)) if len(ordered) <= ALL_PAIRS else list(zip(ordered, ordered[1:]))
    changing = {actor for actor in ordered if not actors[actor].isdisjoint((*CHANGES, "word"))}
    return [(one, other) for one, other in [*alone, *both] if one in changing or other in changing]


def _apart(one: Actor, other: Actor, place: Mapping[str, int], groups: Groups) -> Optional[Tuple[str, str]]:
    """Choose two tests that are not kept together, if there are such; the earlier one first."""
    for first in one.tests[:ALL_PAIRS]:
        for second in other.tests[:ALL_PAIRS]:
            kept = any(first in group and second in group for group in groups)
            if first != second and not kept and first in place and second in place:
                return (first, second) if place[first] < place[second] else (second, first)
    return None


def meetings(
    due: Iterable[Pair], place: Mapping[str, int], solved: Mapping[str, Ids], repetition: int
) -> List[Tuple[Trial, List[Pair]]]:
    """Arrange trials in which all these pairs meet: each test runs once in a process, behind what it needs.

    Args:
        repetition: every other time the sides and the order of the meetings are changed.
    """
    trials: List[List[Pair]] = []
    for pair in due:
        for members in trials:
            if _fits(pair, members, solved):
                members.append(pair)
                break
        else:
            trials.append([pair])
    return [(_meeting(members, place, solved, repetition), members) for members in trials]


def _fits(pair: Pair, members: Sequence[Pair], solved: Mapping[str, Ids]) -> bool:
    """Tell whether a pair can meet in a trial: nobody runs twice on a side, or must run there for another."""
    together = [*members, pair]
    for side in (0, 1):
        tests = [member.second if side else member.first for member in together]
        needs = frozenset().union(*(needs_of([test], solved) - {test} for test in tests))
        if len(set(tests)) < len(tests) or not needs.isdisjoint(tests):
            return False
    return True


def _meeting(members: Sequence[Pair], place: Mapping[str, int], solved: Mapping[str, Ids], repetition: int) -> Trial:
    swapped = repetition % 2 == 1
    pairs = [(pair.second, pair.first) if swapped else (pair.first, pair.second) for pair in members]
    contested = [pair.contested for pair in members]
    if swapped:
        pairs, contested = pairs[::-1], contested[::-1]
    processes = []
    for side in (0, 1):
        tests = [pair[side] for pair in pairs]
        processes.append((*in_order(needs_of(tests, solved) - set(tests), place), *tests))
    return Trial(
        purpose=f"{counted(len(pairs), 'pair')} of tests at the same time",
        processes=tuple(processes),
        at_once=True,
        meetings=tuple(pairs),
        contested=tuple(contested),
        repetition=repetition,
    )


def count(
    tallies: Dict[Tuple[str, str], Tally], members: Sequence[Pair], result: Result, serial: Mapping[str, str]
) -> None:
    """Count what became of the pairs of a trial."""
    outcomes = {(run.slot, test.nodeid): test.outcome for run in result.runs for test in run.tests}
    for pair in members:
        tally = tallies.setdefault((pair.first, pair.second), Tally())
        tally.met += 1
        for nodeid in {pair.first, pair.second}:
            told = [outcomes[slot, nodeid] for slot in (0, 1) if (slot, nodeid) in outcomes]
            sides = [outcome for outcome in told if outcome != serial[nodeid]]
            tally.failed[nodeid] += bool(sides)
