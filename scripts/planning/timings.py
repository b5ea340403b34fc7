"""The history of durations, `.pipeline/timings.json`: what each test and each set-up took in the last runs.

What a run teaches, and what of it (only tests that ran to their expected end: `teaches`), stands here; `history.py`
keeps it. Samples are keyed by run and shard and merged by key, so shards may report in any order, twice, or not at
all: what did not run keeps its history. What the samples say about the next run stands in forecast.py.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..errors import PipelineError
from ..system.files import read_json, write_text
from .estimates import Estimates, SetUp
from .nodeids import classes_of, file_of

SCHEMA = 1
KEPT = 5  # samples per test: enough for a median to shrug off one bad run, few enough to follow a change

PASSED, XFAILED = "passed", "xfailed"

FUTURE_S = 86_400  # clocks differ, by time zones too; what is a day ahead of now was measured by a wrong one
BUILT_S = 1_700_000_000  # a clock that shows less is wrong itself, and judges nobody

NEEDED = 10  # a test needs a scope's set-up where it asks for more than a tenth of what that costs

_HINT = "Delete it: the next whole run learns the times anew."
_MOST = 10**12  # s, or ms: thirty years


class Source(NamedTuple):
    """Say where samples come from: one shard of one run. The newest is the greatest.

    `at_s`: when the run began, in seconds since 1970; `machine`: its class, as people name it.
    """

    at_s: int
    run: str
    shard: int
    machine: str = ""
    python: str = ""


Samples = Mapping[Source, int]


@dataclass(frozen=True)
class Sample:
    """Say what a test that ran to its expected end took in one shard.

    `own_ms`: set-up + call + teardown, less the shared fixtures set up or torn down inside it.
    """

    nodeid: str
    own_ms: int


@dataclass(frozen=True)
class Timings:
    """Hold samples in ms: per test by node id, per file and class with a set-up, and of sessions' set-ups.

    `spared` has an entry only for tests that did not need a set-up that their shard paid: no time, but a bit for each
    such scope, the lowest for the file, the next for the outermost class, and so on.
    """

    tests: Mapping[str, Samples] = field(default_factory=dict)
    set_ups: Mapping[str, Samples] = field(default_factory=dict)
    session: Samples = field(default_factory=dict)
    spared: Mapping[str, Samples] = field(default_factory=dict)


class FixtureCost(NamedTuple):
    """Say what a fixture of a file or class cost a shard, its set-up and teardown, and which tests ask for it."""

    node: str
    cost_ms: int
    needed_by: Collection[str]


def teaches(outcome: str) -> bool:
    """Decide whether a test of this outcome is a sample of what it takes; `learned` is for those only.

    A test that failed may have stopped early or waited for a timeout; one that was skipped did not run. Set-ups that
    failed or skipped teach nothing either.

    >>> teaches("passed"), teaches("xfailed"), teaches("failed"), teaches("skipped")
    (True, True, False, False)
    """
    return outcome in (PASSED, XFAILED)


def learned(source: Source, samples: Iterable[Sample], set_up: Optional[SetUp] = None) -> Timings:
    """Keep what one shard teaches: the times of its tests, and the set-ups that it paid.

    Of equal node ids the mean counts.

    Args:
        samples: of tests whose outcome `teaches`.
        set_up: None where set-ups were not measured apart from the tests.
    """
    times_ms: Dict[str, List[int]] = defaultdict(list)
    for sample in samples:
        times_ms[sample.nodeid].append(max(0, sample.own_ms))
    tests = {nodeid: {source: sum(times) // len(times)} for nodeid, times in times_ms.items()}
    if set_up is None:
        return Timings(tests)
    bits = ((nodeid, _bits(nodeid, scopes)) for nodeid, scopes in set_up.spared.items() if nodeid in tests)
    return Timings(
        tests,
        {scope: {source: cost} for scope, cost in set_up.scopes_ms.items()},
        {source: set_up.session_ms} if tests else {},
        {nodeid: {source: mask} for nodeid, mask in bits if mask},
    )


def paid(session_ms: int, fixtures: Iterable[FixtureCost], tests: Iterable[str]) -> SetUp:
    """Say what the set-ups of a shard cost, and which of its tests did not need those of their file or class.

    A test whose fixtures are less than a tenth of what all of a scope cost does not need it: a cheap fixture that all
    tests have must not charge them with the dear one that few ask for. Where nobody seems to ask for a fixture, some
    test asked for it while it ran (`request.getfixturevalue`), and all count as needing it.
    """
    by_node: Dict[str, List[FixtureCost]] = defaultdict(list)
    for fixture in fixtures:
        by_node[fixture.node].append(fixture)
    scopes_ms = {node: sum(fixture.cost_ms for fixture in group) for node, group in by_node.items()}
    needs_ms: Dict[Tuple[str, str], int] = defaultdict(int)
    for fixture in (fixture for group in by_node.values() for fixture in group if fixture.needed_by):
        for nodeid in fixture.needed_by:
            needs_ms[fixture.node, nodeid] += fixture.cost_ms
    hidden_ms = {node: sum(each.cost_ms for each in group if not each.needed_by) for node, group in by_node.items()}
    spared: Dict[str, Tuple[str, ...]] = {}
    for nodeid in set(tests) if scopes_ms else ():
        free = (
            scope
            for scope in scopes_around(nodeid)
            if scopes_ms.get(scope) and NEEDED * (needs_ms[scope, nodeid] + hidden_ms[scope]) <= scopes_ms[scope]
        )
        spared[nodeid] = tuple(free)
    return SetUp(session_ms, scopes_ms, spared={nodeid: scopes for nodeid, scopes in sorted(spared.items()) if scopes})


def scopes_around(nodeid: str) -> Tuple[str, ...]:
    """Name the file and all classes that a test lies in, outermost first."""
    return (file_of(nodeid), *classes_of(nodeid))


def _bits(nodeid: str, spared: Collection[str]) -> int:
    return sum(1 << place for place, scope in enumerate(scopes_around(nodeid)) if scope in spared)


def from_pytest_split(source: Source, content: bytes) -> Timings:
    """Take what pytest-split's `.test_durations` teaches: {node id: seconds}, shared set-ups within.

    Raises:
        PipelineError: the content is not of this form.
    """
    try:
        times = {str(nodeid): _ms(float(seconds)) for nodeid, seconds in json.loads(content).items()}
    except (AttributeError, OverflowError, RecursionError, TypeError, ValueError) as error:
        form = 'expected {"NODE ID": SECONDS, ...} as pytest --store-durations writes it'
        raise PipelineError(f"{form}: {error}") from error
    return learned(source, (Sample(nodeid, cost) for nodeid, cost in times.items()))


def to_pytest_split(estimates: Estimates) -> str:
    """Write pytest-split's `.test_durations`, as it does itself."""
    seconds = {nodeid: cost / 1000 for nodeid, cost in estimates.tests_ms.items()}
    return json.dumps(seconds, sort_keys=True, indent=4)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def merge(*parts: Timings) -> Timings:
    """Bring the parts together: the newest few samples of each test. Order and repetition do not matter.

    Two samples of one test, run and shard are one: the later, else the longer, wins.
    """
    return Timings(
        _merged_by_name([part.tests for part in parts]),
        _merged_by_name([part.set_ups for part in parts]),
        _merged([part.session for part in parts]),
        _merged_by_name([part.spared for part in parts]),
    )


