"""Part `runner`: what `nox -s shard` costs around a suite that needs neither packages, weights nor service."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Iterator

from .measuring import NO_PLUGINS, PYTEST, Table, in_turns, load, low_median_high, measured, project, shardline
from .plugin import Size, sources

FEW, MANY = 1, 5_000


def tables(rounds: int) -> Iterator[Table]:
    """Time the runner and plain pytest on a suite of one test, and on one of thousands."""
    rows, more = [], []
    for count in (FEW, MANY):
        with tempfile.TemporaryDirectory() as folder:
            settings = project(Path(folder), "suite:\n  path: suite\n", sources(Size(count, 36)))
            costs = in_turns(
                {
                    "pytest": partial(measured, [*PYTEST, "suite"], Path(folder), NO_PLUGINS),
                    "runner": partial(measured, shardline("shard", settings, "0", "1"), environ=NO_PLUGINS),
                },
                rounds,
            )
        walls_s = [[cost.wall_s for cost in costs[name]] for name in ("pytest", "runner")]
        cpus_s = [[cost.cpu_s for cost in costs[name]] for name in ("pytest", "runner")]
        more.append((median(walls_s[1]) - median(walls_s[0]), min(cpus_s[1]) - min(cpus_s[0])))
        rows.append((str(count), *map(low_median_high, walls_s), *(f"{each_s:.2f}" for each_s in more[-1])))
    wall_ms, cpu_ms = (1000 * (many_s - few_s) / (MANY - FEW) for few_s, many_s in zip(*more))
    notes = [
        f"{more[0][0]:.2f} s more for a shard, and {wall_ms:.3f} ms for a test ({cpu_ms:.3f} ms of CPU).",
        f"Least / median / most of {rounds}; more: of the medians, and of the least CPU; {load()}.",
    ]
    header = ("tests", "plain pytest, s", "shard 0 1, s", "more, s", "CPU, s")
    yield Table("The runner against plain pytest", header, rows, notes)
