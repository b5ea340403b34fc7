from __future__ import annotations

import json
import subprocess
import sys

import pytest

from scripts.errors import PipelineError
from tests.bench.answer import from_json
from tests.unit.steps import projects


def test_a_bench_asks_in_json() -> None:
    asked = {
        "durations": {"a.py::x": 0.0004, "a.py::y": 0.0002, "b.py::z": 0.0001},
        "tests": ["b.py::z", "a.py::x", "a.py::y"],
    }

    assert [["a.py::x"], ["a.py::y", "b.py::z"]] == json.loads(from_json(json.dumps({**asked, "total": 2})))


def test_a_bench_may_give_the_cost_of_a_file() -> None:
    asked = {"durations": {"a.py::x": 3, "a.py::y": 3}, "tests": ["a.py::x", "a.py::y"], "total": 2, "setup_s": 20}

    assert [["a.py::x"], ["a.py::y"]] == json.loads(from_json(json.dumps(asked)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"durations": [], "tests": [], "total": 1}',
        '{"durations": {}, "tests": "a", "total": 1}',
        '{"durations": {}, "tests": [1], "total": 1}',
        '{"durations": {"a": "x"}, "tests": [], "total": 1}',
        '{"durations": {"a": NaN}, "tests": [], "total": 1}',
        '{"durations": {}, "tests": []}',
    ],
)
def test_a_bench_that_asks_wrongly_is_told_the_form(text: str) -> None:
    with pytest.raises(PipelineError, match=r"expected \{"):
        from_json(text)


def test_a_bench_is_answered_in_json() -> None:
    asked = {"durations": {"a.py::x": 3, "b.py::x": 2, "c.py::x": 1}, "tests": ["a.py::x", "b.py::x", "c.py::x"]}
    words = [sys.executable, "-m", "tests.bench.answer"]

    answer = subprocess.check_output(words, input=json.dumps({**asked, "total": 2}).encode(), cwd=str(projects.ROOT))

    assert [["a.py::x"], ["b.py::x", "c.py::x"]] == json.loads(answer)
