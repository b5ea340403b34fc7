"""What a receipt says of coverage comes back as it was, and what it cannot say is refused by name."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof.measured import COVERAGE_RUN, PYTEST_COV, Measured, Wishes, from_json, to_json

NAMES = st.text(st.characters(exclude_characters="\0"), max_size=9)
WISHES = st.builds(
    Wishes,
    by=st.sampled_from([PYTEST_COV, COVERAGE_RUN]),
    config=NAMES,
    data_file=NAMES,
    source=st.none() | st.lists(NAMES).map(tuple),
    reports=st.lists(st.tuples(NAMES, NAMES)).map(tuple),
    fail_under=st.floats(-100, 100),
    precision=st.none() | st.integers(0, 9),
)
FULL = Measured(Wishes(), "/work", {"coverage/pytest-0": "0" * 64}, (1,))


@given(WISHES, st.lists(st.integers()).map(tuple))
def test_what_is_written_is_read(wishes: Wishes, lost: Any) -> None:
    measured = FULL._replace(wishes=wishes, lost=lost)

    assert measured == from_json(json.loads(json.dumps(to_json(measured))))


HOSTILE: Dict[str, Any] = {
    "files": {"../../etc/passwd": "0" * 64},
    "files ": {"coverage/..": "0" * 64},
    "files  ": {"coverage/a": "no digest"},
    "lost": [True],
    "root": 3,
    "wishes": {},
    "wishes ": {**Wishes()._asdict(), "fail_under": float("nan")},
    "wishes  ": {**Wishes()._asdict(), "reports": [["html"]]},
    "wishes   ": {**Wishes()._asdict(), "precision": 10**9},
    "wishes    ": {**Wishes()._asdict(), "by": "guessing"},
    "wishes     ": {**Wishes()._asdict(), "source": "calc"},
    "wishes      ": {**Wishes()._asdict(), "config": "x" * 5000},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_it_cannot_say_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="coverage: "):
        from_json({**to_json(FULL), name.strip(): HOSTILE[name]})


@pytest.mark.parametrize("data", [None, [], {}, {"wishes": None}])
def test_what_is_no_such_object_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match="coverage: "):
        from_json(data)
