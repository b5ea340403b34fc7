"""What /health promises is read as it is typed: a promise of another kind judges nothing."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from tests.integration.promises import Promises, read
from tests.integration.rules import MEASURED_VOICE

TOLD: Dict[str, Any] = {
    "sample_rate_hz": 24000,
    "languages": ["zh"],
    "emotions": ["neutral", "sad"],
    "longest_text": 1000,
    "repeatable": True,
    "real_time_factor": 2.0,
    "voice": MEASURED_VOICE,
    "most_waiting": 20,
}


def test_promises_are_read() -> None:
    assert Promises(24000, ("zh",), ("neutral", "sad"), 1000, True, 2.0, MEASURED_VOICE, 20) == read(TOLD)
    assert read({**TOLD, "more": None}) == read(TOLD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("repeatable", None),
        ("repeatable", 0),
        ("voice", None),
        ("voice", ""),
        ("real_time_factor", "2"),
        ("real_time_factor", True),
        ("longest_text", 10.5),
        ("emotions", "sad"),
        ("languages", [1]),
    ],
)
def test_a_promise_of_another_kind_is_none(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=name):
        read({**TOLD, name: value})


@pytest.mark.parametrize("name", TOLD)
def test_a_promise_that_is_missing_is_missed(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        read({key: value for key, value in TOLD.items() if key != name})
