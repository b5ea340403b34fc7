from __future__ import annotations

import doctest
import sys
from typing import List

import pytest

from scripts.errors import PipelineError
from tests.bench import measuring, server
from tests.bench.measuring import in_turns, measured

MEGABYTES = 1 << 20


@pytest.mark.parametrize("module", [measuring, server])
def test_the_examples_are_true(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]

    assert (0, True) == (failed, tried > 0)


def test_a_command_is_charged_for_its_own_memory_and_its_children_s() -> None:
    large = bytearray(200 * MEGABYTES)  # ours, which a child of this process would be charged for
    child = "import subprocess, sys; subprocess.call([sys.executable, '-c', 'bytearray(90 << 20)'])"

    cost = measured([sys.executable, "-c", child])

    assert 90 * MEGABYTES < cost.peak_bytes < len(large)
    assert 0 < cost.cpu_s
    assert 0 < cost.wall_s


def test_what_a_failed_command_said_is_told() -> None:
    with pytest.raises(PipelineError, match=r"(?s)ended with 3:.*no such luck"):
        measured([sys.executable, "-c", "print('no such luck'); raise SystemExit(3)"])


def test_a_command_that_a_signal_ended_has_failed() -> None:
    with pytest.raises(PipelineError, match="ended with"):
        measured([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])


def test_contenders_take_turns_at_being_first() -> None:
    order: List[str] = []

    def run(name: str) -> int:
        order.append(name)
        return len(order)

    found = in_turns({"a": lambda: run("a"), "b": lambda: run("b")}, 2)

    assert ["a", "b", "b", "a"] == order
    assert {"a": [1, 4], "b": [2, 3]} == found
