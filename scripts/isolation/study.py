"""Plan a study of a suite, trial by trial, and conclude from what they tell. Pure: it asks for trials by yielding them.

First serially, then in reverse order, which shows who needs an earlier test; who that is, is found by asking for ever
less of what ran before (`order`). Then tests that touch the same meet (`clashes`). Then shards at once, cut at random,
that heed what was found: they show whether anything was missed. Where a test's outcome is not the same for the same
trial, it is not deterministic, and nothing is said of what it depends on.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Generator, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from ..console import counted
from . import clashes
from .clashes import Pair, Tally
from .findings import Clash, Findings, Need, Untraced, groups, join
from .order import NOTHING, Search, State, likeliest, look, needs_of, shared
from .trials import FAILED, Fact, Ids, Kept, Result, Trial, facts, in_order

MOST_RUNS = 12.0  # what a study may take, in times of the serial run
KEPT_BACK = 2.0  # of those: the first run may have been a slow one, and steps between trials take time, too
KEPT_BACK_OF_ALL = 0.6  # likewise, where processes that run at once are added up
CONFIRMATIONS = 2  # trials behind what a test needs after that is found; the first of them also without
MORE = 2  # of these at the end, where there is time
SHARDINGS = 4
MORE_SHARDINGS = 0.5  # the share of all time after which there is no other
KEPT_TO_CONFIRM = 0.08
KEPT_FOR_REST = 0.35  # of all time, while searches go on that may take long
MOST_QUESTIONS = 80  # of one search
MOST_ALONE = 12  # suspects that are each run alone; of more the random shardings tell
SPOILT = 1 / 3  # of all tests: so many that end otherwise in reverse order have one cause
EFFECTS = ("variable", "state", "made", "over", "write")
MEETINGS = 5  # of a pair that failed at least once
SURE_MEETINGS = 4  # at which a pair must fail of which nobody knows what both touch

Steps = Generator[Trial, Result, None]


@dataclass(frozen=True)
class Terms:
    """What a study goes by.

    Args:
        kept: groups of tests that every plan keeps in one shard already.
        at_once: how many shards run at once; 1 where this machine bears no more.
        most_s: how long all trials may take together; inf for what `MOST_RUNS` says.
    """

    seed: int = 0
    kept: Kept = ()
    at_once: int = 2
    most_s: float = float("inf")


def study(collected: Sequence[str], terms: Terms) -> Generator[Trial, Result, Findings]:
    """Find out what the tests of a suite depend on.

    Yields:
        the trial that is due; its result is to be sent. The first one, of all tests in order, is the serial run.
    """
    students = _Study(collected, terms)
    yield from students.steps()
    return students.findings()


class _Study:
    """What is known so far, and what is due next."""

    def __init__(self, collected: Sequence[str], terms: Terms) -> None:
        self._terms, self._random = terms, random.Random(terms.seed)  # noqa: S311 - the same trials for the same seed
        self._ids = tuple(dict.fromkeys(collected))
        self._place = {nodeid: place for place, nodeid in enumerate(self._ids)}
        self._kept = [frozenset(group) & frozenset(self._ids) for group in terms.kept]
        self._serial: Dict[str, str] = {}
        self._first: Optional[Result] = None
        self._facts: List[Fact] = []
        self._of: Dict[str, List[Fact]] = defaultdict(list)  # the facts of each test
        self._seconds: Dict[str, float] = {}
        self._start_s = self._most_s = self._spent_s = self._serial_s = 0.0
        self._most_of_all_s = self._elapsed_s = 0.0
        self._trials = 0
        self._suspects: Dict[str, None] = {}
        self._searches: Dict[str, Search] = {}
        self._asked: Counter[str] = Counter()
        self._solved: Dict[str, Ids] = {}
        self._after: Dict[str, Ids] = {}
        self._instead: Dict[str, List[Ids]] = defaultdict(list)
        self._refuted: Counter[str] = Counter()
        self._confirmed: Set[str] = set()
        self._lost: Dict[str, Ids] = {}  # what was not found: the candidates that were left
        self._repeated: Set[str] = set()
        self._postponed: List[str] = []
        self._free: Set[str] = set()  # suspects that need nothing
        self._unstable: Dict[str, None] = {}
        self._tallies: Dict[Tuple[str, str], Tally] = {}
        self._clashes: List[Clash] = []
        self._settled: Dict[str, None] = {}
        self._left: Dict[str, None] = {}

    # Trials -------------------------------------------------------------------------------------------

    def steps(self) -> Steps:
        """Go through all that is tried, as far as time goes."""
        yield from self._serially()
        yield from self._reversed()
        yield from self._trace(KEPT_FOR_REST)
        yield from self._meet()
        self._reopen()
        yield from self._trace(KEPT_TO_CONFIRM)
        yield from self._in_shards(0)
        yield from self._others()
        for number in range(1, SHARDINGS):
            if self._elapsed_s < MORE_SHARDINGS * self._most_s:
                yield from self._in_shards(number)
        yield from self._weigh()

    def _try(self, trial: Trial, kept: float = 0.0) -> Generator[Trial, Result, Optional[Result]]:
        """Make a trial and take note of it; None where there is no time for it.

        Args:
            kept: the share of all time that must be left after it.
        """
        if self._first and not self._affords(trial, kept):
            return None
        result = yield trial
        self._trials += 1
        self._spent_s += result.seconds
        self._elapsed_s += result.elapsed_s
        if self._first is None:
            self._begin(result)
        for fact in facts(self._trials, trial, result, self._serial, self._place):
            self._facts.append(fact)
            self._of[fact.nodeid].append(fact)
        self._doubt(trial)
        return result

    def _affords(self, trial: Trial, kept: float) -> bool:
        costs = [
            self._start_s + sum(self._seconds.get(nodeid, 0.0) for nodeid in process) for process in trial.processes
        ]
        elapsed_s = max(costs) if trial.at_once else sum(costs)
        in_time = self._elapsed_s + elapsed_s <= (1 - kept) * self._most_s
        return in_time and self._spent_s + sum(costs) <= (1 - kept) * self._most_of_all_s

    def _begin(self, result: Result) -> None:
        """Take the first trial for how things are."""
        self._first, self._serial = result, result.outcomes
        tests = [test for run in result.runs for test in run.tests]
        self._seconds = {test.nodeid: test.ended_s - test.began_s for test in tests}
        self._serial_s = result.seconds
        self._start_s = max(0.0, result.seconds - sum(self._seconds.values()))
        self._most_s = min(self._terms.most_s, (MOST_RUNS - KEPT_BACK) * result.seconds)
        self._most_of_all_s = (MOST_RUNS - KEPT_BACK_OF_ALL) * result.seconds
        effects = Counter(
            nodeid
            for run in result.runs
            for nodeid, touches in run.touches.items()
            for touch in touches
            if touch.kind in EFFECTS
        )
        self._effects: Mapping[str, int] = effects
        self._ids = tuple(nodeid for nodeid in self._ids if nodeid in self._serial)

    def _doubt(self, trial: Trial) -> None:
        """See whose outcome is not the same for the same trial, and whom a shard made end otherwise."""
        for nodeid in {nodeid for process in trial.processes for nodeid in process}:
            alone = [fact for fact in self._of[nodeid] if fact.ordered and not fact.at_once]
            if all(fact.as_serial for fact in alone):
                continue
            told: Dict[FrozenSet[str], Set[bool]] = defaultdict(set)
            for fact in alone:
                told[fact.before].add(fact.as_serial)
            if any(len(answers) > 1 for answers in told.values()):
                self._unstable.setdefault(nodeid)
            else:
                self._suspects.setdefault(nodeid)

    def _serially(self) -> Steps:
        yield from self._try(Trial("serially", (self._ids,), notes_touches=True))

    def _reversed(self) -> Steps:
        """Run in reverse order; where that spoils most tests, once more without the one that did."""
        told = yield from self._backwards(self._ids[::-1])
        if told and len(told[1]) > max(10, SPOILT * len(self._ids)):
            order, bad = told
            culprit = order[max(0, order.index(bad[0]) - 1)]
            again = yield from self._backwards(tuple(nodeid for nodeid in order if nodeid != culprit))
            told = again or told
        for nodeid in told[1] if told else ():
            self._suspects.setdefault(nodeid)

    def _backwards(self, order: Ids) -> Generator[Trial, Result, Optional[Tuple[Ids, Ids]]]:
        """Run tests in an order; return it, and who ended otherwise."""
        result = yield from self._try(Trial("in reverse order", (order,)))
        if result is None:
            self._left["another order"] = None
            return None
        ended = result.outcomes
        return order, tuple(
            nodeid for nodeid in order if ended.get(nodeid, self._serial[nodeid]) != self._serial[nodeid]
        )

    # Order --------------------------------------------------------------------------------------------

    def _trace(self, kept: float = 0.0) -> Steps:
        """Find what each suspect needs, and confirm it.

        Args:
            kept: the share of all time that searches leave to the rest.
        """
        yield from self._settle()
        known: Set[str] = set()
        while True:
            new = in_order(set(self._open()) - known, self._place)
            if len(new) > 1:
                yield from self._try(Trial(f"{len(new)} tests that ended otherwise, without all others", (new,)))
            yield from self._search(kept)
            in_time = yield from self._confirm()
            more = yield from self._repeat()
            known.update(new)
            if not in_time or not (more or set(self._open()) - known or self._unconfirmed()):
                return

    def _settle(self) -> Steps:
        """Leave out the suspects that do well behind what is kept in one shard with them anyway."""
        groups = join([tuple(group) for group in self._kept], self._place)
        group_of = {nodeid: group for group in groups for nodeid in group}
        due = [nodeid for nodeid in self._open() if nodeid in group_of]
        tests = in_order((other for nodeid in due for other in group_of[nodeid]), self._place)
        result = (yield from self._try(Trial("what stays in one shard, alone", (tests,)))) if due else None
        for nodeid in due if result else ():
            if result and result.outcomes.get(nodeid) == self._serial[nodeid]:
                self._settled.setdefault(nodeid)

    def _open(self) -> List[str]:
        """List the suspects that nothing is known of yet."""
        over = {*self._solved, *self._lost, *self._free, *self._unstable, *self._settled}
        return [nodeid for nodeid in self._suspects if nodeid not in over]

    def _reopen(self) -> None:
        """Go on with the searches that left their time to others."""
        for nodeid in self._postponed:
            self._lost.pop(nodeid, None)
            self._left.pop(_what(nodeid), None)
        self._postponed.clear()

    def _search(self, kept: float) -> Steps:
        """Ask, in as few trials as can be, until each search has ended."""
        alone = 0
        while True:
            due = self._due()
            if not due:
                return
            fresh = sorted((pair for pair in due if not self._asked[_key(*pair)]), key=_size)
            tests, members = shared(fresh, self._place) if fresh else _solo(due[0], self._place)
            if len(members) > 1 and not self._affords(Trial("", (tests,)), kept):
                tests, members = _solo(fresh[0], self._place)
            alone += len(members) == 1 and not due[0][1].question
            if alone > MOST_ALONE:
                self._give_up(due)
                return
            for search, state in due:
                if search in members:
                    self._asked[_key(search, state)] += 1
                    self._asked[search.nodeid] += 1
            what = f"{counted(len(members), 'test')} behind a part of what ran before"
            result = yield from self._try(Trial(what, (tests,)), kept)
            if result is None:
                self._postponed += [search.nodeid for search in members]
            if result is None or any(self._asked[search.nodeid] > MOST_QUESTIONS for search in members):
                self._give_up([pair for pair in due if pair[0] in members])

    def _due(self) -> List[Tuple[Search, State]]:
        """List the searches that have a question, and take note of those that have an answer."""
        while True:
            found = False
            asking = []
            for nodeid in in_order(self._open(), self._place):
                search = self._searches.setdefault(nodeid, self._new_search(nodeid))
                unsolved = frozenset(self._open()) - {nodeid}
                state = look(search, self._telling(nodeid), self._solved, frozenset(self._suspects), unsolved)
                if state.found is not None:
                    self._take(search, state)
                    found = True
                elif self._is_free(nodeid):
                    self._free.add(nodeid)
                    found = True
                elif state.question is not None:
                    asking.append((search, state))
            if not found:
                return asking

    def _telling(self, nodeid: str) -> List[Fact]:
        """Choose the facts that searches go by: what goes wrong at once may have another cause."""
        return [fact for fact in self._of[nodeid] if fact.ordered and (fact.as_serial or not fact.at_once)]

    def _is_free(self, nodeid: str) -> bool:
        """Tell whether a suspect does well with nothing before it."""
        search = self._searches[nodeid]
        return (
            search.wanted
            and not search.background
            and any(not fact.place and fact.as_serial and not fact.at_once for fact in self._of[nodeid])
        )

    def _new_search(self, nodeid: str) -> Search:
        before = self._ids[: self._place[nodeid]]
        return Search(nodeid, likeliest(nodeid, before, self._effects))

    def _take(self, search: Search, state: State) -> None:
        """Take note of what a search found; one for what spoils a test is followed by one for what mends it."""
        nodeid, found = search.nodeid, state.found or ()
        if not found:
            self._lost[nodeid] = state.candidates or search.among
        elif search.wanted:
            self._solved[nodeid] = found
        else:
            self._after[nodeid] = found
            background = needs_of(found, self._solved)
            among = tuple(other for other in self._new_search(nodeid).among if other not in background)
            self._searches[nodeid] = Search(nodeid, among, background)

    def _give_up(self, due: Iterable[Tuple[Search, State]]) -> None:
        for search, state in due:
            if any(fact.ordered and not fact.as_serial and not fact.at_once for fact in self._of[search.nodeid]):
                self._lost[search.nodeid] = state.candidates or search.among
            else:
                self._free.add(search.nodeid)
            self._left[_what(search.nodeid)] = None

    def _unconfirmed(self) -> List[str]:
        return [nodeid for nodeid in self._solved if nodeid not in self._confirmed]

    def _confirm(self) -> Generator[Trial, Result, bool]:
        """See that what was found holds, with fresh trials of all at a time, and of one where those do not agree.

        Returns:
            whether there was time for it; what is not confirmed once is not told.
        """
        due = self._unconfirmed()
        for repetition in range(1, CONFIRMATIONS + 1):
            claims = in_order((nodeid for nodeid in due if nodeid in self._solved), self._place)
            if claims and not (yield from self._put_to_test(claims, repetition)):
                self._left["confirmation by further trials"] = None
                return repetition > 1
            self._confirmed.update(nodeid for nodeid in claims if nodeid in self._solved)
        return True

    def _put_to_test(self, claims: Ids, repetition: int) -> Generator[Trial, Result, bool]:
        """Run tests behind what they need, and without; who does not end as claimed is run by itself, too."""
        ways = [("behind what they need", True), ("without what they need", False)] if claims else []
        for what, helped in ways[: 1 if repetition == CONFIRMATIONS else 2]:  # without, they ended otherwise often
            tests = self._claimed(claims, helped)
            purpose = f"{counted(len(claims), 'test')} {what}"
            result = yield from self._try(Trial(purpose, (tests,), repetition=repetition))
            if result is None:
                return False
            for nodeid in self._contradicting(claims, tests, result):
                alone = self._claimed((nodeid,), helped)
                again = yield from self._try(Trial(f"a test {what}", (alone,), repetition=repetition))
                if again is None or self._contradicting((nodeid,), alone, again):
                    self._refute(nodeid)
        return True

    def _refute(self, nodeid: str) -> None:
        """Take back what was found of a test: the search goes on, once; then there is chance in it."""
        self._solved.pop(nodeid, None)
        self._searches[nodeid] = replace(self._searches[nodeid], doubtful=True)
        self._refuted[nodeid] += 1
        if self._refuted[nodeid] > 1:
            self._unstable.setdefault(nodeid)

    def _claimed(self, claims: Ids, helped: bool) -> Ids:
        after = [other for nodeid in claims for other in needs_of(self._after.get(nodeid, ()), self._solved)]
        return in_order([*after, *(needs_of(claims, self._solved) if helped else claims)], self._place)

    def _contradicting(self, claims: Iterable[str], tests: Ids, result: Result) -> List[str]:
        """List who did not end as what was found says."""
        ended, there = result.outcomes, frozenset(tests)
        found = []
        for nodeid in claims:
            if nodeid not in ended or nodeid not in self._solved:
                continue
            before = {other for other in there if self._place[other] < self._place[nodeid]}
            needs = needs_of([nodeid], self._solved) - {nodeid}
            if (ended[nodeid] == self._serial[nodeid]) != (needs <= before):
                found.append(nodeid)
        return found

    def _repeat(self) -> Generator[Trial, Result, bool]:
        """Run again, alone, what made a test end otherwise that does well with nothing before it.

        Returns:
            whether there is something to search for: who spoils such a test.
        """
        spoilt = False
        for nodeid in in_order(self._free - set(self._unstable), self._place):
            odd = [fact for fact in self._of[nodeid] if fact.ordered and not fact.at_once and not fact.as_serial]
            if not odd or nodeid in self._repeated:
                continue
            self._repeated.add(nodeid)
            before = min((fact.before for fact in odd), key=len)
            tests = (*in_order(before, self._place), nodeid)
            if (yield from self._try(Trial("once more what ended otherwise", (tests,), repetition=1))) is None:
                self._unstable.setdefault(nodeid)  # nothing more is known of it
            elif nodeid not in self._unstable:
                self._free.discard(nodeid)
                among = [other for other in self._ids if other in before]
                self._searches[nodeid] = Search(nodeid, likeliest(nodeid, among, self._effects), wanted=False)
                spoilt = True
        return spoilt

    def _others(self) -> Steps:
        """See whether others do as well as what was found, and who they are."""
        claims = [nodeid for nodeid in self._needing() if nodeid not in self._after]
        omitted = {other for nodeid in claims for other in self._solved[nodeid]}
        last = max((self._place[nodeid] for nodeid in claims), default=-1)
        tests = tuple(nodeid for nodeid in self._ids[: last + 1] if nodeid not in omitted or nodeid in claims)
        if not claims or (yield from self._try(Trial("all but what was found to be needed", (tests,)))) is None:
            return
        ended = self._of
        for nodeid in claims:
            latest = ended[nodeid][-1]
            if latest.trial == self._trials and latest.as_serial:
                yield from self._other(nodeid, omitted)

    def _other(self, nodeid: str, omitted: Set[str]) -> Steps:
        among = tuple(other for other in self._new_search(nodeid).among if other not in omitted)
        search = Search(nodeid, among)
        for _ in range(MOST_QUESTIONS):
            state = look(search, self._telling(nodeid), self._solved, frozenset(self._suspects), NOTHING)
            if state.found or state.question is None:
                if state.found:
                    self._instead[nodeid].append(state.found)
                return
            tests = _solo((search, state), self._place)[0]
            if (yield from self._try(Trial("what else a test may need", (tests,)))) is None:
                return

    def _weigh(self) -> Steps:
        """Try again what contradicts a finding; where it does so once more, or cannot be tried, chance may be in it."""
        for repetition in range(CONFIRMATIONS + 1, CONFIRMATIONS + MORE + 1):
            yield from self._put_to_test(in_order(self._needing(), self._place), repetition)
        for nodeid in self._needing():
            for fact in self._telling(nodeid):
                if nodeid not in self._unstable and self._contradicts(fact):
                    tests = (*in_order(fact.before, self._place), nodeid)
                    again = yield from self._try(Trial("once more what contradicts", (tests,), repetition=2))
                    if again is None:
                        self._unstable.setdefault(nodeid)

    def _contradicts(self, fact: Fact) -> bool:
        """Tell whether a test ended otherwise than is said of it; polluted processes are left out."""
        if fact.nodeid in self._after:
            return False
        options = [self._solved[fact.nodeid], *self._instead[fact.nodeid]]
        helped = any(needs_of(option, self._solved) <= fact.before for option in options)
        return fact.as_serial != helped

    # At once ------------------------------------------------------------------------------------------

    def _groups(self) -> List[FrozenSet[str]]:
        """List what stays in one shard: by the settings, or since it has to."""
        found = [frozenset(group) for group in groups(self._needs(), self._clashes, self._place)]
        return [*self._kept, *found]

    def _meet(self, due: Optional[List[Pair]] = None) -> Steps:
        """Let tests that touch the same run at the same time."""
        assert self._first  # noqa: S101 - for mypy
        if self._terms.at_once < 2:
            self._left["tests that run at the same time: this machine bears one shard at a time"] = None
            return
        pairs = clashes.pairs(self._first, self._place, self._groups()) if due is None else due
        tried = pairs = [pair for pair in pairs if not {pair.first, pair.second} & set(self._unstable)]
        for repetition in range(MEETINGS):
            for trial, members in clashes.meetings(tried, self._place, self._solved, repetition):
                result = yield from self._try(trial)
                if result is None:
                    self._left["tests that touch the same, at the same time"] = None
                    break
                clashes.count(self._tallies, members, result, self._serial)
            if repetition >= 1:
                tried = [pair for pair in tried if self._is_open(pair, repetition + 1)]
        yield from self._accuse([pair for pair in pairs if self._is_sure(pair, pairs)])

    def _is_open(self, pair: Pair, meetings: int) -> bool:
        """Tell whether a pair is to meet again: it failed at times, and not often enough to be sure."""
        failures = self._failures(pair)
        return 0 < failures < 2 if pair.contested else failures == meetings < SURE_MEETINGS

    def _is_sure(self, pair: Pair, pairs: Sequence[Pair]) -> bool:
        """Tell whether a pair failed often enough; where nobody knows what both touch, each time, and no other did."""
        failures = self._failures(pair)
        others = sum(self._failures(other) for other in pairs if other != pair)
        return failures > 1 if pair.contested else failures >= SURE_MEETINGS and not others

    def _failures(self, pair: Pair) -> int:
        return max(self._tallies[pair.first, pair.second].failed.values()) if self._tallied(pair) else 0

    def _tallied(self, pair: Pair) -> bool:
        return (pair.first, pair.second) in self._tallies

    def _accuse(self, accused: List[Pair]) -> Steps:
        """Name the pairs that fail when they meet and do well alone, which is tried once more."""
        failing = {nodeid for pair in accused for nodeid in self._failing(pair)}
        tests = in_order(needs_of(failing, self._solved), self._place)
        if not tests:
            return
        result = yield from self._try(Trial("those that failed at the same time, alone", (tests,)))
        ended = result.outcomes if result else {}
        for pair in accused:
            sound = [nodeid for nodeid in self._failing(pair) if ended.get(nodeid) == self._serial[nodeid]]
            if sound:
                self._clashes.append(Clash(pair.tests, tuple(sound), pair.contested, self._why(pair)))
            for nodeid in set(self._failing(pair)) - set(sound):
                self._unstable.setdefault(nodeid)

    def _why(self, pair: Pair) -> str:
        return clashes.why(self._first, pair) if self._first else ""

    def _failing(self, pair: Pair) -> List[str]:
        failed = self._tallies[pair.first, pair.second].failed
        return [nodeid for nodeid in (pair.first, pair.second) if failed[nodeid]]

    def _in_shards(self, number: int) -> Steps:
        """Cut the suite into shards at random, with what was found heeded, and follow up what differs."""
        shards = self._cut()
        if len(shards) < 2:
            return
        at_once = self._terms.at_once > 1
        purpose = f"in {len(shards)} shards{' at once' if at_once else ''}, cut at random"
        trial = Trial(purpose, shards, at_once=at_once, repetition=number)
        result = yield from self._try(trial)
        if result is None:
            return
        odd = [fact for fact in self._facts if fact.trial == self._trials and not fact.as_serial and at_once]
        for fact in odd:
            yield from self._follow(fact, result)
        yield from self._trace(KEPT_TO_CONFIRM)

    def _cut(self) -> Tuple[Ids, ...]:
        count = max(2, self._terms.at_once)
        shard_of: Dict[str, int] = {}
        joined = join([tuple(group & set(self._ids)) for group in self._groups()], self._place)
        for group in joined:
            shard_of.update(dict.fromkeys(group, self._random.randrange(count)))
        for nodeid in self._ids:
            shard_of.setdefault(nodeid, self._random.randrange(count))
        shards = [tuple(nodeid for nodeid in self._ids if shard_of[nodeid] == shard) for shard in range(count)]
        return tuple(shard for shard in shards if shard)

    def _follow(self, fact: Fact, result: Result) -> Steps:
        """Find out why a test ended otherwise in shards at once: run its shard alone, then let it meet the others."""
        nodeid = fact.nodeid
        if nodeid in {*self._unstable, *self._solved, *self._lost}:
            return
        tests = (*in_order(fact.before, self._place), nodeid)
        again = yield from self._try(Trial("a shard once more, alone", (tests,)))
        if again is None:
            self._left[f"why {nodeid} failed in a shard once"] = None
        elif again.outcomes.get(nodeid) == self._serial[nodeid]:
            others = _at_the_same_time(nodeid, result)
            pairs = [clashes.pair_of(nodeid, other, self._place) for other in others]
            before = len(self._clashes)
            yield from self._meet([pair for pair in pairs if not self._tallied(pair)])
            if len(self._clashes) == before:
                self._unstable.setdefault(nodeid)

    # Conclusions --------------------------------------------------------------------------------------

    def _needing(self) -> List[str]:
        return [
            nodeid
            for nodeid in in_order(self._confirmed & set(self._solved), self._place)
            if nodeid not in self._unstable
        ]

    def _needs(self) -> List[Need]:
        return [self._need(nodeid) for nodeid in self._needing()]

    def _need(self, nodeid: str) -> Need:
        before = in_order(self._solved[nodeid], self._place)
        odd = [fact.outcome for fact in self._of[nodeid] if fact.ordered and not fact.as_serial and not fact.at_once]
        outcome = odd[-1] if odd else FAILED
        after = in_order(self._after.get(nodeid, ()), self._place)
        return Need(
            nodeid, before, outcome, self._serial[nodeid], tuple(self._instead[nodeid]), after, self._hint(before)
        )

    def _hint(self, before: Ids) -> str:
        """Name what the needed tests leave, where it is little."""
        assert self._first  # noqa: S101 - for mypy
        touches = {
            touch.what
            for run in self._first.runs
            for nodeid in before
            for touch in run.touches.get(nodeid, ())
            if touch.kind in ("variable", "state", "made", "over")
        }
        return touches.pop() if len(touches) == 1 else ""

    def findings(self) -> Findings:
        """Sum up."""
        stable = [nodeid for nodeid in self._suspects if nodeid not in self._unstable]
        lost = {**self._lost, **{nodeid: self._solved[nodeid] for nodeid in self._unconfirmed()}}
        untraced = [nodeid for nodeid in in_order(lost, self._place) if nodeid not in self._unstable]
        reordered = [nodeid for nodeid in stable if nodeid in self._free]
        return Findings(
            needs=tuple(self._needs()),
            clashes=tuple(_joined(self._clashes, self._place)),
            untraced=tuple(
                Untraced(nodeid, FAILED, self._serial[nodeid], in_order(lost[nodeid], self._place))
                for nodeid in untraced
            ),
            unstable=in_order(self._unstable, self._place),
            reordered=in_order(reordered, self._place),
            settled=in_order(set(self._settled) - set(self._unstable), self._place),
            red=tuple(nodeid for nodeid in self._ids if self._serial[nodeid] == FAILED),
            left=tuple(self._left),
            tests=len(self._ids),
            runs=self._elapsed_s / self._serial_s if self._serial_s else 0.0,
            trials=self._trials,
        )


def _what(nodeid: str) -> str:
    return f"what {nodeid} depends on"


def _size(asked: Tuple[Search, State]) -> int:
    """Sort what is cheap before what is dear."""
    return len(asked[1].question or ())


def _key(search: Search, state: State) -> str:
    return f"{search.nodeid} {sorted(search.background)} {search.wanted} {sorted(state.question or ())}"


def _solo(asked: Tuple[Search, State], place: Mapping[str, int]) -> Tuple[Ids, List[Search]]:
    """Ask one question with nothing else in the process."""
    search, state = asked
    return in_order({*(state.question or ()), *search.background, search.nodeid}, place), [search]


def _at_the_same_time(nodeid: str, result: Result) -> List[str]:
    """List the tests of other processes that ran while a test did, the longest together first."""
    own = next((run.slot, test) for run in result.runs for test in run.tests if test.nodeid == nodeid)
    overlaps = {
        test.nodeid: min(test.ended_s, own[1].ended_s) - max(test.began_s, own[1].began_s)
        for run in result.runs
        for test in run.tests
        if run.slot != own[0]
    }
    return sorted((other for other, seconds in overlaps.items() if seconds > 0), key=lambda other: -overlaps[other])[:4]


def _joined(found: Sequence[Clash], place: Mapping[str, int]) -> List[Clash]:
    """Tell once of all that clash over the same."""
    by_contested: Dict[Ids, List[Clash]] = defaultdict(list)
    for number, clash in enumerate(found):
        by_contested[clash.contested or (f"pair {number}",)].append(clash)
    joined = []
    for same in by_contested.values():
        for tests in join([clash.tests for clash in same], place):
            failing = in_order((nodeid for clash in same for nodeid in clash.failing if nodeid in tests), place)
            joined.append(Clash(tests, failing, same[0].contested, same[0].why))
    return sorted(joined, key=lambda clash: place[clash.tests[0]])
