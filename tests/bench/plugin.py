"""Part `plugin`: what selecting and recording costs each test, against pytest without it."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from statistics import median
from typing import Dict, Iterator, NamedTuple, Sequence

from scripts.runner import channel, plugin_loader
from scripts.runner.answers import answers
from scripts.runner.plugin_loader import Order
from scripts.runner.selection import Selection

from .measuring import NO_PLUGINS, PYTEST, Cost, Table, in_turns, load, low_median_high, measured, project

PER_FILE = 100


class Size(NamedTuple):
    """A suite of tests that do nothing: how many, and how many characters each node id has."""

    tests: int
    id_characters: int


SIZES = (Size(10_000, 36), Size(27_000, 100))


def tables(rounds: int) -> Iterator[Table]:
    """Time whole runs with and without the plugin."""
    rows = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            project(Path(folder), "suite:\n  path: suite\n", sources(size))
            costs = in_turns(
                {
                    "without": partial(measured, [*PYTEST, "-q", "suite"], Path(folder), NO_PLUGINS),
                    "with": partial(with_plugin, Path(folder)),
                },
                rounds,
            )
        rows.append((str(size.tests), str(size.id_characters), *figures(costs["without"], costs["with"], size.tests)))
    header = ("tests", "characters of an id", "without, s", "with, s", "more a test, ms: least", "median", "CPU")
    notes = [f"Least / median / most of {rounds}; loaded as the runner does, the choice of tests included; {load()}."]
    yield Table("The pytest plugin", header, rows, notes)


def figures(without: Sequence[Cost], with_it: Sequence[Cost], tests: int) -> Iterator[str]:
    """Both runs' seconds, and how many ms more a test takes: of the best rounds, the medians, the least CPU."""
    walls_s = [[cost.wall_s for cost in each] for each in (without, with_it)]
    cpus_s = [[cost.cpu_s for cost in each] for each in (without, with_it)]
    yield from map(low_median_high, walls_s)
    for (less_s, more_s), pick in ((walls_s, min), (walls_s, median), (cpus_s, min)):
        yield f"{1000 * (pick(more_s) - pick(less_s)) / tests:.3f}"


def with_plugin(folder: Path) -> Cost:
    """A run as the runner starts it, for a shard that has all tests."""
    journal, nothing = folder / "journal.jsonl", str(folder / "nothing")
    journal.unlink(missing_ok=True)
    with channel.listening(answers(Selection("bench", 0, 1, nothing, nothing, "bench"))) as ask:
        environ = plugin_loader.variables(os.environ, folder / "plugin", Order(journal, "bench", ask=ask))
        return measured([*PYTEST, "-q", *plugin_loader.ARGUMENTS, "suite"], folder, {**environ, **NO_PLUGINS})


def sources(size: Size) -> Dict[str, str]:
    """The suite: content of its files by name."""
    files = -(-size.tests // PER_FILE)
    return {f"suite/test_{number:04}.py": source(size, number) for number in range(files)}


def source(size: Size, number: int) -> str:
    """A file with parametrised tests whose ids have the length that was asked for."""
    room = size.id_characters - len("suite/test_0000.py::test_it[]")
    count = min(PER_FILE, size.tests - PER_FILE * number)
    ids = [f"{each:x<{room}}" for each in range(count)]
    mark = f"@pytest.mark.parametrize('each', range({count}), ids={ids})"
    return f"import pytest\n\n\n{mark}\ndef test_it(each):\n    pass\n"
