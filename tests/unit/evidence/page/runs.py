"""Runs to make pages of: as small as a test needs, or of 30,000 tests with all that such a run leaves."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, List, Sequence

from scripts.evidence.record import Log, Request, RunRecord, ShardRecord
from scripts.planning.estimates import NO_SET_UP
from scripts.planning.plan import Plan, Shard
from scripts.proof.findings import RED_TEST, Finding, Verdict
from scripts.proof.outcomes import FAILED, FINISHED, PASSED, SKIPPED, Attempt, Ended, Round
from scripts.proof.receipt import Receipt, Selected
from scripts.proof.watched import ServiceUse
from scripts.system.usage import Sample
from tests.unit.proof.results import judged, shard

BEGAN_S = 1_700_000_000.0
SECONDS = {"packages": 0.5, "weights": 1.0, "service ready": 4.0, "warm-up": 1.0}


def attempt(nodeid: str, outcome: str = PASSED, at_s: float = 1.0, seconds: float = 0.5, **facts: Any) -> Attempt:
    return Attempt(nodeid, 0, outcome, at_s=at_s, call_s=seconds, own_s=seconds, **facts)


def one_round(attempts: Sequence[Attempt], **facts: Any) -> Round:
    own = {"number": 0, "pid": 1, "started": BEGAN_S, "pytest": "8", "python": "3.11", "ended": Ended(FINISHED)}
    return Round(**{**own, "attempts": tuple(attempts), **facts})  # type: ignore[arg-type]


def sample(second: float, memory: int = 1_000_000, latency_ms: float = 5.0, start: int = 0) -> Sample:
    return Sample(BEGAN_S + second, "service", start, "", memory, memory, None, second, 4, 9, None, latency_ms)


def result(index: int, of: int, attempts: Sequence[Attempt], collected: Sequence[str], **facts: Any) -> Receipt:
    tests = [Selected(each.nodeid, each.outcome, (each,)) for each in attempts]
    took = max((each.at_s + each.seconds for each in attempts), default=0.0)
    own = {"began_s": BEGAN_S, "seconds": {**SECONDS, "tests": took}, "python": "3.11.7", "commit": "1a2b3c4d5e6f"}
    return shard(index, *tests, of=of, collected=collected, **{**own, **facts})


def left(index: int, of: int, attempts: Sequence[Attempt], collected: Sequence[str], **facts: Any) -> ShardRecord:
    """What a shard left that came to its end."""
    own = {"folder": Path(f"shard-{index}"), "rounds": (one_round(attempts),)}
    told = facts.pop("result", None) or result(index, of, attempts, collected)
    return ShardRecord(index, result=told, **{**own, **facts})


def run(*shards: Sequence[Attempt], **facts: Any) -> RunRecord:
    """A run whose shards ran these tests, as the merge sees it."""
    collected = [each.nodeid for attempts in shards for each in attempts]
    records = tuple(left(index, len(shards), attempts, collected) for index, attempts in enumerate(shards))
    verdict = judged([each.result for each in records if each.result], collected)
    return RunRecord(**{"name": "tts", "verdict": verdict, "shards": records, **facts})


def large(tests: int = 30_000, shards: int = 8, red: int = 60) -> RunRecord:
    """A run of many tests, some of them red, with samples of an hour in each shard."""
    words = ("happy", "sad", "angry", "calm", "afraid", "surprised", "disgusted")
    ids = [
        f"tests/api/test_{number // 311:02d}_voices.py::TestSpeech::test_emotion_{number % 11}"
        f"[{words[number % 7]}-{number / 1000:.3f}-long]"
        for number in range(tests)
    ]
    every = 1 + tests // max(1, red)
    per_shard = 1 + tests // shards
    kinds = (PASSED, PASSED, PASSED, SKIPPED)
    attempts: List[List[Attempt]] = [[] for _ in range(shards)]
    for number, nodeid in enumerate(ids):
        mine = attempts[number % shards]
        outcome = FAILED if number % every == every - 1 else kinds[number % 4] if number % 50 == 0 else PASSED
        message = f"AssertionError: {'音' * (number % 97)} {number} Hz, expected more" if outcome == FAILED else ""
        text = f"def test():\n>   assert 音高 > 215\nE   {message}\n" * 100 if message else ""
        took = 0.01 + (number * 7919 % 1000) / 1000
        mine.append(attempt(nodeid, outcome, len(mine) * 3600 / per_shard, took, message=message, text=text))
    log = Log("service.log", "".join(f"2023-11-14 22:{m:02d}:00 INFO a line of the service\n" for m in range(60)) * 40)
    use = ServiceUse(3600, 2e9, latency_max_ms=900, ready_s=4.0, budgets={"memory": 2.5e9, "probe_latency": 1.0})
    records = []
    for index, mine in enumerate(attempts):
        samples = tuple(sample(second, 10**9 + second * 250_000, 5 + second % 97) for second in range(0, 3600, 4))
        requests = tuple(
            Request(BEGAN_S + each.at_s, each.nodeid, "POST /tts -> 200", 0.2, 200) for each in mine[:2000]
        )
        told = result(index, shards, mine, (), services={"service": use})
        records.append(left(index, shards, mine, (), result=told, samples=samples, requests=requests, logs=(log,)))
    plan = Plan(
        "plan",
        tuple(Shard(tuple(each.nodeid for each in mine), 3_500_000) for mine in attempts),
        "timings",
        NO_SET_UP,
        (),
    )
    tests_of = {test.nodeid: test for each in records if each.result for test in each.result.tests}
    findings = tuple(Finding(RED_TEST, f"failed: {test.why}", test.nodeid) for test in tests_of.values() if test.why)
    verdict = Verdict(
        shards,
        tuple(tests_of[nodeid] for nodeid in ids),
        Counter(test.outcome for test in tests_of.values()),
        findings,
        (),
        "",
    )
    changes = dict.fromkeys(ids[: tests // 100], "fixed")
    return RunRecord(name="tts", verdict=verdict, plan=plan, shards=tuple(records), changes=changes)
