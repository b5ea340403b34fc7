from __future__ import annotations

import io
import math
from typing import List, Set

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.theme import Theme

from scripts.console import COLOURS
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
    console = Console(file=io.StringIO(), width=columns, color_system=None, theme=Theme(COLOURS))
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


def colours_of_bar(row: Row) -> Set[str]:
    """The names of the colours in which a row's bar is drawn."""
    console = Console(file=io.StringIO(), width=100, color_system="256", force_terminal=True, theme=Theme(COLOURS))
    segments = console.render(table([row], 100))
    return {
        segment.style.color.name
        for segment in segments
        if segment.style and segment.style.color and set(segment.text) <= set("━╸╺")
    }


@pytest.mark.parametrize(
    "row, expected",
    [
        (Row("shard 0", RUNS, tests=90, done=41), {"dodger_blue1", "grey50"}),
        (Row("shard 0", RUNS, tests=90, done=41, failed=1), {"red3", "grey50"}),
        (Row("shard 0", WAITS, tests=90), {"grey50"}),
        (Row("shard 0", ENDED, tests=90, done=90), {"green4"}),
        (Row("shard 0", ENDED, tests=90, done=90, failed=1), {"red3"}),
        (Row("shard 0", ENDED, tests=90, done=41), {"red3", "grey50"}),
        (Row("shard 0", ENDED, tests=0), {"green4"}),
    ],
)
def test_a_bar_is_red_only_where_something_failed(row: Row, expected: Set[str]) -> None:
    assert expected == colours_of_bar(row)


@pytest.mark.parametrize("left_s, expected", [(80.0, ", about 1 min 20 s still"), (0.9, ""), (0.0, ""), (math.inf, "")])
def test_no_estimate_is_told_of_what_should_have_ended(left_s: float, expected: str) -> None:
    row = Row("shard 0", RUNS, tests=9, done=4, left_s=left_s)

    assert f"shard 0: 4 of 9 tests{expected}" == display.words(row)


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
