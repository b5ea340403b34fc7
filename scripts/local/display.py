"""What people see of shards while they run: a table that lives on a terminal, a line now and then in a log."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Iterator, List, NamedTuple, Sequence

from ..console import FAILURE, PLAIN_INTERVAL_S, clean, counted, human_seconds, is_terminal, say, terminal

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

WAITS, RUNS, ENDED = "waits", "runs", "ended"


LEAST_LEFT_S = 1.0  # what has less left was expected to have ended


class Row(NamedTuple):
    """One shard, or all of them together, and how far it has come; `left_s` is inf where nobody knows."""

    name: str
    stage: str
    tests: int
    done: int = 0
    failed: int = 0
    spent_s: float = 0.0
    left_s: float = math.inf
    now: str = ""


class Board:
    """The board of a log file: `say` what happens, `show` how far all shards have come as often as you like."""

    def __init__(self) -> None:
        self._spoke_at = time.monotonic()

    def say(self, line: str) -> None:
        """Tell what happened, in a line that stays."""
        say(line)

    def note(self, line: str) -> None:
        """Tell what a table would show."""
        say(line)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to others while the block runs."""
        yield

    def show(self, rows: Sequence[Row]) -> None:
        """Tell how far the shards have come, the last row being all together; at times."""
        if time.monotonic() - self._spoke_at > PLAIN_INTERVAL_S:
            say(f"  {'; '.join(words(row) for row in rows if row.stage == RUNS)}")
            self._spoke_at = time.monotonic()


class LiveBoard(Board):
    """The board of a terminal: a table below what is said. Nothing but `show` draws it, so there is no thread."""

    def __init__(self, live: Live) -> None:
        super().__init__()
        self._live = live

    def say(self, line: str) -> None:
        """Tell it above the table; long lines are left to the terminal, so that they can be copied whole."""
        self._live.console.print(clean(line), markup=False, highlight=False, soft_wrap=True)

    def note(self, line: str) -> None:
        """Say nothing: the table shows it."""

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to others while the block runs; the table comes below what they say."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def show(self, rows: Sequence[Row]) -> None:
        """Draw the table anew."""
        size = self._live.console.size
        self._live.update(table(fitting(rows, size.height - 2), size.width), refresh=True)


@contextmanager
def board() -> Iterator[Board]:
    """Open the board that suits standard output; a table stays as it was shown last."""
    if not is_terminal():
        yield Board()
        return
    from rich.live import Live

    with Live(console=terminal(), auto_refresh=False) as live:
        yield LiveBoard(live)


def words(row: Row) -> str:
    """Write a row in a line of a log.

    >>> words(Row("shard 0", RUNS, tests=90, done=41, failed=1, left_s=62))
    'shard 0: 41 of 90 tests, 1 failed, about 1 min 02 s still'
    """
    failed = f", {row.failed} failed" if row.failed else ""
    left = f", about {human_seconds(row.left_s)} still" if is_known(row.left_s) else ""
    return f"{row.name}: {row.done} of {counted(row.tests, 'test')}{failed}{left}"


def is_known(left_s: float) -> bool:
    """Tell whether there is an estimate worth a word: none is while tests take longer than they were expected to.

    >>> is_known(80.0), is_known(0.0), is_known(math.inf)
    (True, False, False)
    """
    return LEAST_LEFT_S <= left_s < math.inf


def fitting(rows: Sequence[Row], height: int) -> List[Row]:
    """Choose the rows that a terminal has room for: those that ended first go first, then those that wait longest."""
    too_many = len(rows) - height
    ended = [row for row in rows if row.stage == ENDED][: max(0, too_many)]
    waiting = [row for row in rows if row.stage == WAITS][::-1][: max(0, too_many - len(ended))]
    return [row for row in rows if row not in ended and row not in waiting]


def table(rows: Sequence[Row], columns: int) -> Table:
    """Draw a line for each row, no wider than the terminal: what a shard does now gets what is left."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 1))
    grid.width = columns - len("^C ")  # a terminal echoes Ctrl-C behind the last line, which must not wrap
    for title in ("", "", "tests", "failed", "time", "left"):
        grid.add_column(title, justify="right" if title else "left", no_wrap=True)
    grid.add_column("", no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_row("", "", "tests", "failed", "time", "left", "", style="dim")
    for row in rows:
        style = bar_style(row)
        width = max(2, min(20, (columns - 30) // 6))
        bar = ProgressBar(
            row.tests, row.done, width, complete_style=style or "bar.complete", finished_style=style or "bar.finished"
        )
        failed = Text(str(row.failed), style=FAILURE if row.failed else "dim")
        spent = "" if row.stage == WAITS else human_seconds(row.spent_s)
        left = f"~{human_seconds(row.left_s)}" if row.stage == RUNS and is_known(row.left_s) else ""
        grid.add_row(row.name, bar, f"{row.done}/{row.tests}", failed, spent, left, Text(row.now))
    return grid


def bar_style(row: Row) -> str:
    """Choose the colour of a bar that tells of failure, or '': tests failed, or it ended before all had run."""
    return FAILURE if row.failed or (row.stage == ENDED and row.done < row.tests) else ""
