"""What a receipt says of a service comes back as it was, and what it cannot say is refused by name."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.proof.watched import Breach, ServiceUse, breach_from_json, from_json, to_json

NUMBER = st.none() | st.integers(0) | st.floats(0, allow_infinity=False, allow_nan=False)
USES = st.builds(
    ServiceUse,
    **{name: NUMBER for name in ServiceUse._fields if name not in ("samples", "growth_bytes", "growth_per", "budgets")},
    samples=st.integers(0),
    growth_bytes=st.none() | st.floats(-1e9, 1e9),
    growth_per=st.sampled_from(["", "requests"]),
    budgets=st.dictionaries(st.sampled_from(["memory", "ready"]), st.floats(0, 1e9)),
)


@given(USES)
def test_what_is_written_is_read(use: ServiceUse) -> None:
    assert use == from_json(json.loads(json.dumps(to_json(use))))


def test_what_an_older_version_did_not_write_is_not_known() -> None:
    assert ServiceUse(memory_bytes=5) == from_json({"memory_bytes": 5})


HOSTILE: Dict[str, Any] = {
    "memory_bytes": True,
    "unique_bytes": -1,
    "gpu_bytes": "1 GB",
    "threads": float("inf"),
    "ready_s": float("nan"),
    "samples": 1.5,
    "samples ": 1,
    "growth_per": 3,
    "budgets": {"memory": None},
    "strange": 1,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_it_cannot_say_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        from_json({name: HOSTILE[name]})


@pytest.mark.parametrize("data", [None, {}, {"text": 1}, {**Breach("s", "memory", "x")._asdict(), "known": 1}])
def test_a_breach_is_read_whole_or_refused(data: Any) -> None:
    breach = Breach("service", "memory", "memory 5 GB", known=False)

    assert breach == breach_from_json(breach._asdict())
    with pytest.raises(ValueError, match="expected"):
        breach_from_json(data)
