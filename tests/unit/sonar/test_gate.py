from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.sonar import gate
from scripts.sonar.gate import Condition, Gate


@pytest.mark.parametrize(
    "condition, row",
    [
        (Condition("coverage", "ERROR", "LT", "80", "79.996"), ("coverage", "79.996 %", "at least 80 %")),
        (Condition("new_violations", "ERROR", "GT", "0", "14"), ("violations on new code", "14", "at most 0")),
        (Condition("new_security_rating", "ERROR", "GT", "1", "4"), ("security rating on new code", "D", "A")),
        (Condition("reliability_rating", "ERROR", "GT", "2", "5"), ("reliability rating", "E", "at most B")),
        (Condition("open_issues", "ERROR", "GT", "", "17"), ("open issues", "17", "")),
        (Condition("new_coverage", "ERROR", "LT", "85"), ("coverage on new code", "not known", "at least 85 %")),
    ],
)
def test_a_failed_condition_says_what_is_and_what_should_be(condition: Condition, row: Any) -> None:
    assert [row] == gate.failed_rows(Gate("ERROR", (Condition("x", "OK"), condition)))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["task", "projectStatus", "status", "conditions", "metricKey", "x"]), inner, max_size=3
        )
    ),
    max_leaves=9,
)


@settings(max_examples=50, deadline=None)
@given(anything)
def test_whatever_a_server_answers_is_a_status_or_refused(answer: Any) -> None:
    for read in (gate.task_of, gate.gate_of):
        with suppress(ValueError):
            assert read(answer).status  # type: ignore[operator]
