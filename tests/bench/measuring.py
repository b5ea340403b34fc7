"""Run processes and measure them: contenders take turns, and what is shown says how far rounds differ."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, TypeVar

from scripts.console import say, table
from scripts.errors import PipelineError

ROOT = Path(__file__).parents[2]
LAST_CHARACTERS = 2000

PYTEST = [sys.executable, "-m", "pytest"]  # as a person runs it, in the Python that suites have under the runner
NO_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # of this project's own tools: hypothesis imports for a second

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """What a command took, its children included. `peak_bytes` is that of its largest process."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


@dataclass(frozen=True)
class Table:
    """What a part shows: a title, a table, and what has to be said about it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def show(self) -> None:
        """Print it."""
        say(f"\n{self.title}\n")
        for line in (*table(self.header, self.rows), *(["", *self.notes] if self.notes else [])):
            say(line)


def measured(words: Sequence[str], cwd: Path = ROOT, environ: Optional[Mapping[str, str]] = None) -> Cost:
    """Run a command to its end.

    Args:
        environ: variables beside those of this process.

    Raises:
        PipelineError: it failed; with the end of what it said.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, output = Path(folder, "cost.json"), Path(folder, "output")
        with output.open("wb") as sink:
            done = subprocess.run(
                [*meter(result), *words],
                cwd=str(cwd),
                env={**os.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            said = output.read_text(encoding="utf-8", errors="replace")[-LAST_CHARACTERS:]
            raise PipelineError(f"{' '.join(words)[:300]}: ended with {done.returncode}:\n{said}")
        return Cost(**json.loads(result.read_text(encoding="ascii")))


def meter(result: Path) -> List[str]:
    """The words before those of a command that write to a file what it took, as `Cost` has it."""
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("meter.py")), str(result)]


def in_turns(contenders: Mapping[str, Callable[[], T]], rounds: int) -> Dict[str, List[T]]:
    """What each contender gives in each round; every round starts with another one, since the first may be slower."""
    found: Dict[str, List[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in rotated(list(contenders), number):
            found[name].append(contenders[name]())
    return found


def rotated(names: Sequence[str], by: int) -> List[str]:
    """The names in their order, beginning at another place.

    >>> rotated(["a", "b", "c"], 1), rotated(["a", "b", "c"], 5)
    (['b', 'c', 'a'], ['c', 'a', 'b'])
    """
    start = by % len(names) if names else 0
    return [*names[start:], *names[:start]]


def low_median_high(values: Sequence[float], digits: int = 2) -> str:
    """The least, the median and the greatest of several rounds, as a cell of a table.

    >>> low_median_high([1.5, 1.0, 3.25])
    '1.00 / 1.50 / 3.25'
    """
    return " / ".join(f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))


def load() -> str:
    """How busy this machine is with other work: what a figure is worth depends on it."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def project(folder: Path, settings: str, files: Mapping[str, str]) -> Path:
    """Make a project in a new folder: its pipeline.yml.

    Args:
        files: content by name.
    """
    for name, text in {"pipeline.yml": settings, **files}.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder / "pipeline.yml"


def shardline(step: str, settings: Path, *arguments: str) -> List[str]:
    """The words of a step on a project."""
    return [sys.executable, "-m", "scripts", step, "--settings", str(settings), *arguments]


def pairs(values: Sequence[T]) -> Iterator[Tuple[T, T]]:
    """Each value and the next one.

    >>> list(pairs("abc"))
    [('a', 'b'), ('b', 'c')]
    """
    return zip(values, values[1:])
