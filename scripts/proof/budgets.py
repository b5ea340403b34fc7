"""Did the service keep to its budgets? What was seen of it against what pipeline.yml grants, pure.

It fails closed: a budget that cannot be judged is one that is not kept, and why it cannot is said. One exception: of a
shard that is too short to tell, growth is not judged; the line about the service says so.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from statistics import median
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..console import counted, human_bytes, human_seconds
from ..settings import Budgets
from ..system.usage import Sample
from . import findings as f
from .findings import Finding
from .outcomes import Round
from .receipt import Receipt, one_line, shown
from .watched import Breach, ServiceUse

LEAST_SAMPLES, LEAST_S, LEAST_COUNT = 20, 30.0, 10  # samples, seconds and requests to judge growth by
LONG_S = 300.0  # a start in which growth should have shown, were its requests counted
UNSEEN_S = 30.0  # without a look; a busy machine delays some by seconds
MOST_POINTS = 300  # of which all pairs are looked at
PER = 100  # requests
HINT = "memory and probe are watched of a service that a shard starts by itself"


class Span(NamedTuple):
    """When a test ran, in seconds since 1970."""

    began: float
    ended: float
    nodeid: str


class Seen(NamedTuple):
    """What a shard saw of a service.

    Args:
        samples: of this service, in order.
        ready_s: what its slowest start took; None where it did not become ready, or is not ours.
        spans: the tests that ran meanwhile, in order.
        requests: when each was answered, in seconds since 1970, in order; None where nobody counted them.
        why: why there are no samples, or not of each start; why_no_gpu: why they know nothing of GPUs.
        unseen_s: the longest time between two looks.
    """

    samples: Sequence[Sample] = ()
    ready_s: Optional[float] = None
    spans: Sequence[Span] = ()
    requests: Optional[Sequence[float]] = None
    why: str = ""
    why_no_gpu: str = ""
    unseen_s: float = 0.0


class Growth(NamedTuple):
    """How much the memory of a service grew: bytes per 100 of what; None with the reason where it was not judged.

    `too_short`: no more could be expected of this shard.
    """

    per_100: Optional[float] = None
    of: str = ""
    why: str = ""
    too_short: bool = False


def judge(name: str, budgets: Budgets, seen: Seen) -> Tuple[ServiceUse, List[Breach]]:
    """Sum up what a service took, and compare it with its budgets."""
    growth = growth_of(seen)
    use = summed_up(budgets, seen, growth)
    breaches = [_judged(name, budget, limit, seen, growth) for budget, limit in use.budgets.items()]
    return use, [breach for breach in breaches if breach]


def spans_of(rounds: Iterable[Round]) -> List[Span]:
    """List when the tests of a shard ran, in order."""
    return sorted(
        Span(told.started + attempt.at_s, told.started + attempt.at_s + attempt.seconds, attempt.nodeid)
        for told in rounds
        for attempt in told.attempts
    )


def test_at(spans: Sequence[Span], t: float) -> str:
    """Name the test that ran at a time; empty between tests.

    >>> test_at([Span(1.0, 2.0, "a"), Span(4.0, 5.0, "b")], 4.5), test_at([Span(1.0, 2.0, "a")], 3.0)
    ('b', '')
    """
    place = bisect_right(spans, (t, float("inf"), "")) - 1
    return spans[place].nodeid if place >= 0 and t <= spans[place].ended else ""


def granted(budgets: Budgets) -> Dict[str, float]:
    """List the budgets that are set, by name, as pipeline.yml names them."""
    limits = {
        "memory": budgets.memory_bytes,
        "gpu_memory": budgets.gpu_memory_bytes,
        "ready": budgets.ready_s,
        "probe_latency": budgets.probe_latency_s,
        "open_files": budgets.open_files,
        "growth": budgets.growth_bytes,
    }
    return {name: float(limit) for name, limit in limits.items() if limit is not None}


def summed_up(budgets: Budgets, seen: Seen, growth: Growth) -> ServiceUse:
    """Sum up what a service took."""
    samples = seen.samples
    cpu = {sample.start: sample.cpu for sample in samples}  # the last of each start
    latencies = [sample.latency_ms for sample in samples if sample.latency_ms is not None]
    return ServiceUse(
        samples=len(samples),
        memory_bytes=_most(sample.memory for sample in samples),
        unique_bytes=_most(sample.uss for sample in samples),
        gpu_bytes=_most(sample.gpu for sample in samples),
        cpu_s=round(sum(cpu.values()), 2) if cpu else None,
        threads=_most(sample.threads for sample in samples),
        open_files=_most(sample.files for sample in samples),
        latency_max_ms=_most(latencies),
        latency_median_ms=round(median(latencies), 2) if latencies else None,
        ready_s=seen.ready_s,
        growth_bytes=growth.per_100,
        growth_per=growth.of,
        budgets=granted(budgets),
    )


def _most(values: Iterable[Optional[float]]) -> Optional[float]:
    return max((value for value in values if value is not None), default=None)


# One budget ---------------------------------------------------------------------------------------


class _Budget(NamedTuple):
    """How a budget is judged by samples: what it is called, what a sample has of it, and how that is written."""

    name: str
    figure: Callable[[Sample], Optional[float]]
    words: Callable[[float], str]


_BY_SAMPLE: Mapping[str, _Budget] = {
    "memory": _Budget("memory", lambda sample: sample.memory, human_bytes),
    "gpu_memory": _Budget("GPU memory", lambda sample: sample.gpu, human_bytes),
    "probe_latency": _Budget("probe latency", lambda sample: _in_s(sample.latency_ms), lambda s: _duration(s)),
    "open_files": _Budget("open files", lambda sample: sample.files, "{:.0f}".format),
}


def _judged(name: str, budget: str, limit: float, seen: Seen, growth: Growth) -> Optional[Breach]:
    if budget == "ready":
        return _of_ready(name, limit, seen)
    if budget == "growth":
        return _of_growth(name, limit, seen, growth)
    kind = _BY_SAMPLE[budget]
    figures = [(figure, sample) for sample in seen.samples for figure in [kind.figure(sample)] if figure is not None]
    if not figures:
        why = seen.why_no_gpu if budget == "gpu_memory" and seen.samples else seen.why
        return _unknown(name, budget, kind.name, why or f"it was never seen; {HINT}", kind.words(limit))
    figure, sample = max(figures, key=lambda each: each[0])
    if figure <= limit:
        why = seen.why or (f"nobody looked for {human_seconds(seen.unseen_s)}" if seen.unseen_s > UNSEEN_S else "")
        return _unknown(name, budget, kind.name, why, kind.words(limit)) if why else None
    test = test_at(seen.spans, sample.t)
    when = time.strftime("%H:%M:%S", time.localtime(sample.t))
    during = f"during {shown(test)}" if test else "while no test ran"
    return _over(name, budget, f"{kind.name} {{}} at {when} {during}", figure, limit, kind.words)


def _of_ready(name: str, limit: float, seen: Seen) -> Optional[Breach]:
    if seen.ready_s is None:
        return _unknown(name, "ready", "time to ready", seen.why or f"it was never seen; {HINT}", _duration(limit))
    if seen.ready_s <= limit:
        return None
    return _over(name, "ready", "ready after {}", seen.ready_s, limit, _duration)


def _of_growth(name: str, limit: float, seen: Seen, growth: Growth) -> Optional[Breach]:
    if growth.too_short:
        return None
    if growth.per_100 is None:
        return _unknown(name, "growth", "growth", growth.why, human_bytes(limit))
    if growth.per_100 <= limit:
        return None
    return _over(name, "growth", f"memory grows by {{}} per {PER} {growth.of}", growth.per_100, limit, human_bytes)


def _over(name: str, budget: str, text: str, figure: float, limit: float, words: Callable[[float], str]) -> Breach:
    if words(figure) == words(limit):  # 4.01 GB of 4 GB
        words = "{:,.6g}".format if figure < 1e6 else "{:,.0f} bytes".format
    return Breach(name, budget, f"{text.format(words(figure))}, {_setting(name, budget)} is {_round(words(limit))}")


def _unknown(name: str, budget: str, what: str, why: str, limit: str) -> Breach:
    return Breach(name, budget, f"{what} is not known: {why}; {_setting(name, budget)} is {_round(limit)}", known=False)


def _setting(name: str, budget: str) -> str:
    """Name the setting; a service without a name of its own is called "service"."""
    return f"{'service' if name == 'service' else f'services.{name}'}.budgets.{budget}"


def _round(limit: str) -> str:
    """Write a limit as a person does: without a decimal that says nothing.

    >>> _round("4.0 GB"), _round("1.5 GB")
    ('4 GB', '1.5 GB')
    """
    return limit.replace(".0 ", " ")


def _duration(seconds: float) -> str:
    """Write a duration that may be short.

    >>> _duration(0.25), _duration(2.5)
    ('250 ms', '2.5 s')
    """
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else human_seconds(seconds)


def _in_s(ms: Optional[float]) -> Optional[float]:
    return None if ms is None else ms / 1000


# Growth -------------------------------------------------------------------------------------------


def growth_of(seen: Seen) -> Growth:
    """Find out how much the memory of a service grows with what it is asked, in the start where that is most.

    The first third of a start warms it up. By the slope of Theil and Sen, which a few odd samples do not move; the
    least of two: of the rest, and of the last third, in which a cache that fills has levelled off and a leak has not.
    """
    times = seen.requests if seen.requests is not None else sorted(span.ended for span in seen.spans)
    of = "requests" if seen.requests is not None else "tests"
    starts: Dict[int, List[Sample]] = {}
    for sample in seen.samples:
        starts.setdefault(sample.start, []).append(sample)
    if not seen.samples:
        return Growth(why=seen.why or f"it was never seen; {HINT}")
    slopes = [_least_slope(samples, times) for samples in starts.values() if _is_enough(samples, times)]
    known = [each for each in slopes if each is not None]
    if known:
        return Growth(max(known) * PER, of)
    uncounted = of == "tests" and any(_lasted_s(samples) >= LONG_S for samples in starts.values())
    why = f"less than {LEAST_COUNT} tests ended after its warm-up; count its requests by the fixture service_requests"
    return Growth(why=why, too_short=not uncounted)


def _is_enough(samples: Sequence[Sample], times: Sequence[float]) -> bool:
    count = bisect_right(times, samples[-1].t) - bisect_right(times, samples[len(samples) // 3].t)
    return len(samples) >= LEAST_SAMPLES and _lasted_s(samples) >= LEAST_S and count >= LEAST_COUNT


def _lasted_s(samples: Sequence[Sample]) -> float:
    return samples[-1].t - samples[0].t


def _least_slope(samples: Sequence[Sample], times: Sequence[float]) -> Optional[float]:
    points = [(float(bisect_right(times, sample.t)), float(sample.memory)) for sample in samples]
    third = len(points) // 3
    slopes = [slope(points[third:]), slope(points[2 * third :])]
    return min((each for each in slopes if each is not None), default=None)


def slope(points: Sequence[Tuple[float, float]]) -> Optional[float]:
    """Compute the median of the slopes of all pairs of points (Theil-Sen); None where all x are the same.

    >>> slope([(0, 5), (1, 7), (2, 900), (3, 11), (4, 13)]), slope([(1, 1), (1, 2)])
    (2.0, None)
    """
    some = points[:: max(1, len(points) // MOST_POINTS)]
    slopes = [(y - b) / (x - a) for place, (a, b) in enumerate(some) for x, y in some[place + 1 :] if x != a]
    return median(slopes) if slopes else None


# Many shards --------------------------------------------------------------------------------------


def findings(results: Iterable[Receipt]) -> List[Finding]:
    """Name the budgets that are not kept, or not known to be, of all shards and repairs."""
    return [
        Finding(
            f.OVER_BUDGET if breach.known else f.BUDGET_UNKNOWN,
            one_line(f"{breach.text}  ({result.name})"),
            shards=() if result.repairs else (result.index,),
        )
        for result in results
        for breach in result.breaches
    ]


def unjudged(results: Iterable[Receipt], asked: Mapping[str, Budgets]) -> List[Finding]:
    """Name the shards that ran tests and were not judged by the budgets that pipeline.yml has here.

    Args:
        asked: by the name of the service.
    """
    wanted = {name: granted(budgets) for name, budgets in asked.items() if granted(budgets)}
    found = []
    for result in results:
        judged = {name: dict(use.budgets) for name, use in result.services.items() if use.budgets}
        if judged != wanted and any(test.attempts for test in result.tests):
            text = f"{result.name} was not judged by the service's budgets that pipeline.yml has here: run it again"
            shards = () if result.repairs else (result.index,)
            found.append(Finding(f.BUDGET_UNKNOWN, text, shards=shards))
    return found


def words(uses: Mapping[str, Sequence[ServiceUse]]) -> List[str]:
    """Put into a line for each service what it took at most, over all shards: "service: peak 1.9 GB, 12 threads"."""
    return [f"{shown(name)}: {', '.join(_parts(all_uses))}" for name, all_uses in uses.items() if _parts(all_uses)]


def _parts(uses: Sequence[ServiceUse]) -> List[str]:
    def most(name: str) -> Optional[float]:
        return _most(getattr(use, name) for use in uses)

    memory, gpu, threads, latency = map(most, ("memory_bytes", "gpu_bytes", "threads", "latency_max_ms"))
    asked = [use for use in uses if "growth" in use.budgets and use.samples]
    growth = max((use for use in asked if use.growth_bytes is not None), key=_growth_bytes, default=None)
    parts = [
        memory is not None and f"peak {human_bytes(memory)}",
        bool(gpu) and f"GPU {human_bytes(gpu or 0)}",
        threads is not None and counted(round(threads), "thread"),
        latency is not None and f"probe up to {_duration(latency / 1000)}",
        growth and _growth_words(growth),
        asked and growth is None and f"growth not judged (that takes {LEAST_S:.0f} s and {LEAST_COUNT} requests)",
    ]
    return [part for part in parts if part]


def _growth_words(use: ServiceUse) -> str:
    """Say how much it grew.

    >>> _growth_words(ServiceUse(growth_bytes=-1e6, growth_per="tests"))
    'no growth with its tests'
    """
    grown = _growth_bytes(use)
    return (
        f"{human_bytes(grown)} more per {PER} {use.growth_per}" if grown > 0 else f"no growth with its {use.growth_per}"
    )


def _growth_bytes(use: ServiceUse) -> float:
    return use.growth_bytes or 0.0
