"""A service keeps to its budgets only where that was seen; a leak is found, a cache that fills is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, List, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof import budgets
from scripts.proof import findings as f
from scripts.proof.budgets import Seen, Span, growth_of, judge, slope, test_at
from scripts.proof.receipt import Receipt
from scripts.proof.watched import Breach
from scripts.settings import Budgets
from scripts.system.usage import Sample
from scripts.typed_yaml import Bytes, Seconds
from tests.unit.proof.results import judged, ran, red_kinds, shard

test_at.__test__ = False  # type: ignore[attr-defined]

MB, GB = 10**6, 10**9
NOON_S = 1_800_000_000.0
ALL = Budgets(Bytes(4 * GB), Bytes(8 * GB), Seconds(30), Seconds(1), 100, Bytes(50 * MB))


def sample(t: float = 0.0, **more: Any) -> Sample:
    quiet = Sample(NOON_S + t, "service", 0, "", GB, GB, GB, 1.0, 4, 20, GB, 5.0)
    return quiet._replace(**more)


def seen(*samples: Sample, **more: Any) -> Seen:
    return Seen(**{"samples": samples, "ready_s": 2.0, "spans": [Span(NOON_S, NOON_S + 9, "t.py::test_a")], **more})


def texts(granted: Budgets, facts: Seen, name: str = "service") -> List[str]:
    return [breach.text for breach in judge(name, granted, facts)[1]]


def test_a_service_that_takes_little_keeps_to_all_budgets() -> None:
    use, breaches = judge("service", ALL, seen(sample(), sample(1, memory=2 * GB, cpu=3.0)))

    assert [] == breaches
    assert (2, 2 * GB, 3.0, 4, 2.0) == (use.samples, use.memory_bytes, use.cpu_s, use.threads, use.ready_s)


@pytest.mark.parametrize(
    "what, facts",
    [
        ("memory 4.2 GB", {"memory": 4_200 * MB}),
        ("GPU memory 9.0 GB", {"gpu": 9 * GB}),
        ("probe latency 1.5 s", {"latency_ms": 1500.0}),
        ("open files 101", {"files": 101}),
    ],
)
def test_more_than_granted_is_told_with_figure_time_and_test(what: str, facts: Any) -> None:
    (text,) = texts(ALL, seen(sample(), sample(5, **facts), sample(6)))

    assert text.startswith(f"{what} at ") and " during t.py::test_a, service.budgets." in text


@pytest.mark.parametrize(
    "more, why", [({"unseen_s": 31.0}, "nobody looked for 31.0 s"), ({"why": "no thread"}, "no thread")]
)
def test_what_was_not_watched_all_the_time_is_not_known_to_be_kept(more: Any, why: str) -> None:
    granted = Budgets(memory_bytes=Bytes(4 * GB))

    (breach,) = judge("service", granted, seen(sample(), **more))[1]
    assert (False, True) == (breach.known, breach.text.startswith(f"memory is not known: {why};"))
    assert [] == judge("service", granted, seen(sample(), unseen_s=29.0))[1]
    assert judge("service", granted, seen(sample(memory=5 * GB), **more))[1][0].known


def test_the_limit_is_told_as_a_person_writes_it_and_figures_that_look_alike_in_full() -> None:
    granted = Budgets(memory_bytes=Bytes(4 * GB))

    assert texts(granted, seen(sample(memory=4_200 * MB)))[0].endswith(", service.budgets.memory is 4 GB")
    assert "memory 4,000,000,001 bytes at" in texts(granted, seen(sample(memory=4 * GB + 1)))[0]
    assert "services.a.budgets.memory" in texts(granted, seen(sample(memory=5 * GB)), "a")[0]


def test_between_tests_no_test_is_blamed() -> None:
    assert "while no test ran" in texts(ALL, seen(sample(20, memory=5 * GB)))[0]


def test_a_service_that_was_slow_to_become_ready_is_over_its_budget() -> None:
    assert ["ready after 31.0 s, service.budgets.ready is 30 s"] == texts(ALL, seen(sample(), ready_s=31.0))


def test_what_was_not_seen_is_not_kept() -> None:
    unseen = judge("service", ALL, Seen(why="it is elsewhere"))[1]

    assert {"memory", "gpu_memory", "ready", "probe_latency", "open_files", "growth"} == {b.budget for b in unseen}
    assert all("is not known: it is elsewhere; service.budgets." in b.text and not b.known for b in unseen)
    assert [] == judge("service", Budgets(), Seen())[1]


@pytest.mark.parametrize(
    "missing, budget, why",
    [("gpu", "gpu_memory", "no driver"), ("latency_ms", "probe_latency", "seen"), ("files", "open_files", "seen")],
)
def test_where_samples_lack_a_figure_only_that_budget_is_not_known(missing: str, budget: str, why: str) -> None:
    (breach,) = judge("service", ALL, seen(sample(**{missing: None}), why_no_gpu="no driver"))[1]

    assert (budget, False, True) == (breach.budget, breach.known, why in breach.text)


@given(st.permutations([1, 2, 3, 4, 5]), st.integers(1, 6))
def test_a_budget_is_exceeded_exactly_where_a_sample_exceeds_it(levels: List[int], limit: int) -> None:
    facts = seen(*(sample(t, memory=level * GB) for t, level in enumerate(levels)))

    assert (5 > limit) == bool(texts(Budgets(memory_bytes=Bytes(limit * GB)), facts))


# Growth -------------------------------------------------------------------------------------------


def grown(memory: Callable[[int], float], seconds: int = 60, starts: Optional[int] = None, **more: Any) -> Seen:
    """Samples of a service that answers a request, and ends a test, each second; `memory` in MB by second."""
    samples = [sample(t, memory=int(memory(t) * MB), start=t // (starts or 10**9)) for t in range(seconds)]
    spans = [Span(NOON_S + t - 0.9, NOON_S + t - 0.1, f"t.py::test[{t}]") for t in range(seconds)]
    return Seen(**{"samples": samples, "ready_s": 1.0, "spans": spans, **more})


def test_a_leak_of_20_mb_a_request_is_found() -> None:
    (text,) = texts(ALL, grown(lambda t: 500 + 20 * t))

    assert "memory grows by 2.0 GB per 100 tests, service.budgets.growth is 50 MB" == text


def test_requests_count_where_they_were_recorded() -> None:
    facts = grown(lambda t: 500 + 20 * t, requests=[NOON_S + t / 2 for t in range(120)])

    assert (1000 * MB, "requests") == (growth_of(facts).per_100, growth_of(facts).of)


@pytest.mark.parametrize(
    "memory",
    [
        lambda t: 500,
        lambda t: 500 + min(20 * t, 300),  # filled in the first quarter
        lambda t: 500 + min(20 * t, 780),  # filled in two thirds
        lambda t: 500 + 300 * (t % 7 == 0),  # what a request takes, and gives back
        lambda t: 2000 - 20 * t,
        lambda t: 500 + 900 * (t > 50),  # once
    ],
    ids=["level", "cache", "slow cache", "peaks", "shrinks", "step"],
)
def test_what_levels_off_is_no_leak(memory: Callable[[int], float]) -> None:
    assert [] == texts(Budgets(growth_bytes=Bytes(50 * MB)), grown(memory))


def test_what_a_start_takes_anew_is_no_growth_and_a_leak_in_one_start_is_enough() -> None:
    assert 0 == growth_of(grown(lambda t: 500 + (t // 60) * 1000, 120, starts=60)).per_100
    assert 2000 * MB == growth_of(grown(lambda t: 500 + (0 if t < 60 else 20 * t), 120, starts=60)).per_100


def test_a_shard_that_is_too_short_is_not_judged_and_a_long_one_whose_requests_nobody_counts_is_not_known() -> None:
    granted, leak = Budgets(growth_bytes=Bytes(50 * MB)), lambda t: 500 + 20 * t
    one_test = [Span(NOON_S, NOON_S + 400, "t.py::test_a")]

    assert [[], [], []] == [
        texts(granted, grown(leak, 19)),
        texts(granted, grown(leak, 60, spans=one_test)),
        texts(granted, grown(leak, 400, requests=[NOON_S + 300])),
    ]
    assert "growth is not known: less than 10 tests" in texts(granted, grown(leak, 400, spans=one_test))[0]
    (line,) = budgets.words({"service": [judge("service", granted, grown(leak, 19))[0]]})
    assert line.endswith(", probe up to 5 ms, growth not judged (that takes 30 s and 10 requests)")


@given(st.integers(-9, 9), st.lists(st.integers(-1000, 1000), max_size=5), st.randoms())
def test_a_few_odd_samples_do_not_move_the_slope(true: int, odd: List[int], random: Any) -> None:
    points = [(float(x), float(true * x)) for x in range(40)]
    for y in odd:
        points[random.randrange(40)] = (float(random.randrange(40)), float(y))

    assert true == slope(points)


# Many shards --------------------------------------------------------------------------------------

OVER = (Breach("service", "memory", "memory 5 GB, service.budgets.memory is 4 GB"),)


def watched(result: Receipt, granted: Budgets, *breaches: Breach) -> Receipt:
    return replace(result, services={"service": judge("service", granted, seen(sample()))[0]}, breaches=breaches)


@pytest.mark.parametrize("known, kind", [(True, f.OVER_BUDGET), (False, f.BUDGET_UNKNOWN)])
def test_a_shard_over_its_budget_makes_the_run_red_and_another_run_does_not_help(known: bool, kind: str) -> None:
    breach = OVER[0]._replace(known=known)
    verdict = judged([watched(shard(0, ran("a")), ALL, breach), watched(shard(1, ran("b")), ALL)])

    assert ([kind], "over budget", False) == (red_kinds(verdict), verdict.ended, verdict.repairable)
    assert [f"{breach.text}  (shard index 0 of 2)"] == [finding.text for finding in verdict.of(kind)]


def test_what_is_worse_names_the_end() -> None:
    failed = judged([replace(shard(0, ran("a", "failed")), breaches=OVER), shard(1, ran("b"))])
    lost = judged([replace(shard(0, ran("a")), breaches=OVER), shard(1)])

    assert ("tests failed", "incomplete") == (failed.ended, lost.ended)


def test_a_shard_that_was_not_judged_by_the_budgets_here_is_not_green() -> None:
    results = [watched(shard(0, ran("a")), ALL), shard(1, ran("b")), shard(1)]

    assert [(1,)] == [finding.shards for finding in budgets.unjudged(results, {"service": ALL})]
    assert [] == budgets.unjudged(results[1:], {"service": Budgets()})
    assert [(0,)] == [finding.shards for finding in budgets.unjudged(results[:1], {"service": Budgets()})]


def test_a_line_says_what_services_took_at_most_over_all_shards() -> None:
    small, large = (judge("service", Budgets(), seen(sample(memory=size * GB)))[0] for size in (1, 2))

    assert ["service: peak 2.0 GB, GPU 1.0 GB, 4 threads, probe up to 5 ms"] == budgets.words(
        {"service": [small, large], "silent": []}
    )
