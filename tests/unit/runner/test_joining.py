"""Reports of several shards become the one that plain pytest would have made."""

from __future__ import annotations

import json
from typing import Any, List

import pytest

from scripts.runner import joining


def joined(*reports: object) -> Any:
    text = joining.reports([json.dumps(each).encode() for each in reports])
    return None if text is None else json.loads(text)


def test_lists_are_one_list() -> None:
    assert [1, 2, 3] == joined([1], [2, 3])


def test_a_json_report_counts_the_tests_of_all_and_what_was_collected_once() -> None:
    shards = [
        {"created": 9 - passed, "exitcode": passed - 1, "duration": 1.5, "tests": [{}] * passed} for passed in (1, 2)
    ]
    for shard, passed in zip(shards, (1, 2)):
        shard["summary"] = {"passed": passed, "total": passed, "collected": 3, "deselected": 3 - passed}

    found = joined(*shards)

    assert {"passed": 3, "total": 3, "collected": 3} == found["summary"]
    assert (7, 1, 3.0, 3) == (found["created"], found["exitcode"], found["duration"], len(found["tests"]))


def test_a_ctrf_report_begins_with_the_first_and_ends_with_the_last() -> None:
    shards = [
        {"results": {"summary": {"tests": 1, "start": start, "stop": start + 5}, "tests": [start]}} for start in (4, 2)
    ]

    assert {"summary": {"tests": 2, "start": 2, "stop": 9}, "tests": [4, 2]} == joined(*shards)["results"]


def test_benchmarks_are_those_of_all() -> None:
    assert [1, 2] == joined(*({"machine_info": {}, "benchmarks": [each]} for each in (1, 2)))["benchmarks"]


@pytest.mark.parametrize("reports", [[], [{}], [[1], {}], [{"created": 1}], [{"results": 1}, {"results": {}}]])
def test_what_has_another_form_is_not_joined(reports: List[object]) -> None:
    assert None is joined(*reports)


def test_what_is_damaged_is_not_joined() -> None:
    assert None is joining.reports([b"[1]", b"[1"])
    assert None is joining.objects([b"{}", b"[]"])
    assert None is joining.tables([b"a,b\n", b"b,a\n"])
