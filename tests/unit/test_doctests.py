"""The examples in the docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = sorted(
    ".".join(module.relative_to(ROOT).with_suffix("").parts)
    for folder in ("scripts", "tests/checks")
    for module in (ROOT / folder).rglob("*.py")
    if ">>> " in module.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(name))

    assert (0, True) == (failed, tried > 0)
