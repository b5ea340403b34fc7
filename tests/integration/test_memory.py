"""Memory stays flat under many requests: a slow leak ends a service at night (index-tts issue 630).

SERVICE_PID names the service's process; a service on another machine cannot be measured.
"""

from __future__ import annotations

import itertools
import os
from typing import List

import numpy as np
import psutil
import pytest

from tests.integration.service import Service

MIB = 2**20
TEXTS = ("一天。", "两年多。", "三月开花。", "四季都好看。")  # the same few: caches fill up early
WARM_UP, REQUESTS = 12, 120
SLOPE_LIMIT_MIB = 0.2  # measured: 0.001 a request


@pytest.fixture(scope="module")
def process() -> psutil.Process:
    pid = os.environ.get("SERVICE_PID")
    if not pid:
        pytest.skip("SERVICE_PID is not set: the service runs elsewhere, its memory is not visible")
    return psutil.Process(int(pid))


def resident_mib(process: psutil.Process) -> float:
    """Measure the memory of the process and all it started; what ends meanwhile has none."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MIB


@pytest.fixture(scope="module")
def soak(service: Service, process: psutil.Process) -> List[float]:
    """Measure the memory after each of many short requests, once warm."""
    for text in TEXTS * (WARM_UP // len(TEXTS)):
        service.say(text)
    readings = []
    for text in itertools.islice(itertools.cycle(TEXTS), REQUESTS):
        service.say(text)
        readings.append(resident_mib(process))
    return readings


def theil_sen_slope(values: List[float]) -> float:
    """Find the median slope over all pairs (Theil 1950, Sen 1968): single jumps do not move it."""
    pairs = itertools.combinations(enumerate(values), 2)
    return float(np.median([(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs]))


def test_memory_does_not_leak(soak: List[float]) -> None:
    # What loading freed is used first, 30 MiB and more: a leak may only show in the last requests.
    came = max(theil_sen_slope(soak), theil_sen_slope(soak[-len(soak) // 3 :]))

    assert came < SLOPE_LIMIT_MIB, (
        f"memory leak: expected less than {SLOPE_LIMIT_MIB} MiB a request, came {came:.3f} "
        f"({soak[0]:.0f} MiB after {WARM_UP} requests, {soak[-1]:.0f} after {len(soak)} more)"
    )


def test_memory_does_not_jump(soak: List[float]) -> None:
    came = max(soak) - soak[0]

    assert came < 100, (
        f"memory grew by {came:.0f} MiB within {len(soak)} requests (expected less than 100): "
        f"{[round(value) for value in soak]}"
    )


def test_a_long_text_gives_its_memory_back(service: Service, process: psutil.Process) -> None:
    long_text = "春天来了，山上的花都开了。" * 8
    service.say(long_text)
    once = resident_mib(process)
    for _ in range(2):
        service.say(long_text)
    came = resident_mib(process) - once

    # measured: 8, four for each thread that says its first long text
    assert came < 60, f"saying one long text three times keeps {came:.0f} MiB, expected below 60"
