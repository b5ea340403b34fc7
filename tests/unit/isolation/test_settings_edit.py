from __future__ import annotations

from typing import List, Optional, Tuple

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scripts.isolation.settings_edit import edited, missing, section

ITEMS = [("a.py::x", "b.py::y"), ("c.py::C",)]


@pytest.mark.parametrize(
    "before, after",
    [
        (
            "# why\nsuite:\n  path: tests  # where\n\n# the end\nnodes: 2\n",
            "# why\nsuite:\n  path: tests  # where\n  together:\n    - [a.py::x, b.py::y]\n    - c.py::C\n"
            "\n# the end\nnodes: 2\n",
        ),
        ("suite:\n    path: t", "suite:\n    path: t\n    together:\n      - [a.py::x, b.py::y]\n      - c.py::C\n"),
        ("suite: {path: t}  # mine\n", "suite: {path: t, together: [[a.py::x, b.py::y], c.py::C]}  # mine\n"),
        (
            "suite:\n  together:\n  - file  # all\n  path: t\n",
            "suite:\n  together:\n  - file  # all\n  - [a.py::x, b.py::y]\n  - c.py::C\n  path: t\n",
        ),
        (
            "suite:\n  together: [class]\n  path: t\n",
            "suite:\n  together: [class, [a.py::x, b.py::y], c.py::C]\n  path: t\n",
        ),
        ("suite: {together: [], path: t}", "suite: {together: [[a.py::x, b.py::y], c.py::C], path: t}"),
        (
            "suite:\r\n  path: t\r\n",
            "suite:\r\n  path: t\r\n  together:\r\n    - [a.py::x, b.py::y]\r\n    - c.py::C\r\n",
        ),
        (
            "suite:\n  path:\n    - a\n    - b  # last\n",
            "suite:\n  path:\n    - a\n    - b  # last\n  together:\n    - [a.py::x, b.py::y]\n    - c.py::C\n",
        ),
        (
            "suite:\n  together:\n    - - d.py\n      - e.py\n",
            "suite:\n  together:\n    - - d.py\n      - e.py\n    - [a.py::x, b.py::y]\n    - c.py::C\n",
        ),
    ],
)
def test_all_else_of_the_file_stays_as_it_is(before: str, after: str) -> None:
    assert after == edited(before, ITEMS)


@pytest.mark.parametrize(
    "text",
    [
        "nodes: 2\n",
        "suite:\n",
        "suite: tests\n",
        "suite:\n  together: file\n",
        "suite:\n  together:\n  path: t\n",
        "base: &b {path: t}\nsuite: *b\nother: *b\n",
        "suite: {path: t\n",
        "\tsuite: x",
        "",
    ],
)
def test_a_file_of_another_form_is_not_touched(text: str) -> None:
    assert edited(text, ITEMS) is None


def test_long_items_have_a_line_for_each_test() -> None:
    item = tuple(f"tests/integration/test_{name}.py::test_something_long" for name in "abc")

    assert section([item]).splitlines()[2:] == [
        "    - - tests/integration/test_a.py::test_something_long",
        "      - tests/integration/test_b.py::test_something_long",
        "      - tests/integration/test_c.py::test_something_long",
    ]


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4).map(
            tuple
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["suite:\n  path: t\n", "suite: {path: t}\n", "suite:\n  path: t\n  together:\n    - file\n"]),
)
def test_whatever_a_test_is_called_is_written_so_that_it_is_read_again(items: List[Tuple[str, ...]], text: str) -> None:
    changed: Optional[str] = edited(text, items)

    assert changed is not None
    written = yaml.safe_load(changed)["suite"]["together"][-len(items) :]
    assert [list(item) if len(item) > 1 else item[0] for item in items] == written


def test_what_the_file_has_already_is_not_written_again() -> None:
    assert [("c.py::C",)] == missing("suite:\n  together:\n    - [a.py::x, b.py::y]\n", ITEMS)
