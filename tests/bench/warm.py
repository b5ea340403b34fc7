"""Part `warm`: what a run pays for weights that are here already: a look at their stamps, or a read through."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Iterator

from scripts.console import counted, say

from .measuring import Cost, Table, in_turns, load, low_median_high, measured, shardline
from .weights import GIB, check_room, manifest, written

FILES = 6
OPENSSL = "openssl dgst -sha256"


def tables(rounds: int, gib: float, folder: Path) -> Iterator[Table]:
    """Check weights of that size, in several files.

    Args:
        folder: where they go for a while.

    Raises:
        PipelineError: there is no room.
    """
    size_bytes = int(gib * GIB) // FILES * FILES
    check_room(folder, size_bytes)
    with tempfile.TemporaryDirectory(dir=str(folder)) as scratch:
        say(f"writing {gib:g} GiB ...")
        weights = Path(scratch, "weights")
        weights.mkdir()
        files = [written(weights / f"part-{number}.bin", size_bytes // FILES) for number in range(FILES)]
        new, known = (manifest(Path(scratch, name), files, "https://weights.invalid", "../weights") for name in "ab")
        measured(shardline("models", known))
        costs = in_turns(
            {
                OPENSSL: partial(measured, [*OPENSSL.split(), *(str(file.file) for file in files)]),
                "nox -s models, files never seen": partial(seen_first, new),
                "nox -s models, files that it knows": partial(measured, shardline("models", known)),
            },
            rounds,
        )
    rows = [
        (name, low_median_high([cost.wall_s for cost in each]), f"{min(cost.cpu_s for cost in each):.2f}")
        for name, each in costs.items()
    ]
    title = f"Check {gib:g} GiB of weights in {FILES} files, {counted(rounds, 'round')}"
    yield Table(title, ("checked by", "s: least / median / most", "CPU, s"), rows, [f"{load().capitalize()}."])


def seen_first(settings: Path) -> Cost:
    """What a check costs where nothing is known about the files."""
    shutil.rmtree(str(settings.parent / ".pipeline"), ignore_errors=True)
    return measured(shardline("models", settings))
