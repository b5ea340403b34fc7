"""The history of durations, `.pipeline/timings.json`: what each test and each set-up took in the last runs.

Samples are keyed by run and shard and merged by key, so shards may report in any order, twice, or not at
all: what did not run keeps its history. What the samples say about the next run stands in forecast.py.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from ..errors import PipelineError
from ..system.files import read_json, write_text
from .estimates import NO_SET_UP, Estimates, SetUp

SCHEMA = 1
KEPT = 5  # samples per test: enough for a median to shrug off one bad run, few enough to follow a change

_HINT = "Delete it: the next whole run learns the times anew."


class Source(NamedTuple):
    """Where samples come from: one shard of one run. The newest is the greatest.

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
    """What a test that ran to its expected end took in one shard.

    `own_ms`: set-up + call + teardown, less the shared fixtures set up or torn down inside it.
    """

    nodeid: str
    own_ms: int


@dataclass(frozen=True)
class Timings:
    """Samples in ms: per test by node id, per file and class with a set-up, and of sessions' set-ups."""

    tests: Mapping[str, Samples] = field(default_factory=dict)
    set_ups: Mapping[str, Samples] = field(default_factory=dict)
    session: Samples = field(default_factory=dict)


def learned(source: Source, samples: Iterable[Sample], set_up: SetUp = NO_SET_UP) -> Timings:
    """Keep what one shard teaches: the times of its tests, and the set-ups that it paid.

    A test that failed may have stopped early or waited for a timeout, and is no sample. Of equal node ids the mean
    counts.
    """
    times_ms: Dict[str, List[int]] = defaultdict(list)
    for sample in samples:
        times_ms[sample.nodeid].append(max(0, sample.own_ms))
    return Timings(
        {nodeid: {source: sum(times) // len(times)} for nodeid, times in times_ms.items()},
        {scope: {source: cost} for scope, cost in set_up.scopes_ms.items()},
        {source: set_up.session_ms} if times_ms else {},
    )


def from_pytest_split(source: Source, text: str) -> Timings:
    """What pytest-split's `.test_durations` teaches: {node id: seconds}, shared set-ups within.

    Raises:
        PipelineError: the text is not of this form.
    """
    try:
        times = {str(nodeid): _ms(float(seconds)) for nodeid, seconds in json.loads(text).items()}
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        form = 'expected {"NODE ID": SECONDS, ...} as pytest --store-durations writes it'
        raise PipelineError(f"{form}: {error}") from error
    return learned(source, (Sample(nodeid, cost) for nodeid, cost in times.items()))


def to_pytest_split(estimates: Estimates) -> str:
    """pytest-split's `.test_durations`, as it writes the file itself."""
    seconds = {nodeid: cost / 1000 for nodeid, cost in estimates.tests_ms.items()}
    return json.dumps(seconds, sort_keys=True, indent=4)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def merge(*parts: Timings) -> Timings:
    """All samples of the parts, the newest few of each test. Order and repetition do not matter.

    Two samples of one test, run and shard are one: the later, else the longer, wins.
    """
    return Timings(
        _merged_by_name([part.tests for part in parts]),
        _merged_by_name([part.set_ups for part in parts]),
        _merged([part.session for part in parts]),
    )


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
    """The tests that take longest, with their time in ms; ties by name."""
    return sorted(known.tests_ms.items(), key=lambda item: (-item[1], item[0]))[:count]


def unknown(timings: Timings, collected: Iterable[str]) -> List[str]:
    """The collected tests that were never timed, by name."""
    return sorted(set(collected) - set(timings.tests))


def stale(timings: Timings, collected: Iterable[str]) -> List[str]:
    """The timed tests that are not collected any more, by name."""
    return sorted(set(timings.tests) - set(collected))


def save(timings: Timings, file: Path) -> None:
    """Write timings.json, under a temporary name and renamed.

    Raises:
        PipelineError: the file cannot be written.
    """
    write_text(file, dump(timings))


def load(file: Path) -> Timings:
    """Read timings.json; where there is none yet, nothing is known.

    Raises:
        PipelineError: the file cannot be read, or is not of this form and schema.
    """
    if not file.exists():
        return Timings()
    data = read_json(file, SCHEMA, _HINT)
    try:
        sources = [
            Source(_number(at), str(run), _number(shard), *map(str, more)) for at, run, shard, *more in data["sources"]
        ]
        tests, set_ups = (
            {str(name): _samples(pairs, sources) for name, pairs in data[part].items()} for part in ("tests", "set_ups")
        )
        return merge(Timings(tests, set_ups, _samples(data["session"], sources)))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise PipelineError(f"{file} is no history of timings: {error!r}", _HINT) from error


def _samples(pairs: Iterable[Sequence[Any]], sources: Sequence[Source]) -> Dict[Source, int]:
    return {sources[_number(place)]: _number(cost) for place, cost in pairs}


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a whole number, got {value!r}")
    return value


def dump(timings: Timings) -> str:
    """timings.json: equal timings are equal bytes; one test a line, newest sample first."""
    everything = [timings.session, *timings.tests.values(), *timings.set_ups.values()]
    sources = sorted({source for samples in everything for source in samples})
    places = {source: place for place, source in enumerate(sources)}
    parts = [
        f'"schema": {SCHEMA}',
        f'"sources": {_lines("[]", map(json.dumps, sources))}',
        *(
            f'"{name}": {_lines("{}", (f"{json.dumps(key)}: {_pairs(part[key], places)}" for key in sorted(part)))}'
            for name, part in (("tests", timings.tests), ("set_ups", timings.set_ups))
        ),
        f'"session": {_pairs(timings.session, places)}',
    ]
    return _lines("{}", parts) + "\n"


def _lines(brackets: str, items: Iterable[str]) -> str:
    return f"{brackets[0]}\n" + ",\n".join(items) + f"\n{brackets[1]}"


def _pairs(samples: Samples, places: Mapping[Source, int]) -> str:
    return json.dumps([[places[source], cost] for source, cost in sorted(samples.items(), reverse=True)])
