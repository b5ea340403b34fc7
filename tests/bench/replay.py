"""Part `replay`: the suite that sharding is known to be hard on, run for real on several local nodes.

The suite is shaped like the one in the article that this project answers: 26 minutes of tests in files of 4 to
120 s, and one file with 20 % of everything. Here its tests sleep, for a fifth of the time. A run before this one
left its durations, with the noise of a real machine. Efficiency is what N nodes gain of what they could:

    serial / (N * the slowest shard's tests), serial = sum of the sleeps + one pytest process around them
"""

from __future__ import annotations

import math
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Sequence

from scripts.console import counted, say
from scripts.planning import history, timings
from scripts.proof import receipt
from scripts.proof.receipt import Receipt
from scripts.settings import Settings
from scripts.settings import load as load_settings
from scripts.system.machine import machine_class

from .measuring import NO_PLUGINS, PYTEST, Table, load, low_median_high, measured, project, shardline

TOTAL_S = 1560
LARGE_S = 312  # one file, 20 % of everything
SHORTEST_S, LONGEST_S = 4, 120  # the others
SCALE = 0.2
NOISE = 0.1  # sigma of the factor by which a test's duration differs between two runs
SEED = 26
TOTALS = (4, 8)

SETTINGS = "name: replay\nsuite:\n  path: suite\n"

Sleeps = Mapping[str, Sequence[float]]  # of each file, what its tests sleep, in s


class Run(NamedTuple):
    """One run on several nodes."""

    slowest_s: float  # the slowest shard's part for tests, its pytest process included
    tests_s: float  # what its tests alone took
    first_s: float  # from the command to the first test of any shard
    last_s: float  # from the command to the first test of the last shard
    total_s: float


def tables(rounds: int) -> Iterator[Table]:
    """Run the suite on 4 and on 8 nodes."""
    sleeps = suite(random.Random(SEED))
    with tempfile.TemporaryDirectory() as folder:
        serial_s = scheduled_s(sleeps) + around_s(Path(folder, "awake"), sleeps)
        rows = []
        for total in TOTALS:
            say(f"replay on {total} nodes, {counted(rounds, 'run')} ...")
            projects = [replayed(Path(folder, f"{total}-{number}"), sleeps, number) for number in range(rounds)]
            rows.append(row(total, serial_s, [run(each, total) for each in projects]))
    notes = [
        f"{sum(map(len, sleeps.values()))} tests in {len(sleeps)} files sleep {scheduled_s(sleeps):.0f} s.",
        f"Known from one run before, whose durations differ by a lognormal factor (sigma {NOISE:g}); {load()}.",
        f"Least / median / most of {counted(rounds, 'run')}; efficiency: {serial_s:.1f} s / (nodes * slowest shard).",
        f"All nodes start at once on {os.cpu_count()} cores; on machines of their own they do not wait for each other.",
        "The article measured 0.93 on 4 nodes, and found that 8 did not pay.",
    ]
    header = ("nodes", "efficiency", "slowest shard, s", "its tests", "first test after, s", "on the last node", "all")
    yield Table("Replay: 26 minutes of tests at a fifth of their time", header, rows, notes)


def suite(draw: random.Random) -> Dict[str, List[float]]:
    """The suite's files, and what each test sleeps; for one seed always the same."""
    rest_s, sizes = float(TOTAL_S - LARGE_S), [float(LARGE_S)]
    while rest_s > LONGEST_S:
        size_s = math.exp(draw.uniform(math.log(SHORTEST_S), math.log(LONGEST_S)))
        sizes.append(min(size_s, rest_s - SHORTEST_S))  # so that also the last file has its 4 s
        rest_s -= sizes[-1]
    return {f"test_{number:02}.py": tests(draw, size_s) for number, size_s in enumerate([*sizes, rest_s])}


def tests(draw: random.Random, size_s: float) -> List[float]:
    """Uneven tests that take the file's time together: about one for 6 s, and three at least."""
    weights = [draw.lognormvariate(0, 0.8) for _ in range(max(3, round(size_s / 6)))]
    return [round(SCALE * size_s * weight / sum(weights), 4) for weight in weights]


def scheduled_s(sleeps: Sleeps) -> float:
    """What all tests sleep together."""
    return sum(map(sum, sleeps.values()))


def around_s(folder: Path, sleeps: Sleeps) -> float:
    """What one pytest process takes for the same suite where no test sleeps; the best of three."""
    project(folder, SETTINGS, sources({file: [0.0 for _ in each] for file, each in sleeps.items()}))
    return min(measured([*PYTEST, "suite"], folder, NO_PLUGINS).wall_s for _ in range(3))


def replayed(folder: Path, sleeps: Sleeps, seed: int) -> Settings:
    """The project, with the durations that an earlier run left: for each seed others."""
    settings = load_settings(str(project(folder, SETTINGS, sources(sleeps))), {}, folder)
    draw = random.Random(seed)
    samples = [
        timings.Sample(f"suite/{file}::test_{number}", round(1000 * seconds * draw.lognormvariate(0, NOISE)))
        for file, each in sleeps.items()
        for number, seconds in enumerate(each)
    ]
    history.learn(settings, timings.learned(timings.Source(1, "before", 0, machine_class()), samples))
    return settings


def sources(sleeps: Sleeps) -> Dict[str, str]:
    """The suite's files: content by name."""
    return {
        f"suite/{file}": "import time\n"
        + "".join(f"\n\ndef test_{number}():\n    time.sleep({seconds})\n" for number, seconds in enumerate(each))
        for file, each in sleeps.items()
    }


def run(settings: Settings, total: int) -> Run:
    """Run the suite on so many nodes at once, and read what each shard wrote down."""
    began = time.time()
    words = shardline("integration", settings.file, "--nodes", str(total), "--at-once", str(total))
    cost = measured(words, environ=NO_PLUGINS)
    shards = [settings.reports / f"shard-{index}" for index in range(total)]
    receipts = [receipt.read(folder / receipt.FILE_NAME) for folder in shards]
    firsts_s = [_first_test(each) - began for each in receipts]
    slowest = max(receipts, key=lambda each: each.seconds["tests"])
    tests_s = sum(attempt.seconds for test in slowest.tests for attempt in test.attempts)
    return Run(slowest.seconds["tests"], tests_s, min(firsts_s), max(firsts_s), cost.wall_s)


def _first_test(result: Receipt) -> float:
    """Tell when the first test of a shard began, in seconds since 1970."""
    return result.began_s + min(attempt.at_s for test in result.tests for attempt in test.attempts)


def row(total: int, serial_s: float, runs: Sequence[Run]) -> Sequence[str]:
    """The figures of several runs on the same nodes."""
    return (
        str(total),
        low_median_high([serial_s / (total * each.slowest_s) for each in runs], 3),
        *(low_median_high(times, 1) for times in zip(*runs)),
    )
