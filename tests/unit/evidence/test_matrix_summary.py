from __future__ import annotations

from scripts.evidence.matrix_summary import markdown
from scripts.proof.legs import DAMAGED, Leg
from scripts.proof.matrix import compare
from tests.unit.proof.test_matrix import leg


def test_what_tests_and_machines_say_is_no_markup() -> None:
    ids = {"t.py::a[<b>|`]": "failed"}
    told = markdown(compare([leg("3.8", ids), Leg("3.9", DAMAGED, why="<script> of @me")], ["3.8", "3.9"]))

    assert told.splitlines() == [
        "## incomplete on Python 3.8, 3.9, of 2 Pythons",
        "",
        "| Python | tests | took | ended |",
        "| --- | --- | --- | --- |",
        "| 3.8 | 1 failed | 0.0 s | tests failed |",
        "| 3.9 | - | - | damaged |",
        "",
        r"- Python 3.9: \<script\> of \@me",
        "",
        "| 3.8 | test |",
        "| --- | --- |",
        r"| FAILED | ``t.py::a[<b>\|`]`` |",
    ]


def test_a_green_matrix_says_so_in_its_heading() -> None:
    assert markdown(compare([leg("3.8", {"a": "passed"})], ["3.8"])).startswith("## green on 1 Python\n")
