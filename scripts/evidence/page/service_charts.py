"""What the service took while the tests ran: its samples thinned out for a chart, their peaks kept. Pure."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...system.usage import Sample
from ..record import RunRecord
from .tests import Row

POINTS = 400  # of a chart at most; a screen has not many more places for one
ALL_POINTS = 4_000  # of all charts: each takes some 60 bytes
SEGMENTS = 300  # of the strip of tests at most
ALL_SEGMENTS = 1_500
MOST_CHARTS = 40
MOST = 1e18  # of bytes, milliseconds, seconds; what is more, or NaN, tells nothing
Point = Tuple[float, float]  # both from 0 to 1: of the time, and of the greatest value


class Strip(NamedTuple):
    """Tests beside each other: when they began and ended, as shares of the time, how many, and whether they are red."""

    begins: float
    ends: float
    tests: int
    is_red: bool


class Chart(NamedTuple):
    """What one service took in one shard.

    Args:
        place: of the shard in `RunRecord.shards`.
        memory, latency: lines, as shares of `memory_bytes` and `latency_ms`; the latter broken at each start.
        budgets: of memory in bytes and of latency in ms; None where there is none.
        data: what the page tells of a moment: seconds of the run, bytes, ms.
    """

    place: int
    service: str
    starts: int
    memory: Sequence[Sequence[Point]]
    latency: Sequence[Sequence[Point]]
    memory_bytes: float
    latency_ms: float
    peak_bytes: float
    peak_ms: float
    budget_bytes: Optional[float]
    budget_ms: Optional[float]
    strips: Sequence[Strip]
    data: Sequence[Sequence[Any]]


class _Scale(NamedTuple):
    """What all charts of a run share: the times, the greatest values of all, and how many parts each has."""

    began_s: float
    seconds: float
    most_bytes: float
    most_ms: float
    points: int
    segments: int


def charts(record: RunRecord, rows: Sequence[Row], began_s: float, seconds: float) -> List[Chart]:
    """Make the charts of all services in all shards, on one scale, so that they can be compared."""
    if not seconds > 0:
        return []
    series = list(_series(record))[:MOST_CHARTS]
    every = [sample for _, _, samples in series for sample in samples]
    most_bytes, most_ms = (max(map(value, every), default=0.0) for value in (_memory, _latency))
    points = min(POINTS, ALL_POINTS // max(1, len(series)))
    segments = min(SEGMENTS, ALL_SEGMENTS // max(1, len(series)))
    scale = _Scale(began_s, seconds, most_bytes, most_ms, points, segments)
    mine: Dict[int, List[Row]] = {}
    for row in rows:
        mine.setdefault(row.shard, []).append(row)
    return [
        _chart(place, name, samples, _budgets(record, place, name), mine.get(place, []), scale)
        for place, name, samples in series
    ]


def _chart(
    place: int, name: str, samples: List[Sample], budgets: Dict[str, float], rows: Sequence[Row], scale: _Scale
) -> Chart:
    budget_bytes = budgets.get("memory")
    budget_ms = 1000 * budgets["probe_latency"] if "probe_latency" in budgets else None
    top_bytes, top_ms = _top(scale.most_bytes, budget_bytes), _top(scale.most_ms, budget_ms)
    thin = _thinned(
        [sample for sample in samples if -1 <= sample.t - scale.began_s <= scale.seconds + 60], scale.points
    )
    return Chart(
        place=place,
        service=name,
        starts=len({sample.start for sample in samples}),
        memory=_lines(thin, scale, lambda each: _memory(each) / top_bytes),
        latency=_lines(thin, scale, lambda each: _latency(each) / top_ms),
        memory_bytes=top_bytes,
        latency_ms=top_ms,
        peak_bytes=max(map(_memory, samples), default=0.0),
        peak_ms=max(map(_latency, samples), default=0.0),
        budget_bytes=budget_bytes if budget_bytes and budget_bytes <= top_bytes else None,
        budget_ms=budget_ms if budget_ms and budget_ms <= top_ms else None,
        strips=strips(rows, scale.began_s, scale.seconds, scale.segments),
        data=[[round(each.t - scale.began_s, 1), round(_memory(each)), round(_latency(each))] for each in thin],
    )


def strips(rows: Sequence[Row], began_s: float, seconds: float, segments: int = SEGMENTS) -> List[Strip]:
    """Lay the tests of a shard beside each other, those too short to be seen together; a red one stands alone."""
    found: List[Strip] = []
    for row in sorted((row for row in rows if row.at_s), key=lambda row: row.at_s):
        begins = min(1.0, max(0.0, (row.at_s - began_s) / seconds))
        ends = min(1.0, begins + row.seconds / seconds)
        last = found[-1] if found else None
        if last and last.is_red == row.is_red and ends - last.begins < 1 / segments:
            found[-1] = last._replace(ends=max(last.ends, ends), tests=last.tests + 1)
        else:
            found.append(Strip(begins, ends, 1, row.is_red))
    return found


def _series(record: RunRecord) -> Iterator[Tuple[int, str, List[Sample]]]:
    for place, shard in enumerate(record.shards):
        by_name: Dict[str, List[Sample]] = {}
        for sample in shard.samples:
            if all(_is_sound(value) for value in (sample.t, sample.memory, sample.rss, sample.latency_ms or 0)):
                by_name.setdefault(str(sample.name), []).append(sample)
        for name, samples in by_name.items():
            yield place, name, samples


def _is_sound(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < MOST


def _memory(sample: Sample) -> float:
    return float(sample.memory or sample.rss or 0)


def _latency(sample: Sample) -> float:
    return float(sample.latency_ms or 0)


def _top(most: float, budget: Optional[float]) -> float:
    """Choose the end of a scale: the budget belongs on it where it is not far away."""
    top = max(most, budget if budget and budget < 2 * most else 0.0)
    return 1.08 * top or 1.0


def _budgets(record: RunRecord, place: int, name: str) -> Dict[str, float]:
    result = record.shards[place].result
    use = result.services.get(name) if result else None
    return dict(use.budgets) if use else {}


def _thinned(samples: Sequence[Sample], points: int) -> List[Sample]:
    """Keep of each stretch of samples those with the most memory and the greatest latency."""
    step = max(1, 2 * len(samples) // points)
    kept: List[Sample] = []
    for place in range(0, len(samples), step):
        stretch = samples[place : place + step]
        peaks = (max(stretch, key=_memory), max(stretch, key=_latency))
        kept += sorted(set(peaks), key=lambda each: each.t)
    return kept


def _lines(samples: Sequence[Sample], scale: _Scale, value: Callable[[Sample], float]) -> List[List[Point]]:
    """Make a line of each start of the service."""
    found: Dict[int, List[Point]] = {}
    for sample in samples:
        share = min(1.0, max(0.0, (sample.t - scale.began_s) / scale.seconds))
        found.setdefault(sample.start, []).append((share, min(1.0, max(0.0, value(sample)))))
    return list(found.values())
