"""What must run before a test in the same process, found by asking for ever smaller sets of what ran before it.

A search asks one question at a time: how does the test end behind exactly these tests? It is answered by facts, which
trials bring; several searches share a trial where they do not disturb each other. Pure: no process is started.

The searches go by what is usual, that more tests before it never hurt: then one answer tells of all smaller sets, or of
all larger ones. What a search finds is confirmed by trials of its own, so that what is not so leads to no claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .trials import Fact, Ids

Set = FrozenSet[str]
NOTHING: Set = frozenset()
LEAST_SHARE, MOST_SHARE = 0.2, 0.8  # of a search's candidates, by likelihood, in a trial that tells; a half is best


class Known(NamedTuple):
    """A fact as a search reads it: the tests before, and whether that was enough."""

    before: Set
    enough: bool


@dataclass(frozen=True)
class Search:
    """What is looked for: which of `among` must run before `nodeid`, beside `background`, for `wanted`.

    Args:
        among: from the likeliest to the least likely; all of them together are enough.
        wanted: whether the outcome that is looked for is that of the serial run.
        doubtful: what was found before did not hold; then the last candidate, too, is asked whether it is enough, and
            not only confirmed together with what other searches found.
    """

    nodeid: str
    among: Ids
    background: Set = NOTHING
    wanted: bool = True
    doubtful: bool = False


class State(NamedTuple):
    """How far a search is: the question that is due, or the answer; neither while it waits for another search.

    `candidates` are those that may still be the one, and `harmless` those that cannot be it alone.
    """

    question: Optional[Set] = None
    found: Optional[Ids] = None
    candidates: Ids = ()
    harmless: Set = NOTHING
    exact: bool = True


def needs_of(nodeids: Iterable[str], solved: Mapping[str, Ids]) -> Set:
    """Add to tests all that these need before them, and so on.

    >>> sorted(needs_of(["c"], {"c": ("b",), "b": ("a",)}))
    ['a', 'b', 'c']
    """
    found: Dict[str, None] = {}
    due = list(nodeids)
    while due:
        nodeid = due.pop()
        if nodeid not in found:
            found[nodeid] = None
            due.extend(solved.get(nodeid, ()))
    return frozenset(found)


def known(search: Search, facts: Sequence[Fact]) -> List[Known]:
    """Choose the facts that tell something about a search."""
    there = search.background.union(search.among)
    sets = [(fact.before, fact.as_serial == search.wanted) for fact in facts if fact.nodeid == search.nodeid]
    return [
        Known(before - search.background, enough) for before, enough in sets if search.background <= before <= there
    ]


def look(search: Search, facts: Sequence[Fact], solved: Mapping[str, Ids], suspects: Set, unsolved: Set) -> State:
    """Work out how far a search is.

    Args:
        facts: those of one test at a time in collection order, from shards that ran alone.
        solved: what other tests need, as far as that is found.
        suspects: all tests that ended otherwise at times. Where one does so behind none but these, it does so alone;
            behind others, those may have spoilt it.
        unsolved: the tests for which that is still looked for: what they give is not known while what they need is not.
    """
    told = known(search, facts)
    lacking = [fact for fact in told if not fact.enough]
    if not any(fact.before <= suspects for fact in lacking):
        return State(question=NOTHING)
    useless = frozenset().union(*(fact.before for fact in lacking))
    sets = (fact.before for fact in reversed(told) if fact.enough)
    enough = min(sets, key=lambda before: (len(before - useless), len(before)), default=frozenset(search.among))
    polluted = [fact for fact in lacking if any(other.enough and other.before <= fact.before for other in told)]
    lacking = [fact for fact in lacking if fact not in polluted] or lacking
    return _Step(search, told, lacking, enough, solved, unsolved).state()


class _Step:
    """One look at a search: first for a single test that is enough, then for several that are needed together."""

    def __init__(
        self,
        search: Search,
        told: Sequence[Known],
        lacking: Sequence[Known],
        enough: Set,
        solved: Mapping[str, Ids],
        unsolved: Set,
    ) -> None:
        self._search, self._told, self._lacking, self._enough = search, told, lacking, enough
        self._solved, self._unsolved = solved, unsolved
        self._universe = frozenset(search.among)
        self._useless = frozenset().union(*(fact.before for fact in lacking))
        self._among = [nodeid for nodeid in search.among if nodeid in enough]

    def state(self) -> State:
        """Tell the question or the answer."""
        harmless = frozenset(nodeid for nodeid in self._search.among if self._is_harmless(nodeid))
        candidates = tuple(nodeid for nodeid in self._among if nodeid not in harmless)
        askable = [nodeid for nodeid in candidates if nodeid not in self._unsolved]
        sure = self._answer(candidates) is True if self._search.doubtful else self._answer(candidates) is not False
        if len(candidates) == 1 and askable and sure:
            return self._weakest(candidates, harmless)
        if candidates and not askable:
            return State(candidates=candidates, harmless=harmless)
        question = self._part(askable, candidates, harmless) if askable else None
        if question is None:
            return self._several(harmless)
        return State(question, None, candidates, harmless, exact=len(askable) == 1)

    def _part(self, askable: Sequence[str], candidates: Ids, harmless: Set) -> Optional[Set]:
        """Choose the likelier half of the candidates, with what these need; one of them where that brings too many.

        None where even that leaves as many candidates as there are.
        """
        if len(askable) == 1:
            return self._needs(askable)
        halves = [self._needs(askable[: _half(self._search, askable)])]
        singles = sorted((self._needs([nodeid]) for nodeid in askable), key=lambda needs: len(needs - harmless))
        return next((part for part in [*halves, *singles] if len(part - harmless) < len(candidates)), None)

    def _is_harmless(self, nodeid: str) -> bool:
        """Tell whether a test, behind all that itself needs, was there where that was not enough."""
        if nodeid not in self._solved:
            return nodeid in self._useless and nodeid not in self._unsolved
        needs = self._needs([nodeid])
        return any(needs <= fact.before for fact in self._lacking)

    def _needs(self, nodeids: Iterable[str]) -> Set:
        return needs_of(nodeids, self._solved) & self._universe

    def _answer(self, nodeids: Iterable[str]) -> Optional[bool]:
        """Tell whether tests are enough, as far as it is known."""
        asked = self._needs(nodeids)
        for fact in self._told:
            if fact.before == asked:
                return fact.enough
        if any(fact.enough and fact.before <= asked for fact in self._told):
            return True
        return False if any(asked <= fact.before for fact in self._lacking) else None

    def _several(self, harmless: Set) -> State:
        """Find several that are needed together, each the last of the smallest beginning that is enough."""
        fixed: List[str] = []
        among = list(self._among)
        while self._answer(fixed) is not True:
            if not among or self._answer([*fixed, *among]) is False:
                return State(found=(), harmless=harmless)  # what was enough is no longer: there is more to it
            if fixed and self._answer(fixed) is None:
                return State(self._needs(fixed), harmless=harmless)
            low, high = 0, len(among)
            while high - low > 1:
                middle = low + max(1, min(high - low - 1, _half(self._search, among[low:high])))
                answer = self._answer([*fixed, *among[:middle]])
                if answer is None:
                    return State(self._needs([*fixed, *among[:middle]]), harmless=harmless)
                low, high = (low, middle) if answer else (middle, high)
            fixed.append(among[high - 1])
            among = among[: high - 1]
        return self._weakest(_heads(fixed, self._solved), harmless)

    def _weakest(self, found: Ids, harmless: Set) -> State:
        """Take what a test needs itself in its place, where that is enough: then it was not the test that helped."""
        for nodeid in found:
            others = tuple(dict.fromkeys(other for other in found if other != nodeid))
            less = _heads(tuple(dict.fromkeys((*others, *self._solved.get(nodeid, ())))), self._solved)
            if nodeid in self._solved and nodeid not in self._needs(less):
                answer = self._answer(less)
                if answer is None:
                    return State(self._needs(less), harmless=harmless)
                if answer:
                    return self._weakest(less, harmless)
        return State(found=found, candidates=found, harmless=harmless)


def _heads(nodeids: Sequence[str], solved: Mapping[str, Ids]) -> Ids:
    """Leave out what others of these need anyway."""
    implied = frozenset().union(*(needs_of([nodeid], solved) - {nodeid} for nodeid in nodeids)) if nodeids else NOTHING
    return tuple(nodeid for nodeid in nodeids if nodeid not in implied)


def _half(search: Search, nodeids: Sequence[str]) -> int:
    """Cut a list where half of the likelihood lies: the n-th likeliest is taken for half as likely as the first two.

    >>> _half(Search("z", tuple("abcdefgh")), "abcdefgh")
    3
    """
    rank = {nodeid: 1 / (place + 2) for place, nodeid in enumerate(search.among)}
    weights = [rank[nodeid] for nodeid in nodeids]
    half, so_far = sum(weights) / 2, 0.0
    for count, weight in enumerate(weights, 1):
        so_far += weight
        if so_far >= half:
            return min(count, len(nodeids) - 1) or 1
    return len(nodeids)


def shared(searches: Sequence[Tuple[Search, State]], place: Mapping[str, int]) -> Tuple[Ids, List[Search]]:
    """Put as many searches as possible into one process: its tests in order, and whom they tell something.

    The first one's question is asked. Another one takes part as it is where what runs anyway tells it something, or
    brings its own question where that does not spoil those of the others.
    """
    tests: Set = NOTHING
    members: List[Tuple[Search, State]] = []
    for search, state in searches:
        if state.question is None:
            continue
        together = [*members, (search, state)]
        own = search.background | {search.nodeid}
        for more in (tests | own, tests | own | state.question):
            if all(_tells(member, told, more, place) for member, told in together):
                tests, members = more, together
                break
    return tuple(sorted(tests, key=place.__getitem__)), [search for search, _ in members]


def _tells(search: Search, state: State, tests: Set, place: Mapping[str, int]) -> bool:
    """Tell whether a search learns enough where these tests run: its question is asked, or parts its candidates."""
    assert state.question is not None  # noqa: S101 - for mypy
    before = frozenset(nodeid for nodeid in tests if place[nodeid] < place[search.nodeid]) - search.background
    part = before - state.harmless
    if state.question <= before and part <= state.question:
        return True
    if state.exact or search.background or not part <= set(search.among):
        return False
    rank = {nodeid: 1 / (number + 2) for number, nodeid in enumerate(search.among)}
    whole, share = (sum(rank[nodeid] for nodeid in nodeids) for nodeids in (state.candidates, part))
    return LEAST_SHARE * whole <= share <= MOST_SHARE * whole


def likeliest(nodeid: str, before: Sequence[str], effects: Mapping[str, int]) -> Ids:
    """Sort the tests before one by how likely it needs them: those that are known to leave something first, then near.

    Args:
        before: in collection order.
        effects: how much of what it did outlives a test: variables, state of modules, files; by id.
    """
    file, owner = nodeid.partition("::")[0], nodeid.rpartition("::")[0]

    def rank(pair: Tuple[int, str]) -> Tuple[int, int]:
        distance, other = pair
        near = 0 if other.startswith(f"{owner}::") else 1 if other.startswith(f"{file}::") else 2
        return (near if effects.get(other) else 3 + near, distance)

    return tuple(other for _, other in sorted(enumerate(reversed(before)), key=rank))