def believed(timings: Timings, now_s: int) -> Timings:
    """Count samples from the future as the oldest: a clock that was wrong must not make them the newest for ever."""
    if now_s < BUILT_S:
        return timings

    def aged(samples: Samples) -> Samples:
        return {
            (source._replace(at_s=0) if source.at_s > now_s + FUTURE_S else source): c for source, c in samples.items()
        }

    def all_aged(part: Mapping[str, Samples]) -> Mapping[str, Samples]:
        return {name: aged(samples) for name, samples in part.items()}

    return Timings(all_aged(timings.tests), all_aged(timings.set_ups), aged(timings.session), all_aged(timings.spared))


def _merged_by_name(parts: Sequence[Mapping[str, Samples]]) -> Dict[str, Samples]:
    found: Dict[str, List[Samples]] = defaultdict(list)
    for part in parts:
        for name, samples in part.items():
            found[name].append(samples)
    return {name: _merged(samples) for name, samples in sorted(found.items())}


def _merged(parts: Iterable[Samples]) -> Dict[Source, int]:
    best: Dict[Tuple[str, int], Tuple[Source, int]] = {}
    for source, cost in (item for part in parts for item in part.items()):
        key = source.run, source.shard
        best[key] = max(best.get(key, (source, cost)), (source, cost))
    return dict(sorted(best.values(), reverse=True)[:KEPT])


