from __future__ import annotations

import io
import math
from typing import List

import pytest
from rich.cells import cell_len
from rich.console import Console

from scripts.local import display
from scripts.local.display import ENDED, RUNS, WAITS, Board, Row, fitting, table

ROWS = [
    Row("shard 0", ENDED, tests=90, done=90, failed=2, spent_s=125, now="ended"),
    Row(
        "shard 1",
        RUNS,
        tests=91,
        done=41,
        spent_s=62,
        left_s=80,
        now="test_text[你好，世界，今天的天气真不错，我们去散步]",
    ),
    Row("shard 2", RUNS, tests=90, now="[bold]service: started[/bold]"),
    Row("shard 3", WAITS, tests=90, left_s=100, now="waits"),
    Row("all", RUNS, tests=361, done=131, failed=2, spent_s=187, left_s=180),
]


def drawn(columns: int) -> List[str]:
    console = Console(file=io.StringIO(), width=columns, color_system=None)
    with console.capture() as capture:
        console.print(table(ROWS, columns))
    return [line.rstrip() for line in capture.get().splitlines()]


def test_a_line_for_each_shard_tells_how_far_it_is() -> None:
    lines = drawn(100)

    assert ["tests", "failed", "time", "left"] == lines[0].split()
    assert ["shard 0", "shard 1", "shard 2", "shard 3", "all"] == [line[:7].rstrip() for line in lines[1:]]
    assert lines[1].endswith("90/90      2 2 min 05 s             ended")
    assert " 41/91      0 1 min 02 s ~1 min 20 s test_text[你好" in lines[2]
    assert lines[3].endswith("0/90      0      0.0 s             [bold]service: started[/bold]")
    assert lines[4].endswith("0/90      0                        waits")
    assert lines[5].endswith("131/361      2 3 min 07 s ~3 min 00 s")


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal_less_an_echoed_ctrl_c(columns: int) -> None:
    lines = drawn(columns)

    assert len(ROWS) + 1 == len(lines)
    assert max(map(cell_len, lines)) <= columns - 3


@pytest.mark.parametrize(
    "height, expected",
    [(9, [0, 1, 2, 3, 4]), (4, [1, 2, 3, 4]), (3, [1, 2, 4])],
)
def test_a_low_terminal_shows_what_runs(height: int, expected: List[int]) -> None:
    assert [ROWS[index] for index in expected] == fitting(ROWS, height)


def test_a_log_is_told_at_times_and_only_what_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Board()
    log.show(ROWS)
    silent = capsys.readouterr().out
    monkeypatch.setattr(display, "PLAIN_INTERVAL_S", -math.inf)
    log.show(ROWS)

    assert "" == silent
    assert capsys.readouterr().out == (
        "  shard 1: 41 of 91 tests, about 1 min 20 s still; shard 2: 0 of 90 tests; "
        "all: 131 of 361 tests, 2 failed, about 3 min 00 s still\n"
    )
