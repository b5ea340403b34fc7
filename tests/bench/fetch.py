"""Part `fetch`: bring one large file from a server on this machine and prove it, against what people use."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Iterator, Sequence

from scripts.console import counted, say

from .fetchers import BASE, VARIABLES, Fetcher, available
from .measuring import Cost, Table, in_turns, load, low_median_high, measured
from .server import serving
from .weights import GIB, Weights, check_room, written


def tables(rounds: int, gib: float, folder: Path, python: str) -> Iterator[Table]:
    """Fetch a file of that size with each that is installed.

    Args:
        folder: where the file and its copies go for a while.
        python: the interpreter whose huggingface_hub, boto3 and pooch take part.

    Raises:
        PipelineError: there is no room, or one of them fails.
    """
    size_bytes = int(gib * GIB)
    check_room(folder, 3 * size_bytes)  # the file, a copy, and some make theirs from parts
    fetchers = available(python)
    with tempfile.TemporaryDirectory(dir=str(folder)) as scratch:
        source = Path(scratch, "source")
        source.mkdir()
        say(f"writing {gib:g} GiB ...")
        file = written(source / "weights.bin", size_bytes)
        with serving(source) as url:
            tried = {name: partial(fetched, each, Path(scratch), url, file) for name, each in fetchers.items()}
            costs = in_turns(tried, rounds)
    base_s = min(cost.wall_s for cost in costs[BASE])
    rows = [row(name, fetchers[name].proves, each, size_bytes, base_s) for name, each in costs.items()]
    notes = [
        "MB/s, ratio and CPU are of the best round, without the server; memory is that of the largest process.",
        f"Shardline's file is on the disk when it ends, as with fsync; the others' may not be. {load().capitalize()}.",
    ]
    header = ("fetched by", "proves", "s: least / median / most", "MB/s", f"by {BASE}", "CPU, s", "peak, MB")
    yield Table(f"Fetch {gib:g} GiB from this machine, {counted(rounds, 'round')}", header, rows, notes)


def fetched(fetcher: Fetcher, scratch: Path, url: str, file: Weights) -> Cost:
    """What it takes one of them, into an empty folder, with nothing of others left to be written to the disk."""
    os.sync()
    with tempfile.TemporaryDirectory(dir=str(scratch)) as to:
        return measured(fetcher.words(Path(to), url, file), environ=VARIABLES)


def row(name: str, proves: bool, costs: Sequence[Cost], size_bytes: int, base_s: float) -> Sequence[str]:
    """The figures of one of them."""
    walls_s = [cost.wall_s for cost in costs]
    return (
        name,
        "sha-256" if proves else "nothing",
        low_median_high(walls_s),
        f"{size_bytes / min(walls_s) / 1e6:.0f}",
        f"{min(walls_s) / base_s:.2f}",
        f"{min(cost.cpu_s for cost in costs):.2f}",
        f"{max(cost.peak_bytes for cost in costs) / 1e6:.0f}",
    )