def slowest(known: Estimates, count: int = 10) -> List[Tuple[str, int]]:
    """Find the tests that take longest, with their time in ms; ties by name."""
    return sorted(known.tests_ms.items(), key=lambda item: (-item[1], item[0]))[:count]


def unknown(timings: Timings, collected: Iterable[str]) -> List[str]:
    """Find the collected tests that were never timed, by name."""
    return sorted(set(collected) - set(timings.tests))


def stale(timings: Timings, collected: Iterable[str]) -> List[str]:
    """Find the timed tests that are not collected any more, by name."""
    return sorted(set(timings.tests) - set(collected))


def save(timings: Timings, file: Path) -> None:
    """Write timings.json, under a temporary name and renamed.

    Raises:
        PipelineError: the file cannot be written.
    """
    write_text(file, dump(timings))


def load(file: Path) -> Timings:
    """Read timings.json; where there is none yet, or an empty file, nothing is known.

    Raises:
        PipelineError: the file cannot be read, or is not of this form and schema.
    """
    if not os.path.lexists(str(file)) or (file.is_file() and not file.stat().st_size):
        return Timings()
    data = read_json(file, SCHEMA, _HINT)
    try:
        sources = [
            Source(_number(at), _text(run), _number(shard), *map(_text, more))
            for at, run, shard, *more in data["sources"]
        ]
        tests, set_ups, spared = (
            {name: _samples(pairs, sources) for name, pairs in part.items()}
            for part in (data["tests"], data["set_ups"], data.get("spared", {}))  # younger than the schema
        )
        return merge(Timings(tests, set_ups, _samples(data["session"], sources), spared))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise PipelineError(f"{file} is no history of timings: {error!r:.200}", _HINT) from error


def _samples(pairs: Iterable[Sequence[Any]], sources: Sequence[Source]) -> Dict[Source, int]:
    return {sources[_number(place)]: _number(cost) for place, cost in pairs}


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"expected a whole number, got {value!r:.40}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.40}")
    return value


def dump(timings: Timings) -> str:
    """Make the text of timings.json: equal timings are equal bytes; one test a line, newest sample first."""
    named = (("tests", timings.tests), ("set_ups", timings.set_ups), ("spared", timings.spared))
    everything = [timings.session, *(samples for _, part in named for samples in part.values())]
    sources = sorted({source for samples in everything for source in samples})
    places = {source: place for place, source in enumerate(sources)}
    parts = [
        f'"schema": {SCHEMA}',
        f'"sources": {_lines("[]", map(json.dumps, sources))}',
        *(
            f'"{name}": {_lines("{}", (f"{json.dumps(key)}: {_pairs(part[key], places)}" for key in sorted(part)))}'
            for name, part in named
        ),
        f'"session": {_pairs(timings.session, places)}',
    ]
    return _lines("{}", parts) + "\n"


def _lines(brackets: str, items: Iterable[str]) -> str:
    return f"{brackets[0]}\n" + ",\n".join(items) + f"\n{brackets[1]}"


def _pairs(samples: Samples, places: Mapping[Source, int]) -> str:
    return json.dumps([[places[source], cost] for source, cost in sorted(samples.items(), reverse=True)])
